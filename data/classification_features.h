// From texts, and pairs of them, to what a classifier takes: token ids, segments, and the label's id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/class_labels.h"
#include "data/classification_text.h"
#include "data/word_piece.h"

namespace gradus {

// One sequence of T tokens.
struct ClassificationExample {
  std::vector<int32_t> input_ids;    // [T]: [CLS] a [SEP], or [CLS] a [SEP] b [SEP]
  std::vector<int32_t> segment_ids;  // [T]: 0 up to the first [SEP], then 1
  int32_t label = -1;                // id of the class; -1 when there is none
  float score = 0;                   // of data with scores
  std::vector<int32_t> labels =
      {};  // of data with any number of labels: the ids of those that hold, in their order
};

// What had to be done to the text, for the log.
struct ClassificationCounts {
  int64_t examples = 0;
  int64_t pieces = 0;          // of whole texts, before anything is cut
  int64_t truncated = 0;       // examples of more pieces than fit
  int64_t dropped_pieces = 0;  // in these
  int64_t empty_texts = 0;     // texts that tokenize to nothing; of a pair each counts

  ClassificationCounts& operator+=(const ClassificationCounts& other);
  // "408 examples, 21593 pieces, ...": what is 0 is left out after the first two.
  std::string str() const;
};

struct ClassificationExamples {
  std::vector<ClassificationExample> examples;
  ClassificationCounts counts;
};

// Shortens two texts of a and b pieces together to at most `room`: the longer one loses its last piece, the
// second of equals, until they fit (_truncate_seq_pair of github.com/google-research/bert).
void truncate_pair(size_t& a, size_t& b, size_t room);

// Makes one example of each text, in order, of at most `seq_length` tokens with [CLS] and [SEP]; a text alone
// is cut at its end, a pair by truncate_pair. `labels` may be null when they don't matter (prediction)
// or are scores: the examples then have none. `done` is told after each example how many there are. Throws
// Error when seq_length leaves no room for a piece, and "path:line: ..." (ClassificationData::where) on a
// label that isn't in the list. Where labels have columns, each of the list has to have one.
ClassificationExamples make_classification_examples(const ClassificationData& data,
                                                    const Tokenizer& tokenizer, const ClassLabels* labels,
                                                    int32_t seq_length,
                                                    const std::function<void(size_t)>& done = {});

}  // namespace gradus
