#include "tasks/options/column_options.h"

#include "core/error.h"
#include "data/labels.h"

namespace gradus {

void NerColumnOptions::declare(Options& options) {
  options
      .add(
          "text_column", text_column,
          "column of text that has the words: a number from 1, or from -1 at the end, or a name of the "
          "header or of JSON lines; none: one of a usual name, else the first, or the second where the first "
          "counts the words")
      .alias("text_column_name");
  options.add("label_column", label_column, "likewise the tags; none: one of a usual name, else the last")
      .alias("label_column_name");
  options.add(
      "sentence_column", sentence_column,
      "likewise, of a table with a header and a word a row, what numbers or names the sentences; none: "
      "one of a usual name, or an empty row ends a sentence");
}

NerColumns NerColumnOptions::columns(const std::string& option, const std::string& label_file) const {
  NerColumns columns{{"--text_column", text_column},
                     {"--label_column", label_column},
                     {"--sentence_column", sentence_column}};
  columns.numbers.option = option;
  if (label_file.empty()) return columns;
  const LabelList labels = LabelList::load(label_file);
  // A list without O is one of entity types, or has no number for O.
  const bool has_outside = labels.where(labels.outside_id()) != label_file;
  if (has_outside) columns.numbers.tags = labels.tags();
  return columns;
}

NerColumnNames NerColumnOptions::names() const {
  const NerColumns chosen = columns();
  const auto name = [](const ColumnChoice& choice) { return choice.is_name() ? choice.text() : ""; };
  return {name(chosen.text), name(chosen.label), name(chosen.sentence)};
}

void ClassificationColumnOptions::declare(Options& options) {
  options
      .add("text_column", text_column,
           "column of text that has the texts: a number from 1, or from -1 at the end, or a name of the "
           "header or of JSON lines; none: as the form says")
      .alias("text_column_name");
  options.add("text_pair_column", text_pair_column, "likewise the second texts of pairs");
  options.add("label_column", label_column, "likewise the labels; none: the last, or as the form says")
      .alias("label_column_name");
  options.add(
      "label_columns", label_columns,
      "columns of a table with a header, or names of JSON lines, with commas between, that have 0 or 1 for a "
      "label each: texts with any number of labels");
  options.add("label_separator", label_separator,
              "what stands between the labels of a text, where it has any number of them: a character");
  options
      .add("problem_type", problem_type,
           "what a text is given: one of the classes, any number of labels, or a score; auto: what the other "
           "options "
           "or a trained model say, else a class")
      .choices({"auto", "single_label_classification", "multi_label_classification", "regression"});
  options.add(
      "delimiter", delimiter,
      "what stands between the cells of CSV: comma, semicolon, tab or bar; none: what parts the first rows");
  options.add("language", language,
              "language of the rows to read, where a form has a column of it; none: all");
}

std::optional<ProblemType> ClassificationColumnOptions::problem() const {
  if (problem_type == "auto" && !label_columns.empty()) return ProblemType::multi_label;
  return find_problem(problem_type);
}

ClassificationColumns ClassificationColumnOptions::columns(bool several_labels) const {
  ClassificationColumns columns{{"--text_column", text_column},
                                {"--text_pair_column", text_pair_column},
                                {"--label_column", label_column},
                                parse_delimiter("--delimiter ", delimiter),
                                language};
  gradus::check(label_separator.size() == 1 && static_cast<unsigned char>(label_separator[0]) > ' ' &&
                    static_cast<unsigned char>(label_separator[0]) < 0x7F,
                "--label_separator '{}': expected one character of ASCII that can be seen", label_separator);
  columns.several_labels = several_labels;
  columns.label_separator = label_separator[0];
  if (!label_columns.empty()) {
    for (const std::string& column : comma_parts(label_columns))
      columns.label_columns.emplace_back("--label_columns", column);
  }
  return columns;
}

void ClassificationColumnOptions::check(const ClassificationForm& form) const {
  columns();
  gradus::check(language.empty() || !form.language.empty(),
                "--language {}: the tables of {} have no column of languages", language, form.name);
  gradus::check(text_pair_column.empty() || !text_column.empty(),
                "--text_pair_column {}: --text_column is missing: expected both texts of a pair",
                text_pair_column);
  gradus::check(label_columns.empty() || label_column.empty(),
                "--label_columns {}: --label_column {} is there, too: expected one of them", label_columns,
                label_column);
  gradus::check(label_columns.empty() || problem() == ProblemType::multi_label,
                "--label_columns {}: any number of them holds: expected --problem_type {}, found {}",
                label_columns, problem_name(ProblemType::multi_label), problem_type);
  gradus::check(problem() != ProblemType::multi_label || form.is_own(),
                "--problem_type {}: the texts of {} have a class each: expected a table of one's own",
                problem_name(ProblemType::multi_label), form.name);
}

}  // namespace gradus
