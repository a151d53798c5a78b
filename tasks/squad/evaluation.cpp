#include "tasks/squad/evaluation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "core/io/checked_json.h"
#include "core/io/crc32c.h"
#include "core/run_parallel.h"
#include "data/batcher.h"
#include "data/unicode.h"
#include "tasks/log/log.h"
#include "tasks/metrics/cmrc_scores.h"
#include "tasks/metrics/finite_scores.h"
#include "tasks/squad/batch.h"

namespace gradus {
namespace {

AnswerTexts texts_of(const SquadData& data, const std::vector<SquadPrediction>& predictions) {
  AnswerTexts texts;
  for (size_t i = 0; i < predictions.size(); ++i) texts.emplace(data.questions[i].id, predictions[i].text);
  return texts;
}

NullOdds odds_of(const SquadData& data, const std::vector<SquadPrediction>& predictions) {
  NullOdds odds;
  for (size_t i = 0; i < predictions.size(); ++i)
    odds.emplace_back(data.questions[i].id, predictions[i].null_odds);
  return odds;
}

// The scorer begins its search with no question answered and calls that threshold 0, although at 0 some may be
// answered: then the least odds of all tell what leaves all without an answer.
double best_threshold_for(const SquadData& data, std::vector<SquadPrediction> predictions,
                          const NullOdds& odds, const BestThreshold& best) {
  apply_threshold(predictions, best.threshold);
  const double f1 = score_squad_v2(data, texts_of(data, predictions)).all.f1;
  if (f1 >= best.score - 1e-9) return best.threshold;
  double least = odds.front().second;
  for (const auto& [id, value] : odds) least = std::min(least, value);
  return std::nextafter(least, -std::numeric_limits<double>::infinity());
}

}  // namespace

SquadAnswerer::SquadAnswerer(Backend& backend, const SquadSystem& system, const SquadDriverOptions& options,
                             bool version_2)
    : backend_(backend),
      system_(system),
      options_(options),
      version_2_(version_2),
      loop_(backend, options.device.dtype(),
            system.forward([&model = system.model()](Context& context, const Batch& batch) {
              return std::vector{model.logits(context, squad_batch(batch)).value()};
            })) {}

std::vector<SquadAnswerer::Logits> SquadAnswerer::logits(const std::vector<SquadFeature>& features) const {
  std::vector<Logits> all(features.size());
  std::vector<int32_t> lengths;
  for (const SquadFeature& feature : features)
    lengths.push_back(static_cast<int32_t>(feature.window.input_ids.size()));
  loop_.run(
      evaluation_batches(lengths, options_.train.eval_batch_size, options_.eval_pad == "grouped"),
      [&](std::span<const int32_t> chosen) { return pack_squad(backend_, features, chosen); },
      [&](const HostBatch& batch, BatchResults results) {
        const std::span<const float> values = results[0]->wait_for<float>();
        size_t row = 0;
        for (const int64_t number : batch.numbers) {
          const auto index = static_cast<size_t>(number);
          for (int32_t t = 0; t < lengths[index]; ++t, ++row) {
            all[index].start.push_back(values[2 * row]);
            all[index].end.push_back(values[2 * row + 1]);
          }
        }
      });
  return all;
}

std::vector<SquadPrediction> SquadAnswerer::run(const SquadQuestions& questions) const {
  return predictions(questions, logits(questions.features()));
}

std::vector<SquadPrediction> SquadAnswerer::predictions(const SquadQuestions& questions,
                                                        std::span<const Logits> all) const {
  const std::span<const SquadFeature> features = std::span(questions.features()).first(all.size());
  std::vector<std::vector<WindowLogits>> windows(questions.data().questions.size());
  for (size_t i = 0; i < features.size(); ++i)
    windows[features[i].question].push_back({features[i].window, all[i].start, all[i].end});

  AnswerOptions answers;
  answers.n_best_size = static_cast<int32_t>(options_.n_best_size);
  answers.max_answer_length = static_cast<int32_t>(options_.max_answer_length);
  answers.version_2 = version_2_;
  answers.null_score_diff_threshold = std::numeric_limits<double>::infinity();
  const TaskSettings& settings = system_.text_settings();
  answers.text = options_.uses_words(settings.tokenizer) ? AnswerText::words : AnswerText::characters;
  answers.rules = system_.text_rules(TokenizerRules::google);
  const AnswerFinder finder(system_.vocab(), answers);
  for (const SquadFeature& feature : features) {
    const Logits& window = all[static_cast<size_t>(&feature - features.data())];
    const auto where = [&] { return questions.data().where(feature.question); };
    check_finite_scores(window.start, where);
    check_finite_scores(window.end, where);
  }
  std::vector<SquadPrediction> predictions(windows.size());
  run_parallel(windows.size(), thread_count(options_.device.threads), [&](size_t i) {
    const auto context = static_cast<size_t>(questions.data().questions[i].context);
    predictions[i] = finder.run(questions.data().contexts[context], questions.context(i), windows[i]);
  });
  return predictions;
}

void apply_threshold(std::vector<SquadPrediction>& predictions, double threshold) {
  for (SquadPrediction& prediction : predictions) {
    if (prediction.null_odds > threshold) prediction.text.clear();
  }
}

SquadPredictions with_ids(const SquadData& data, std::vector<SquadPrediction> predictions) {
  SquadPredictions result;
  for (size_t i = 0; i < predictions.size(); ++i)
    result.emplace_back(data.questions[i].id, std::move(predictions[i]));
  return result;
}

bool is_chinese(const SquadData& data) {
  int64_t ideographs = 0, latin = 0;
  for (const std::string& context : data.contexts) {
    for (const std::string_view character : split_characters(context)) {
      if (character.size() == 3 && character >= "\u4E00" && character <= "\u9FFF") ++ideographs;
      else if (character.size() == 1 && std::isalpha(static_cast<unsigned char>(character[0])) != 0) ++latin;
    }
  }
  return ideographs > latin;
}

std::string method_for(const SquadDriverOptions& options, const SquadData& data, bool version_2) {
  check(!version_2 || options.assessment_method != "cmrc",
        "--assessment_method cmrc: {}: that scorer knows no questions without an answer: give "
        "--version_2_with_negative false, or squad",
        data.path);
  if (options.assessment_method != "auto") return options.assessment_method;
  const bool chinese = is_chinese(data);
  if (chinese && version_2) {
    print_log(log_of(options),
              "warning: {}: the scorer of SQuAD 2.0 compares what stands between blanks: of Chinese answers "
              "whole ones\n",
              data.path);
  }
  return chinese && !version_2 ? "cmrc" : "squad";
}

SquadEvaluation::SquadEvaluation(const SquadAnswerer& answerer, SquadSystem& system,
                                 const SquadQuestions& questions, std::string method, bool tuned)
    : answerer_(answerer),
      system_(system),
      questions_(questions),
      method_(std::move(method)),
      tuned_(tuned) {}

uint32_t SquadEvaluation::checksum() const {
  NumbersChecksum checksum;
  for (const SquadFeature& feature : questions_.features()) checksum.add({feature.window.input_ids});
  for (const SquadQuestion& question : questions_.data().questions) {
    for (const SquadAnswer& answer : question.answers)
      checksum.add({std::array{std::bit_cast<int32_t>(crc32c(answer.text))}});
  }
  return checksum.value();
}

SquadReport SquadEvaluation::report_on(std::vector<SquadPrediction> predictions) {
  SquadReport report;
  report.predictions = std::move(predictions);
  if (answerer_.version_2()) score_version_2(report);
  else score(report);
  return report;
}

std::string SquadEvaluation::remark() const {
  const auto is_answered = [](const SquadPrediction& p) { return !p.text.empty(); };
  const auto has_answer = [](const SquadQuestion& q) { return !q.answers.empty(); };
  if (!latest() || std::ranges::any_of(latest()->predictions, is_answered) ||
      std::ranges::none_of(questions_.data().questions, has_answer))
    return {};
  return "no question is answered";
}

std::string SquadEvaluation::warning() const {
  const std::string found = remark();
  if (found.empty() || !version_2()) return found;
  return found +
         ": no answer is always taken for better; the training was too short or has collapsed, or a higher "
         "--null_score_diff_threshold is needed";
}

std::vector<AnswerScore> SquadEvaluation::answer_scores(const SquadReport& report) const {
  std::vector<AnswerScore> scores;
  for (const SquadQuestion& question : questions_.data().questions) {
    const std::string& answer = report.predictions[scores.size()].text;
    if (version_2()) scores.push_back(score_squad_v2_answer(question, answer));
    else
      scores.push_back(method_ == "cmrc" ? score_cmrc_answer(question, answer)
                                         : score_squad_answer(question, answer));
  }
  return scores;
}

void SquadEvaluation::score(SquadReport& report) {
  const SquadData& data = questions_.data();
  const AnswerTexts texts = texts_of(data, report.predictions);
  if (method_ == "cmrc") {
    const CmrcScores scores = score_cmrc(data, texts);
    report.scores = {
        {"cmrc_f1", scores.f1}, {"cmrc_exact_match", scores.exact_match}, {"cmrc_average", scores.average()}};
    const Json json{{"AVERAGE", scores.average()},
                    {"F1", scores.f1},
                    {"EM", scores.exact_match},
                    {"TOTAL", scores.total}};
    report.text = json_text(json) + "\n";
    return;
  }
  const SquadScores scores = score_squad(data, texts);
  report.scores = {{"f1", scores.f1}, {"exact_match", scores.exact_match}};
  report.text = scores.json() + "\n";
}

void SquadEvaluation::score_version_2(SquadReport& report) {
  const SquadData& data = questions_.data();
  const NullOdds odds = odds_of(data, report.predictions);
  const SquadV2Scores best =
      score_squad_v2(data, texts_of(data, report.predictions), odds, std::numeric_limits<double>::infinity());
  const double best_threshold = best_threshold_for(data, report.predictions, odds, *best.best_f1);
  if (tuned_) system_.set_threshold(best_threshold);
  const double threshold = system_.settings().null_score_diff_threshold;
  apply_threshold(report.predictions, threshold);
  const SquadV2Scores scores =
      score_squad_v2(data, texts_of(data, report.predictions), odds, std::numeric_limits<double>::infinity());
  report.scores = {{"f1", scores.all.f1}, {"exact_match", scores.all.exact}};
  if (scores.has_answer) {
    report.scores.emplace_back("has_answer_f1", scores.has_answer->f1);
    report.scores.emplace_back("has_answer_exact_match", scores.has_answer->exact);
  }
  if (scores.no_answer) report.scores.emplace_back("no_answer_f1", scores.no_answer->f1);
  report.scores.emplace_back("best_threshold_f1", best.best_f1->score);
  report.scores.emplace_back("best_threshold_exact_match", best.best_exact->score);
  report.text = scores.json() + "\n" +
                fmt::format("null_score_diff_threshold {:.6f}; the best for F1 here: {:.6f}\n", threshold,
                            best_threshold);
}

}  // namespace gradus
