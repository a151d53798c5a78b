// What the readers of texts with a class share.
#pragma once

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
};

}  // namespace gradus
