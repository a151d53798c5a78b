#include "tasks/options/column_options.h"

#include "core/error.h"

namespace gradus {

void NerColumnOptions::declare(Options& options) {
  options
      .add("text_column", text_column,
           "column of text that has the words: a number from 1, or from -1 at the end, or a name of the "
           "header; none: the first, or the second where the first counts the words")
      .alias("text_column_name");
  options.add("label_column", label_column, "likewise the tags; none: the last").alias("label_column_name");
}

NerColumns NerColumnOptions::columns() const {
  return {{"--text_column", text_column}, {"--label_column", label_column}};
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
      "delimiter", delimiter,
      "what stands between the cells of CSV: comma, semicolon, tab or bar; none: what parts the first rows");
  options.add("language", language,
              "language of the rows to read, where a form has a column of it; none: all");
}

ClassificationColumns ClassificationColumnOptions::columns() const {
  return {{"--text_column", text_column},
          {"--text_pair_column", text_pair_column},
          {"--label_column", label_column},
          parse_delimiter("--delimiter ", delimiter),
          language};
}

void ClassificationColumnOptions::check(const ClassificationForm& form) const {
  columns();
  gradus::check(language.empty() || !form.language.empty(),
                "--language {}: the tables of {} have no column of languages", language, form.name);
  gradus::check(text_pair_column.empty() || !text_column.empty(),
                "--text_pair_column {}: --text_column is missing: expected both texts of a pair",
                text_pair_column);
}

}  // namespace gradus
