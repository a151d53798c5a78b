// Texts with a class or a score in the rows of a table.
#pragma once

#include "data/classification_reading.h"
#include "data/text_file.h"

namespace gradus {

// Reads what read_classification() says of tables.
void read_table_texts(LineReader& lines, FormSyntax syntax, ClassificationReading& reading);

}  // namespace gradus
