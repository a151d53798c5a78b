// What a tagger's predictions are worth.
#pragma once

#include <string>
#include <vector>

#include "data/ner_text.h"
#include "tasks/metrics/clue_benchmark.h"
#include "tasks/metrics/conlleval.h"
#include "tasks/ner/tagger.h"
#include "tasks/training/evaluation.h"

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

struct NerReport : EvaluationReport {
  std::vector<std::vector<int32_t>> predicted = {};  // the tag of each word of each sentence
};

class NerEvaluation final : public TaskEvaluation<std::vector<std::vector<int32_t>>, NerReport> {
 public:
  // Keeps references to all but the examples, which are those of the data, and the method.
  NerEvaluation(const NerTagger& tagger, const NerSystem& system, const NerData& data, NerExamples examples,
                std::string method);

  std::string data_description() const override { return examples_.counts.str(); }
  uint32_t checksum() const override;
  const NerData& data() const { return data_; }
  const LabelList& labels() const { return system_.labels(); }
  // Of the labels, as the method wants them read.
  TagReader reader() const { return system_.tag_reader(method_); }
  const std::string& method() const { return method_; }

 private:
  int64_t examples() const override { return std::ssize(data_.sentences); }
  std::vector<std::vector<int32_t>> compute() const override {
    return tagger_.predict(data_, examples_.examples);
  }
  NerReport report_on(std::vector<std::vector<int32_t>> predicted) override;

  const NerTagger& tagger_;
  const NerSystem& system_;
  const NerData& data_;
  std::string method_;
  NerExamples examples_;
};

}  // namespace gradus
