#include "tasks/squad/predict_form.h"

#include <utility>

#include "core/error.h"
#include "core/io/json.h"
#include "data/unicode.h"
#include "tasks/text/display_text.h"
#include "tasks/text/predicted_rows.h"

namespace gradus {
namespace {

const std::string& context_of(const SquadQuestions& questions, size_t question) {
  return questions.data().contexts[static_cast<size_t>(questions.data().questions[question].context)];
}

// What is added to an object.
Json added_members(const std::string& answer, double probability) {
  return {{"prediction_text", answer}, {"probability", probability}};
}

Json details_of(const SquadQuestions& questions, size_t number, const SquadPrediction& prediction) {
  const auto [answer, probability] = shown_answer(prediction);
  Json json{{"question", questions.data().questions[number].text},
            {"answer", answer},
            {"probability", probability}};
  if (!answer.empty()) {
    const auto [begin, end] = place_of_answer(questions, number, prediction);
    CharacterOffsets offsets(context_of(questions, number));
    json["start"] = offsets.before(begin);
    json["end"] = offsets.before(end);
  }
  json["n_best"] = Json::array();
  for (const AnswerCandidate& candidate : prediction.n_best)
    json["n_best"].push_back({{"text", candidate.text}, {"probability", candidate.probability}});
  return json;
}

// Whether the rows that were read come back.
bool has_rows(const SquadData& data, AnswerForm form) {
  return form == AnswerForm::table || (form == AnswerForm::jsonl && !data.table && !data.rows.empty());
}

}  // namespace

AnswerForm parse_answer_form(std::string_view name, bool json) {
  if (name == "table") return AnswerForm::table;
  if (name == "jsonl") return AnswerForm::jsonl;
  return name == "auto" && json ? AnswerForm::details : AnswerForm::text;
}

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
                        AnswerForm form) {
  const SquadQuestion& question = questions.data().questions[number];
  const auto [answer, probability] = shown_answer(prediction);
  switch (form) {
    case AnswerForm::details:
      return json_text(details_of(questions, number, prediction));
    case AnswerForm::jsonl: {
      Json json{{"id", question.id}, {"context", context_of(questions, number)}, {"question", question.text}};
      json.update(added_members(answer, probability));
      return json_text(json);
    }
    case AnswerForm::text:
    case AnswerForm::table:
      break;
  }
  return fmt::format("{}\t{:.4f}\t{}", printable_text(answer), probability, printable_text(question.text));
}

std::string answers_head(const SquadData& data, AnswerForm form) {
  if (form == AnswerForm::table) {
    check(data.table.has_value(),
          "{}: JSON: --predict_form table adds columns to a table, jsonl members to objects", data.path);
    return predicted_head(*data.table, {"predicted_answer", "probability"}, data.path);
  }
  if (has_rows(data, form)) {
    for (const SquadRow& row : data.rows) check_predicted_members(row.text, added_members("", 0), row.where);
  }
  return "";
}

size_t answer_line_count(const SquadData& data, AnswerForm form) {
  return has_rows(data, form) ? data.rows.size() : data.questions.size();
}

std::string answer_line(const SquadQuestions& questions, size_t line,
                        std::span<const SquadPrediction> predictions, AnswerForm form) {
  const SquadData& data = questions.data();
  if (!has_rows(data, form)) return show_answer(questions, line, predictions[line], form);
  const SquadRow& row = data.rows[line];
  const auto [answer, probability] = shown_answer(predictions[row.question]);
  if (form == AnswerForm::jsonl) return predicted_object(row.text, added_members(answer, probability));
  return predicted_row(*data.table, row.text, {answer, fmt::format("{:.6f}", probability)});
}

}  // namespace gradus
