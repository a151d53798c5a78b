#include "data/classification_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/io/json.h"
#include "core/joined.h"
#include "data/classification_columns.h"
#include "data/text_file.h"
#include "data/unicode.h"
#include "data/unread_names.h"

namespace gradus {
namespace {

constexpr std::array<std::string_view, 6> form_names{"cola", "mrpc", "sst2", "sts_b", "tnews", "tsv"};
constexpr int highest_score = 5;  // of STS-B

float parse_score(std::string_view text, const std::string& where) {
  const std::optional<float> score = label_as_number(text);
  check(score && *score >= 0 && *score <= highest_score,
        "{}: found the score '{}': expected a number from 0 to {}", where, text, highest_score);
  return *score;
}

// Adds a text after looking at its label. The first one says whether the data has labels.
void add_text(ClassificationData& data, ClassificationText text, bool labelled) {
  if (data.texts.empty()) data.labelled = labelled;
  text.label = without_outer_blanks(text.label);
  check(!labelled || !text.label.empty(), "{}:{}: the label is empty", data.path, text.line);
  if (labelled && has_scores(data.form))
    text.score = parse_score(text.label, fmt::format("{}:{}", data.path, text.line));
  data.texts.push_back(std::move(text));
}

// Rows of a table.
class TableParser {
 public:
  TableParser(ClassificationData& data, ClassLabelUse use, const ClassificationColumns& columns)
      : data_(data), use_(use), columns_(columns) {}

  void run(LineReader& reader) {
    std::vector<NumberedLine> ahead;
    std::string_view line;
    while (ahead.size() < most_ahead && reader.next(line))
      ahead.push_back({reader.line_number(), std::string(line)});
    if (ahead.empty()) return;
    roles_ = roles_of_table(ahead, data_.form, use_, columns_, data_.path);
    data_.has_header = roles_.has_header || columns_.label.is_given();
    is_qqp_ =
        roles_.has_header && roles_.label && same_column_name(roles_.names[*roles_.label], "is_duplicate");
    for (size_t i = roles_.has_header ? 1 : 0; i < ahead.size(); ++i) add_row(ahead[i].text, ahead[i].number);
    while (reader.next(line)) add_row(line, reader.line_number());
    data_.notes.push_back(roles_.description());
    if (empty_lines_ > 0) data_.notes.push_back(fmt::format("{} empty lines are left out", empty_lines_));
    if (short_rows_ > 0)
      data_.notes.push_back(fmt::format("{} lines of too few columns are left out, the first line {}",
                                        short_rows_, first_short_));
  }

 private:
  static constexpr size_t most_ahead = 1000;  // lines that tell what the columns are

  void add_row(std::string_view line, int64_t number) {
    const size_t count = roles_.names.size();
    // Where texts stand alone, an empty one is one of them.
    if (line.empty() && count > 1) {
      ++empty_lines_;
      return;
    }
    split_columns(line, Separator::tabs, fields_);
    // A few lines of QQP as it is published are broken; the reference programs pass them over.
    if (is_qqp_ && fields_.size() < count) {
      if (short_rows_++ == 0) first_short_ = number;
      return;
    }
    if (fields_.size() != count)
      fail("{}:{}: found {} columns: expected {}: {}", data_.path, number, fields_.size(), count,
           shown_list(roles_.names));
    ClassificationText text;
    text.line = number;
    text.text_a = fields_[roles_.text];
    if (roles_.pair) text.text_b = fields_[*roles_.pair];
    if (roles_.label) text.label = fields_[*roles_.label];
    add_text(data_, std::move(text), roles_.label.has_value());
  }

  ClassificationData& data_;
  ClassLabelUse use_;
  const ClassificationColumns& columns_;
  ClassificationRoles roles_;
  bool is_qqp_ = false;
  std::vector<std::string_view> fields_;  // of the line
  int64_t empty_lines_ = 0, short_rows_ = 0, first_short_ = 0;
};

// JSON lines.
class JsonParser {
 public:
  JsonParser(ClassificationData& data, ClassLabelUse use, const ClassificationColumns& columns)
      : data_(data), use_(use), columns_(columns) {}

  void run(LineReader& reader) {
    for (std::string_view line; reader.next(line);) {
      if (!trimmed(line).empty()) add_row(line, reader);
    }
    if (std::string note = unread_.note(); !note.empty()) data_.notes.push_back(std::move(note));
  }

 private:
  void add_row(std::string_view line, const LineReader& reader) {
    const std::string where = reader.where();
    const Json row = parse_json(line, where);
    check(row.is_object(), "{}: found a JSON {}: expected an object with \"{}\"", where, row.type_name(),
          text_.empty() ? "sentence" : text_);
    if (text_.empty()) find_names(row, where);
    const bool labelled = row.contains(label_);
    check(labelled || use_ == ClassLabelUse::optional, "{}: the row has no \"{}\"", where, label_);
    check(data_.texts.empty() || labelled == data_.labelled,
          "{}: the row has {} \"{}\", unlike the rows before: expected all rows to have one or none", where,
          labelled ? "a" : "no", label_);
    ClassificationText text;
    text.line = reader.line_number();
    text.text_a = text_of(row, text_, where);
    if (!pair_.empty()) text.text_b = text_of(row, pair_, where);
    if (labelled) text.label = label_of(row[label_], where);
    unread_.look_at(row, {text_, pair_, label_});
    add_text(data_, std::move(text), labelled);
  }

  // The first row tells the names of all.
  void find_names(const Json& row, const std::string& where) {
    if (data_.form == ClassificationForm::tnews && !columns_.text.is_given()) {
      text_ = "sentence";
      label_ = "label";
      return;
    }
    for (const ColumnChoice* choice : {&columns_.text, &columns_.pair, &columns_.label})
      check(!choice->is_given() || choice->is_name(), "{}: JSON lines: expected a name, found {} {}", where,
            choice->option(), choice->text());
    std::vector<std::string> names;
    for (const auto& [name, value] : row.members()) names.push_back(name);
    const ClassificationRoles roles =
        roles_of_names(names, data_.form == ClassificationForm::tnews ? ClassificationForm::tsv : data_.form,
                       use_, columns_, where);
    text_ = names[roles.text];
    if (roles.pair) pair_ = names[*roles.pair];
    label_ = roles.label ? names[*roles.label] : "label";
    data_.notes.push_back(roles.description());
  }

  // Of a list of words, as CSL has them, these with blanks between.
  static std::string text_of(const Json& row, const std::string& name, const std::string& where) {
    const Json* found = row.find(name);
    const auto is_text = [](const Json& value) { return value.is_string(); };
    check(found != nullptr &&
              (is_text(*found) || (found->is_array() && std::ranges::all_of(found->items(), is_text))),
          "{}: the row has no string \"{}\"", where, name);
    if (found->is_string()) return found->text();
    return joined(found->get<std::vector<std::string>>(), " ").str();
  }

  // A whole number counts as its digits.
  std::string label_of(const Json& label, const std::string& where) const {
    const bool is_score = data_.form == ClassificationForm::tsv && label.is_number();
    check(label.is_string() || label.is_integer() || is_score, "{}: \"{}\" is a JSON {}: expected a string",
          where, label_, label.type_name());
    return label.is_string() ? label.text() : json_text(label);
  }

  ClassificationData& data_;
  ClassLabelUse use_;
  const ClassificationColumns& columns_;
  std::string text_, pair_,
      label_;  // what the row calls them; empty before the first, and without a second text
  UnreadNames unread_;
};

// Texts of which the people who labelled SNLI and MNLI, and CLUE's sets like these, did not agree have the label "-".
void leave_out_disputed(ClassificationData& data) {
  const std::map<std::string, int64_t> counts = data.label_counts();
  const auto known = [](const auto& count) {
    return is_column_name(count.first, {"-", "entailment", "neutral", "contradiction"});
  };
  if (!counts.contains("-") || counts.size() < 2 || !std::all_of(counts.begin(), counts.end(), known)) return;
  std::erase_if(data.texts, [](const ClassificationText& text) { return text.label == "-"; });
  data.notes.push_back(fmt::format("{} texts with the label '-' are left out", counts.at("-")));
}

bool looks_like_json(std::string_view line) {
  line = trimmed(line);
  return line.starts_with('{') && line.ends_with('}') && trimmed(line.substr(1)).starts_with('"');
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
  check(counts.size() > 1, "{}: there is one label, '{}', and nothing to tell it apart from", data.path,
        texts.front().label);
  check_alike(data, counts);
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
  check(found != form_names.end(), "data set '{}': expected one of {}", name, joined(form_names, ", "));
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

std::string ClassificationData::log() const {
  constexpr size_t most_bytes = 100;
  std::string log;
  for (const std::string& note : notes) log += fmt::format("{}: {}\n", path, note);
  if (texts.empty()) return log;
  const ClassificationText& first = texts.front();
  log += fmt::format("{}: first example: '{}'", path, shown(first.text_a, most_bytes));
  if (first.text_b) log += fmt::format(" | '{}'", shown(*first.text_b, most_bytes));
  if (labelled) log += fmt::format(", label '{}'", shown(first.label, most_bytes));
  return log + "\n";
}

ClassificationData read_classification(const std::string& path, ClassificationForm form, ClassLabelUse use,
                                       const ClassificationColumns& columns) {
  ClassificationData data;
  data.path = path;
  data.form = form;
  LineReader reader(path);
  bool is_json = form == ClassificationForm::tnews;
  if (std::string_view first; form == ClassificationForm::tsv && reader.next(first)) {
    is_json = looks_like_json(first);
    reader.unread();
  }
  if (is_json) JsonParser(data, use, columns).run(reader);
  else TableParser(data, use, columns).run(reader);
  leave_out_disputed(data);
  check(
      !data.texts.empty(), "{}: no text found: expected {}", path,
      form == ClassificationForm::tnews ? "a JSON object a line" : "lines of columns with tabs between them");
  return data;
}

}  // namespace gradus
