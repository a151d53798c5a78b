// Answers to new questions.
#pragma once

#include <cstdio>
#include <istream>
#include <string>
#include <utility>

#include "tasks/squad/evaluation.h"

namespace gradus {

enum class AnswerStyle : uint8_t {
  plain,  // the answer, its probability and the question, with tabs between
  json,  // an object with the question, the answer, its place in the text in characters (code points), and the n best
};

// The answer that a prediction is, and its probability; what stands for an answer where the text has none is empty.
std::pair<std::string, double> shown_answer(const SquadPrediction& prediction);
// The bytes [begin, end) of the text where the answer to a question, which is not empty, stands.
std::pair<size_t, size_t> place_of_answer(const SquadQuestions& questions, size_t question,
                                          const SquadPrediction& prediction);
// One line for a question.
std::string show_answer(const SquadQuestions& questions, size_t number, const SquadPrediction& prediction,
                        AnswerStyle style);

// Reads paragraphs with their questions: a line of text, then a question a line, and a blank line before the next
// text. Writes a line for each question to `out` as soon as it is known. `name` stands for the input in messages. A line
// that is no text gets an error in its place, and so do the questions about it. Returns the exit status.
int answer_lines(const SquadSystem& system, const SquadAnswerer& answerer, const SquadDriverOptions& options,
                 std::istream& in, const std::string& name, AnswerStyle style, std::FILE* out);

}  // namespace gradus
