// Tables as spreadsheets write them: cells in quotation marks, what stands between them, and where what is wrong.
#include <doctest/doctest.h>

#include "core/error.h"
#include "data/classification_text.h"
#include "data/table_rows.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Strings = std::vector<std::string>;

namespace {

std::vector<TableRow> rows_of(const std::string& path, char delimiter = 0, char* found = nullptr) {
  LineReader lines(path);
  TableRows rows(lines, delimiter);
  if (found != nullptr) *found = rows.look().delimiter;
  std::vector<TableRow> all;
  for (TableRow row; rows.next(row);) all.push_back(row);
  return all;
}

char delimiter_of(std::string_view text) {
  char found = 0;
  rows_of(TempFile(text).path(), 0, &found);
  return found;
}

void check_refused(std::string_view text, const std::string& message) {
  const TempFile file(text, ".csv");
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(rows_of(file.path()), file.error(message).c_str(), Error);
}

ClassificationData read(std::string_view text, ClassLabelUse use = ClassLabelUse::required,
                        const ClassificationColumns& columns = {}) {
  return read_classification(TempFile(text, ".CSV").path(), classification_form("tsv"), use, columns);
}

void check_text_refused(std::string_view text, const std::string& message,
                        const ClassificationColumns& columns = {}) {
  const TempFile file(text, ".csv");
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(
      read_classification(file.path(), classification_form("tsv"), ClassLabelUse::required, columns),
      file.error(message).c_str(), Error);
}

}  // namespace

TEST_CASE("CSV: quotation marks, delimiters and line breaks in cells, and the lines of rows") {
  const std::string text =
      "\xEF\xBB\xBFtext,label\r\n\"a, \"\"b\"\"\",x\r\n\"two\nlines\r\nand more\", y \r\n,\"\"\r\nlast,z";
  for (const std::string& bytes : {text, test::gzipped(text)}) {
    const TempFile file(bytes);
    const std::vector<TableRow> rows = rows_of(file.path());
    REQUIRE(rows.size() == 5);
    CHECK(rows[0].cells == Strings{"text", "label"});
    CHECK(rows[1].cells == Strings{"a, \"b\"", "x"});
    CHECK(rows[1].text == "\"a, \"\"b\"\"\",x");
    CHECK(rows[2].cells == Strings{"two\nlines\nand more", " y "});
    CHECK(rows[2].line == 3);
    CHECK(rows[3].cells == Strings{"", ""});
    CHECK(rows[3].line == 6);
    CHECK(rows[4].cells == Strings{"last", "z"});
  }
}

TEST_CASE("CSV: what stands between cells is found in the first rows") {
  CHECK(delimiter_of("text,label\na,x\n") == ',');
  CHECK(delimiter_of("text;label\na, b, c;x\nd;y\n") == ';');
  CHECK(delimiter_of("text\tlabel\n\"a\tb\"\tx\n") == '\t');
  CHECK(delimiter_of("a|b|c\n1,5|2,5|3\n") == '|');
  // In marks nothing is between cells.
  CHECK(delimiter_of("text;label\n\"a,b;c\";x\n\"d,e\";y\n") == ';');
  // Numbers with commas: three columns by one, two by the other, and the first row tells.
  CHECK(delimiter_of("text;score;id\nabc;1,5;2\nde;2,5;3\n") == ';');
  CHECK(delimiter_of("alone\nin its column\n") == ',');
  CHECK(delimiter_of("") == ',');
  // No delimiter parts all rows alike: the one of the first row, whose fault is told.
  CHECK(delimiter_of("a;b\nc\n") == ';');
  LineReader lines(TempFile("sep=|\na|b\n").path());
  TableRows named(lines, 0);
  CHECK(named.look().delimiter == '|');
  CHECK(named.preamble() == "sep=|");
  TableRow row;
  REQUIRE(named.next(row));
  CHECK(row.cells == Strings{"a", "b"});
  CHECK(row.line == 2);
  CHECK(parse_delimiter("--delimiter ", "bar") == '|');
  CHECK(parse_delimiter("--delimiter ", ";") == ';');
  CHECK_THROWS_WITH_AS(parse_delimiter("--delimiter ", "dot"),
                       "--delimiter dot: expected comma, semicolon, tab or bar", Error);
}

TEST_CASE("CSV: quotation marks that are wrong are named with the line where they begin") {
  const std::string wrong =
      ": a quotation mark that neither begins nor ends a cell: expected a cell with quotation marks in it "
      "between two of its own, and each in it twice";
  check_refused("a,b\nc \"d\",e\n", ":2" + wrong);
  check_refused("a,b\n\"c\" d,e\n", ":2" + wrong);
  check_refused("a,b\n\"c\nd\"e,f\n", ":3" + wrong);
  check_refused("a,b\n\nc,\"d\ne,f\n", ":3: a quotation mark begins a cell here, and none ends it");
  check_refused("a,b\n\"c\nd\",\"e\nf\n", ":3: a quotation mark begins a cell here, and none ends it");
  check_refused("\"", ":1: a quotation mark begins a cell here, and none ends it");
  std::string endless = "a,b\n\"c\n";
  for (int i = 0; i < 18; ++i) endless += std::string(1 << 20, 'x') + "\n";
  check_refused(endless, ":2: a quotation mark begins a cell here, and none ends it within 16777216 bytes");
}

TEST_CASE("CSV: text that is no UTF-8 is named with what a spreadsheet calls the right kind") {
  check_refused("a,b\nf\xFCr,c\n",
                ":2: invalid UTF-8 at byte 1: found 0xfc; a spreadsheet saves UTF-8 as 'CSV UTF-8'");
  using namespace std::string_literals;
  check_refused("\xFF\xFEt\0e\0x\0t\0\t\0l\0\r\0\n\0"s,
                ": this is text in UTF-16LE: expected UTF-8, which iconv -f UTF-16LE -t UTF-8 makes of it");
  check_refused("a,b\nc\0d,e\n"s, ":2: a NUL byte (U+0000) at byte 1");
}

TEST_CASE("a spreadsheet's table of texts") {
  const ClassificationColumns columns{{"--text_column", "Review"}, {}, {"--label_column", "Stars"}};
  const ClassificationData data =
      read("\xEF\xBB\xBFid;review;stars\r\n1;\"good; really\";pos\r\n;;\r\n2;\"so\nso\";neg\r\n\r\n;;\r\n",
           ClassLabelUse::required, columns);
  REQUIRE(data.texts.size() == 2);
  CHECK(data.texts[0].text_a == "good; really");
  CHECK(data.texts[1].text_a == "so\nso");
  CHECK(data.texts[1].line == 4);
  CHECK(data.notes == Strings{"CSV with a semicolon between cells",
                              "texts from column 2 (review), labels from column 3 (stars); not used: id",
                              "3 empty lines are left out"});
  CHECK(data.layout.has_mark);
  CHECK(data.layout.ends_in_crlf);
  // Names that are known, and pairs.
  const ClassificationData pairs = read("label,sentence1,sentence2\nx,a,b\ny,c,d\n");
  CHECK(pairs.texts.at(0).text_b == "b");
  CHECK_FALSE(pairs.layout.ends_in_crlf);
  // Without a header, which is told.
  const ClassificationData bare = read("\"a, b\",x\nc,y\n");
  CHECK(bare.texts.at(0).text_a == "a, b");
  CHECK(bare.notes.at(0) == "CSV with a comma between cells; no header: the first row is a text");
  // A delimiter that is given counts.
  CHECK(read("a;b,text,label\nc;d,e,f\n", ClassLabelUse::ignored, {{}, {}, {}, ','}).texts.at(0).text_a ==
        "e");
}

TEST_CASE("a spreadsheet's table: rows of another length, names that occur twice, nothing at all") {
  check_text_refused("text,label\na,x\nb,y,z\n",
                     ":3: found 3 columns: expected 2: text, label, with a comma between");
  check_text_refused("text,label\na,x\nb\n",
                     ":3: found 1 columns: expected 2: text, label, with a comma between");
  check_text_refused("text,text,label\na,b,x\n",
                     ":1: the header has the columns text, text, label: expected one text, or two of a pair: "
                     "--text_column, --text_pair_column and --label_column say which");
  check_text_refused("review,review,label\na,b,x\n", ":1: several columns named 'review' (--text_column)",
                     {{"--text_column", "review"}, {}, {}});
  check_text_refused("text,label\n,x\n\"a\"\"\",\n", ":3: the label is empty");
  check_text_refused("\n,,\n", ": no text found: expected rows of a table (CSV)");
  check_text_refused("text,label\n",
                     ": no text found: expected rows of a table (CSV); CSV with a comma between "
                     "cells; texts from column 1 (text), labels from column 2 (label)");
}

TEST_CASE(
    "lines with tabs between keep their quotation marks, and say so where a spreadsheet may have set them") {
  const TempFile file("\"a b\"\tx\nc\ty\n");
  const ClassificationData data =
      read_classification(file.path(), classification_form("tsv"), ClassLabelUse::required);
  CHECK(data.texts.at(0).text_a == "\"a b\"");
  CHECK(data.notes.back() ==
        "1 text stands in quotation marks, which are taken for text: --task_name csv reads them as a "
        "spreadsheet does");
  const ClassificationData csv =
      read_classification(file.path(), classification_form("csv"), ClassLabelUse::required);
  CHECK(csv.texts.at(0).text_a == "a b");
}

TEST_CASE("cells are written so that they are read again") {
  const Strings cells{"plain",    "with, comma", "with; semicolon", "\"quoted\"", "two\nlines", "",
                      " blanks ", "a\tb"};
  for (const char delimiter : {',', ';', '\t', '|'}) {
    std::string text;
    for (const std::string& cell : cells)
      text += (text.empty() ? "" : std::string(1, delimiter)) + table_cell(cell, {true, delimiter});
    const TempFile file(text + "\n");
    CHECK(rows_of(file.path(), delimiter).at(0).cells == cells);
  }
  CHECK(table_cell("a\tb\nc\"", TableLook{}) == "a b c\"");
}
