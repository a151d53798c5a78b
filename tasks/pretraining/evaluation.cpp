#include "tasks/pretraining/evaluation.h"

#include <cmath>
#include <map>

#include "data/batcher.h"
#include "tasks/pretraining/batch.h"

namespace gradus {
namespace {

// What a batch gives: the sums of the losses, and what is predicted.
enum Result : uint8_t { words_loss, next_loss, predicted_words, predicted_next };

std::vector<Tensor> score_batch(const PretrainingModel& model, Context& context, const Batch& host) {
  const PretrainingBatch batch = pretraining_batch(host);
  const auto [words, random_next] = model.logits(context, batch);
  const auto best = [](const Tensor& logits) {
    Tensor rows = Tensor::empty(logits.backend(), {logits.shape()[0]}, DType::int32);
    logits.backend().argmax({logits, rows});
    return rows;
  };
  return {cross_entropy(words, batch.words).value(), cross_entropy(random_next, batch.random_next).value(),
          best(words.value()), best(random_next.value())};
}

Scores scores_of(const PretrainSums& words, const PretrainSums& next) {
  Scores scores;
  if (words.count > 0) scores.emplace_back("masked_lm_accuracy", words.accuracy());
  scores.emplace_back("next_sentence_accuracy", next.accuracy());
  if (words.count > 0) {
    scores.emplace_back("perplexity", std::exp(words.mean_loss()));
    scores.emplace_back("masked_lm_loss", words.mean_loss());
  }
  scores.emplace_back("next_sentence_loss", next.mean_loss());
  scores.emplace_back("loss", next.mean_loss() + (words.count > 0 ? words.mean_loss() : 0));
  return scores;
}

}  // namespace

void PretrainSums::add(float loss_of_batch, std::span<const int32_t> predicted,
                       std::span<const int32_t> gold) {
  loss += static_cast<double>(loss_of_batch);
  count += std::ssize(gold);
  for (size_t i = 0; i < gold.size(); ++i) right += predicted[i] == gold[i] ? 1 : 0;
}

PretrainEvaluation::PretrainEvaluation(Backend& backend, const PretrainSystem& system,
                                       const PretrainOptions& options, const PretrainSet& set)
    : backend_(backend),
      options_(options),
      set_(set),
      loop_(backend, options.device.dtype(), [&model = system.model()](Context& context, const Batch& batch) {
        return score_batch(model, context, batch);
      }) {}

uint32_t PretrainEvaluation::checksum() const {
  NumbersChecksum checksum;
  for (const PretrainingExample& example : set_.examples)
    checksum.add({example.input_ids, example.masked_positions, example.masked_ids, pair_numbers(example)});
  return checksum.value();
}

PretrainOutputs PretrainEvaluation::compute() const {
  std::vector<int32_t> lengths;
  for (const PretrainingExample& example : set_.examples)
    lengths.push_back(static_cast<int32_t>(example.input_ids.size()));
  PretrainOutputs outputs;
  auto& [words, next] = outputs;
  loop_.run(
      evaluation_batches(lengths, options_.train.eval_batch_size, options_.eval_pad == "grouped"),
      [&](std::span<const int32_t> chosen) { return pack_pretraining(backend_, set_.examples, chosen); },
      [&](const HostBatch& batch, BatchResults results) {
        std::vector<int32_t> gold_words, gold_next;
        for (const int64_t number : batch.numbers) {
          const PretrainingExample& example = set_.examples[static_cast<size_t>(number)];
          gold_words.insert(gold_words.end(), example.masked_ids.begin(), example.masked_ids.end());
          gold_next.push_back(example.random_next);
        }
        words.add(results[words_loss]->wait_for<float>()[0], results[predicted_words]->wait_for<int32_t>(),
                  gold_words);
        next.add(results[next_loss]->wait_for<float>()[0], results[predicted_next]->wait_for<int32_t>(),
                 gold_next);
      });
  check(std::isfinite(words.loss) && std::isfinite(next.loss),
        "{}: the losses are {} and {}: the model's weights are no good", set_.path, words.loss, next.loss);
  return outputs;
}

EvaluationReport PretrainEvaluation::report_on(PretrainOutputs outputs) {
  EvaluationReport report;
  report.scores = scores_of(outputs.words, outputs.next);
  return report;
}

std::string pretrain_results_text(const Scores& scores, int64_t global_step) {
  std::map<std::string, std::string> lines{{"global_step", std::to_string(global_step)}};
  for (const auto& [name, value] : scores)
    lines[name] = fmt::format("{}", name.ends_with("_accuracy") ? value / 100 : value);
  std::string text;
  for (const auto& [name, value] : lines) text += fmt::format("{} = {}\n", name, value);
  return text;
}

}  // namespace gradus
