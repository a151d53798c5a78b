#include "tasks/classifier/predict.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t batch_lines = 64;  // lines read ahead when the input is a file or a pipe

std::string shown(const ClassificationText& text) {
  return text.text_b ? text.text_a + "\t" + *text.text_b : text.text_a;
}

std::string json_line(const ClassifierSystem& system, const ClassificationText& text,
                      std::span<const double> output, int32_t best) {
  nlohmann::ordered_json json;
  if (text.text_b) {
    json["text_a"] = text.text_a;
    json["text_b"] = *text.text_b;
  } else {
    json["text"] = text.text_a;
  }
  if (!system.labels()) {
    json["score"] = output[0];
    return json.dump();
  }
  json["label"] = system.labels()->name(best);
  for (int32_t id = 0; id < system.labels()->size(); ++id)
    json["probabilities"][system.labels()->name(id)] = output[static_cast<size_t>(id)];
  return json.dump();
}

std::string plain_line(const ClassifierSystem& system, const ClassificationText& text,
                       std::span<const double> output, int32_t best) {
  if (!system.labels()) return fmt::format("{:.4f}\t{}", output[0], shown(text));
  return fmt::format("{}\t{:.4f}\t{}", system.labels()->name(best), output[static_cast<size_t>(best)],
                     shown(text));
}

// Predicts the texts, writes a line for each, and adds the outputs to `all`.
void predict(const ClassifierSystem& system, const ClassifierPredictor& predictor,
             const ClassificationData& data, int64_t seq_length, bool json, std::FILE* out,
             std::vector<double>& all, ClassificationCounts& counts) {
  const ClassificationExamples made =
      make_classification_examples(data, system.tokenizer(), nullptr, static_cast<int32_t>(seq_length));
  counts.examples += made.counts.examples;
  counts.pieces += made.counts.pieces;
  counts.truncated += made.counts.truncated;
  counts.dropped_pieces += made.counts.dropped_pieces;
  counts.empty_texts += made.counts.empty_texts;
  const std::vector<double> outputs = predictor.run(made.examples);
  const size_t width = predictor.width();
  const std::vector<int32_t> best = best_classes(outputs, width);
  for (size_t i = 0; i < data.texts.size(); ++i) {
    const std::span<const double> output = std::span(outputs).subspan(i * width, width);
    fmt::print(out, "{}\n", (json ? json_line : plain_line)(system, data.texts[i], output, best[i]));
  }
  check(std::fflush(out) == 0, "cannot write the predictions");
  all.insert(all.end(), outputs.begin(), outputs.end());
}

ClassificationText parse_line(const std::string& line, bool pairs, const std::string& where) {
  ClassificationText text;
  const size_t tab = line.find('\t');
  const auto texts = std::count(line.begin(), line.end(), '\t') + 1;
  check(texts == (pairs ? 2 : 1),
        "{}: {} texts with tabs between, expected {}: the classifier was trained on {}", where, texts,
        pairs ? 2 : 1, pairs ? "pairs" : "single texts");
  text.text_a = line.substr(0, tab);
  if (pairs) text.text_b = line.substr(tab + 1);
  return text;
}

void tell(const ClassificationCounts& counts, const std::string& name) {
  if (counts.truncated + counts.empty_texts > 0) fmt::print(stderr, "{}: {}\n", name, counts.str());
}

}  // namespace

std::vector<double> predict_lines(const ClassifierSystem& system, const ClassifierPredictor& predictor,
                                  int64_t seq_length, std::istream& in, const std::string& name, bool json,
                                  std::FILE* out) {
  std::vector<double> outputs;
  ClassificationCounts counts;
  int64_t line_number = 0;
  for (bool more = true; more;) {
    ClassificationData data;
    data.path = name;
    data.labelled = false;
    std::string line;
    // A line that a person types is answered at once; lines that are there already are taken together.
    while (data.texts.size() < batch_lines && (data.texts.empty() || in.rdbuf()->in_avail() > 0)) {
      more = static_cast<bool>(std::getline(in, line));
      if (!more) break;
      ++line_number;
      if (line_number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
      if (line.ends_with('\r')) line.pop_back();
      const std::string where = fmt::format("{}:{}", name, line_number);
      check_utf8(line, where);
      data.texts.push_back(parse_line(line, system.settings().pairs, where));
    }
    check(!in.bad(), "cannot read '{}'", name);
    if (!data.texts.empty()) predict(system, predictor, data, seq_length, json, out, outputs, counts);
  }
  tell(counts, name);
  return outputs;
}

std::vector<double> predict_file(const ClassifierSystem& system, const ClassifierPredictor& predictor,
                                 int64_t seq_length, const std::string& path, bool json, std::FILE* out) {
  std::vector<double> outputs;
  ClassificationCounts counts;
  const ClassificationForm form = parse_classification_form(system.settings().task_name);
  predict(system, predictor, read_classification(path, form, ClassLabelUse::optional), seq_length, json, out,
          outputs, counts);
  tell(counts, path);
  return outputs;
}

std::string results_table(const std::vector<double>& outputs, size_t width) {
  std::string table;
  for (size_t i = 0; i < outputs.size(); ++i)
    table += fmt::format("{}{}", outputs[i], (i + 1) % width == 0 ? '\n' : '\t');
  return table;
}

std::string results_text(const Scores& scores, int64_t global_step) {
  std::map<std::string, std::string> lines{{"global_step", std::to_string(global_step)}};
  for (const auto& [name, value] : scores) {
    // The program gives fractions, and its loss under two names.
    if (name == "loss") lines["eval_loss"] = lines["loss"] = fmt::format("{}", value);
    else lines["eval_" + name] = fmt::format("{}", value / 100);
  }
  std::string text;
  for (const auto& [name, value] : lines) text += fmt::format("{} = {}\n", name, value);
  return text;
}

}  // namespace gradus
