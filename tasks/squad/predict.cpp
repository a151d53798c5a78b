#include "tasks/squad/predict.h"

#include <utility>

#include "tasks/log/log.h"
#include "tasks/text/line_batches.h"

namespace gradus {
namespace {

// Answers questions about one text; a line for each.
void answer(const SquadSystem& system, const SquadAnswerer& answerer, const SquadDriverOptions& options,
            SquadData data, AnswerForm form, std::FILE* out) {
  if (data.questions.empty()) return;
  const SquadQuestions questions(std::move(data), system, options);
  std::vector<SquadPrediction> predictions = answerer.run(questions);
  if (answerer.version_2()) apply_threshold(predictions, system.settings().null_score_diff_threshold);
  for (size_t i = 0; i < predictions.size(); ++i)
    fmt::print(out, "{}\n", show_answer(questions, i, predictions[i], form));
  flush_predictions(out);
}

bool is_blank(const std::string& line) { return line.find_first_not_of(" \t\f\v") == std::string::npos; }

}  // namespace

int answer_lines(const SquadSystem& system, const SquadAnswerer& answerer, const SquadDriverOptions& options,
                 std::istream& in, const std::string& name, AnswerForm form, std::FILE* out) {
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
      answer(system, answerer, options, std::exchange(data, SquadData{name, {context}, {}, false, {}}), form,
             out);
    };
    for (size_t i = 0; i < lines.size(); ++i) {
      std::string& line = lines[i];
      check(read || !begins_as_squad(line),
            "{}:1: this looks like {}: name the file with --predict_data_file_path", name,
            line.starts_with('{') ? "JSON" : "JSON, or CSV");
      read = true;
      const bool is_bad = !batches.fault(i).empty();
      if (is_blank(line)) line.clear();
      if (is_lost && !is_bad && !line.empty())
        batches.refuse(i, fmt::format("a question about line {}, which could not be read", context_line));
      if (!batches.fault(i).empty()) {
        answer_all();
        fmt::print(out, "{}\n", batches.error_line(i, form != AnswerForm::text));
        flush_predictions(out);
        asked = true;
        if (!context.empty() || is_lost) continue;
        is_lost = true;
        context_line = batches.number(i);
      } else if (!context.empty() && !line.empty()) {
        asked = true;
        data.questions.push_back({std::to_string(batches.number(i)), line, 0, {}, false});
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
