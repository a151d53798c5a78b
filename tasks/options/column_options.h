// Options that say which columns of text have what, the same for the programs that fine-tune and the generators.
#pragma once

#include <optional>
#include <string>

#include "core/problem_type.h"
#include "data/classification_text.h"
#include "data/ner_text.h"
#include "tasks/options/options.h"

namespace gradus {

struct NerColumnOptions {
  std::string text_column, label_column, sentence_column;

  void declare(Options& options);
  // `label_file`: the list of tags that `option` names, or none; where it has O it says what numbers as tags stand for. Throws
  // Error on column 0, and as LabelList::load() does.
  NerColumns columns(const std::string& option = "--label_file_path",
                     const std::string& label_file = {}) const;
  // Those that are names.
  NerColumnNames names() const;
};

struct ClassificationColumnOptions {
  std::string text_column, text_pair_column, label_column, delimiter, language;
  std::string label_columns;  // names or numbers with commas between
  std::string label_separator = ",";
  std::string problem_type = "auto";

  // What the options say that a text is given; nothing when they leave it to the data or to a trained model.
  std::optional<ProblemType> problem() const;

  void declare(Options& options);
  // Of texts with any number of labels, `several_labels`, or with one label each. Throws Error on column 0, and on a delimiter
  // that is none.
  ClassificationColumns columns(bool several_labels = false) const;
  // Throws Error also when but one text of a pair has its column, on a language where the form has no column of them, and
  // when options contradict each other in how many labels a text has.
  void check(const ClassificationForm& form) const;
};

}  // namespace gradus
