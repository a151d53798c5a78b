// What a model answers, and what that is worth.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tasks/metrics/scores.h"
#include "tasks/metrics/squad_scores.h"
#include "tasks/model/batch_loop.h"
#include "tasks/squad/input.h"

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

struct SquadReport {
  Scores scores;     // percentages, "f1" first
  std::string text;  // what the scorer's program prints
  double windows_per_second = 0;
  std::vector<SquadPrediction> predictions;
};

// Scores one model on one set of questions, as often as its weights change.
class SquadEvaluation {
 public:
  // Keeps references to all but the method, "squad" or "cmrc". `tuned`: of version 2, the threshold that is best on
  // these questions becomes the system's with every run; otherwise the system's is applied.
  SquadEvaluation(const SquadAnswerer& answerer, SquadSystem& system, const SquadQuestions& questions,
                  std::string method, bool tuned);

  const SquadReport& run();
  // The same of predictions that were made elsewhere, for each of the questions and with no threshold applied.
  const SquadReport& judge(std::vector<SquadPrediction> predictions);
  // Of the last run; empty before the first.
  const std::optional<SquadReport>& latest() const { return latest_; }
  // The last run, one that is made now when there was none.
  const SquadReport& current() { return latest_ ? *latest_ : run(); }
  // What each answer of a run scores by itself.
  std::vector<AnswerScore> answer_scores(const SquadReport& report) const;
  // "no question is answered", when the last run gave nothing else although there are answers; otherwise empty.
  std::string remark() const;
  // The same with what may help.
  std::string warning() const;
  bool version_2() const { return answerer_.version_2(); }
  const SquadQuestions& questions() const { return questions_; }

 private:
  void score(SquadReport& report);
  void score_version_2(SquadReport& report);

  const SquadAnswerer& answerer_;
  SquadSystem& system_;
  const SquadQuestions& questions_;
  std::string method_;
  bool tuned_;
  std::optional<SquadReport> latest_;
};

}  // namespace gradus
