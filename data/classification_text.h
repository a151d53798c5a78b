// Readers for texts, and pairs of them, that have a class or a score: tables of GLUE and XNLI, CLUE's JSON lines,
// tables of one's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/classification_forms.h"
#include "data/columns.h"
#include "data/table_rows.h"

namespace gradus {

// A label as a number; nothing when it is none that a float holds.
std::optional<float> label_as_number(std::string_view label);

struct ClassificationText {
  std::string text_a;
  std::optional<std::string> text_b;  // of a pair
  std::string label;     // as it stands in the file; empty when the data has none, or several a text
  float score = 0;       // the same as a number, in a form with scores
  int64_t line = 0;      // of the file, from 1
  int32_t file = 0;      // of ClassificationData::files
  std::string row = {};  // as it stands in the file, where rows are kept
  std::vector<std::string> labels = {};  // of data with any number a text
};

// The names of the columns, or of JSON objects' members, that texts and labels stand in; empty: none, or without a name.
struct ClassificationColumnNames {
  std::string text, pair, label;
  std::vector<std::string> labels = {};  // of columns of 0 and 1, in place of one of labels
};

struct ClassificationData {
  std::string path;
  std::vector<std::string> files;  // that the texts are of; none: all are of `path`
  const ClassificationForm* form = &classification_forms().front();
  bool labelled = true;                    // all texts or none
  bool several_labels = false;             // a text has any number of labels
  std::vector<std::string> label_columns;  // the labels that have a column of 0 and 1 each
  bool has_header = false;                 // the first line tells which column the label is
  ClassificationColumnNames column_names;
  std::vector<ClassificationText> texts;
  std::vector<std::string> notes;  // what was taken for what, and what was left out, for the log
  bool json_lines = false;
  TableLayout layout;  // of a table

  // Adds those of another file. Throws Error where one has pairs of texts, and the other single ones.
  void append(ClassificationData other);
  // "path:line": where a text stands.
  std::string where(size_t text) const;
  // "path: ..." of each note, and of the first example as it was understood.
  std::string log() const;
  // The labels of a text: one, any number, or none when the data has none.
  std::vector<std::string> labels_of(size_t text) const;
  // Every label that occurs, in byte order, and how often. None when the data has none.
  std::map<std::string, int64_t> label_counts() const;
  // Every label that occurs, in the order of their ids when no list says another: by value when all are whole
  // numbers, else in byte order; those with columns of their own in the order of these. For data to train on: throws Error
  // when there is but one class, or none of several labels, and when no header
  // tells which column they are and they look like none: that of the first line is the only one that occurs once,
  // as the name of a column would, or there are more than half as many as texts.
  std::vector<std::string> found_labels() const;
};

// Whether texts have to have labels. `ignored` is for files to predict: labels that are there are left alone, right or
// wrong.
enum class ClassLabelUse : uint8_t { required, optional, ignored };

// Which columns of a table, or names of JSON objects, have the text, the second text of a pair and the label, where
// the form's own rules are not to find them, which rows are read, and how many labels a text has.
struct ClassificationColumns {
  ColumnChoice text, pair, label;
  char delimiter = 0;           // of CSV; 0: to be found
  std::string language = {};    // of the rows to read, of a form with a column of languages; empty: all
  bool several_labels = false;  // any number a text
  char label_separator = ',';   // between those of a cell
  std::vector<ColumnChoice> label_columns = {};  // of 0 and 1, a label each, in place of a column of labels
  // Of a table of one's own, chosen where nothing else is and the file has those of the texts: what a model was trained on.
  ClassificationColumnNames usual = {};
};

// Reads a file, plain or gzip. Tables are lines of columns with tabs between them, in which quotation marks are text
// like any other, or CSV (data/table_rows.h): the form csv, and tsv where the file's name ends in .csv; blanks around
// labels are no part of them, and empty lines after the first are left out unless texts stand alone, as are rows of CSV
// that have nothing in their cells. What a column holds is told by the header; its names count without regard to case. A
// header of one's own table has a label ("label", "gold_label", "is_duplicate") and a text ("text", "sentence") or the
// two of a pair as GLUE, SNLI and CLUE name them ("sentence1" and "sentence2", "question" and "sentence", ...); a first
// line of texts' names, "index" and "id" alone is one too, of a file without labels. Without it the columns are a text
// and its label, or two texts and the label, or, unless labels are required, the text alone, behind a column that counts
// the lines if there is one. With this the file may lack the labels altogether. A form of tables may be JSON lines with
// these names, too, told by the first line. Rows may end behind the first of five annotators' labels, as SNLI's. Several
// labels of a text stand in one cell with the separator between, blanks around each are no part of it, and in an empty
// cell there are none; or in a JSON list; or each has a column of its name with 0 or 1, or false or true. Further
// columns and names are told in the notes, and how many rows are left out, and why. With `keep_rows` each text has its
// row, of a table with as many columns as the header has. Throws Error "path:line: ..." on a missing column, a header of
// which only some names are known or several may be the text, a wrong number of columns, wrong quotation marks, an empty
// label, a score that is no number from 0 to 5, bad JSON, and when there is no text. Whether a label is known is asked
// when it becomes a number: make_classification_examples.
ClassificationData read_classification(const std::string& path, const ClassificationForm& form,
                                       ClassLabelUse use, const ClassificationColumns& columns = {},
                                       bool keep_rows = false);

// Whether a file is one to be read so though nobody has said its form: its name ends in .csv, or its first line is a
// JSON object. A pipe is not looked into: what is read of it is gone.
bool is_classification_table(const std::string& path);

}  // namespace gradus
