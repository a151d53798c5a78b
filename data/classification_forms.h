// The forms in which texts with a class or a score come: a row for each data set by name, and for tables of one's own.
// All that options, messages, the generator of records, the fuzzer and docs/classification.md know of a form stands in
// its row.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus {

enum class FormSyntax : uint8_t {
  tabs,         // lines of columns with tabs between, in which quotation marks are text; or JSON lines
  spreadsheet,  // CSV: quotation marks around cells, commas, semicolons or tabs between
  json_lines    // an object a line
};

struct ClassificationForm {
  using Names = std::vector<std::string_view>;

  std::string_view name;
  std::vector<std::string> aliases = {};
  std::string_view about = {};  // what it is, for readers of the documentation
  FormSyntax syntax = FormSyntax::tabs;
  // What the columns of a header, or JSON objects, call the text, the second text of a pair, and the label; files of
  // one form may differ in it, and each has one. None of a form of one's own, whose file says it.
  Names text = {}, pair = {}, label = {};
  // The columns of a table that may lack a header. A first line with the name of the text is one nevertheless.
  Names without_header = {};
  // In the order of their ids. None of scores, and of a form of one's own, whose data tell them.
  std::vector<std::string> labels = {};
  // Other spellings of labels, and which they stand for.
  std::vector<std::pair<std::string_view, std::string_view>> spellings = {};
  // The label of texts that are left out, since those who labelled them did not agree; empty: none.
  std::string_view disputed = {};
  std::string_view language = {};  // the column of the language, by which rows are chosen; empty: none
  // The names of two words of a text, each a JSON object's with the place of its first character, that are marked in
  // the text: _the first_ and [the second].
  bool marks_words = false;
  bool scores = false;  // numbers from 0 to 5 in place of labels
  // What the data set is judged by, as --assessment_method has it: the first one is the default.
  Names measures = {"accuracy"};
  // The published files to train on, to score on and to predict; {} stands for a language.
  std::array<std::string_view, 3> files = {"train.tsv", "dev.tsv", "test.tsv"};
  // What records made of them are called, without the ending: as google-research/bert does.
  std::array<std::string_view, 3> records = {"train", "eval", "predict"};

  // Whether it is a table of one's own.
  bool is_own() const { return text.empty(); }
};

const std::vector<ClassificationForm>& classification_forms();
// The form of this name or alias, without regard to case; null when there is none.
const ClassificationForm* find_classification_form(std::string_view name);
// The same. Throws Error that names the forms when `name` is none of them.
const ClassificationForm& classification_form(std::string_view name);
// "tsv, csv, cola, ...".
std::string classification_form_names();

}  // namespace gradus
