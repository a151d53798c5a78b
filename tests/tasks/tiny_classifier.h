// Tiny tasks for run_classifier: a dozen texts with classes, pairs of them, texts with scores, and a vocabulary for
// them.
#pragma once

#include "tests/tasks/tiny_task.h"

namespace gradus {

// Two columns: a text, and pos or neg.
extern const std::string classified_texts;
// Three columns: a thing, what is said of it, and like or other.
extern const std::string classified_pairs;
// Two columns: a text, and how often it says good, less how often bad.
extern const std::string scored_texts;
// A table: a text, and any of good, bad, film and book. What models of it are trained with.
extern const std::string labelled_texts;
extern const Words several_labels;

class TinyClassifier : public TinyTask {
 public:
  TinyClassifier();

  // Trains a model of hidden size 64, which gets less stuck, until the data are known by heart, and returns the
  // folder of the best checkpoint.
  std::string train_well(const Words& more = {}) const;
  // Trains for one step and returns the folder of the best checkpoint.
  std::string train_best(const Words& more = {}) const;
  // The same on labelled_texts, with thresholds by which bad and film hold, book and good never. The folder is
  // beside that of the other models.
  std::string train_labels() const;
};

}  // namespace gradus
