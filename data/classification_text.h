// Readers for texts, and pairs of them, that have a class or a score: tables of GLUE, TNEWS's JSON lines,
// tables of one's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/columns.h"

namespace gradus {

// How a data set's files look, and what is told of a text.
enum class ClassificationForm : uint8_t {
  cola,   // source, label, mark, sentence, without a header; a test set has the header "index, sentence"
  mrpc,   // header; pairs "#1 String", "#2 String" with "Quality"
  sst2,   // header; "sentence" with "label"
  sts_b,  // header; pairs "sentence1", "sentence2" with "score", a number from 0 to 5
  tnews,  // a JSON object a line: {"sentence": ..., "label": ...}, other names ignored
  tsv,    // text, label or text_a, text_b, label, or a header that says what is where; or JSON lines
};

std::string_view name_of(ClassificationForm form);
// Throws Error that names the forms when `name` is none of them.
ClassificationForm parse_classification_form(std::string_view name);
// Whether there is a form of this name.
bool is_classification_form(std::string_view name);
// Whether the texts have a score, to be predicted as a number, instead of a class.
bool has_scores(ClassificationForm form);
// The labels of a published data set, in the order of their ids; none for scores, and for tsv, whose data
// tells them.
std::vector<std::string> published_labels(ClassificationForm form);

// A label as a number; nothing when it is none that a float holds.
std::optional<float> label_as_number(std::string_view label);

struct ClassificationText {
  std::string text_a;
  std::optional<std::string> text_b;  // of a pair
  std::string label;                  // as it stands in the file; empty when the data has none
  float score = 0;                    // the same as a number, in a form with scores
  int64_t line = 0;                   // of the file, from 1
};

struct ClassificationData {
  std::string path;
  ClassificationForm form = ClassificationForm::tsv;
  bool labelled = true;     // all texts or none
  bool has_header = false;  // the first line tells which column the label is
  std::vector<ClassificationText> texts;
  std::vector<std::string> notes;  // what was taken for what, and what was left out, for the log

  // "path:line": where a text stands.
  std::string where(size_t text) const;
  // "path: ..." of each note, and of the first example as it was understood.
  std::string log() const;
  // Every label that occurs, in byte order, and how often. None when the data has none.
  std::map<std::string, int64_t> label_counts() const;
  // Every label that occurs, in the order of their ids when no list says another: by value when all are whole
  // numbers, else in byte order. For data to train on: throws Error when there is but one, and when no header
  // tells which column they are and they look like none: that of the first line is the only one that occurs once,
  // as the name of a column would, or there are more than half as many as texts.
  std::vector<std::string> found_labels() const;
};

enum class ClassLabelUse { required, optional };

// Which columns of a table, or names of JSON objects, have the text, the second text of a pair and the label, where
// the form's own rules are not to find them.
struct ClassificationColumns {
  ColumnChoice text, pair, label;
};

// Reads a file, plain or gzip. Tables are lines of columns with tabs between them, in which quotation marks are text
// like any other; blanks around labels are no part of them, and empty lines after the first are left out unless texts
// stand alone. What a column holds is told by the header; its names count without regard to case. A header of tsv has
// a label ("label", "gold_label", "is_duplicate") and a text ("text", "sentence") or the two of a pair as GLUE, SNLI
// and CLUE name them ("sentence1" and "sentence2", "question" and "sentence", ...); a first line of texts' names,
// "index" and "id" alone is one too, of a file without labels. Without it the columns of a tsv are a text and its
// label, or two texts and the label, or, with ClassLabelUse::optional, the text alone, behind a column that counts the
// lines if there is one. With this the file may lack the labels altogether. A tsv may be JSON lines with these names,
// too. Further columns and names are told in the notes. Throws Error "path:line: ..." on a missing column, a header of
// which only some names are known or several may be the text, a wrong number of columns, an empty label, a score that
// is no number from 0 to 5, bad JSON, and when there is no text. Whether a label is known is asked when it becomes a
// number: make_classification_examples.
ClassificationData read_classification(const std::string& path, ClassificationForm form, ClassLabelUse use,
                                       const ClassificationColumns& columns = {});

}  // namespace gradus
