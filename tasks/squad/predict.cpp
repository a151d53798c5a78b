#include "tasks/squad/predict.h"

#include <utility>

#include "core/io/checked_json.h"
#include "data/unicode.h"
#include "tasks/log/log.h"
#include "tasks/text/display_text.h"
#include "tasks/text/line_batches.h"

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
    fmt::print(out, "{}\n", show_answer(questions, i, predictions[i], style));
  flush_predictions(out);
}

const std::string& context_of(const SquadQuestions& questions, size_t question) {
  return questions.data().contexts[static_cast<size_t>(questions.data().questions[question].context)];
}

bool is_blank(const std::string& line) { return line.find_first_not_of(" \t\f\v") == std::string::npos; }

}  // namespace

std::pair<std::string, double> shown_answer(const SquadPrediction& prediction) {
  const AnswerCandidate* chosen = prediction.chosen();
  const bool is_one = prediction.text.empty() || (chosen != nullptr && !chosen->pieces.empty());
  if (!is_one) return {"", 0};
  return {prediction.text, chosen != nullptr ? chosen->probability : 0};
}

std::pair<size_t, size_t> place_of_answer(const SquadQuestions& questions, size_t question,
                                          const SquadPrediction& prediction) {
  const SquadContext& context = questions.context(question);
  const PieceSpan pieces = prediction.chosen()->pieces;
  return {context.pieces[static_cast<size_t>(pieces.first)].begin,
          end_of_pieces(pieces, context_of(questions, question), context)};
}

std::string show_answer(const SquadQuestions& questions, size_t number, const SquadPrediction& prediction,
                        AnswerStyle style) {
  const std::string& question = questions.data().questions[number].text;
  const auto [answer, probability] = shown_answer(prediction);
  if (style == AnswerStyle::plain) {
    return fmt::format("{}\t{:.4f}\t{}", printable_text(answer), probability, printable_text(question));
  }
  Json json{{"question", question}, {"answer", answer}, {"probability", probability}};
  if (!answer.empty()) {
    const auto [begin, end] = place_of_answer(questions, number, prediction);
    CharacterOffsets offsets(context_of(questions, number));
    json["start"] = offsets.before(begin);
    json["end"] = offsets.before(end);
  }
  json["n_best"] = Json::array();
  for (const AnswerCandidate& candidate : prediction.n_best)
    json["n_best"].push_back({{"text", candidate.text}, {"probability", candidate.probability}});
  return json_text(json);
}

int answer_lines(const SquadSystem& system, const SquadAnswerer& answerer, const SquadDriverOptions& options,
                 std::istream& in, const std::string& name, AnswerStyle style, std::FILE* out) {
  LineBatches batches(in, name);
  bool read = false;
  std::string context;  // empty: the next line is one
  int64_t context_line = 0;
  bool is_lost = false;  // there is a context, but it could not be read
  bool asked = true;     // about the context
  const auto tell_unasked = [&] {
    if (!asked)
      print_log(stderr, "{}:{}: a text, but no question on the lines after it\n", name, context_line);
  };
  for (std::vector<std::string> lines; batches.next(lines);) {
    SquadData data{name, {context}, {}, false, {}};
    const auto answer_all = [&] {
      answer(system, answerer, options, std::exchange(data, SquadData{name, {context}, {}, false, {}}), style,
             out);
    };
    for (size_t i = 0; i < lines.size(); ++i) {
      std::string& line = lines[i];
      check(read || !line.starts_with('{'),
            "{}:1: this looks like JSON: name the file with --predict_data_file_path", name);
      read = true;
      const bool is_bad = !batches.fault(i).empty();
      if (is_blank(line)) line.clear();
      if (is_lost && !is_bad && !line.empty())
        batches.refuse(i, fmt::format("a question about line {}, which could not be read", context_line));
      if (!batches.fault(i).empty()) {
        answer_all();
        fmt::print(out, "{}\n", batches.error_line(i, style == AnswerStyle::json));
        flush_predictions(out);
        asked = true;
        if (!context.empty() || is_lost) continue;
        is_lost = true;
        context_line = batches.number(i);
      } else if (!context.empty() && !line.empty()) {
        asked = true;
        data.questions.push_back({std::to_string(data.questions.size()), line, 0, {}, false});
      } else {
        answer_all();
        tell_unasked();
        asked = line.empty();
        is_lost = false;
        context_line = batches.number(i);
        context = line;
        data.contexts = {context};
      }
    }
    answer_all();
  }
  tell_unasked();
  return batches.status(stderr);
}

}  // namespace gradus
