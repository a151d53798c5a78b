#include "data/ner_text.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/io/json.h"
#include "data/ner_columns.h"
#include "data/ner_lists.h"
#include "data/ner_table.h"
#include "data/table_rows.h"
#include "data/text_file.h"
#include "data/unicode.h"
#include "data/unread_names.h"

namespace gradus {

namespace {

constexpr std::string_view blanks = " \t";

// One row of JSON lines.
class JsonRow {
 public:
  JsonRow(const LineReader& reader, std::string_view line)
      : where_(reader.where()), row_(parse_json(line, where_)) {
    check(row_.is_object(), "{}: found a JSON {}: expected an object with \"text\"", where_,
          row_.type_name());
    check(row_.contains("text") && row_["text"].is_string(), "{}: the row has no string \"text\"", where_);
    sentence_.text = row_["text"].text();
    check(!sentence_.text.empty(), "{}: \"text\" is empty", where_);
    for (const std::string_view character : split_characters(sentence_.text)) {
      sentence_.words.emplace_back(character);
    }
    sentence_.lines.assign(sentence_.words.size(), reader.line_number());
  }

  const Json& object() const { return row_; }
  bool labelled() const { return row_.contains("label"); }

  // Turns the mentions into tags, in the file's order: of overlapping ones the last counts. Returns how many mentions
  // replaced tags of another.
  int64_t tag() {
    int64_t overlapping = 0;
    sentence_.tags.assign(sentence_.words.size(), "O");
    for (const auto& [type, mentions] : checked_object(row_["label"], "\"label\"").members()) {
      for (const auto& [mention, spans] : checked_object(mentions, type).members()) {
        check(spans.is_array(), "{}: '{}' of {} has {}: expected a list of [start, end]", where_, mention,
              type, json_text(spans));
        for (const Json& span : spans.items()) overlapping += tag_span(type, mention, span) ? 1 : 0;
      }
    }
    return overlapping;
  }

  NerSentence take() { return std::move(sentence_); }

 private:
  const Json& checked_object(const Json& value, std::string_view name) const {
    check(value.is_object(), "{}: {} is a JSON {}: expected an object", where_, name, value.type_name());
    return value;
  }

  bool tag_span(const std::string& type, const std::string& mention, const Json& span) {
    const bool is_pair = span.is_array() && span.size() == 2 && span[0].is_integer() && span[1].is_integer();
    check(is_pair, "{}: '{}' of {} has the offsets {}: expected [start, end]", where_, mention, type,
          json_text(span));
    const int64_t begin = span[0].whole().value_or(-1), last = span[1].whole().value_or(-1);
    const auto size = static_cast<int64_t>(sentence_.words.size());
    check(0 <= begin && begin <= last && last < size,
          "{}: '{}' of {} has the offsets {}: expected 0 <= start <= end < {}, the length of the text",
          where_, mention, type, json_text(span), size);
    std::string found;
    for (int64_t i = begin; i <= last; ++i) found += sentence_.words[i];
    check(found == mention, "{}: found '{}' at the offsets {}: expected the mention '{}' of {}", where_,
          found, json_text(span), mention, type);
    bool overlaps = false;
    for (int64_t i = begin; i <= last; ++i) {
      const char* prefix = begin == last ? "S-" : i == begin ? "B-" : i == last ? "E-" : "M-";
      overlaps |= sentence_.tags[i] != "O";
      sentence_.tags[i] = prefix + type;
    }
    return overlaps;
  }

  std::string where_;
  Json row_;
  NerSentence sentence_;
};

// Hands sentences on in parts.
class Parts {
 public:
  Parts(std::string path, int64_t most_words, const std::function<void(NerData&)>& use)
      : path_(std::move(path)), most_words_(most_words), use_(use) {}

  void add(NerSentence sentence, bool labelled, int64_t overlapping = 0) {
    is_empty_ = false;
    labelled_ = labelled;
    words_ += std::ssize(sentence.words);
    overlapping_ += overlapping;
    sentences_.push_back(std::move(sentence));
    if (words_ >= most_words_) hand_on();
  }
  void finish() {
    check(!is_empty_, "{}: no sentence found: expected word and tag columns, a table, or JSON lines", path_);
    if (!sentences_.empty()) hand_on();
  }
  bool is_empty() const { return is_empty_; }
  // Of the sentences before.
  bool labelled() const { return labelled_; }

 private:
  void hand_on() {
    NerData part;
    part.path = path_;
    part.labelled = labelled_;
    part.sentences = std::exchange(sentences_, {});
    part.overlapping_mentions = std::exchange(overlapping_, 0);
    words_ = 0;
    use_(part);
  }

  std::string path_;
  int64_t most_words_;
  const std::function<void(NerData&)>& use_;
  std::vector<NerSentence> sentences_;
  int64_t words_ = 0, overlapping_ = 0;
  bool is_empty_ = true, labelled_ = true;
};

std::vector<std::string> read_mentions(LineReader& reader, NerTags tags, Parts& parts) {
  UnreadNames unread;
  int64_t overlapping = 0;
  for (std::string_view line; reader.next(line);) {
    if (trimmed(line).empty()) continue;
    JsonRow row(reader, line);
    unread.look_at(row.object(), {"text", "label"});
    const bool labelled = row.labelled();
    check(labelled || tags == NerTags::optional, "{}: the row has no \"label\"", reader.where());
    check(parts.is_empty() || labelled == parts.labelled(),
          "{}: the row has {} \"label\", unlike the rows before: expected all rows to have one or none",
          reader.where(), labelled ? "a" : "no");
    const int64_t replaced = labelled ? row.tag() : 0;
    overlapping += replaced;
    parts.add(row.take(), labelled, replaced);
  }
  std::vector<std::string> notes;
  if (std::string note = unread.note(); !note.empty()) notes.push_back(std::move(note));
  if (overlapping > 0)
    notes.push_back(fmt::format("{} mentions overlap others, of which they took words", overlapping));
  return notes;
}

// A reader of tables or lists.
template <typename Reader>
std::vector<std::string> read_sentences(Reader reader, Parts& parts) {
  for (NerSentence sentence; reader.next(sentence);) parts.add(std::move(sentence), reader.labelled());
  return reader.notes();
}

// Whether a first line names a column or a list so.
bool has_named(std::string_view line, const std::string& where, const std::string& name) {
  if (name.empty()) return false;
  if (looks_like_json(line)) return parse_json(line, where).contains(name);
  return std::ranges::any_of(std::string_view(",;\t|"), [&](const char& delimiter) {
    const std::vector<std::string_view> cells = header_cells(line, {&delimiter, 1});
    return cells.size() > 1 &&
           std::ranges::any_of(cells, [&](auto cell) { return same_column_name(cell, name); });
  });
}

// The first line tells what the others are.
std::vector<std::string> read_json_lines(LineReader& reader, std::string_view first, NerTags tags,
                                         const NerColumns& columns, Parts& parts) {
  check(!columns.sentence.is_given(), "{}: JSON lines, a sentence each: leave out {}", reader.path(),
        columns.sentence.option());
  const Json row = parse_json(first, reader.where());
  if (row.is_object() && (!row.contains("text") || !listed_words(row, columns).empty()))
    return read_sentences(NerListReader(reader, tags, columns), parts);
  check(!columns.text.is_given() && !columns.label.is_given(),
        "{}: JSON lines, which have no columns: leave out --text_column and --label_column", reader.path());
  return read_mentions(reader, tags, parts);
}

}  // namespace

// "{ O" is the character '{' with its tag; "{" followed by anything else opens a JSON object.
bool looks_like_json(std::string_view line) {
  const size_t brace = line.find_first_not_of(blanks);
  if (brace == std::string_view::npos || line[brace] != '{') return false;
  const size_t next = line.find_first_not_of(blanks, brace + 1);
  return next == brace + 1 || next == std::string_view::npos || line[next] == '"' || line[next] == '}';
}

std::string NerData::where(size_t sentence, size_t word) const {
  const NerSentence& in = sentences[sentence];
  const std::string& file = files.empty() ? path : files[static_cast<size_t>(in.file)];
  return fmt::format("{}:{}{}", file, records ? " record " : "", in.lines[word]);
}

std::set<std::string> NerData::tags() const {
  std::set<std::string> result;
  for (const NerSentence& sentence : sentences) result.insert(sentence.tags.begin(), sentence.tags.end());
  return result;
}

std::string NerData::log() const {
  std::string text;
  for (const std::string& note : notes) text += fmt::format("{}: {}\n", path, note);
  if (sentences.empty()) return text;
  constexpr size_t most_words = 10, most_bytes = 40;
  const NerSentence& first = sentences.front();
  text += fmt::format("{}: first sentence:", path);
  for (size_t i = 0; i < std::min(first.words.size(), most_words); ++i) {
    text += ' ' + shown(first.words[i], most_bytes);
    if (!first.tags.empty()) text += '/' + shown(first.tags[i], most_bytes);
  }
  return text + (first.words.size() > most_words ? " ...\n" : "\n");
}

std::vector<std::string> read_ner(const std::string& path, NerTags tags, const NerColumns& columns,
                                  int64_t most_words, const std::function<void(NerData&)>& use) {
  Parts parts(path, most_words, use);
  LineReader reader(path);
  std::string_view line;
  while (reader.next(line)) {
    if (trimmed(line).empty()) continue;
    reader.unread();
    break;
  }
  std::vector<std::string> notes;
  if (looks_like_json(line)) {
    notes = read_json_lines(reader, line, tags, columns, parts);
  } else if (is_ner_table(path, line, columns)) {
    notes = read_sentences(NerTableReader(reader, tags, columns), parts);
  } else {
    check_no_csv(reader.where(), path, line);
    NerColumnReader sentences(reader, tags, columns);
    for (NerSentence sentence; sentences.next(sentence);)
      parts.add(std::move(sentence), sentences.form().label.has_value());
    notes = sentences.notes();
  }
  parts.finish();
  return notes;
}

NerColumns chosen_columns(const std::string& path, NerColumns columns, const NerColumnNames& trained_on) {
  const bool is_chosen = columns.text.is_given() || columns.label.is_given() || columns.sentence.is_given();
  if (trained_on.empty() || is_chosen || !std::filesystem::is_regular_file(path)) return columns;
  LineReader lines(path);
  std::string_view line;
  while (lines.next(line) && trimmed(line).empty()) {
  }
  const auto choose = [&](ColumnChoice& choice, const char* option, const std::string& name) {
    const ColumnChoice named(option, name);
    if (named.is_name() && has_named(line, lines.where(), name)) choice = named;
  };
  choose(columns.text, "--text_column", trained_on.text);
  if (!trained_on.text.empty() && !columns.text.is_given()) return columns;
  choose(columns.label, "--label_column", trained_on.label);
  if (!looks_like_json(line)) choose(columns.sentence, "--sentence_column", trained_on.sentence);
  return columns;
}

NerData read_ner(const std::string& path, NerTags tags, const NerColumns& columns) {
  NerData data;
  std::vector<std::string> notes = read_ner(path, tags, columns, std::numeric_limits<int64_t>::max(),
                                            [&](NerData& all) { data = std::move(all); });
  data.notes = std::move(notes);
  return data;
}

int64_t merge_until_full_stop(NerData& data) {
  std::vector<NerSentence> merged;
  NerSentence open;
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  for (NerSentence& sentence : data.sentences) {
    append(open.words, sentence.words);
    append(open.tags, sentence.tags);
    append(open.lines, sentence.lines);
    open.text += sentence.text;
    if (open.words.back() == ".") merged.push_back(std::exchange(open, {}));
  }
  data.sentences = std::move(merged);
  return static_cast<int64_t>(open.words.size());
}

}  // namespace gradus
