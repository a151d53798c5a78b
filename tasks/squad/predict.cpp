#include "tasks/squad/predict.h"

#include <nlohmann/json.hpp>

#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t batch_questions = 64;  // read ahead when the input is a file or a pipe

// The lines of an input, without what ends them, and a byte order mark.
class Lines {
 public:
  Lines(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {}

  bool next(std::string& line) {
    if (!std::getline(in_, line)) {
      check(!in_.bad(), "cannot read '{}'", name_);
      return false;
    }
    ++number_;
    if (number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.ends_with('\r')) line.pop_back();
    check_utf8(line, fmt::format("{}:{}", name_, number_));
    return true;
  }
  bool waits() const { return in_.rdbuf()->in_avail() <= 0; }

 private:
  std::istream& in_;
  std::string name_;
  int64_t number_ = 0;
};

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
  Lines lines(in, name);
  std::string context;
  for (bool more = true; more;) {
    SquadData data;
    data.path = name;
    // A question that a person types is answered at once; those that are there already are taken together.
    while (data.questions.size() < batch_questions && (data.questions.empty() || !lines.waits())) {
      std::string line;
      more = lines.next(line);
      if (!more || line.empty()) {
        context.clear();
        break;
      }
      if (context.empty()) {
        context = line;
        continue;
      }
      if (data.contexts.empty()) data.contexts.push_back(context);
      data.questions.push_back({std::to_string(data.questions.size()), line, 0, {}, false});
    }
    if (data.questions.empty()) continue;
    const SquadQuestions questions(std::move(data), system, options);
    std::vector<SquadPrediction> predictions = answerer.run(questions);
    if (answerer.version_2()) apply_threshold(predictions, system.settings().null_score_diff_threshold);
    for (size_t i = 0; i < predictions.size(); ++i)
      fmt::print(out, "{}\n", show_answer(questions.data().questions[i].text, predictions[i], style));
    check(std::fflush(out) == 0, "cannot write the answers");
  }
}

}  // namespace gradus
