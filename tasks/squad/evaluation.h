// What a model answers, and what that is worth.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tasks/metrics/squad_scores.h"
#include "tasks/model/batch_loop.h"
#include "tasks/squad/input.h"
#include "tasks/training/evaluation.h"

namespace gradus {

// Answers questions with an allocated system.
class SquadAnswerer {
 public:
  // `version_2`: a text may not have the answer.
  SquadAnswerer(Backend& backend, const SquadSystem& system, const SquadDriverOptions& options,
                bool version_2);

  // The best answers to each question, in their order, "empty" where the text has none. Whether no answer is better is
  // left to apply_threshold. Throws Error naming the question when the model's numbers are not finite.
  std::vector<SquadPrediction> run(const SquadQuestions& questions) const;
  bool version_2() const { return version_2_; }

  // The two steps of run(). The start and the end logits of a window's tokens, of the questions of anybody; this alone computes on the
  // device.
  struct Logits {
    std::vector<float> start, end;
  };
  std::vector<Logits> logits(const std::vector<SquadFeature>& features) const;
  // Answers by the logits of the first windows, or of all. Any thread may ask.
  std::vector<SquadPrediction> predictions(const SquadQuestions& questions,
                                           std::span<const Logits> logits) const;

 private:
  Backend& backend_;
  const SquadSystem& system_;
  const SquadDriverOptions& options_;
  bool version_2_;
  BatchLoop loop_;
};

// Answers "" where no answer is better than the best one by more than `threshold`.
void apply_threshold(std::vector<SquadPrediction>& predictions, double threshold);

// Predictions with the ids of their questions.
SquadPredictions with_ids(const SquadData& data, std::vector<SquadPrediction> predictions);

// Whether most letters of the texts are Chinese.
bool is_chinese(const SquadData& data);

// The scorer for questions: that of the options, or the one for the language of the texts. Throws Error when it knows no questions
// without an answer and there are such (`version_2`).
std::string method_for(const SquadDriverOptions& options, const SquadData& data, bool version_2);

// Its scores are percentages, "f1" first.
struct SquadReport : EvaluationReport {
  std::vector<SquadPrediction> predictions;
};

// Its outputs are predictions for each of the questions with no threshold applied.
class SquadEvaluation final : public TaskEvaluation<std::vector<SquadPrediction>, SquadReport> {
 public:
  // Keeps references to all but the method, "squad" or "cmrc". `tuned`: of version 2, the threshold that is best on
  // these questions becomes the system's with every run; otherwise the system's is applied.
  SquadEvaluation(const SquadAnswerer& answerer, SquadSystem& system, const SquadQuestions& questions,
                  std::string method, bool tuned);

  // What each answer of a run scores by itself.
  std::vector<AnswerScore> answer_scores(const SquadReport& report) const;
  // "no question is answered", when the last run gave nothing else although there are answers; otherwise empty.
  std::string remark() const override;
  std::string warning() const override;
  std::string data_description() const override { return questions_.description(); }
  uint32_t checksum() const override;
  bool version_2() const { return answerer_.version_2(); }
  const SquadQuestions& questions() const { return questions_; }

 private:
  int64_t examples() const override { return std::ssize(questions_.features()); }
  std::vector<SquadPrediction> compute() const override { return answerer_.run(questions_); }
  SquadReport report_on(std::vector<SquadPrediction> predictions) override;
  void score(SquadReport& report);
  void score_version_2(SquadReport& report);

  const SquadAnswerer& answerer_;
  SquadSystem& system_;
  const SquadQuestions& questions_;
  std::string method_;
  bool tuned_;
};

}  // namespace gradus
