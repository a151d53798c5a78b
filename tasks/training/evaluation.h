// Scoring a model on one set of data, as often as its weights change: what all tasks do alike.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "tasks/log/phase.h"
#include "tasks/metrics/scores.h"
#include "tasks/training/numbers_checksum.h"

namespace gradus {

// What a model is worth. A task adds what its page and its files need.
struct EvaluationReport {
  Scores scores;                   // the one to choose a model by first: the larger the better
  std::string text;                // what the task's reference program prints
  double examples_per_second = 0;  // of the computing: neither the reading nor the scoring is counted
};

// An evaluation as the training and the drivers use it.
class Evaluation {
 public:
  Evaluation() = default;
  virtual ~Evaluation() = default;
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  // Scores the model as it is now.
  virtual const EvaluationReport& run() = 0;
  // The last run, one that is made now when there was none.
  virtual const EvaluationReport& current() = 0;

  // What the data are, in words: "408 examples, 21593 pieces".
  virtual std::string data_description() const = 0;
  // Tells the data from others (NumbersChecksum): a run that goes on is scored on the same.
  virtual uint32_t checksum() const = 0;
  // What the log says of the last run where it is worth nothing: "every prediction is 'x'"; otherwise empty.
  virtual std::string remark() const { return ""; }
  // The same with what may help.
  virtual std::string warning() const { return remark(); }
};

// One whose computing gives `Outputs`, of which the scorer makes a `Report`: an EvaluationReport, or what is derived from it.
template <typename Outputs, typename Report>
class TaskEvaluation : public Evaluation {
 public:
  const Report& run() final {
    const Phase phase("evaluating");
    const auto start = std::chrono::steady_clock::now();
    Outputs outputs = compute();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    judge(std::move(outputs)).examples_per_second = static_cast<double>(examples()) / seconds.count();
    return *latest_;
  }
  const Report& current() final { return latest_ ? *latest_ : run(); }
  // The same of outputs that were computed elsewhere.
  Report& judge(Outputs outputs) { return latest_.emplace(report_on(std::move(outputs))); }
  // Of the last run; empty before the first.
  const std::optional<Report>& latest() const { return latest_; }

 protected:
  // How many examples the rate counts.
  virtual int64_t examples() const = 0;
  // Runs the model on all of them.
  virtual Outputs compute() const = 0;
  // What that is worth.
  virtual Report report_on(Outputs outputs) = 0;

 private:
  std::optional<Report> latest_;
};

}  // namespace gradus
