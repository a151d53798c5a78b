#include "data/classification_reading.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "core/counted.h"
#include "core/error.h"
#include "data/text_file.h"
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

bool OtherLanguages::leave_out(std::string_view language, const std::string& wanted,
                               const std::string& where) {
  constexpr size_t most = 1000;  // a column that is none must not fill the memory
  if (same_column_name(trimmed(language), wanted)) return false;
  const std::string name(language);
  check(rows_.size() < most || rows_.contains(name), "{}: found the language '{}', the {}th: expected fewer",
        where, shown(name), most + 1);
  ++rows_[name];
  return true;
}

void OtherLanguages::tell(ClassificationData& data, const std::string& wanted) const {
  if (rows_.empty()) return;
  int64_t rows = 0;
  std::vector<std::string_view> names;
  for (const auto& [name, count] : rows_) {
    rows += count;
    names.emplace_back(name);
  }
  check(!data.texts.empty(), "{}: no row has the language '{}': there are {}", data.path, wanted,
        shown_list(names));
  data.notes.push_back(fmt::format("{} left out: {}",
                                   counted(rows, "row of another language is", "rows of other languages are"),
                                   shown_list(names)));
}

std::vector<std::string> ClassificationReading::labels_of(std::string_view cell,
                                                          const std::string& where) const {
  std::vector<std::string> labels;
  if (without_outer_blanks(cell).empty()) return labels;
  for (size_t begin = 0; begin <= cell.size();) {
    const size_t end = std::min(cell.find(columns.label_separator, begin), cell.size());
    labels.emplace_back(without_outer_blanks(cell.substr(begin, end - begin)));
    check(!labels.back().empty(), "{}: an empty label in '{}': expected labels with '{}' between, or nothing",
          where, shown(cell), columns.label_separator);
    begin = end + 1;
  }
  return labels;
}

bool ClassificationReading::holds(std::string_view cell, const std::string& name, const std::string& where) {
  const std::string_view value = trimmed(cell);
  const bool is_one = value == "1" || same_ignoring_case(value, "true");
  check(is_one || value == "0" || same_ignoring_case(value, "false"),
        "{}: '{}' is '{}': expected 1 where the label holds, or 0", where, shown(name), shown(value));
  return is_one;
}

void ClassificationReading::add(ClassificationText text, bool labelled) {
  if (data.texts.empty()) data.labelled = labelled;
  if (columns.several_labels) {
    for (auto label = text.labels.begin(); label != text.labels.end(); ++label)
      check(std::find(text.labels.begin(), label, *label) == label, "{}:{}: the label '{}' is there twice",
            data.path, text.line, shown(*label));
    data.texts.push_back(std::move(text));
    return;
  }
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
