// How fast one thread makes the batches that run_pretrain trains on, of records read before, of records streamed, and of text masked
// anew: examples and tokens a second, to be held against what a training step takes.
//
//   batch_bench OPTIONS OF run_pretrain          (--data_dir or --input_file, --vocab_file_path, --stream, --train_batch_size)
#include <algorithm>
#include <chrono>

#include "tasks/driver.h"
#include "tasks/log/log.h"
#include "tasks/main.h"
#include "tasks/pretraining/training.h"
#include "tasks/training/train_setup.h"
#include "tasks/training/training_data.h"

using namespace gradus;

namespace {

constexpr int64_t most_tokens = 20'000'000;

int run(int argc, char** argv) {
  PretrainOptions options;
  Options flags("batch_bench", "Makes the batches that run_pretrain trains on, as fast as one thread can.",
                "batch_bench --data_dir records/ --vocab_file_path vocab.txt");
  options.declare(flags);
  if (!flags.parse(argc, argv)) return 0;
  options.finish(flags, true);
  const auto system = PretrainSystem::open(options);
  const Backend& backend = find_backend("CPU");
  PretrainTraining training(*system, example_store(options));
  print_result("training data: {}\n", training.train_on_data(options));
  training.end_examples();
  const auto batches = training.batches(backend, train_config(options.train, options.device));
  HostBatch batch;
  int64_t examples = 0, tokens = 0, masked = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int64_t epoch = 0; tokens < most_tokens; ++epoch) {
    batches->begin(epoch, 0);
    while (tokens < most_tokens && batches->next(batch)) {
      examples += batch.examples;
      tokens += batch.tokens;
      masked += static_cast<int64_t>(batch.weights.front());
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  print_result(
      "{} examples, {} tokens, {} masked words in {:.2f} s: {:.0f} examples/s, {:.2f} million tokens/s\n",
      examples, tokens, masked, seconds, static_cast<double>(examples) / seconds,
      static_cast<double>(tokens) / seconds / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
