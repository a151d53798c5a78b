#include "data/classification_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "core/joined.h"
#include "data/classification_json.h"
#include "data/classification_table.h"
#include "data/table_rows.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

// Texts on which those who labelled them did not agree have the label "-" in sets like MNLI. Of a table of one's own it is
// told by the other labels.
void leave_out_disputed(ClassificationData& data) {
  if (data.several_labels) return;
  std::string_view disputed = data.form->disputed;
  const std::map<std::string, int64_t> counts = data.label_counts();
  if (data.form->is_own()) {
    const auto known = [](const auto& count) {
      return is_column_name(count.first, {"-", "entailment", "neutral", "contradiction"});
    };
    if (counts.size() > 1 && std::all_of(counts.begin(), counts.end(), known)) disputed = "-";
  }
  const auto found = counts.find(std::string(disputed));
  if (disputed.empty() || found == counts.end()) return;
  std::erase_if(data.texts, [&](const ClassificationText& text) { return text.label == disputed; });
  data.notes.push_back(fmt::format("{} with the label '{}' {} left out", counted(found->second, "text"),
                                   disputed, found->second == 1 ? "is" : "are"));
}

bool looks_like_json(std::string_view line) {
  line = trimmed(line);
  return line.starts_with('{') && line.ends_with('}') && trimmed(line.substr(1)).starts_with('"');
}

// What the file is: JSON lines where a form of tables is and the first line says so, as MultiNLI and XNLI are published in
// both; CSV where one's own is called so; else the form's own.
FormSyntax syntax_of(LineReader& reader, ClassificationData& data) {
  if (data.form->syntax != FormSyntax::tabs) return data.form->syntax;
  if (data.form->is_own() && is_called_csv(data.path)) return FormSyntax::spreadsheet;
  std::string_view first;
  if (!reader.next(first)) return FormSyntax::tabs;
  const bool is_json = looks_like_json(first);
  reader.unread();
  return is_json ? FormSyntax::json_lines : FormSyntax::tabs;
}

// Refuses two labels that look the same: their blanks differ, or what can't be seen.
void check_alike(const ClassificationData& data, const std::map<std::string, int64_t>& counts) {
  std::map<std::string, std::string> looks;
  for (const auto& [label, count] : counts) {
    const auto [other, is_new] = looks.emplace(with_plain_blanks(label), label);
    check(is_new, "{}: the labels '{}' and '{}' look the same: expected one of them", data.path,
          shown(other->second), shown(label));
  }
}

// Refuses what is probably no label, and labels that leave nothing to learn.
void check_labels(const ClassificationData& data, const std::map<std::string, int64_t>& counts) {
  const std::vector<ClassificationText>& texts = data.texts;
  if (data.several_labels) {
    check(!counts.empty(), "{}: no text has a label, and there is nothing to learn", data.path);
  } else {
    check(counts.size() > 1, "{}: there is one label, '{}', and nothing to tell it apart from", data.path,
          texts.front().label);
  }
  check_alike(data, counts);
  if (data.has_header) return;
  const auto once = std::count_if(counts.begin(), counts.end(), [](const auto& c) { return c.second == 1; });
  const std::vector<std::string> first = data.labels_of(0);
  check(once != 1 || first.size() != 1 || counts.at(first[0]) > 1 || counts.size() < 3,
        "{}: the label '{}' is nowhere else: if this is a header, call its columns text (or text_a and "
        "text_b) and label, or leave it out; if not, put such a header above",
        data.where(0), first.empty() ? "" : first[0]);
  check(
      texts.size() < 20 || counts.size() <= texts.size() / 2,
      "{}: {} texts have {} different labels: expected the label in the last column, or a header that tells "
      "which it is",
      data.path, texts.size(), counts.size());
}

}  // namespace

std::optional<float> label_as_number(std::string_view label) {
  double value = 0;  // numbers too small for a float are 0
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
  const auto number = static_cast<float>(value);
  if (error != std::errc() || end != label.data() + label.size() || !std::isfinite(number)) return {};
  return number;
}

void ClassificationData::append(ClassificationData other) {
  if (files.empty()) files.push_back(path);
  const auto is_pair = [](const ClassificationData& data) { return data.texts.front().text_b.has_value(); };
  const auto kind = [&](const ClassificationData& data) { return is_pair(data) ? "pairs" : "single texts"; };
  check(is_pair(*this) == is_pair(other), "{}: {}, but {} has {}", other.path, kind(other), files.front(),
        kind(*this));
  check(label_columns == other.label_columns, "{}: the labels {} have a column each, but in {} {}",
        other.path, joined(other.label_columns, ", "), files.front(), joined(label_columns, ", "));
  const auto file = static_cast<int32_t>(files.size());
  files.push_back(other.path);
  for (ClassificationText& text : other.texts) text.file = file;
  std::ranges::move(other.texts, std::back_inserter(texts));
  labelled = labelled && other.labelled;
  has_header = has_header && other.has_header;
}

std::string ClassificationData::where(size_t text) const {
  const std::string& file = files.empty() ? path : files[static_cast<size_t>(texts[text].file)];
  return fmt::format("{}:{}", file, texts[text].line);
}

std::map<std::string, int64_t> ClassificationData::label_counts() const {
  std::map<std::string, int64_t> counts;
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const std::string& label : labels_of(i)) ++counts[label];
  }
  return counts;
}

std::vector<std::string> ClassificationData::labels_of(size_t text) const {
  if (!labelled) return {};
  return several_labels ? texts[text].labels : std::vector{texts[text].label};
}

std::vector<std::string> ClassificationData::found_labels() const {
  if (!label_columns.empty()) return label_columns;
  const std::map<std::string, int64_t> counts = label_counts();
  check_labels(*this, counts);
  std::vector<std::string> names;
  std::vector<std::pair<int64_t, std::string>> numbers;
  for (const auto& [name, count] : counts) {
    names.push_back(name);
    int64_t value = 0;
    const char* last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data(), last, value);
    if (error == std::errc() && end == last) numbers.emplace_back(value, name);
  }
  if (numbers.size() < names.size()) return names;
  std::sort(numbers.begin(), numbers.end());
  for (size_t i = 0; i < names.size(); ++i) names[i] = numbers[i].second;
  return names;
}

std::string ClassificationData::log() const {
  constexpr size_t most_bytes = 100;
  std::string log;
  for (const std::string& note : notes) log += fmt::format("{}: {}\n", path, note);
  if (texts.empty()) return log;
  const ClassificationText& first = texts.front();
  log += fmt::format("{}: first example: '{}'", path, shown(first.text_a, most_bytes));
  if (first.text_b) log += fmt::format(" | '{}'", shown(*first.text_b, most_bytes));
  if (labelled && several_labels)
    log += fmt::format(", {} label{}{}", first.labels.size(), first.labels.size() == 1 ? "" : "s",
                       first.labels.empty() ? "" : ": " + shown_list(first.labels));
  else if (labelled) log += fmt::format(", label '{}'", shown(first.label, most_bytes));
  return log + "\n";
}

ClassificationData read_classification(const std::string& path, const ClassificationForm& form,
                                       ClassLabelUse use, const ClassificationColumns& columns,
                                       bool keep_rows) {
  ClassificationData data;
  data.path = path;
  data.form = &form;
  data.several_labels = columns.several_labels;
  LineReader reader(path);
  const FormSyntax syntax = syntax_of(reader, data);
  ClassificationReading reading{data, use, columns, keep_rows};
  if (syntax == FormSyntax::json_lines) read_json_texts(reader, reading);
  else read_table_texts(reader, syntax, reading);
  data.layout.has_mark = reader.has_mark();
  data.layout.ends_in_crlf = reader.ends_in_crlf();
  leave_out_disputed(data);
  if (data.texts.empty()) {
    std::string found;
    for (const std::string& note : data.notes) found += "; " + note;
    fail("{}: no text found: expected {}{}", path,
         syntax == FormSyntax::json_lines    ? "a JSON object a line"
         : syntax == FormSyntax::spreadsheet ? "rows of a table (CSV)"
                                             : "lines of columns with tabs between them",
         found);
  }
  return data;
}

bool is_classification_table(const std::string& path) {
  if (is_called_csv(path)) return true;
  if (!std::filesystem::is_regular_file(path)) return false;
  LineReader reader(path);
  std::string_view first;
  return reader.next_bytes(first) && looks_like_json(first);
}

}  // namespace gradus
