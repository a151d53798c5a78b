// What the readers of texts with a class share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/classification_text.h"

namespace gradus {

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
