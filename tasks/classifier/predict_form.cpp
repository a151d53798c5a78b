#include "tasks/classifier/predict_form.h"

#include <algorithm>

#include "core/error.h"
#include "core/io/json.h"
#include "data/unicode.h"
#include "tasks/text/display_text.h"

namespace gradus {
namespace {

// The text, or the two of a pair, in columns of one line.
std::string shown(const ClassificationText& text) {
  const std::string first = printable_text(text.text_a);
  return text.text_b ? first + "\t" + printable_text(*text.text_b) : first;
}

std::string plain_line(const ClassifierSystem& system, const ClassificationText& text,
                       std::span<const double> output, int32_t best) {
  if (!system.labels()) return fmt::format("{:.4f}\t{}", output[0], shown(text));
  return fmt::format("{}\t{:.4f}\t{}", printable_text(system.labels()->name(best)),
                     output[static_cast<size_t>(best)], shown(text));
}

Json probabilities(const ClassifierSystem& system, std::span<const double> output) {
  Json json = Json::object();
  for (int32_t id = 0; id < system.labels()->size(); ++id)
    json[system.labels()->name(id)] = output[static_cast<size_t>(id)];
  return json;
}

std::string json_line(const ClassifierSystem& system, const ClassificationText& text,
                      std::span<const double> output, int32_t best) {
  Json json;
  if (text.text_b) {
    json["text_a"] = text.text_a;
    json["text_b"] = *text.text_b;
  } else {
    json["text"] = text.text_a;
  }
  if (!system.labels()) {
    json["score"] = output[0];
    return json_text(json);
  }
  json["label"] = system.labels()->name(best);
  json["probabilities"] = probabilities(system, output);
  return json_text(json);
}

// The object of a text with more members; the others stay as they are written.
std::string object_line(const ClassifierSystem& system, const ClassificationText& text,
                        std::span<const double> output, int32_t best) {
  Json more;
  if (system.labels()) {
    more["predicted_label"] = system.labels()->name(best);
    more["probabilities"] = probabilities(system, output);
  } else {
    more["predicted_score"] = output[0];
  }
  return fmt::format("{},{}", text.row.substr(0, text.row.rfind('}')), json_text(more).substr(1));
}

std::string table_line(const ClassifierSystem& system, const ClassificationData& data,
                       const ClassificationText& text, std::span<const double> output, int32_t best) {
  const TableLook& look = data.layout.table;
  std::string line = text.row;
  if (system.labels()) line.append(1, look.delimiter).append(table_cell(system.labels()->name(best), look));
  for (const double number : output) line.append(1, look.delimiter).append(fmt::format("{:.6f}", number));
  return data.layout.ends_in_crlf ? line + "\r" : line;
}

// Refuses objects that have what would be added.
void check_objects(const ClassifierSystem& system, const ClassificationData& data) {
  const std::vector<std::string> names = system.labels()
                                             ? std::vector<std::string>{"predicted_label", "probabilities"}
                                             : std::vector<std::string>{"predicted_score"};
  for (const ClassificationText& text : data.texts) {
    const std::string where = fmt::format("{}:{}", data.path, text.line);
    const Json row = parse_json(text.row, where);
    for (const std::string& name : names)
      check(!row.contains(name), "{}: the row has a \"{}\" already, which is the name of what is predicted",
            where, name);
  }
}

std::string table_head(const ClassifierSystem& system, const ClassificationData& data) {
  const ClassificationLayout& layout = data.layout;
  check(!layout.json_lines,
        "{}: JSON lines: --predict_form table adds columns to a table, jsonl members to their objects",
        data.path);
  const std::string end = layout.ends_in_crlf ? "\r\n" : "\n";
  std::string head = layout.has_mark ? "\xEF\xBB\xBF" : "";
  if (!layout.preamble.empty()) head += layout.preamble + end;
  if (layout.names.empty()) return head;
  head += layout.header;
  for (const std::string& name : prediction_names(system)) {
    const bool is_taken =
        std::ranges::any_of(layout.names, [&](const auto& taken) { return same_column_name(taken, name); });
    check(!is_taken, "{}: the header has a column {} already, which is the name of what is predicted",
          data.path, gradus::shown(name));
    head.append(1, layout.table.delimiter).append(table_cell(name, layout.table));
  }
  return head + end;
}

}  // namespace

ClassifierPredictForm parse_predict_form(std::string_view name, bool json) {
  if (name == "table") return ClassifierPredictForm::table;
  return name == "jsonl" || (name == "auto" && json) ? ClassifierPredictForm::jsonl
                                                     : ClassifierPredictForm::text;
}

std::vector<std::string> prediction_names(const ClassifierSystem& system) {
  if (!system.labels()) return {"predicted_score"};
  std::vector<std::string> names{"predicted_label"};
  for (const std::string& label : system.labels()->names()) names.push_back("probability_" + label);
  return names;
}

std::string prediction_head(ClassifierPredictForm form, const ClassifierSystem& system,
                            const ClassificationData& data) {
  if (form == ClassifierPredictForm::jsonl && data.layout.json_lines) check_objects(system, data);
  return form == ClassifierPredictForm::table ? table_head(system, data) : "";
}

std::string prediction_line(ClassifierPredictForm form, const ClassifierSystem& system,
                            const ClassificationData& data, const ClassificationText& text,
                            std::span<const double> output, int32_t best) {
  switch (form) {
    case ClassifierPredictForm::table:
      return table_line(system, data, text, output, best);
    case ClassifierPredictForm::jsonl:
      return data.layout.json_lines ? object_line(system, text, output, best)
                                    : json_line(system, text, output, best);
    case ClassifierPredictForm::text:
      break;
  }
  return plain_line(system, text, output, best);
}

}  // namespace gradus
