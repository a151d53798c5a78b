#include "tasks/metrics/cmrc_scores.h"

#include <algorithm>

#include "tasks/metrics/nltk_words.h"
#include "tasks/text/python_text.h"

namespace gradus {

namespace {

using Segments = std::vector<std::u32string>;

// The program's list: other punctuation counts.
bool is_punctuation(char32_t code) {
  constexpr std::u32string_view ascii = U"-:_*^/\\~`+=", others = U"，。：？！“”；’《》·、「」（）－～『』";
  return (code < 0x80 ? ascii : others).find(code) != std::u32string_view::npos;
}

bool is_chinese(char32_t code) { return code >= 0x4E00 && code <= 0x9FA5; }

// Lower-cased, without blanks at its ends and without punctuation.
std::u32string clean(std::string_view answer) {
  std::u32string text = python_lower(decode(answer));
  const auto first = std::find_if_not(text.begin(), text.end(), is_python_space);
  text.erase(text.begin(), first);
  while (!text.empty() && is_python_space(text.back())) text.pop_back();
  std::erase_if(text, is_punctuation);
  return text;
}

Segments segments_of(const std::u32string& text) {
  Segments segments;
  const auto add_words = [&](size_t begin, size_t end) {
    std::ranges::move(nltk_words(text.substr(begin, end - begin)), std::back_inserter(segments));
  };
  size_t begin = 0;  // of what is not Chinese
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_chinese(text[i])) continue;
    add_words(begin, i);
    segments.emplace_back(1, text[i]);
    begin = i + 1;
  }
  add_words(begin, text.size());
  return segments;
}

// The length of the longest run of segments that both have.
size_t longest_common(const Segments& a, const Segments& b) {
  std::vector<size_t> ending(b.size() +
                             1);  // the run's length that ends before this place of b and at the place in a
  size_t longest = 0;
  for (const std::u32string& segment : a) {
    for (size_t j = b.size(); j > 0; --j) {
      ending[j] = segment == b[j - 1] ? ending[j - 1] + 1 : 0;
      longest = std::max(longest, ending[j]);
    }
  }
  return longest;
}

double f1(const Segments& predicted, const Segments& gold) {
  const size_t common = longest_common(gold, predicted);
  if (common == 0) return 0;
  const double precision = static_cast<double>(common) / static_cast<double>(predicted.size());
  const double recall = static_cast<double>(common) / static_cast<double>(gold.size());
  return 2 * precision * recall / (precision + recall);
}

}  // namespace

std::vector<std::string> cmrc_segments(std::string_view text) {
  std::vector<std::string> segments;
  for (const std::u32string& segment : segments_of(clean(text))) segments.push_back(encode(segment));
  return segments;
}

AnswerScore score_cmrc_answer(const SquadQuestion& question, const std::string& predicted) {
  const std::u32string text = clean(predicted);
  const Segments segments = segments_of(text);
  AnswerScore best;
  for (const SquadAnswer& answer : question.answers) {
    const std::u32string gold = clean(answer.text);
    if (gold == text) best.exact = 1;
    best.f1 = std::max(best.f1, f1(segments, segments_of(gold)));
  }
  return best;
}

CmrcScores score_cmrc(const SquadData& data, const AnswerTexts& predictions) {
  CmrcScores scores;
  scores.total = static_cast<int64_t>(data.questions.size());
  double sum_exact = 0, sum_f1 = 0;
  for (const SquadQuestion& question : data.questions) {
    const auto found = predictions.find(question.id);
    if (found == predictions.end()) {
      scores.unanswered.push_back(question.id);
      continue;
    }
    const AnswerScore score = score_cmrc_answer(question, found->second);
    sum_exact += score.exact;
    sum_f1 += score.f1;
  }
  if (scores.total == 0) return scores;
  scores.exact_match = 100 * sum_exact / static_cast<double>(scores.total);
  scores.f1 = 100 * sum_f1 / static_cast<double>(scores.total);
  return scores;
}

}  // namespace gradus
