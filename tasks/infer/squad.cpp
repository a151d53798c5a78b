// infer for answers in texts. Outputs: 0 the windows' ids, int32 [B]; 1 and 2 the scores of each token as an answer's first and last,
// float32 [B, S], and a low one behind the tokens. Other engines' results may lack the ids, or have the two scores in one file, [B, S, 2].
#include <algorithm>
#include <cmath>
#include <optional>

#include "data/squad_records.h"
#include "data/token_records.h"
#include "tasks/infer/inference.h"
#include "tasks/log/log.h"
#include "tasks/metrics/finite_scores.h"
#include "tasks/squad/evaluation.h"

namespace gradus {
namespace {

constexpr float no_answer_here = -10000;  // what padding scores

class SquadInference final : public Inference {
 public:
  SquadInference(Backend& backend, const InferOptions& infer, const SquadDriverOptions& options,
                 std::unique_ptr<SquadSystem> system)
      : backend_(backend),
        infer_(infer),
        options_(options),
        system_(std::move(system)),
        answerer_(backend, *system_, options_, false),
        limits_{system_->vocab().size(), system_->config().max_position_embeddings} {}

  TaskSystem& system() override { return *system_; }
  InputForm form() const override { return {infer_.task, false, false}; }

  std::vector<DatasetRow> read_rows() override {
    const SquadQuestions& questions = this->questions();
    const bool has_records =
        options_.format() != DatasetFormat::text && options_.eval_data_file_path != options_.eval_json_path;
    if (has_records) {
      check_squad_records(options_, *system_, questions);
      std::vector<DatasetColumn> columns = token_record_columns();
      columns.push_back({"unique_ids"});
      return read_record_rows(options_, columns);
    }
    std::vector<DatasetRow> rows;
    int32_t id = first_unique_id;
    for (const SquadFeature& feature : questions.features()) {
      DatasetRow& row = rows.emplace_back();
      make_squad_record(feature.window, id++, false, static_cast<int32_t>(options_.seq_length),
                        SquadUse::evaluation, row);
      std::rotate(row.begin(), row.begin() + 1, row.end());  // the ids go last
    }
    return rows;
  }

  void check_rows(InputBatch& batch) const override {
    for (DatasetRow row; batch.next(row);) read_squad_window(batch, row, limits_);
  }

  std::vector<std::string> infer(InputBatch& batch) override {
    std::vector<SquadFeature> features;
    std::vector<int32_t> ids(static_cast<size_t>(batch.capacity()), 0);
    for (DatasetRow row; batch.next(row);) {
      const std::vector<int32_t>& id = row[input_label_column].ints;
      ids[features.size()] = id.empty() ? number_of(batch, features.size()) : id[0];
      features.push_back({0, read_squad_window(batch, row, limits_)});
    }
    const std::vector<SquadAnswerer::Logits> logits = answerer_.logits(features);
    const auto length = static_cast<size_t>(batch.length());
    std::vector<float> start(ids.size() * length, no_answer_here), end = start;
    for (size_t i = 0; i < logits.size(); ++i) {
      const auto where = [&] { return fmt::format("{} row {}", batch.name().str(), i); };
      check_finite_scores(logits[i].start, where);
      check_finite_scores(logits[i].end, where);
      std::ranges::copy(logits[i].start, start.begin() + static_cast<std::ptrdiff_t>(i * length));
      std::ranges::copy(logits[i].end, end.begin() + static_cast<std::ptrdiff_t>(i * length));
    }
    return {bytes_of(ids), bytes_of(start), bytes_of(end)};
  }

  Judgement judge(const InputFiles& inputs, const ResultFiles& results) override {
    check(inputs.has_labels(), "'{}' is not there: the ids of the windows", infer_.label_dir);
    check(infer_.has_data, "--stage {} needs --eval_json_path: the questions and answers to score by",
          infer_.stage);
    const SquadQuestions& questions = this->questions();
    std::vector<SquadAnswerer::Logits> logits;
    for (int64_t number = 0; number < inputs.count(); ++number) {
      InputBatch batch = inputs.read(number);
      take(questions, batch, results, logits);
    }
    check(logits.size() == questions.features().size(), "'{}' has {} windows, {} makes {}: {}",
          infer_.preprocess_path, logits.size(), questions.data().path, questions.features().size(), advice);
    const bool version_2 = options_.may_lack_answers(questions.data().has_impossible);
    if (!version_2) check_has_answers(questions.data(), log_of(options_));
    const SquadAnswerer answerer(backend_, *system_, options_, version_2);
    SquadEvaluation evaluation(answerer, *system_, questions,
                               method_for(options_, questions.data(), version_2), false);
    const SquadReport& report = evaluation.judge(answerer.predictions(questions, logits));
    return {report.scores, report.text, questions.description()};
  }

 private:
  static constexpr const char* advice =
      "were they made with other --seq_length, --doc_stride, --max_query_length or rules of the tokenizer?";

  const SquadQuestions& questions() {
    if (questions_) return *questions_;
    SquadData data = read_squad(options_.eval_questions());
    print_log(log_of(options_), "{}", data.log());
    return questions_.emplace(std::move(data), *system_, options_);
  }

  static int32_t number_of(const InputBatch& batch, size_t row) {
    return first_unique_id + static_cast<int32_t>(batch.name().number * batch.capacity()) +
           static_cast<int32_t>(row);
  }

  // Appends the scores of a batch's windows, which have to be the next of the questions.
  void take(const SquadQuestions& questions, InputBatch& batch, const ResultFiles& results,
            std::vector<SquadAnswerer::Logits>& logits) const {
    const int64_t rows = batch.capacity(), length = batch.length(), outputs = results.outputs();
    check(outputs <= 3,
          "'{}': {} outputs of a batch, expected 3 (ids, scores of the first token, of the last), 2 (no ids) "
          "or 1 (both scores)",
          results.folder().string(), outputs);
    if (outputs == 3) check_ids(batch, results);
    const std::string what = fmt::format("{} windows of {} tokens", rows, length);
    std::vector<float> sides[2];
    for (const int64_t side : {0, 1}) {
      if (outputs == 1 && side == 1) break;
      sides[side] =
          results.floats(batch.name(), outputs - (outputs == 1 ? 1 : 2) + side,
                         rows * length * (outputs == 1 ? 2 : 1), outputs == 1 ? what + " of 2 scores" : what);
    }
    for (DatasetRow row; batch.next(row);) {
      const SquadWindow window = read_squad_window(batch, row, limits_);
      const size_t number = logits.size();
      check(number < questions.features().size() &&
                window.input_ids == questions.features()[number].window.input_ids,
            "{} is not the window that {} makes: {}", batch.where(), questions.data().path, advice);
      const size_t tokens = window.input_ids.size(),
                   begin = number % static_cast<size_t>(rows) * static_cast<size_t>(length);
      SquadAnswerer::Logits& made = logits.emplace_back();
      for (size_t t = begin; t < begin + tokens; ++t) {
        made.start.push_back(outputs == 1 ? sides[0][2 * t] : sides[0][t]);
        made.end.push_back(outputs == 1 ? sides[0][2 * t + 1] : sides[1][t]);
        check(std::isfinite(made.start.back()) && std::isfinite(made.end.back()),
              "'{}': row {}, token {}: found {} and {}, expected finite scores",
              results.path(batch.name(), outputs - 1).string(), number % static_cast<size_t>(rows), t - begin,
              made.start.back(), made.end.back());
      }
    }
  }

  static void check_ids(InputBatch& batch, const ResultFiles& results) {
    const std::vector<int32_t> found =
        results.ints(batch.name(), 0, batch.capacity(), fmt::format("{} ids", batch.capacity()));
    size_t i = 0;
    for (DatasetRow row; batch.next(row); ++i)
      check(row[input_label_column].ints[0] == found[i], "'{}': id {} is {}, that of the window is {}",
            results.path(batch.name(), 0).string(), i, found[i], row[input_label_column].ints[0]);
    batch.seek(0);
  }

  Backend& backend_;
  const InferOptions& infer_;
  const SquadDriverOptions& options_;
  std::unique_ptr<SquadSystem> system_;
  SquadAnswerer answerer_;
  SquadLimits limits_;
  std::optional<SquadQuestions> questions_;
};

}  // namespace

std::unique_ptr<Inference> make_squad_inference(Backend& backend, const InferOptions& infer,
                                                const SquadDriverOptions& options,
                                                std::unique_ptr<SquadSystem> system) {
  return std::make_unique<SquadInference>(backend, infer, options, std::move(system));
}

}  // namespace gradus
