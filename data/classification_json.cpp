#include "data/classification_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/joined.h"
#include "data/classification_columns.h"
#include "data/unicode.h"
#include "data/unread_names.h"

namespace gradus {
namespace {

// A word of CLUEWSC2020's, and the mark around it.
struct MarkedWord {
  std::string name;
  std::string_view before, after;
  std::string text = {};
  size_t place = 0;  // in characters
};

// The text with its noun and its pronoun marked, as CLUE's baseline has it: _the noun_, [the pronoun].
std::string with_marks(const std::string& text, const Json& row, const std::string& where) {
  constexpr int64_t most = 1 << 24;
  const std::vector<std::string_view> characters = split_characters(text);
  const JsonField target = JsonField(row, where).at("target");
  std::array<MarkedWord, 2> words{{{"span1", "_", "_"}, {"span2", "[", "]"}}};
  for (MarkedWord& word : words) {
    word.text = target.at(word.name + "_text").text();
    word.place = static_cast<size_t>(target.at(word.name + "_index").integer(0, most));
    std::string found;
    const auto size = static_cast<size_t>(count_characters(word.text));
    for (size_t i = word.place; i < std::min(word.place + size, characters.size()); ++i)
      found += characters[i];
    check(found == word.text && size > 0, "{}: '{}_text' is '{}', but from character {} on the text has '{}'",
          where, word.name, shown(word.text), word.place, shown(found));
  }
  std::string marked;
  for (size_t i = 0; i <= characters.size(); ++i) {
    for (const MarkedWord& word : words) {
      if (i == word.place + static_cast<size_t>(count_characters(word.text))) marked += word.after;
    }
    for (const MarkedWord& word : words) {
      if (i == word.place) marked += word.before;
    }
    if (i < characters.size()) marked += characters[i];
  }
  return marked;
}

// Whether JSON that begins in a line has its end in another.
bool goes_on(std::string_view line) {
  line = trimmed(line);
  return begins_json(line) && !line.ends_with('}') && !line.ends_with(']');
}

// JSON lines.
class JsonParser {
 public:
  explicit JsonParser(ClassificationReading& reading)
      : reading_(reading), data_(reading.data), use_(reading.use), columns_(reading.columns) {}

  void run(LineReader& reader) {
    for (std::string_view line; reader.next(line);) {
      if (!trimmed(line).empty()) add_row(line, reader);
    }
    if (!left_.empty() && !told_) data_.notes.push_back("the labels in " + left_ + " are left alone");
    if (std::string note = unread_.note(); !note.empty()) data_.notes.push_back(std::move(note));
    if (!columns_.language.empty() && language_.empty() && !text_.empty())
      data_.notes.push_back(fmt::format("no \"{}\": the texts of all rows are read", data_.form->language));
    others_.tell(data_, columns_.language);
  }

 private:
  void add_row(std::string_view line, const LineReader& reader) {
    const std::string where = reader.where();
    check(!text_.empty() || !goes_on(line),
          "{}: JSON begins here that goes on in the next line: expected an object a line", where);
    const Json row = parse_json(line, where);
    check(row.is_object(), "{}: found a JSON {}: expected an object with \"{}\"", where, row.type_name(),
          data_.form->is_own() ? "sentence" : data_.form->text.front());
    if (text_.empty()) find_names(row, where);
    if (is_of_other_language(row, where)) return;
    const bool labelled = use_ != ClassLabelUse::ignored && has_labels(row, where);
    if (use_ == ClassLabelUse::ignored && row.contains(label_)) left_ = label_;
    check(labelled || use_ != ClassLabelUse::required, "{}: the row has no \"{}\"", where, label_);
    check(data_.texts.empty() || labelled == data_.labelled,
          "{}: the row has {} \"{}\", unlike the rows before: expected all rows to have one or none", where,
          labelled ? "a" : "no", label_);
    ClassificationText text;
    text.line = reader.line_number();
    text.text_a = text_of(row, text_, where);
    if (data_.form->marks_words) text.text_a = with_marks(text.text_a, row, where);
    if (!pair_.empty()) text.text_b = text_of(row, pair_, where);
    if (labelled) set_labels(row, where, text);
    if (reading_.keep_rows) text.row = trimmed(line);
    unread_.look_at(row, {text_, pair_, label_, language_, data_.form->marks_words ? "target" : label_},
                    data_.label_columns);
    reading_.add(std::move(text), labelled);
  }

  // The first row tells the names of all.
  void find_names(const Json& row, const std::string& where) {
    data_.json_lines = true;
    if (!columns_.language.empty() && row.contains(data_.form->language)) language_ = data_.form->language;
    for (const ColumnChoice* choice : {&columns_.text, &columns_.pair, &columns_.label})
      check(!choice->is_given() || choice->is_name(), "{}: JSON lines: expected a name, found {} {}", where,
            choice->option(), choice->text());
    std::vector<std::string> names;
    for (const auto& [name, value] : row.members()) names.push_back(name);
    const ClassificationRoles roles = roles_of_object(names, *data_.form, use_, columns_, where);
    data_.column_names = roles.column_names();
    text_ = names[roles.text];
    if (roles.pair) pair_ = names[*roles.pair];
    for (const size_t place : roles.labels) data_.label_columns.push_back(names[place]);
    if (roles.label) label_ = names[*roles.label];
    else label_ = data_.form->is_own() ? "label" : data_.form->label.front();
    told_ = data_.form->is_own() || columns_.text.is_given();
    if (told_) data_.notes.push_back(roles.description(use_));
  }

  bool is_of_other_language(const Json& row, const std::string& where) {
    if (language_.empty()) return false;
    const Json* language = row.find(language_);
    check(language != nullptr && language->is_string(), "{}: the row has no string \"{}\"", where, language_);
    return others_.leave_out(language->text(), columns_.language, where);
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

  bool has_labels(const Json& row, const std::string& where) const {
    if (data_.label_columns.empty()) return row.contains(label_);
    for (const std::string& name : data_.label_columns)
      check(row.contains(name), "{}: the row has no \"{}\"", where, shown(name));
    return true;
  }

  void set_labels(const Json& row, const std::string& where, ClassificationText& text) const {
    if (!columns_.several_labels) {
      check(
          !row[label_].is_array() || !data_.form->is_own(),
          "{}: \"{}\" is a list: --problem_type multi_label_classification reads any number of labels a text",
          where, label_);
      text.label = label_of(row[label_], where);
      return;
    }
    for (const std::string& name : data_.label_columns) {
      const Json& value = row[name];
      check(value.is_boolean() || value.is_integer() || value.is_string(),
            "{}: \"{}\" is a JSON {}: expected 1 where the label holds, or 0", where, shown(name),
            value.type_name());
      if (ClassificationReading::holds(value.is_string() ? value.text() : json_text(value), name, where))
        text.labels.push_back(name);
    }
    if (!data_.label_columns.empty()) return;
    const Json& labels = row[label_];
    if (!labels.is_array()) {
      text.labels = reading_.labels_of(label_of(labels, where), where);
      return;
    }
    for (const Json& label : labels.items()) {
      text.labels.emplace_back(without_outer_blanks(label_of(label, where)));
      check(!text.labels.back().empty(), "{}: \"{}\" has an empty label", where, label_);
    }
  }

  // A whole number counts as its digits, true and false as words.
  std::string label_of(const Json& label, const std::string& where) const {
    const bool is_score = (data_.form->is_own() || data_.form->scores) && label.is_number();
    check(label.is_string() || label.is_integer() || label.is_boolean() || is_score,
          "{}: \"{}\" is a JSON {}: expected a string", where, label_, label.type_name());
    return label.is_string() ? label.text() : json_text(label);
  }

  ClassificationReading& reading_;
  ClassificationData& data_;
  ClassLabelUse use_;
  const ClassificationColumns& columns_;
  std::string text_, pair_,
      label_;             // what the row calls them; empty before the first, and without a second text
  std::string language_;  // likewise, where rows are chosen by it
  OtherLanguages others_;
  std::string left_;  // the name of labels that are left alone
  bool told_ = false;
  UnreadNames unread_;
};

}  // namespace

bool begins_json(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('{') && !line.starts_with('[')) return false;
  const std::string_view rest = trimmed(line.substr(1));
  return rest.empty() || std::string_view("\"{[").find(rest.front()) != std::string_view::npos;
}

void read_json_texts(LineReader& lines, ClassificationReading& reading) { JsonParser(reading).run(lines); }

}  // namespace gradus
