// Texts with a class or a score in JSON lines.
#pragma once

#include <string_view>

#include "data/classification_reading.h"
#include "data/text_file.h"

namespace gradus {

// Whether a line begins as JSON's objects and lists of them do.
bool begins_json(std::string_view line);

// Reads what read_classification() says of JSON lines. Throws Error "path:line: ..." also where a word that is to be marked
// (ClassificationForm::marks_words) is not where the object says.
void read_json_texts(LineReader& lines, ClassificationReading& reading);

}  // namespace gradus
