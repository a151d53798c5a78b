#include "tasks/squad/report.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include "core/joined.h"
#include "data/unicode.h"
#include "tasks/report/marked_text.h"
#include "tasks/squad/question_words.h"

namespace gradus {
namespace {

constexpr ScoreName score_names[] = {
    {"f1", "F1", "words in common with the right answer"},
    {"exact_match", "exact match", "answers that are right to the last word"},
    {"cmrc_f1", "F1", "characters in common with the right answer, in the same order"},
    {"cmrc_exact_match", "exact match", "answers that are right to the last character"},
    {"cmrc_average", "average", "of F1 and exact match"},
    {"has_answer_f1", "F1 where there is an answer", "of the questions that the text answers"},
    {"has_answer_exact_match", "exact match where there is an answer", "of the same"},
    {"no_answer_f1", "right where there is none", "questions that are rightly left without an answer"},
};
constexpr size_t shown_beside_answers = 150;  // characters

// Sums over some of the questions.
struct Part {
  int64_t questions = 0;
  int64_t answered = 0;
  double exact = 0;
  double f1 = 0;

  void add(const AnswerScore& score, const std::string& answer) {
    ++questions;
    if (!answer.empty()) ++answered;
    exact += score.exact;
    f1 += score.f1;
  }
  std::vector<std::string> row(const std::string& name, bool with_answered) const {
    const auto percent = [&](double sum) {
      return fmt::format("{:.1f}%", 100 * sum / static_cast<double>(questions));
    };
    std::vector<std::string> cells{name, std::to_string(questions)};
    if (with_answered) cells.push_back(std::to_string(answered));
    cells.insert(cells.end(), {percent(exact), percent(f1)});
    return cells;
  }
};

// A run's answers with what each of them scores.
struct ScoredAnswers {
  const SquadQuestions& questions;
  const std::vector<SquadPrediction>& predictions;
  std::vector<AnswerScore> scores;
};

// Most questions first; no rows where most questions are in a language whose question words are not known.
ReportTable kind_table(const ScoredAnswers& answers) {
  std::map<std::string_view, Part> parts;
  const std::vector<SquadQuestion>& questions = answers.questions.data().questions;
  for (size_t i = 0; i < questions.size(); ++i)
    parts[question_kind(questions[i].text)].add(answers.scores[i], answers.predictions[i].text);
  ReportTable table{"Kinds of questions",
                    "By the question word. A kind that scores low, and has many questions, is where more "
                    "training data would help most.",
                    {"question", "questions", "exact match", "F1"},
                    {}};
  if (2 * parts["other"].questions > static_cast<int64_t>(questions.size())) return table;
  std::vector<std::pair<std::string_view, Part>> order(parts.begin(), parts.end());
  std::ranges::stable_sort(order, std::greater(), [](const auto& kind) { return kind.second.questions; });
  for (const auto& [kind, part] : order) {
    if (part.questions > 0) table.rows.push_back(part.row(std::string(kind), false));
  }
  return table;
}

ReportTable answerable_table(const ScoredAnswers& answers) {
  Part with, without;
  for (size_t i = 0; i < answers.scores.size(); ++i)
    (answers.questions.data().questions[i].answers.empty() ? without : with)
        .add(answers.scores[i], answers.predictions[i].text);
  ReportTable table{"Questions with and without an answer",
                    "A text may not answer the question: the right answer is none then.",
                    {"the text", "questions", "answered", "exact match", "F1"},
                    {}};
  if (with.questions > 0) table.rows.push_back(with.row("has the answer", true));
  if (without.questions > 0) table.rows.push_back(without.row("does not have it", true));
  return table;
}

double probability(const SquadPrediction& prediction) {
  const AnswerCandidate* candidate = prediction.chosen();
  return candidate == nullptr ? 0 : candidate->probability;
}

std::vector<TextSpan> gold_span(const std::string& context, const SquadQuestion& question) {
  if (question.answers.empty()) return {};
  const SquadAnswer& first = question.answers.front();
  const TextRange range = find_answer_text(context, first);
  if (range.empty()) return {};
  return {{range.begin, range.end, "gold"}};
}

std::vector<TextSpan> predicted_span(const std::string& text, const SquadContext& context,
                                     const SquadPrediction& prediction) {
  const AnswerCandidate* candidate = prediction.chosen();
  if (candidate == nullptr || candidate->pieces.empty()) return {};
  return {{context.pieces[static_cast<size_t>(candidate->pieces.first)].begin,
           end_of_pieces(candidate->pieces, text, context), "predicted"}};
}

std::string or_none(const std::string& answer) { return answer.empty() ? "no answer" : answer; }

std::string gold_text(const SquadQuestion& question) {
  std::vector<std::string> texts;
  for (const SquadAnswer& answer : question.answers) {
    if (std::ranges::find(texts, answer.text) == texts.end()) texts.push_back(answer.text);
  }
  return or_none(joined(texts, " / ").str());
}

ReportError error_of(const ScoredAnswers& answers, size_t i) {
  const SquadData& data = answers.questions.data();
  const SquadQuestion& question = data.questions[i];
  const SquadPrediction& prediction = answers.predictions[i];
  const std::string& context = data.contexts[static_cast<size_t>(question.context)];
  ReportError error;
  error.heading = question.text;
  error.gold = gold_text(question);
  error.predicted = or_none(prediction.text);
  error.confidence = probability(prediction);
  error.text = shorten(mark_text(context, gold_span(context, question),
                                 predicted_span(context, answers.questions.context(i), prediction)),
                       shown_beside_answers);
  return error;
}

// Answers that have nothing in common with a right one, those first that the model was surest of.
std::vector<ReportError> worst_answers(const ScoredAnswers& answers) {
  std::vector<size_t> order(answers.scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [&](size_t i) { return answers.scores[i].f1 > 0; });
  std::ranges::stable_sort(order, std::greater(),
                           [&](size_t i) { return probability(answers.predictions[i]); });
  if (order.size() > most_report_errors) order.resize(most_report_errors);
  std::vector<ReportError> errors;
  for (const size_t i : order) errors.push_back(error_of(answers, i));
  return errors;
}

}  // namespace

Report squad_report(const FinishedRun& run, SquadEvaluation* evaluation) {
  const std::string task = "Answers to questions";
  if (evaluation == nullptr) return run_report(run, task, nullptr);
  const SquadReport& found = evaluation->current();
  const SquadQuestions& questions = evaluation->questions();
  const ScoredData scored{questions.data().path, questions.description(), found.examples_per_second,
                          found.scores, score_names};
  Report report = run_report(run, task, &scored);
  if (const std::string warning = evaluation->warning(); !warning.empty()) report.notes.push_back(warning);
  const ScoredAnswers answers{questions, found.predictions, evaluation->answer_scores(found)};
  if (evaluation->version_2()) report.tables.push_back(answerable_table(answers));
  report.tables.push_back(kind_table(answers));
  report.errors = worst_answers(answers);
  return report;
}

}  // namespace gradus
