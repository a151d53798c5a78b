// The data of a run: texts or records, and the labels in them.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "data/classification_features.h"
#include "data/classification_records.h"
#include "tasks/classifier/system.h"

namespace gradus {

class ClassifierTraining;

// One set of examples. Those of records have no text, and of text to train on they are made in the end.
struct ClassifierSet {
  std::string path;
  ClassificationData data;
  std::vector<ClassificationExample> examples;
  ClassificationCounts counts;
  std::optional<ClassificationRecordStream> records = {};  // all of them, to be read while training
  int64_t record_length = 0;                               // of the longest that was looked at

  // The text of an example, the two of a pair with " | " between; of records the pieces put together again.
  std::string text(size_t example, const Vocab& vocab) const;
  // "path:line" of an example, or "path: example N" of records.
  std::string where(size_t example) const;
};

struct ClassifierInputs {
  std::optional<ClassifierSet> train, dev;
};

// Reads the texts that the options name; of records nothing yet, because they need the classifier's labels and
// vocabulary. A table of one's own is taken to have the columns that the classifier was trained on, where it has them and
// nothing else is asked for. Of scores the labels are numbers: throws Error "path:line: ..." on one that is not.
ClassifierInputs read_classifier_texts(const ClassifierOptions& options, ProblemType problem,
                                       const ClassificationColumnNames& trained_on = {});

// The labels of a new classifier: those of --label_file_path, of the published data set, or those of the training
// data. Records hold numbers: their labels are in label_list.txt beside them, where the generators write it, or else
// they are called by their numbers, --num_class of them. Throws Error when the options contradict each other.
ClassLabels classifier_labels(const ClassifierOptions& options, const ClassifierInputs& inputs);

// Makes examples of the texts, or reads the records, and tells a new classifier what the data it learns from are
// like. What the readers warn of goes to `log`. Throws Error when the data do not fit the classifier.
void complete_classifier_inputs(const ClassifierOptions& options, ClassifierSystem& system,
                                ClassifierInputs& inputs, std::FILE* log);

// Gives the training all data that there are, and takes what of them is held in memory. Returns what they are, for the log.
// Throws Error "path:line: ..." on a label that the classifier doesn't have.
std::string add_training_data(const ClassifierOptions& options, const ClassifierSystem& system,
                              ClassifierSet& set, ClassifierTraining& training);

}  // namespace gradus
