// Options that say which columns of text have what, the same for the programs that fine-tune and the generators.
#pragma once

#include <string>

#include "data/classification_text.h"
#include "data/ner_text.h"
#include "tasks/options/options.h"

namespace gradus {

struct NerColumnOptions {
  std::string text_column, label_column;

  void declare(Options& options);
  // Throws Error on column 0.
  NerColumns columns() const;
};

struct ClassificationColumnOptions {
  std::string text_column, text_pair_column, label_column, delimiter, language;

  void declare(Options& options);
  // Throws Error on column 0, and on a delimiter that is none.
  ClassificationColumns columns() const;
  // Throws Error also when but one text of a pair has its column, and on a language where the form has no column of them.
  void check(const ClassificationForm& form) const;
};

}  // namespace gradus
