#include "tasks/classifier/predict_form.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/io/json.h"
#include "data/columns.h"
#include "tasks/text/display_text.h"
#include "tasks/text/predicted_rows.h"

namespace gradus {
namespace {

// The text, or the two of a pair, in columns of one line.
std::string shown(const ClassificationText& text) {
  const std::string first = printable_text(text.text_a);
  return text.text_b ? first + "\t" + printable_text(*text.text_b) : first;
}

int32_t best_of(std::span<const double> output) {
  return static_cast<int32_t>(std::ranges::max_element(output) - output.begin());
}

const std::string& likeliest(const ClassifierSystem& system, std::span<const double> output) {
  return system.labels()->name(best_of(output));
}

// The names of the labels that hold, and with `numbers` their probabilities, each with the separator between.
std::string held(const ClassifierSystem& system, std::span<const double> output, bool numbers) {
  std::string text;
  for (const int32_t id : system.holding(output)) {
    if (!text.empty()) text += system.settings().label_separator;
    text += numbers ? fmt::format("{:.4f}", output[static_cast<size_t>(id)]) : system.labels()->name(id);
  }
  return text;
}

std::string plain_line(const ClassifierSystem& system, const ClassificationText& text,
                       std::span<const double> output) {
  switch (system.problem()) {
    case ProblemType::multi_label:
      return fmt::format("{}\t{}\t{}", printable_text(held(system, output, false)),
                         held(system, output, true), shown(text));
    case ProblemType::regression:
      return fmt::format("{:.4f}\t{}", output[0], shown(text));
    case ProblemType::single_label:
      break;
  }
  return fmt::format("{}\t{:.4f}\t{}", printable_text(likeliest(system, output)),
                     output[static_cast<size_t>(best_of(output))], shown(text));
}

// The members of an object that say what is predicted, their names with `prefix` before, but for those of numbers by names.
Json answer(const ClassifierSystem& system, std::span<const double> output, const std::string& prefix) {
  Json json;
  switch (system.problem()) {
    case ProblemType::single_label:
      json[prefix + "label"] = likeliest(system, output);
      break;
    case ProblemType::multi_label: {
      Json& labels = json[prefix + "labels"] = Json::array();
      for (const int32_t id : system.holding(output)) labels.push_back(system.labels()->name(id));
      break;
    }
    case ProblemType::regression:
      json[prefix + "score"] = output[0];
      return json;
  }
  Json& probabilities = json["probabilities"] = Json::object();
  for (int32_t id = 0; id < system.labels()->size(); ++id)
    probabilities[system.labels()->name(id)] = output[static_cast<size_t>(id)];
  return json;
}

const std::string added = "predicted_";  // what names begin with that stand beside those of the data

std::string json_line(const ClassifierSystem& system, const ClassificationText& text,
                      std::span<const double> output) {
  Json json;
  if (text.text_b) {
    json["text_a"] = text.text_a;
    json["text_b"] = *text.text_b;
  } else {
    json["text"] = text.text_a;
  }
  json.update(answer(system, output, ""));
  return json_text(json);
}

// What is added to the row of a table.
std::vector<std::string> added_cells(const ClassifierSystem& system, std::span<const double> output) {
  std::vector<std::string> cells;
  switch (system.problem()) {
    case ProblemType::single_label:
      cells.push_back(likeliest(system, output));
      break;
    case ProblemType::multi_label:
      cells.push_back(held(system, output, false));
      break;
    case ProblemType::regression:
      break;
  }
  for (const double number : output) cells.push_back(fmt::format("{:.6f}", number));
  return cells;
}

// Refuses objects that have what would be added.
void check_objects(const ClassifierSystem& system, const ClassificationData& data) {
  const std::vector<double> any(static_cast<size_t>(system.head().classes), 0);
  const Json more = answer(system, any, added);
  for (const ClassificationText& text : data.texts)
    check_predicted_members(text.row, more, fmt::format("{}:{}", data.path, text.line));
}

std::string table_head(const ClassifierSystem& system, const ClassificationData& data) {
  check(!data.json_lines,
        "{}: JSON lines: --predict_form table adds columns to a table, jsonl members to their objects",
        data.path);
  return predicted_head(data.layout, prediction_names(system), data.path);
}

constexpr std::array<std::string_view, 2> number_names{"index", "id"};

// The number of a text's row: what a column says that is called so, else its place among those that were read.
std::string row_number(const ClassificationData& data, const ClassificationText& text) {
  std::vector<std::string_view> cells;
  split_columns(text.row, Separator::tabs, cells);
  const std::vector<std::string>& names = data.layout.names;
  for (size_t i = 0; i < names.size(); ++i) {
    if (is_column_name(names[i], number_names)) return std::string(cells[i]);
  }
  return std::to_string(&text - data.texts.data());
}

// The same of an object: a number, also where it is written as a string.
Json object_number(const ClassificationData& data, const ClassificationText& text) {
  const Json object = parse_json(text.row, fmt::format("{}:{}", data.path, text.line));
  for (const std::string_view name : number_names) {
    const Json* number = object.find(std::string(name));
    if (number == nullptr) continue;
    const std::optional<int64_t> digits = number->is_string() ? whole_number(number->text()) : std::nullopt;
    return digits ? Json(*digits) : *number;
  }
  return &text - data.texts.data();
}

std::string submission_head(const ClassifierSystem& system, const ClassificationData& data) {
  check(system.problem() != ProblemType::multi_label,
        "{}: --predict_form submission: a text has one prediction, but the classifier gives any number of "
        "labels",
        data.path);
  check(!data.layout.look.quotes,
        "{}: CSV: --predict_form submission is for GLUE's tables and CLUE's JSON lines", data.path);
  return data.json_lines ? "" : "index\tprediction\n";
}

std::string submission_line(const ClassifierSystem& system, const ClassificationData& data,
                            const ClassificationText& text, std::span<const double> output) {
  const bool is_score = system.problem() == ProblemType::regression;
  const std::string prediction = is_score ? fmt::format("{:.3f}", output[0]) : likeliest(system, output);
  if (!data.json_lines) return fmt::format("{}\t{}", row_number(data, text), printable_text(prediction));
  Json object;
  object["id"] = object_number(data, text);
  object["label"] = prediction;
  return json_text(object);
}

}  // namespace

ClassifierPredictForm parse_predict_form(std::string_view name, bool json) {
  if (name == "table") return ClassifierPredictForm::table;
  if (name == "submission") return ClassifierPredictForm::submission;
  return name == "jsonl" || (name == "auto" && json) ? ClassifierPredictForm::jsonl
                                                     : ClassifierPredictForm::text;
}

std::vector<std::string> prediction_names(const ClassifierSystem& system) {
  std::vector<std::string> names;
  switch (system.problem()) {
    case ProblemType::single_label:
      names = {added + "label"};
      break;
    case ProblemType::multi_label:
      names = {added + "labels"};
      break;
    case ProblemType::regression:
      return {added + "score"};
  }
  for (const std::string& label : system.labels()->names()) names.push_back("probability_" + label);
  return names;
}

std::string prediction_head(ClassifierPredictForm form, const ClassifierSystem& system,
                            const ClassificationData& data) {
  if (form == ClassifierPredictForm::jsonl && data.json_lines) check_objects(system, data);
  if (form == ClassifierPredictForm::submission) return submission_head(system, data);
  return form == ClassifierPredictForm::table ? table_head(system, data) : "";
}

std::string prediction_line(ClassifierPredictForm form, const ClassifierSystem& system,
                            const ClassificationData& data, const ClassificationText& text,
                            std::span<const double> output) {
  switch (form) {
    case ClassifierPredictForm::table:
      return predicted_row(data.layout, text.row, added_cells(system, output));
    case ClassifierPredictForm::jsonl:
      return data.json_lines ? predicted_object(text.row, answer(system, output, added))
                             : json_line(system, text, output);
    case ClassifierPredictForm::submission:
      return submission_line(system, data, text, output);
    case ClassifierPredictForm::text:
      break;
  }
  return plain_line(system, text, output);
}

}  // namespace gradus
