// The rows of a table: lines of columns with tabs between, or CSV as spreadsheets write it, by way of libcsv.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/columns.h"
#include "data/text_file.h"

namespace gradus {

struct TableRow {
  int64_t line = 0;  // of the file, from 1, on which the row begins
  std::vector<std::string> cells;
  std::string text;  // the row as it stands in the file, without its end; line breaks in it are LF
};

// How cells become a row again.
struct TableLook {
  bool quotes = false;  // cells may stand in quotation marks
  char delimiter = '\t';
};

// What a table is beside its rows: to write it again with more columns.
struct TableLayout {
  TableLook look;
  std::string preamble;            // a line before its header, or none
  std::string header;              // the row with the names of columns as it stands in the file; empty: none
  std::vector<std::string> names;  // in the header
  bool has_mark = false;           // the file begins with a byte order mark
  bool ends_in_crlf = false;       // its first line does
};

// Of CSV quotation marks around a cell are no part of it, two within it are one; in it there may be delimiters and line
// breaks. Lines with tabs between are taken as they are.
class TableRows {
 public:
  // Lines with tabs between. Keeps the reference.
  explicit TableRows(LineReader& lines);
  // CSV. `delimiter` is a comma, semicolon, tab or vertical bar, or 0: the one that parts the first rows into columns of
  // which each row has as many, or that a first line "sep=;" of Excel's names.
  TableRows(LineReader& lines, char delimiter);
  ~TableRows();
  TableRows(const TableRows&) = delete;
  TableRows& operator=(const TableRows&) = delete;

  // The next row; false at the end. Of an empty line it has one empty cell. Throws Error as LineReader::next() does,
  // and "path:line: ..." on quotation marks that are neither around a cell nor doubled, on one that opens a cell and is
  // not closed (the line is that of the opening one), and on a row of more than longest_line bytes.
  bool next(TableRow& row);

  TableLook look() const;
  // The line "sep=..." before the first row; empty: there is none.
  const std::string& preamble() const { return preamble_; }

 private:
  class Csv;
  bool next_line(NumberedLine& line);
  char guess_delimiter();

  LineReader& lines_;
  std::deque<NumberedLine> ahead_;  // that were looked at to find the delimiter
  std::string preamble_;
  std::unique_ptr<Csv> csv_;  // none of tabs
};

// Whether a line is Excel's "sep=;", which says what parts the cells of those behind it.
bool is_delimiter_line(std::string_view line);
// The cells of what may be a header, cut at any of the delimiters, without the blanks and quotation marks around them: for a
// look at what a file is.
std::vector<std::string_view> header_cells(std::string_view line, std::string_view delimiters);

// Whether a file's name ends in .csv or .csv.gz, in letters of any size.
bool is_called_csv(std::string_view path);

// The value of an option: "comma", "semicolon", "tab", "bar", or the character itself. Throws Error that names them and
// the option; 0 of an empty text.
char parse_delimiter(std::string_view option, std::string_view text);
// What it is called in messages: "comma".
std::string_view delimiter_name(char delimiter);

// A cell as a row of this look has it: where need be in quotation marks. Where there are none, tabs and line breaks in it become blanks.
std::string table_cell(std::string_view text, const TableLook& look);

}  // namespace gradus
