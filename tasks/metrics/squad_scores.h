// The scorers of SQuAD, with the semantics of their Python programs: evaluate-v1.1.py (Rajpurkar et al. 2016,
// arXiv:1606.05250) and evaluate-v2.0.py (Rajpurkar et al. 2018, arXiv:1806.03822).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/squad_text.h"

namespace gradus {

// The answers predicted, by question id. Those to questions that the data doesn't have are not looked at.
using AnswerTexts = std::unordered_map<std::string, std::string>;

// What scores compare: lower case, without ASCII punctuation and the words "a", "an" and "the", with one space between
// words. Letters and blanks are Unicode's. Throws Error on invalid UTF-8.
std::string normalize_answer(std::string_view text);

// What one answer scores, as fractions: the best with an answer given.
struct AnswerScore {
  double exact = 0, f1 = 0;
};

// All scores are percentages. F1 is the mean over questions of the best F1 with an answer given: words in common,
// each as often as both have it. Without a prediction a question scores 0.
struct SquadScores {
  double exact_match = 0;  // questions where the answer equals one given, normalised
  double f1 = 0;
  int64_t total = 0;                    // questions
  std::vector<std::string> unanswered;  // ids of those without a prediction

  // {"exact_match": ..., "f1": ...}, as the program prints it
  std::string json() const;
};

// Version 1.1. A question without an answer given scores 0; the program stops there.
AnswerScore score_squad_answer(const SquadQuestion& question, const std::string& predicted);
SquadScores score_squad(const SquadData& data, const AnswerTexts& predictions);

// The odds, or the probability, that a question has no answer, by id. The order matters where they are equal.
using NullOdds = std::vector<std::pair<std::string, double>>;

// What to predict "" above, for the best score over all questions.
struct BestThreshold {
  double score = 0;  // percent
  double threshold = 0;
};

struct SquadV2Scores {
  struct Part {
    double exact = 0, f1 = 0;
    int64_t total = 0;
  };
  Part all;
  std::optional<Part> has_answer, no_answer;         // where there are such questions
  std::optional<BestThreshold> best_exact, best_f1;  // where there are odds
  std::vector<std::string> unanswered;

  // {"exact": ..., "f1": ..., "total": ..., "HasAns_exact": ...} on several lines, as the program prints it
  std::string json() const;
};

// Version 2.0. A question without an answer given has the answer "", and so has one that is predicted to have none:
// whose odds are above `threshold`; without any, odds are 0. A question without a prediction scores 0; the program
// stops there. Throws Error when there are odds, but none for a question that has a prediction, or one is not a
// number.
SquadV2Scores score_squad_v2(const SquadData& data, const AnswerTexts& predictions, const NullOdds& odds = {},
                             double threshold = 1);
// `predicted` is "" where the answer is that there is none.
AnswerScore score_squad_v2_answer(const SquadQuestion& question, const std::string& predicted);

}  // namespace gradus
