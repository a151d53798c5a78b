#include "data/classification_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "core/checked_json.h"
#include "core/error.h"
#include "data/text_file.h"

namespace gradus {
namespace {

using Names = std::vector<std::string_view>;

constexpr std::array<std::string_view, 6> form_names{"cola", "mrpc", "sst2", "sts_b", "tnews", "tsv"};
constexpr int highest_score = 5;  // of STS-B

// What the columns may be called in a header.
struct ColumnNames {
  Names text_a, text_b, label;
};

ColumnNames names_of_columns(ClassificationForm form) {
  switch (form) {
    case ClassificationForm::mrpc:
      return {{"#1 String"}, {"#2 String"}, {"Quality"}};
    case ClassificationForm::sts_b:
      return {{"sentence1"}, {"sentence2"}, {"score"}};
    case ClassificationForm::cola:
    case ClassificationForm::sst2:
      return {{"sentence"}, {}, {"label"}};
    default:
      return {{"text", "sentence", "text_a", "sentence1"}, {"text_b", "sentence2"}, {"label"}};
  }
}

// Which column holds what.
struct Columns {
  std::string names;  // of all, for messages
  size_t count = 0;
  size_t text_a = 0;
  std::optional<size_t> text_b, label;
};

void split_at_tabs(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  for (size_t begin = 0;;) {
    const size_t end = std::min(line.find('\t', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    if (end == line.size()) return;
    begin = end + 1;
  }
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_one_of(std::string_view field, const Names& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return same_name(field, name); });
}

float parse_score(std::string_view text, const std::string& where) {
  const std::optional<float> score = label_as_number(text);
  check(score && *score >= 0 && *score <= highest_score,
        "{}: found the score '{}': expected a number from 0 to {}", where, text, highest_score);
  return *score;
}

// Adds a text after looking at its label. The first one says whether the data has labels.
void add_text(ClassificationData& data, ClassificationText text, bool labelled, const LineReader& reader) {
  if (data.texts.empty()) data.labelled = labelled;
  text.label = trimmed(text.label);
  check(!labelled || !text.label.empty(), "{}: the label is empty", reader.where());
  if (labelled && has_scores(data.form)) text.score = parse_score(text.label, reader.where());
  text.line = reader.line_number();
  data.texts.push_back(std::move(text));
}

class TableParser {
 public:
  TableParser(ClassificationData& data, ClassLabelUse use)
      : data_(data), names_(names_of_columns(data.form)), use_(use) {}

  void line(const LineReader& reader, std::string_view line) {
    // Where texts stand alone, an empty one is one of them.
    if (line.empty() && columns_.count > 1) return;
    split_at_tabs(line, fields_);
    if (reader.line_number() == 1) {
      for (std::string_view& field : fields_) field = trimmed(field);
      const bool header = is_header();
      data_.has_header = header;
      if (!header) {
        check_no_name(reader);
        split_at_tabs(line, fields_);
      }
      columns_ = header ? columns_of_header(reader) : columns_without_header(reader);
      if (header) return;
    }
    check(fields_.size() == columns_.count, "{}: found {} columns: expected {}: {}", reader.where(),
          fields_.size(), columns_.count, columns_.names);
    ClassificationText text;
    text.text_a = fields_[columns_.text_a];
    if (columns_.text_b) text.text_b = fields_[*columns_.text_b];
    if (columns_.label) text.label = fields_[*columns_.label];
    add_text(data_, std::move(text), columns_.label.has_value(), reader);
  }

 private:
  bool has(const Names& names) const {
    return std::any_of(fields_.begin(), fields_.end(),
                       [&](std::string_view field) { return is_one_of(field, names); });
  }

  bool is_header() const {
    if (data_.form == ClassificationForm::cola) return has(names_.text_a);
    if (data_.form != ClassificationForm::tsv) return true;
    const bool all_known = std::all_of(fields_.begin(), fields_.end(), [&](std::string_view field) {
      return is_one_of(field, names_.text_a) || is_one_of(field, names_.text_b) ||
             is_one_of(field, {"index", "id"});
    });
    return has(names_.text_a) && (has(names_.label) || all_known);
  }

  // A header with names of which only some are known is not to become a text with a label.
  void check_no_name(const LineReader& reader) const {
    if (data_.form != ClassificationForm::tsv || fields_.size() < 2) return;
    check(!has(names_.text_a) && !has(names_.label),
          "{}: found {}: expected a header with one column named {} and one named {}, or a first line that "
          "has none of these names",
          reader.where(), fmt::join(fields_, ", "), fmt::join(names_.text_a, " or "),
          fmt::join(names_.label, " or "));
  }

  Columns columns_of_header(const LineReader& reader) const {
    Columns columns{fmt::format("{}", fmt::join(fields_, ", ")), fields_.size(), 0, {}, {}};
    const auto missing = [&](const Names& names, const std::string& hint = "") {
      fail("{}: the header has the columns {}: expected one named {}{}", reader.where(), columns.names,
           fmt::join(names, " or "), hint);
    };
    const std::optional<size_t> text_a = find(names_.text_a, reader);
    if (!text_a)
      missing(names_.text_a, fmt::format(", as files of {} have; a table without a header is of the form tsv",
                                         name_of(data_.form)));
    columns.text_a = *text_a;
    columns.text_b = find(names_.text_b, reader);
    if (!columns.text_b && !names_.text_b.empty() && data_.form != ClassificationForm::tsv)
      missing(names_.text_b);
    columns.label = find(names_.label, reader);
    if (!columns.label && use_ == ClassLabelUse::required) missing(names_.label);
    return columns;
  }

  Columns columns_without_header(const LineReader& reader) const {
    if (data_.form == ClassificationForm::cola) return {"source, label, mark, sentence", 4, 3, {}, 1};
    switch (fields_.size()) {
      case 1:
        if (use_ == ClassLabelUse::optional) return {"text", 1, 0, {}, {}};
        break;
      case 2:
        return {"text, label", 2, 0, {}, 1};
      case 3:
        return {"text_a, text_b, label", 3, 0, 1, 2};
      default:
        break;
    }
    fail("{}: found {} columns: expected text, label or text_a, text_b, label, or a header with such names",
         reader.where(), fields_.size());
  }

  std::optional<size_t> find(const Names& names, const LineReader& reader) const {
    std::optional<size_t> found;
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (!is_one_of(fields_[i], names)) continue;
      check(!found, "{}: the header has the columns {}: expected one named {}, not several", reader.where(),
            fmt::join(fields_, ", "), fmt::join(names, " or "));
      found = i;
    }
    return found;
  }

  ClassificationData& data_;
  ColumnNames names_;
  ClassLabelUse use_;
  Columns columns_;
  std::vector<std::string_view> fields_;  // of the line
};

// A whole number counts as its digits.
std::string label_of(const nlohmann::json& row, const std::string& where) {
  const nlohmann::json& label = row["label"];
  check(label.is_string() || label.is_number_integer(), "{}: \"label\" is a JSON {}: expected a string",
        where, label.type_name());
  return label.is_string() ? label.get<std::string>() : label.dump();
}

void add_json_row(const LineReader& reader, std::string_view line, ClassLabelUse use,
                  ClassificationData& data) {
  const std::string where = reader.where();
  const nlohmann::json row = parse_json(line, where);
  check(row.is_object(), "{}: found a JSON {}: expected an object with \"sentence\"", where, row.type_name());
  check(row.contains("sentence") && row["sentence"].is_string(), "{}: the row has no string \"sentence\"",
        where);
  const bool labelled = row.contains("label");
  check(labelled || use == ClassLabelUse::optional, "{}: the row has no \"label\"", where);
  check(data.texts.empty() || labelled == data.labelled,
        "{}: the row has {} \"label\", unlike the rows before: expected all rows to have one or none", where,
        labelled ? "a" : "no");
  ClassificationText text;
  text.text_a = row["sentence"].get<std::string>();
  if (labelled) text.label = label_of(row, where);
  add_text(data, std::move(text), labelled, reader);
}

// Refuses what is probably no label, and labels that leave nothing to learn.
void check_labels(const ClassificationData& data, const std::map<std::string, int64_t>& counts) {
  const std::vector<ClassificationText>& texts = data.texts;
  check(counts.size() > 1, "{}: there is one label, '{}', and nothing to tell it apart from", data.path,
        texts.front().label);
  if (data.has_header) return;
  const auto once = std::count_if(counts.begin(), counts.end(), [](const auto& c) { return c.second == 1; });
  const ClassificationText& first = texts.front();
  check(once != 1 || counts.at(first.label) > 1 || counts.size() < 3,
        "{}: the label '{}' is nowhere else: if this is a header, call its columns text (or text_a and "
        "text_b) and label, or leave it out; if not, put such a header above",
        data.where(0), first.label);
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

std::string_view name_of(ClassificationForm form) { return form_names[static_cast<size_t>(form)]; }

bool is_classification_form(std::string_view name) {
  return std::find(form_names.begin(), form_names.end(), name) != form_names.end();
}

ClassificationForm parse_classification_form(std::string_view name) {
  const auto found = std::find(form_names.begin(), form_names.end(), name);
  check(found != form_names.end(), "data set '{}': expected one of {}", name, fmt::join(form_names, ", "));
  return static_cast<ClassificationForm>(found - form_names.begin());
}

bool has_scores(ClassificationForm form) { return form == ClassificationForm::sts_b; }

std::vector<std::string> published_labels(ClassificationForm form) {
  switch (form) {
    case ClassificationForm::cola:
    case ClassificationForm::mrpc:
    case ClassificationForm::sst2:
      return {"0", "1"};
    case ClassificationForm::tnews:  // CLUE has left out 105 and 111
      return {"100", "101", "102", "103", "104", "106", "107", "108",
              "109", "110", "112", "113", "114", "115", "116"};
    default:
      return {};
  }
}

std::string ClassificationData::where(size_t text) const {
  return fmt::format("{}:{}", path, texts[text].line);
}

std::map<std::string, int64_t> ClassificationData::label_counts() const {
  std::map<std::string, int64_t> counts;
  if (!labelled) return counts;
  for (const ClassificationText& text : texts) ++counts[text.label];
  return counts;
}

std::vector<std::string> ClassificationData::found_labels() const {
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

ClassificationData read_classification(const std::string& path, ClassificationForm form, ClassLabelUse use) {
  ClassificationData data;
  data.path = path;
  data.form = form;
  LineReader reader(path);
  TableParser table(data, use);
  for (std::string_view line; reader.next(line);) {
    if (form != ClassificationForm::tnews) table.line(reader, line);
    else if (line.find_first_not_of(" \t") != std::string_view::npos) add_json_row(reader, line, use, data);
  }
  check(
      !data.texts.empty(), "{}: no text found: expected {}", path,
      form == ClassificationForm::tnews ? "a JSON object a line" : "lines of columns with tabs between them");
  return data;
}

}  // namespace gradus
