// The data of a run: texts and their topics.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tasks/topic/system.h"

namespace gradus {

struct TopicText {
  std::string text, label;
  std::string where;  // "path:line", for messages
};

// A text as the model reads it.
struct TopicExample {
  std::vector<int32_t> input_ids;  // [CLS], the pieces, [SEP]
  int32_t label = -1;              // -1: to be predicted
  bool is_cut = false;             // there were more pieces than there was room for
};

struct TopicSet {
  std::string path;
  std::vector<TopicText> texts;
  std::vector<TopicExample> examples = {};
  int64_t pieces = 0, truncated = 0;

  // "12 texts, 75 pieces, 1 of them cut off"
  std::string description() const;
};

// Reads lines of a text, a tab and its topic; empty lines don't count. Throws Error "path:line: ..." on any other, and when
// there is none.
TopicSet read_topics(const std::string& path);
// The same of the files to train on.
TopicSet read_training_topics(const TopicOptions& options);

// The topics of --label_file_path, or else those of the training data in the order of the alphabet.
ClassLabels find_topics(const TopicOptions& options, const TopicSet& training);

// The pieces of a text, as many as there is room for.
TopicExample make_example(const TopicSystem& system, const std::string& text, int64_t seq_length);
// Makes the examples of a set. Throws Error "path:line: ..." on a topic that the model doesn't have.
void make_examples(const TopicSystem& system, int64_t seq_length, TopicSet& set);

}  // namespace gradus
