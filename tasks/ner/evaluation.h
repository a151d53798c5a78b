// What a tagger's predictions are worth.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/ner_text.h"
#include "tasks/metrics/clue_benchmark.h"
#include "tasks/metrics/conlleval.h"
#include "tasks/metrics/scores.h"
#include "tasks/ner/tagger.h"

namespace gradus {

// Scores of predicted tags against those of the data, by --assessment_method: "span", "span_strict", "BF1", "MF1",
// "accuracy" or "clue_benchmark". The first score is the one to choose a model by; all are percentages. `reader` reads
// the labels. `report` receives the text that the method's reference program prints.
Scores score_tags(const std::string& method, const NerData& data, const LabelList& labels,
                  const TagReader& reader, const std::vector<std::vector<int32_t>>& predicted,
                  std::string& report);

// What "span" and "span_strict" count, and "clue_benchmark".
ConllevalResult span_counts(const NerData& data, const LabelList& labels, const TagReader& reader,
                            const std::vector<std::vector<int32_t>>& predicted);
ClueBenchmark mention_counts(const NerData& data, const LabelList& labels, const TagReader& reader,
                             const std::vector<std::vector<int32_t>>& predicted);

struct NerReport {
  Scores scores;
  std::string text;                                  // what the method's reference program prints
  double sentences_per_second = 0;                   // tagged; cutting the text into pieces is not counted
  std::vector<std::vector<int32_t>> predicted = {};  // the tag of each word of each sentence
};

// Scores one tagger on one set of data, as often as its weights change.
class NerEvaluation {
 public:
  // Keeps references to all but the examples, which are those of the data, and the method.
  NerEvaluation(const NerTagger& tagger, const NerSystem& system, const NerData& data, NerExamples examples,
                std::string method);

  const NerReport& run();
  // Of the last run; empty before the first.
  const std::optional<NerReport>& latest() const { return latest_; }
  // The last run, one that is made now when there was none.
  const NerReport& current() { return latest_ ? *latest_ : run(); }
  const NerExamples& examples() const { return examples_; }
  const NerData& data() const { return data_; }
  const LabelList& labels() const { return system_.labels(); }
  // Of the labels, as the method wants them read.
  TagReader reader() const { return system_.tag_reader(method_); }
  const std::string& method() const { return method_; }

 private:
  const NerTagger& tagger_;
  const NerSystem& system_;
  const NerData& data_;
  std::string method_;
  NerExamples examples_;
  std::optional<NerReport> latest_;
};

}  // namespace gradus
