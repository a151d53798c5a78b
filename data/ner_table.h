// Words in the rows of a table, a word each: CSV as spreadsheets write it, or cells with tabs between.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "data/ner_text.h"
#include "data/table_rows.h"
#include "data/text_file.h"

namespace gradus {

// Whether a file, whose first line that is not blank this is, is a table with a header: it is called .csv and the line is
// cut into cells of which one is a usual name of a column, or the chosen one; or it is called .tsv and has such names of
// words and of sentences; or a column of sentences is chosen.
bool is_ner_table(std::string_view path, std::string_view line, const NerColumns& columns);
// The same of a file to predict for, which is opened where its name speaks for it. Throws Error when it can't be read.
bool is_ner_table(const std::string& path, const NerColumns& columns);
// Throws Error "<where>: ..." on the first line of a file called .csv that is no such table and is parted, not by blanks but by
// commas, semicolons or bars: it would become words with these in them.
void check_no_csv(const std::string& where, std::string_view path, std::string_view line);

// A row as it stands in the file.
struct NerTableRow {
  enum class Kind : uint8_t { word, document, empty };  // document: -DOCSTART-, which is no word

  std::string text;
  Kind kind = Kind::word;
};

class NerTableReader {
 public:
  // Keeps a reference to the lines. They are CSV if their path is that of such or they have no tabs in the first. `tags`:
  // nothing when the cells of tags are left alone.
  NerTableReader(LineReader& lines, std::optional<NerTags> tags, NerColumns columns);

  // The next sentence with a word; false at the end. A sentence ends before a row that has another value in the column of
  // sentences; where there is no such column, at a row of empty cells. An empty value goes on with the sentence. Puts the
  // rows below the header from the last call on behind those of `passed`, if that is given. Throws Error "path:line: ..." as
  // TableRows::next() does, on a column that is missing or that several could be, a row of another number of cells, a word
  // that is none or has a line break, a tag that is none, and tags of some words alone.
  bool next(NerSentence& sentence, std::vector<NerTableRow>* passed = nullptr);
  // Whether the sentences so far have tags.
  bool labelled() const { return labelled_; }
  // From the first next() on.
  TableLayout layout() const;
  // What was taken for what, and what was left out, so far; for the log.
  std::vector<std::string> notes() const;

 private:
  void begin();
  bool is_empty_row() const;
  void find_columns();
  std::optional<size_t> find(const ColumnChoice& choice, bool (*is_usual)(std::string_view),
                             const char* usual) const;
  NerTableRow::Kind kind_of_row() const;
  bool begins_sentence() const;
  void add_word(NerSentence& sentence);
  void add_tag(NerSentence& sentence);
  std::string where() const;
  std::string column(size_t place) const;
  std::string description() const;

  LineReader& lines_;
  std::optional<NerTags> tags_;
  NerColumns columns_;
  std::optional<TableRows> rows_;
  std::string header_;
  std::vector<std::string> names_;  // in it
  size_t text_ = 0;
  std::optional<size_t> label_, sentence_;
  TableRow row_;          // the one at hand
  bool is_next_ = false;  // it begins the next sentence
  bool labelled_ = false, begun_ = false;
  std::string value_;                  // of the last row that has one in the column of sentences
  std::unordered_set<size_t> values_;  // hashes of those before
  int64_t sentences_ = 0, empty_ = 0, documents_ = 0, quoted_ = 0, repeated_ = 0;
  std::string first_repeated_;
};

}  // namespace gradus
