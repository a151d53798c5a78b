#include "data/ner_lists.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/ner_names.h"

namespace gradus {
namespace {

constexpr size_t most_shown = 80;  // bytes of a value, in messages

// The first of the names that the object has, or the chosen one if it has that; else nothing.
std::string name_in(const Json& row, const ColumnChoice& choice,
                    std::initializer_list<std::string_view> names) {
  if (choice.is_given()) return row.contains(choice.text()) ? choice.text() : "";
  const auto* const found = std::ranges::find_if(names, [&](auto name) { return row.contains(name); });
  return found == names.end() ? "" : std::string(*found);
}

std::string names_of(const Json& row) {
  std::vector<std::string> names;
  for (const auto& [name, value] : row.members()) names.push_back(name);
  return shown_list(names);
}

std::string listed_tags(const Json& row, const NerColumns& columns) {
  return name_in(row, columns.label, {"ner_tags", "tags", "labels"});
}

}  // namespace

std::string listed_words(const Json& row, const NerColumns& columns) {
  std::string name = name_in(row, columns.text, {"words", "tokens"});
  const bool is_chosen = columns.text.is_given() || !row.contains("text");
  return is_chosen || !listed_tags(row, columns).empty() ? name : "";
}

NerListReader::NerListReader(LineReader& lines, NerTags tags, NerColumns columns)
    : lines_(lines), tags_(tags), columns_(std::move(columns)) {}

bool NerListReader::next(NerSentence& sentence) {
  for (std::string_view line; lines_.next(line);) {
    if (trimmed(line).empty()) continue;
    const std::string where = lines_.where();
    sentence = read(parse_json(line, where), where);
    const bool is_document = sentence.words.size() == 1 && is_document_mark(sentence.words.front());
    if (!sentence.words.empty() && !is_document) return true;
    if (empty_ + documents_ == 0) first_left_out_ = lines_.line_number();
    ++(is_document ? documents_ : empty_);
  }
  return false;
}

NerSentence NerListReader::read(const Json& row, const std::string& where) {
  check(row.is_object(), "{}: found a JSON {}: expected an object with lists of words and tags", where,
        row.type_name());
  if (!begun_) find_names(row, where);
  const std::string tags_name = begun_ && labelled() ? tags_name_ : listed_tags(row, columns_);
  const bool has_tags = !tags_name.empty() && row.contains(tags_name);
  check(has_tags == labelled(),
        "{}: the row has {} \"{}\", unlike the rows before: expected all rows to have one or none", where,
        has_tags ? "a" : "no", tags_name);
  begun_ = true;
  NerSentence sentence;
  for (const Json& word : list(row, words_name_, where).items()) {
    // Every word comes by here: what is wrong is put in words for an error alone.
    if (!word.is_string() || word.text().empty())
      fail("{}: \"{}\" has {} in place {}: expected a word", where, words_name_,
           shown(json_text(word), most_shown), sentence.words.size() + 1);
    sentence.words.push_back(word.text());
  }
  sentence.lines.assign(sentence.words.size(), lines_.line_number());
  unread_.look_at(row, {words_name_, has_tags ? tags_name_ : words_name_});
  if (!has_tags) return sentence;
  const Json& tags = list(row, tags_name_, where);
  check(tags.size() == sentence.words.size(), "{}: \"{}\" has {}, \"{}\" has {}: expected as many", where,
        words_name_, counted(sentence.words.size(), "word"), tags_name_, counted(tags.size(), "tag"));
  for (const Json& tag : tags.items()) sentence.tags.push_back(tag_of(tag, where));
  return sentence;
}

void NerListReader::find_names(const Json& row, const std::string& where) {
  words_name_ = listed_words(row, columns_);
  tags_name_ = listed_tags(row, columns_);
  const auto chosen = [](const ColumnChoice& choice, const char* usual) {
    return choice.is_given() ? fmt::format("\"{}\" ({})", shown(choice.text()), choice.option()) : usual;
  };
  check(!words_name_.empty(), "{}: the row has no {}, a list of words: its names are {}", where,
        chosen(columns_.text, R"("text", "words" or "tokens")"), names_of(row));
  check(tags_ == NerTags::optional || labelled(), "{}: the row has no {}, a list of tags: its names are {}",
        where, chosen(columns_.label, R"("ner_tags", "tags" or "labels")"), names_of(row));
  check(words_name_ != tags_name_, "{}: words and tags both from \"{}\"", where, shown(words_name_));
}

const Json& NerListReader::list(const Json& row, const std::string& name, const std::string& where) const {
  const Json* found = row.find(name);
  check(found != nullptr, "{}: the row has no \"{}\"", where, name);
  check(found->is_array(), "{}: \"{}\" is a JSON {}: expected a list", where, name, found->type_name());
  return *found;
}

std::string NerListReader::tag_of(const Json& value, const std::string& where) {
  const auto found = [&] { return shown(json_text(value), most_shown); };  // for an error alone
  if (value.is_string() && !value.text().empty()) {
    if (const std::string fault = tag_fault(value.text()); !fault.empty()) fail("{}: {}", where, fault);
    return value.text();
  }
  if (!value.is_integer())
    fail("{}: \"{}\" has {}: expected a tag, or the number of one", where, tags_name_, found());
  const auto& [option, tags] = columns_.numbers;
  if (tags.empty())
    fail(
        "{}: \"{}\" has the number {}: expected tags, or {} with the tags that numbers stand for, one a line "
        "from 0 on, O among them",
        where, tags_name_, found(), option);
  const int64_t number = value.whole().value_or(-1);
  if (number < 0 || number >= std::ssize(tags))
    fail("{}: \"{}\" has the number {}: expected 0 to {}, of the tags that {} names", where, tags_name_,
         found(), tags.size() - 1, option);
  const std::string& tag = tags[static_cast<size_t>(number)];
  if (first_number_.empty())
    first_number_ = fmt::format("numbers are tags by their place in {}: {} is {}", option, number, tag);
  return tag;
}

std::vector<std::string> NerListReader::notes() const {
  std::vector<std::string> notes;
  notes.push_back(fmt::format(
      "JSON lines: words from \"{}\", {}; --text_column and --label_column choose others", shown(words_name_),
      labelled() ? fmt::format("tags from \"{}\"", shown(tags_name_)) : "no tags"));
  if (!first_number_.empty()) notes.push_back(first_number_);
  if (std::string note = unread_.note(); !note.empty()) notes.push_back(std::move(note));
  if (empty_ + documents_ > 0)
    notes.push_back(fmt::format("{} and {} are left out, the first in line {}", counted(empty_, "empty list"),
                                counted(documents_, "-DOCSTART-"), first_left_out_));
  return notes;
}

}  // namespace gradus
