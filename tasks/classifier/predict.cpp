#include "tasks/classifier/predict.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/joined.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tasks/text/line_batches.h"

namespace gradus {
namespace {

// What is wrong with the number of texts in a line; empty when nothing is.
std::string fault_of(std::string_view line, bool pairs) {
  const auto texts = std::count(line.begin(), line.end(), '\t') + 1;
  if (texts == (pairs ? 2 : 1)) return {};
  return fmt::format("{} texts with tabs between, expected {}: the classifier was trained on {}", texts,
                     pairs ? 2 : 1, pairs ? "pairs" : "single texts");
}

ClassificationText parse_line(const std::string& line, bool pairs) {
  ClassificationText text;
  const size_t tab = line.find('\t');
  text.text_a = line.substr(0, tab);
  if (pairs) text.text_b = line.substr(tab + 1);
  return text;
}

}  // namespace

int ClassifierWriter::write_lines(std::istream& in, const std::string& name) {
  const bool pairs = system_.settings().pairs;
  LineBatches batches(in, name);
  for (std::vector<std::string> lines; batches.next(lines);) {
    ClassificationData data;
    data.path = name;
    data.labelled = false;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (!batches.fault(i).empty()) continue;
      if (std::string fault = fault_of(lines[i], pairs); !fault.empty()) {
        batches.refuse(i, std::move(fault));
        continue;
      }
      data.texts.push_back(parse_line(lines[i], pairs));
      data.texts.back().line = batches.number(i);
    }
    const std::vector<Answer> good = answers(data);
    const std::vector<double> none(predictor_.width(), std::nan(""));
    auto next = good.begin();
    for (size_t i = 0; i < lines.size(); ++i) {
      if (batches.fault(i).empty()) write(*next++);
      else write({batches.error_line(i, settings_.form == ClassifierPredictForm::jsonl), row(none)});
    }
    flush_predictions(settings_.out);
  }
  tell(name);
  return batches.status(stderr);
}

void ClassifierWriter::write_file(const std::string& path, const ClassificationForm& form,
                                  const ClassificationColumns& columns) {
  const ClassificationData data = read_classification(path, form, ClassLabelUse::ignored, columns,
                                                      settings_.form != ClassifierPredictForm::text);
  check(data.texts.front().text_b.has_value() == system_.settings().pairs,
        "{}: {}, but the classifier was trained on {}{}", path,
        system_.settings().pairs ? "single texts" : "pairs",
        system_.settings().pairs ? "pairs" : "single texts",
        form.is_own() ? ": --text_column and --text_pair_column say which columns are meant" : "");
  const std::string head = prediction_head(settings_.form, system_, data);
  print_log(stderr, "{}", data.log());
  if (settings_.form == ClassifierPredictForm::table)
    print_log(stderr, "{}: columns added: {}\n", path, joined(prediction_names(system_), ", "));
  fmt::print(settings_.out, "{}", head);
  const std::vector<Answer> all = [&] {
    const Phase phase(fmt::format("classifying {}", path));
    return answers(data);
  }();
  for (const Answer& answer : all) write(answer);
  flush_predictions(settings_.out);
  tell(path);
}

std::vector<ClassifierWriter::Answer> ClassifierWriter::answers(const ClassificationData& data) {
  std::vector<Answer> result;
  if (data.texts.empty()) return result;
  const ClassificationExamples made = make_classification_examples(
      data, system_.tokenizer(), nullptr, static_cast<int32_t>(settings_.seq_length));
  counts_ += made.counts;
  const std::vector<double> outputs = predictor_.run(made.examples, [&](size_t i) { return data.where(i); });
  const size_t width = predictor_.width();
  for (size_t i = 0; i < data.texts.size(); ++i) {
    const std::span<const double> output = std::span(outputs).subspan(i * width, width);
    result.push_back({prediction_line(settings_.form, system_, data, data.texts[i], output), row(output)});
  }
  return result;
}

std::string ClassifierWriter::row(std::span<const double> output) const {
  return settings_.keep_table ? fmt::format("{}\n", joined(output, "\t")) : "";
}

void ClassifierWriter::write(const Answer& answer) {
  fmt::print(settings_.out, "{}\n", answer.line);
  table_ += answer.row;
}

void ClassifierWriter::tell(const std::string& name) {
  if (counts_.truncated + counts_.empty_texts > 0) print_log(stderr, "{}: {}\n", name, counts_.str());
}

std::string results_text(const Scores& scores, int64_t global_step) {
  std::map<std::string, std::string> lines{{"global_step", std::to_string(global_step)}};
  for (const auto& [name, value] : scores) {
    // The program gives fractions, and its loss under two names.
    if (name == "eval_loss") lines["eval_loss"] = lines["loss"] = fmt::format("{}", value);
    else lines["eval_" + name] = fmt::format("{}", value / 100);
  }
  std::string text;
  for (const auto& [name, value] : lines) text += fmt::format("{} = {}\n", name, value);
  return text;
}

}  // namespace gradus
