// Answers to new questions.
#pragma once

#include <cstdio>
#include <istream>
#include <string>

#include "tasks/squad/predict_form.h"

namespace gradus {

// Reads paragraphs with their questions: a line of text, then a question a line, and a blank line before the next
// text. Writes a line for each question to `out` as soon as it is known. `name` stands for the input in messages. A line
// that is no text gets an error in its place, and so do the questions about it. The id of a question is its line. Returns
// the exit status.
int answer_lines(const SquadSystem& system, const SquadAnswerer& answerer, const SquadDriverOptions& options,
                 std::istream& in, const std::string& name, AnswerForm form, std::FILE* out);

}  // namespace gradus
