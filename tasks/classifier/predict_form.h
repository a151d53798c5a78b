// What predictions are written as: lines of text, the table that was read with more columns, JSON lines, or what the servers of
// GLUE and CLUE score.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/classification_text.h"
#include "tasks/classifier/system.h"

namespace gradus {

enum class ClassifierPredictForm : uint8_t {
  text,  // the label and its probability, all labels that hold and theirs, or the score, and the text, with tabs between
  table,  // the table that was read: each row as it stands in the file, with columns added
  jsonl,  // an object a line: that which was read, with more in it, or one with the text
  submission  // for GLUE's server a table of numbers of rows and predictions, for CLUE's, of JSON lines, objects of both
};

// The form of --predict_form; of "auto" text, or JSON lines with --json.
ClassifierPredictForm parse_predict_form(std::string_view name, bool json);

// The names of what is added to a table: predicted_label or predicted_labels and the probabilities of all, or
// predicted_score.
std::vector<std::string> prediction_names(const ClassifierSystem& system);

// What stands before the predictions: of a table its header, if there is one, with more names. Throws Error "path: ..."
// when a table is wanted and what was read is none, when a name of what is added is there already, and when a submission is
// wanted of CSV or of any number of labels.
std::string prediction_head(ClassifierPredictForm form, const ClassifierSystem& system,
                            const ClassificationData& data);

// One prediction as a line without its end. `output` are the probabilities of the classes or labels, or the score. `data` is
// where the text comes from.
std::string prediction_line(ClassifierPredictForm form, const ClassifierSystem& system,
                            const ClassificationData& data, const ClassificationText& text,
                            std::span<const double> output);

}  // namespace gradus
