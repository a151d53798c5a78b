// What answers are written as: lines of text, objects, or the rows that were read with more in them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tasks/squad/evaluation.h"

namespace gradus {

enum class AnswerForm : uint8_t {
  text,  // the answer, its probability and the question, with tabs between
  details,  // an object with the question, the answer, its place in the text in characters (code points), and the n best
  table,  // the table that was read: each row as it stands in the file, with the columns predicted_answer and probability
  jsonl  // an object a line with prediction_text and probability: that which was read, or one with the question
};

// The form of --predict_form; of "auto" text, or with --json the details.
AnswerForm parse_answer_form(std::string_view name, bool json);

// The answer that a prediction is, and its probability; what stands for an answer where the text has none is empty.
std::pair<std::string, double> shown_answer(const SquadPrediction& prediction);
// The bytes [begin, end) of the text where the answer to a question, which is not empty, stands.
std::pair<size_t, size_t> place_of_answer(const SquadQuestions& questions, size_t question,
                                          const SquadPrediction& prediction);
// One line for a question, as text, details, or an object with its id and its context.
std::string show_answer(const SquadQuestions& questions, size_t number, const SquadPrediction& prediction,
                        AnswerForm form);

// What stands before the lines of a file: of a table its header with more names. Throws Error "path: ..." when a table is
// wanted and what was read is none, and when a name of what is added is there already.
std::string answers_head(const SquadData& data, AnswerForm form);
// How many lines a file gets: one for each row of a table or of JSON that gets more in it, or for each question.
size_t answer_line_count(const SquadData& data, AnswerForm form);
// One of them. `predictions` are those of all questions.
std::string answer_line(const SquadQuestions& questions, size_t line,
                        std::span<const SquadPrediction> predictions, AnswerForm form);

}  // namespace gradus
