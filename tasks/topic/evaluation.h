// What a model of topics predicts, and what that is worth.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tasks/model/batch_loop.h"
#include "tasks/topic/input.h"
#include "tasks/training/evaluation.h"

namespace gradus {

// Tells topics with an allocated system.
class TopicPredictor {
 public:
  TopicPredictor(Backend& backend, const TopicSystem& system, const TopicOptions& options);

  // The topic of each example. Throws Error, naming an example as `where` does, when the model's scores are no numbers.
  std::vector<int32_t> run(const std::vector<TopicExample>& examples,
                           const std::function<std::string(size_t)>& where) const;

 private:
  Backend& backend_;
  const TopicOptions& options_;
  size_t width_;  // topics
  BatchLoop loop_;
};

struct TopicReport : EvaluationReport {
  std::vector<int32_t> predicted;
};

class TopicEvaluation final : public TaskEvaluation<std::vector<int32_t>, TopicReport> {
 public:
  // Keeps references.
  TopicEvaluation(const TopicPredictor& predictor, const TopicSystem& system, const TopicSet& set)
      : predictor_(predictor), system_(system), set_(set) {}

  std::string data_description() const override { return set_.description(); }
  uint32_t checksum() const override;
  std::string remark() const override;

 private:
  int64_t examples() const override { return std::ssize(set_.examples); }
  std::vector<int32_t> compute() const override;
  TopicReport report_on(std::vector<int32_t> predicted) override;

  const TopicPredictor& predictor_;
  const TopicSystem& system_;
  const TopicSet& set_;
};

}  // namespace gradus
