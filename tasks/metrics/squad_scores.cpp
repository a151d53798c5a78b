#include "tasks/metrics/squad_scores.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.h"
#include "tasks/text/python_text.h"

namespace gradus {

namespace {

using Words = std::vector<std::u32string>;

bool is_punctuation(char32_t code) {
  return (code > 0x20 && code < 0x7F) && !(code >= '0' && code <= '9') && !(code >= 'A' && code <= 'Z') &&
         !(code >= 'a' && code <= 'z');
}

bool is_article(std::u32string_view word) { return word == U"a" || word == U"an" || word == U"the"; }

// The words that are compared. An article is a whole run of letters and numbers: the "a" before an accent is one.
Words words_of(std::string_view answer) {
  std::u32string text = python_lower(decode(answer));
  std::erase_if(text, is_punctuation);
  Words words(1);
  for (size_t at = 0; at < text.size();) {
    const auto end = std::find_if_not(text.begin() + static_cast<ptrdiff_t>(at), text.end(), is_python_word);
    const auto length = static_cast<size_t>(end - text.begin()) - at;
    const std::u32string_view run(text.data() + at, length);
    at += length;
    if (is_article(run)) words.emplace_back();
    else words.back() += run;
    if (at == text.size()) break;
    if (is_python_space(text[at])) words.emplace_back();
    else words.back() += text[at];
    ++at;
  }
  std::erase(words, U"");
  return words;
}

// `of_empty`: the F1 of two answers of no words. Of one that has words and one that hasn't it is 0.
AnswerScore compare(const Words& predicted, const Words& gold, double of_empty) {
  AnswerScore score{predicted == gold ? 1.0 : 0.0, 0};
  std::map<std::u32string_view, int64_t> counts;
  for (const std::u32string& word : gold) ++counts[word];
  int64_t common = 0;
  for (const std::u32string& word : predicted) {
    const auto count = counts.find(word);
    if (count != counts.end() && count->second-- > 0) ++common;
  }
  if (predicted.empty() && gold.empty()) score.f1 = of_empty;
  if (common == 0) return score;
  const double precision = static_cast<double>(common) / static_cast<double>(predicted.size());
  const double recall = static_cast<double>(common) / static_cast<double>(gold.size());
  score.f1 = 2 * precision * recall / (precision + recall);
  return score;
}

AnswerScore best_score(const std::string& predicted, const std::vector<Words>& golds, double of_empty) {
  const Words words = words_of(predicted);
  AnswerScore best;
  for (const Words& gold : golds) {
    const AnswerScore score = compare(words, gold, of_empty);
    best = {std::max(best.exact, score.exact), std::max(best.f1, score.f1)};
  }
  return best;
}

std::vector<Words> golds_of(const SquadQuestion& question) {
  std::vector<Words> golds;
  for (const SquadAnswer& answer : question.answers) golds.push_back(words_of(answer.text));
  return golds;
}

double percent(double sum, int64_t total) { return total == 0 ? 0 : 100 * sum / static_cast<double>(total); }

// A question of version 2 that has a prediction.
struct Scored {
  const SquadQuestion* question;
  const std::string* predicted;
  AnswerScore score;

  bool has_answer() const { return !question->answers.empty(); }
};

// Over questions in the data's order.
class Mean {
 public:
  void add(const AnswerScore& score) {
    exact_ += score.exact;
    f1_ += score.f1;
    ++total_;
  }
  SquadV2Scores::Part part() const { return {percent(exact_, total_), percent(f1_, total_), total_}; }

 private:
  double exact_ = 0, f1_ = 0;
  int64_t total_ = 0;
};

// At first every question is predicted to have no answer. Then, in the order of their odds, each gets its prediction.
BestThreshold find_best(const std::unordered_map<std::string_view, Scored>& scored, const NullOdds& odds,
                        int64_t without_answer, int64_t total, double AnswerScore::*score) {
  std::vector<size_t> order(odds.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return odds[i].second; });
  auto sum = static_cast<double>(without_answer);
  BestThreshold best{sum, 0};
  for (const size_t i : order) {
    const auto found = scored.find(odds[i].first);
    if (found == scored.end()) continue;
    const Scored& question = found->second;
    if (question.has_answer()) sum += question.score.*score;
    else if (!question.predicted->empty()) sum -= 1;
    if (sum > best.score) best = {sum, odds[i].second};
  }
  best.score = percent(best.score, total);
  return best;
}

}  // namespace

std::string normalize_answer(std::string_view text) {
  std::string normal;
  for (const std::u32string& word : words_of(text)) {
    if (!normal.empty()) normal += ' ';
    normal += encode(word);
  }
  return normal;
}

AnswerScore score_squad_answer(const SquadQuestion& question, const std::string& predicted) {
  return best_score(predicted, golds_of(question), 0);
}

AnswerScore score_squad_v2_answer(const SquadQuestion& question, const std::string& predicted) {
  std::vector<Words> golds = golds_of(question);
  std::erase_if(golds, [](const Words& gold) { return gold.empty(); });
  if (golds.empty()) golds.emplace_back();
  return best_score(predicted, golds, 1);
}

SquadScores score_squad(const SquadData& data, const AnswerTexts& predictions) {
  SquadScores scores;
  double exact = 0, f1 = 0;
  for (const SquadQuestion& question : data.questions) {
    const auto predicted = predictions.find(question.id);
    if (predicted == predictions.end()) {
      scores.unanswered.push_back(question.id);
      continue;
    }
    const AnswerScore score = score_squad_answer(question, predicted->second);
    exact += score.exact;
    f1 += score.f1;
  }
  scores.total = static_cast<int64_t>(data.questions.size());
  scores.exact_match = percent(exact, scores.total);
  scores.f1 = percent(f1, scores.total);
  return scores;
}

std::string SquadScores::json() const {
  return fmt::format(R"({{"exact_match": {}, "f1": {}}})", python_float(exact_match), python_float(f1));
}

SquadV2Scores score_squad_v2(const SquadData& data, const AnswerTexts& predictions, const NullOdds& odds,
                             double threshold) {
  for (const auto& [id, value] : odds)
    check(!std::isnan(value), "[squad] the null odds of question '{}' are no number", id);
  const std::unordered_map<std::string_view, double> odds_of(odds.begin(), odds.end());
  std::unordered_map<std::string_view, Scored> scored;
  SquadV2Scores scores;
  Mean all, has_answer, no_answer;
  for (const SquadQuestion& question : data.questions) {
    AnswerScore score;
    const auto predicted = predictions.find(question.id);
    if (predicted == predictions.end()) {
      scores.unanswered.push_back(question.id);
    } else {
      score = score_squad_v2_answer(question, predicted->second);
      scored.emplace(question.id, Scored{&question, &predicted->second, score});
      const auto own_odds = odds_of.find(question.id);
      check(odds.empty() || own_odds != odds_of.end(),
            "[squad] question '{}' has a prediction, but no null odds", question.id);
      if ((odds.empty() ? 0 : own_odds->second) > threshold)
        score.exact = score.f1 = question.answers.empty() ? 1 : 0;
    }
    all.add(score);
    (question.answers.empty() ? no_answer : has_answer).add(score);
  }
  scores.all = all.part();
  if (has_answer.part().total > 0) scores.has_answer = has_answer.part();
  if (no_answer.part().total > 0) scores.no_answer = no_answer.part();
  if (odds.empty()) return scores;
  const int64_t without = no_answer.part().total;
  scores.best_exact = find_best(scored, odds, without, scores.all.total, &AnswerScore::exact);
  scores.best_f1 = find_best(scored, odds, without, scores.all.total, &AnswerScore::f1);
  return scores;
}

std::string SquadV2Scores::json() const {
  std::string lines;
  const auto add = [&](std::string_view name, const std::string& value) {
    lines += fmt::format("{}\n  \"{}\": {}", lines.empty() ? "{" : ",", name, value);
  };
  const auto add_part = [&](const std::string& prefix, const Part& part) {
    add(prefix + "exact", python_float(part.exact));
    add(prefix + "f1", python_float(part.f1));
    add(prefix + "total", fmt::format("{}", part.total));
  };
  const auto add_best = [&](const std::string& name, const BestThreshold& best) {
    add(name, python_float(best.score));
    add(name + "_thresh", python_float(best.threshold));
  };
  add_part("", all);
  if (has_answer) add_part("HasAns_", *has_answer);
  if (no_answer) add_part("NoAns_", *no_answer);
  if (best_exact) add_best("best_exact", *best_exact);
  if (best_f1) add_best("best_f1", *best_f1);
  return lines + "\n}";
}

}  // namespace gradus
