// The data of a run: text, records or the built-in sample, and the tags in it.
#pragma once

#include <optional>
#include <string>

#include "data/dataset.h"
#include "data/ner_features.h"
#include "data/ner_records.h"
#include "data/ner_text.h"
#include "data/vocab.h"
#include "data/word_rules.h"
#include "tasks/ner/options.h"
#include "tasks/ner/system.h"
#include "tasks/ner/tags.h"
#include "tasks/ner/training.h"

namespace gradus {

// What all sentences to train on say, of however many parts `data` is one.
struct NerLearned {
  TagStatistics tags;
  WordRuleLearner words;

  void add(const NerData& data) {
    tags.add(data);
    words.add(data.sentences);
  }
};

// One set of sentences. Those of records come as examples, the others are made into such by the tagger.
struct NerSet {
  NerData data;  // of more training data than are held in memory, the first part
  std::optional<NerExamples> examples = {};
  NerLearned learned = {};                      // from data to train on
  bool in_parts = false;                        // text of which there is more than `data`
  std::optional<NerRecordStream> records = {};  // all of them, to be read while training
  int64_t record_length = 0;                    // of the longest that was looked at
};

struct NerInputs {
  std::optional<NerSet> train, dev;
  std::optional<Vocab> vocab;  // the sample's
};

// Reads what the options name; of records nothing yet, because they need the tagger's labels and vocabulary. Files are taken to
// have the columns that the tagger was trained on, where nothing else is asked for.
NerInputs read_ner_inputs(const NerOptions& options, const NerColumnNames& trained_on = {});

// The tags of a new tagger: those of --label_file_path, or those of the training data. Records hold numbers: their tags
// are in label_list.txt beside them, where the generators write it. Throws Error when there is no such file.
LabelList ner_labels(const NerOptions& options, const NerInputs& inputs);

// Tells a new tagger how the data it learns from is cut. Then reads the records, when they are what the options name.
// What the readers warn of goes to `log`. Throws Error when records do not fit the tagger.
void complete_ner_inputs(const NerOptions& options, NerSystem& system, NerInputs& inputs, std::FILE* log);

// Gives the training all data that there are, and takes what of them is held in memory. Returns what they are, for the log.
std::string add_training_data(const NerOptions& options, const NerSystem& system, NerSet& set,
                              NerTraining& training);

}  // namespace gradus
