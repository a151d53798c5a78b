// infer for classes, labels and scores of texts. Output 0: the logarithms of the classes' probabilities, float32 [B, K]; those of the
// labels' odds, p / (1 - p), which are the model's logits, [B, K]; or the scores, [B, 1].
#include <cmath>

#include "data/classification_records.h"
#include "data/token_records.h"
#include "tasks/classifier/evaluation.h"
#include "tasks/infer/inference.h"
#include "tasks/log/log.h"

namespace gradus {
namespace {

class ClassifierInference final : public Inference {
 public:
  ClassifierInference(Backend& backend, const InferOptions& infer, const ClassifierOptions& options,
                      std::unique_ptr<ClassifierSystem> system)
      : infer_(infer),
        options_(options),
        system_(std::move(system)),
        predictor_(backend, *system_, ClassifierRunOptions::of(options_)) {
    limits_.problem = system_->problem();
    limits_.classes = static_cast<int32_t>(system_->head().classes);
    limits_.vocab_size = system_->vocab().size();
    limits_.token_types = static_cast<int32_t>(system_->config().type_vocab_size);
    limits_.longest = system_->config().max_position_embeddings;
  }

  TaskSystem& system() override { return *system_; }
  InputForm form() const override {
    return {infer_.task, false, gives_scores(),
            system_->problem() == ProblemType::multi_label ? system_->head().classes : 1};
  }

  std::vector<DatasetRow> read_rows() override {
    ClassifierInputs inputs =
        read_classifier_texts(options_, system_->problem(), system_->settings().columns);
    complete_classifier_inputs(options_, *system_, inputs, log_of(options_));
    const ClassifierSet& set = *inputs.dev;
    print_log(log_of(options_), "evaluation data: {}\n", set.counts.str());
    std::vector<DatasetRow> rows;
    if (options_.format() == DatasetFormat::text) {
      for (const ClassificationExample& example : set.examples) {
        rows.push_back(make_classification_record(example, static_cast<int32_t>(options_.seq_length),
                                                  limits_.problem, limits_.classes));
        rows.back().resize(input_columns);
      }
      return rows;
    }
    rows = read_record_rows(options_, classification_record_columns(gives_scores()));
    // Rows that fill up a batch of the records' own.
    std::erase_if(rows, [](const DatasetRow& row) {
      const std::vector<int32_t>& real = row[input_columns].ints;
      return !real.empty() && real[0] == 0;
    });
    for (DatasetRow& row : rows) row.resize(input_columns);
    return rows;
  }

  void check_rows(InputBatch& batch) const override { read(batch); }

  std::vector<std::string> infer(InputBatch& batch) override {
    const std::vector<ClassificationExample> examples = read(batch);
    const std::vector<double> outputs =
        predictor_.run(examples, [&](size_t i) { return fmt::format("{} row {}", batch.name().str(), i); });
    const size_t width = predictor_.width();
    std::vector<float> result(static_cast<size_t>(batch.capacity()) * width, 0);
    for (size_t i = 0; i < outputs.size(); ++i) result[i] = static_cast<float>(written(outputs[i]));
    return {bytes_of(result)};
  }

  Judgement judge(const InputFiles& inputs, const ResultFiles& results) override {
    check(inputs.has_labels(), "'{}' is not there: the labels to score by", infer_.label_dir);
    check(results.outputs() == 1, "'{}': {} outputs of a batch, expected 1: the {}",
          results.folder().string(), results.outputs(), gives_scores() ? "scores" : "classes");
    const size_t width = predictor_.width();
    ClassifierSet set;
    set.path = infer_.preprocess_path;
    std::vector<double> outputs;
    for (int64_t number = 0; number < inputs.count(); ++number) {
      InputBatch batch = inputs.read(number);
      std::vector<float> found = results.floats(
          batch.name(), 0, batch.capacity() * static_cast<int64_t>(width),
          fmt::format("{} rows of {} {}", batch.capacity(), width, gives_scores() ? "score" : "classes"));
      std::vector<ClassificationExample> examples = read(batch);
      for (size_t i = 0; i < examples.size(); ++i) {
        const std::span<const float> row = std::span(found).subspan(i * width, width);
        for (size_t k = 0; k < width; ++k)
          check(std::isfinite(row[k]), "'{}': row {}: number {} is {}: expected finite numbers",
                results.path(batch.name(), 0).string(), i, k, row[k]);
        const size_t begin = outputs.size();
        outputs.resize(begin + width, row[0]);
        switch (system_->problem()) {
          case ProblemType::single_label:
            softmax(row, std::span(outputs).subspan(begin));
            break;
          case ProblemType::multi_label:
            sigmoid(row, std::span(outputs).subspan(begin));
            break;
          case ProblemType::regression:
            break;
        }
        set.counts.pieces += std::ssize(examples[i].input_ids);
        set.examples.push_back(std::move(examples[i]));
      }
    }
    set.counts.examples = std::ssize(set.examples);
    ClassifierReport report = score_classifier(options_.assessment_method, *system_, set, std::move(outputs));
    return {std::move(report.scores), std::move(report.text), set.counts.str()};
  }

 private:
  static constexpr double least = 1e-30;  // a probability whose logarithm float32 holds

  bool gives_scores() const { return system_->problem() == ProblemType::regression; }

  // One of the model's numbers as output 0 has it.
  double written(double output) const {
    switch (system_->problem()) {
      case ProblemType::multi_label:
        return std::log(std::max(output, least)) - std::log(std::max(1 - output, 0x1p-53));
      case ProblemType::regression:
        return output;
      case ProblemType::single_label:
        break;
    }
    return std::log(std::max(output, least));
  }

  std::vector<ClassificationExample> read(InputBatch& batch) const {
    std::vector<ClassificationExample> examples;
    for (DatasetRow row; batch.next(row);) {
      // Without labels there is nothing to score, and any does.
      DatasetValue& label = row[input_label_column];
      if (label.ints.empty() && label.floats.empty())
        label = {std::vector<int32_t>(static_cast<size_t>(form().labels_per_row), 0), {0}};
      row.resize(input_columns + 1);  // there is no is_real_example
      examples.push_back(*read_classification_record(batch, row, limits_));
    }
    return examples;
  }

  const InferOptions& infer_;
  const ClassifierOptions& options_;
  std::unique_ptr<ClassifierSystem> system_;
  ClassifierPredictor predictor_;
  ClassificationLimits limits_;
};

}  // namespace

std::unique_ptr<Inference> make_classifier_inference(Backend& backend, const InferOptions& infer,
                                                     const ClassifierOptions& options,
                                                     std::unique_ptr<ClassifierSystem> system) {
  return std::make_unique<ClassifierInference>(backend, infer, options, std::move(system));
}

}  // namespace gradus
