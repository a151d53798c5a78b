// What the readers of texts with a class share.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/classification_text.h"

namespace gradus {

// How many rows are of other languages than the one that is wanted.
class OtherLanguages {
 public:
  // Whether a row of this language is left out, which counts it. Throws Error "<where>: ..." on more languages than there are.
  bool leave_out(std::string_view language, const std::string& wanted, const std::string& where);
  // Adds a note, "2 rows of other languages are left out: de". Throws Error "path: ..." when they are all that there are.
  void tell(ClassificationData& data, const std::string& wanted) const;

 private:
  std::map<std::string, int64_t> rows_;
};

// A file that is being read.
struct ClassificationReading {
  ClassificationData& data;
  ClassLabelUse use;
  const ClassificationColumns& columns;
  bool keep_rows;

  // Adds a text after looking at its label. The first one says whether the data have labels. Throws Error "path:line: ..."
  // on an empty label, and on one that is no score where there have to be scores.
  void add(ClassificationText text, bool labelled);
  // The labels of a cell. Throws Error "<where>: ..." on an empty one where there are others.
  std::vector<std::string> labels_of(std::string_view cell, const std::string& where) const;
  // Whether the label of a column holds by a cell of this. Throws Error "<where>: ..." on anything but 0, 1, false and true.
  static bool holds(std::string_view cell, const std::string& name, const std::string& where);
};

}  // namespace gradus
