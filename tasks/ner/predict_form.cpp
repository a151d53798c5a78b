#include "tasks/ner/predict_form.h"

#include <algorithm>

#include "data/columns.h"
#include "data/ner_column_form.h"
#include "data/ner_text.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

std::vector<std::string_view> columns_of(std::string_view line) {
  std::vector<std::string_view> columns;
  split_columns(line, Separator::blanks, columns);
  return columns;
}

// Whether a line without blanks may be a word: a sentence in ideographs has none either.
bool is_word(std::string_view line) {
  const std::vector<std::string_view> characters = split_characters(line);
  return characters.size() == 1 || std::ranges::all_of(characters, [](std::string_view character) {
           size_t pos = 0;
           return decode_utf8(character, pos) < 0x2E80;
         });
}

// Whether each of the lines has as many columns, two at least, and a label in the last.
bool have_labels(const std::vector<std::string_view>& lines, const LabelList& labels) {
  const size_t columns = columns_of(lines.front()).size();
  bool in_entity = false;
  for (const std::string_view line : lines) {
    const std::vector<std::string_view> found = columns_of(line);
    if (found.size() != columns || columns < 2 || labels.find(found.back()) < 0) return false;
    in_entity |= found.back().size() > 2;
  }
  // "Jackie O" alone is a name.
  return lines.size() > 1 || in_entity;
}

}  // namespace

std::string_view name_of(PredictForm form) {
  switch (form) {
    case PredictForm::text:
      return "text";
    case PredictForm::words:
      return "words";
    case PredictForm::columns:
      return "columns";
    case PredictForm::jsonl:
      return "jsonl";
    case PredictForm::table:
      return "table";
  }
  return "";
}

std::optional<PredictForm> parse_predict_form(std::string_view name) {
  for (const PredictForm form : {PredictForm::text, PredictForm::words, PredictForm::columns,
                                 PredictForm::jsonl, PredictForm::table}) {
    if (name == name_of(form)) return form;
  }
  return std::nullopt;
}

GuessedForm guess_form(const std::vector<std::string>& lines, const LabelList& labels) {
  std::vector<std::string_view> words;  // lines that are neither blank nor part documents
  bool has_blank = false, has_document = false;
  for (const std::string& line : lines) {
    if (trimmed(line).empty()) has_blank |= !words.empty();
    else if (ends_sentence(line)) has_document = true;
    else if (!line.starts_with("# ")) words.push_back(line);  // else a remark, or of few
  }
  if (words.empty()) return has_document ? GuessedForm{PredictForm::columns, "-DOCSTART-"} : GuessedForm{};
  const std::string first(words.front());
  if (looks_like_json(first)) return {PredictForm::jsonl, first};
  if (has_document || have_labels(words, labels)) return {PredictForm::columns, first};
  const bool one_word_each =
      std::ranges::all_of(words, [](auto line) { return columns_of(line).size() == 1 && is_word(line); });
  if (has_blank && words.size() > 1 && one_word_each) return {PredictForm::columns, first};
  return {PredictForm::text};
}

}  // namespace gradus
