#include "tasks/squad/predict.h"

#include <nlohmann/json.hpp>

#include "tasks/line_batches.h"

namespace gradus {
namespace {

// Answers questions about one text; a line for each.
void answer(const SquadSystem& system, const SquadAnswerer& answerer, const SquadDriverOptions& options,
            SquadData data, AnswerStyle style, std::FILE* out) {
  if (data.questions.empty()) return;
  const SquadQuestions questions(std::move(data), system, options);
  std::vector<SquadPrediction> predictions = answerer.run(questions);
  if (answerer.version_2()) apply_threshold(predictions, system.settings().null_score_diff_threshold);
  for (size_t i = 0; i < predictions.size(); ++i)
    fmt::print(out, "{}\n", show_answer(questions.data().questions[i].text, predictions[i], style));
  check(std::fflush(out) == 0, "cannot write the answers");
}

}  // namespace

std::string show_answer(const std::string& question, const SquadPrediction& prediction, AnswerStyle style) {
  double probability = 0;
  for (const AnswerCandidate& candidate : prediction.n_best) {
    if (candidate.text == prediction.text) probability = candidate.probability;
  }
  if (style == AnswerStyle::plain)
    return fmt::format("{}\t{:.4f}\t{}", prediction.text, probability, question);
  nlohmann::ordered_json json{
      {"question", question}, {"answer", prediction.text}, {"probability", probability}};
  for (const AnswerCandidate& candidate : prediction.n_best)
    json["n_best"].push_back({{"text", candidate.text}, {"probability", candidate.probability}});
  return json.dump();
}

void answer_lines(const SquadSystem& system, const SquadAnswerer& answerer, const SquadDriverOptions& options,
                  std::istream& in, const std::string& name, AnswerStyle style, std::FILE* out) {
  LineBatches batches(in, name);
  std::string context;  // empty: the next line is one
  for (std::vector<std::string> lines; batches.next(lines);) {
    SquadData data{name, {context}, {}, false};
    for (const std::string& line : lines) {
      if (!context.empty() && !line.empty()) {
        data.questions.push_back({std::to_string(data.questions.size()), line, 0, {}, false});
        continue;
      }
      answer(system, answerer, options, std::move(data), style, out);
      context = line;
      data = SquadData{name, {context}, {}, false};
    }
    answer(system, answerer, options, std::move(data), style, out);
  }
}

}  // namespace gradus
