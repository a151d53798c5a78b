#include "data/classification_reading.h"

#include <utility>

#include "core/error.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr int highest_score = 5;  // of STS-B

float parse_score(std::string_view text, const std::string& where) {
  const std::optional<float> score = label_as_number(text);
  check(score && *score >= 0 && *score <= highest_score,
        "{}: found the score '{}': expected a number from 0 to {}", where, text, highest_score);
  return *score;
}

}  // namespace

void ClassificationReading::add(ClassificationText text, bool labelled) {
  if (data.texts.empty()) data.labelled = labelled;
  text.label = without_outer_blanks(text.label);
  check(!labelled || !text.label.empty(), "{}:{}: the label is empty", data.path, text.line);
  for (const auto& [spelling, label] : data.form->spellings) {
    if (text.label == spelling) text.label = label;
  }
  if (labelled && data.form->scores)
    text.score = parse_score(text.label, fmt::format("{}:{}", data.path, text.line));
  data.texts.push_back(std::move(text));
}

}  // namespace gradus
