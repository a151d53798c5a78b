#include "data/ner_table.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/ner_names.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t most_values = 1'000'000;  // of sentences, that are looked for again

bool is_called_tsv(std::string_view path) { return path.ends_with(".tsv") || path.ends_with(".tsv.gz"); }

bool has_name(const std::vector<std::string_view>& cells, const ColumnChoice& choice,
              bool (*is_usual)(std::string_view)) {
  return std::ranges::any_of(cells, [&](std::string_view cell) {
    return choice.is_name() ? same_column_name(cell, choice.text()) : is_usual(cell);
  });
}

bool is_csv_header(std::string_view line, const NerColumns& columns) {
  if (is_delimiter_line(line)) return true;
  return std::ranges::any_of(std::string_view(",;\t|"), [&](const char& delimiter) {
    const std::vector<std::string_view> cells = header_cells(line, {&delimiter, 1});
    return cells.size() > 1 &&
           (has_name(cells, columns.text, is_word_name) || has_name(cells, columns.label, is_tag_name) ||
            has_name(cells, columns.sentence, is_sentence_name));
  });
}

std::string_view cell_text(const TableRow& row, size_t place) { return trimmed(row.cells[place]); }

}  // namespace

bool is_ner_table(std::string_view path, std::string_view line, const NerColumns& columns) {
  if (columns.sentence.is_given()) return true;
  if (is_called_csv(path)) return is_csv_header(line, columns);
  const std::vector<std::string_view> cells = header_cells(line, "\t");
  return is_called_tsv(path) && has_name(cells, columns.text, is_word_name) &&
         std::ranges::any_of(cells, is_sentence_name);
}

bool is_ner_table(const std::string& path, const NerColumns& columns) {
  if (columns.sentence.is_given()) return true;
  const bool may_be = is_called_csv(path) || is_called_tsv(path);
  if (!may_be || !std::filesystem::is_regular_file(path)) return false;
  LineReader lines(path);
  std::string_view line;
  while (lines.next_bytes(line) && trimmed(line).empty()) {
  }
  return !looks_like_json(line) && is_ner_table(path, line, columns);
}

void check_no_csv(const std::string& where, std::string_view path, std::string_view line) {
  check(!is_called_csv(path) || line.find_first_of(" \t") != std::string_view::npos ||
            line.find_first_of(",;|") == std::string_view::npos,
        "{}: found '{}': expected a header, with names as word and tag or those that --text_column and "
        "--label_column choose; or columns with spaces or tabs between",
        where, shown(line, 80));
}

NerTableReader::NerTableReader(LineReader& lines, std::optional<NerTags> tags, NerColumns columns)
    : lines_(lines), tags_(tags), columns_(std::move(columns)) {}

std::string NerTableReader::where() const { return fmt::format("{}:{}", lines_.path(), row_.line); }

std::string NerTableReader::column(size_t place) const {
  return fmt::format("column {} ({})", place + 1, shown(names_[place], 60));
}

void NerTableReader::begin() {
  std::string_view first;
  const bool is_there = lines_.next_bytes(first);
  check(!looks_like_json(first), "{}: JSON lines: expected a table with a header and a word a row",
        lines_.path());
  const bool has_tabs = first.find('\t') != std::string_view::npos;
  if (is_there) lines_.unread();
  if (is_called_csv(lines_.path()) || !has_tabs) rows_.emplace(lines_, '\0');
  else rows_.emplace(lines_);
  while (rows_->next(row_)) {
    if (is_empty_row()) continue;
    header_ = row_.text;
    return find_columns();
  }
}

TableLayout NerTableReader::layout() const {
  return {rows_->look(), rows_->preamble(), header_, names_, lines_.has_mark(), lines_.ends_in_crlf()};
}

void NerTableReader::find_columns() {
  for (const std::string& cell : row_.cells) names_.emplace_back(trimmed(cell));
  const std::optional<size_t> text = find(columns_.text, is_word_name, "words");
  check(
      text.has_value(),
      "{}: the header has the columns {}: expected one named word, words, token or tokens; {} names another",
      where(), shown_list(names_), "--text_column");
  text_ = *text;
  sentence_ = find(columns_.sentence, is_sentence_name, "sentences");
  if (tags_) label_ = find(columns_.label, is_tag_name, "tags");
  check(label_ || tags_ != NerTags::required,
        "{}: the header has the columns {}: expected one named tag, tags, label or labels; {} names another",
        where(), shown_list(names_), "--label_column");
  check(label_ != text_ && sentence_ != text_ && (!label_ || label_ != sentence_),
        "{}: the header has the columns {}, and one is taken for two things: {} say which has what", where(),
        shown_list(names_), "--text_column, --label_column and --sentence_column");
}

std::optional<size_t> NerTableReader::find(const ColumnChoice& choice, bool (*is_usual)(std::string_view),
                                           const char* usual) const {
  if (choice.is_given()) return choice.place(names_.size(), names_, where());
  const auto found = std::ranges::find_if(names_, is_usual);
  if (found == names_.end()) return std::nullopt;
  const auto other = std::find_if(found + 1, names_.end(), is_usual);
  check(other == names_.end(),
        "{}: the header has the columns {} and {}, either of which may have the {}: {} says which", where(),
        shown(*found), other == names_.end() ? "" : shown(*other), usual, choice.option());
  return static_cast<size_t>(found - names_.begin());
}

bool NerTableReader::is_empty_row() const {
  return std::ranges::all_of(row_.cells, [](const std::string& cell) { return trimmed(cell).empty(); });
}

NerTableRow::Kind NerTableReader::kind_of_row() const {
  if (is_empty_row()) return NerTableRow::Kind::empty;
  if (row_.cells.size() != names_.size())
    fail("{}: found {} columns: expected {}: {}, with a {} between", where(), row_.cells.size(),
         names_.size(), shown_list(names_), delimiter_name(rows_->look().delimiter));
  return is_document_mark(cell_text(row_, text_)) ? NerTableRow::Kind::document : NerTableRow::Kind::word;
}

bool NerTableReader::begins_sentence() const {
  if (!sentence_) return false;
  const std::string_view value = cell_text(row_, *sentence_);
  return !value.empty() && value != value_;
}

bool NerTableReader::next(NerSentence& sentence, std::vector<NerTableRow>* passed) {
  if (!rows_) begin();
  sentence = {};
  while (std::exchange(is_next_, false) || rows_->next(row_)) {
    const NerTableRow::Kind kind = kind_of_row();
    const bool ends = kind == NerTableRow::Kind::empty
                          ? !sentence_
                          : kind == NerTableRow::Kind::document || begins_sentence();
    if (ends && !sentence.words.empty()) {
      is_next_ = true;
      break;
    }
    if (passed != nullptr) passed->push_back({row_.text, kind});
    empty_ += kind == NerTableRow::Kind::empty ? 1 : 0;
    documents_ += kind == NerTableRow::Kind::document ? 1 : 0;
    if (kind == NerTableRow::Kind::word) add_word(sentence);
  }
  sentences_ += sentence.words.empty() ? 0 : 1;
  return !sentence.words.empty();
}

void NerTableReader::add_word(NerSentence& sentence) {
  if (begins_sentence()) {
    value_ = cell_text(row_, *sentence_);
    const bool is_new =
        values_.size() >= most_values || values_.insert(std::hash<std::string>()(value_)).second;
    if (!is_new && repeated_++ == 0)
      first_repeated_ = fmt::format("'{}' in line {}", shown(value_, 60), row_.line);
  }
  const std::string_view word = cell_text(row_, text_);
  // Every word comes by here: the text of its place is made for an error alone.
  if (word.empty()) fail("{}: no word in {}", where(), column(text_));
  if (word.find_first_of("\n\r") != std::string_view::npos)
    fail("{}: found the word '{}', with a line break: a quotation mark that is a word is written \"\"\"\"",
         where(), shown(word, 60));
  quoted_ += !rows_->look().quotes && word.size() > 1 && word.starts_with('"') && word.ends_with('"') ? 1 : 0;
  sentence.words.emplace_back(word);
  sentence.lines.push_back(row_.line);
  if (label_) add_tag(sentence);
  begun_ = true;
}

void NerTableReader::add_tag(NerSentence& sentence) {
  const std::string_view tag = cell_text(row_, *label_);
  if (!begun_) labelled_ = tags_ == NerTags::required || !tag.empty();
  if (tag.empty() && labelled_) fail("{}: no tag in {}", where(), column(*label_));
  if (!tag.empty() && !labelled_)
    fail("{}: '{}' has a tag in {}, unlike the rows before: expected all words to have tags or none", where(),
         shown(sentence.words.back(), 60), column(*label_));
  if (!labelled_) return;
  if (const std::string fault = tag_fault(tag); !fault.empty()) fail("{}: {}", where(), fault);
  sentence.tags.emplace_back(tag);
}

std::string NerTableReader::description() const {
  std::string text = fmt::format(
      "{} with a {} between cells: words from {}, {}, {}; --text_column, --label_column and "
      "--sentence_column "
      "choose others",
      rows_->look().quotes ? "CSV" : "a table", delimiter_name(rows_->look().delimiter), column(text_),
      label_  ? "tags from " + column(*label_)
      : tags_ ? "no tags"
              : "tags left alone",
      sentence_ ? "sentences by " + column(*sentence_) : "sentences end at empty rows");
  std::vector<std::string> unused;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (i != text_ && i != label_ && i != sentence_) unused.push_back(names_[i]);
  }
  return unused.empty() ? text : text + "; not read: " + shown_list(unused);
}

std::vector<std::string> NerTableReader::notes() const {
  std::vector<std::string> notes;
  if (names_.empty()) return notes;
  notes.push_back(description());
  if (sentences_ == 1) notes.push_back("all words are one sentence");
  if (repeated_ > 0)
    notes.push_back(fmt::format("{} that other rows before had, too, the first {}: sentences of their own",
                                counted(repeated_, "sentence has a value", "sentences have values"),
                                first_repeated_));
  if (sentence_ && empty_ > 0)
    notes.push_back(counted(empty_, "empty row is left out", "empty rows are left out"));
  if (documents_ > 0)
    notes.push_back(counted(documents_, "row of -DOCSTART- is left out", "rows of -DOCSTART- are left out"));
  if (quoted_ > 0)
    notes.push_back(
        fmt::format("{} in quotation marks, which are taken for text: a file called .csv is read "
                    "as a spreadsheet does",
                    counted(quoted_, "word stands", "words stand")));
  return notes;
}

}  // namespace gradus
