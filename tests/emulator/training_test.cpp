// Training on the emulated device: the tests of a backend that queues (tests/tasks/deferred_test.cpp, in this program), on it and on one
// whose streams run late; and under many schedules.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <utility>

#include "tasks/driver.h"
#include "tasks/ner/input.h"
#include "tasks/ner/training.h"
#include "tests/backends_under_test.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulated_backend.h"
#include "tests/files.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/train_on.h"

using namespace gradus;

namespace {

const bool chosen = [] {
  test_on([] {
    static auto& late = *late_emulated_backend().release();  // kept: models keep tensors
    return std::vector<Backend*>{&emulated_backend(), &late};
  });
  return true;
}();

struct Trained {
  std::vector<double> losses;
  std::vector<float> parameters;
  friend bool operator==(const Trained&, const Trained&) = default;
};

// A tagger and what it is trained on.
struct Tagger {
  NerOptions options;
  NerInputs inputs;
  std::unique_ptr<NerSystem> system;
  std::optional<NerTraining> task;

  Tagger(const TinyNer& tiny, const Words& more)
      : options(options_of<NerOptions>("run_ner", tiny.training(), more)), inputs(read_ner_inputs(options)) {
    system = NerSystem::create(options, ner_labels(options, inputs), std::move(inputs.vocab));
    complete_ner_inputs(options, *system, inputs, nullptr);
    task.emplace(*system, ExampleStore());
    add_training_data(options, *system, *inputs.train, *task);
  }
};

// Two steps of a tagger with an LSTM and a CRF.
Trained train_under(const TinyNer& tiny, uint64_t schedule) {
  Tagger tagger(tiny, {"--max_steps=2", "--use_crf", "--with_lstm", "--dropout=0.2"});
  emulator::set_schedule(schedule);
  const TrainResult trained = train_on(emulated_backend(), tagger.options, *tagger.system, *tagger.task);
  return {trained.history.losses.points(), tagger.system->parameters().values().to_host()};
}

}  // namespace

TEST_CASE("a tagger with an LSTM and a CRF trains to the same bits under 20 schedules") {
  const TinyNer tiny;
  const Trained first = train_under(tiny, 1);
  REQUIRE(first.losses.size() == 2);
  for (uint64_t schedule = 2; schedule <= (is_sanitized ? 3 : 20); ++schedule)
    CHECK(train_under(tiny, schedule) == first);
}

TEST_CASE("training that does not fit on the device ends before its first step, and says what helps") {
  const TinyNer tiny;
  static Backend& fresh = *late_emulated_backend().release();  // without memory from other tests
  RunMetrics metrics;
  const auto train = [&](const Words& more) {
    Tagger tagger(tiny, more);
    const Options flags("run_ner", "", "");
    FinishedRun run{flags, tagger.options, fresh, "sentences"};
    run_training(run, *tagger.system, *tagger.task, metrics);
  };
  const size_t usual = std::exchange(emulator::free_memory, size_t{3} << 20);
  const std::string error = error_of([&] {
    train({"--max_steps=1", "--hidden_size=512", "--num_attention_heads=8"});
  });
  const std::string of_one_that_fits = error_of([&] { train({"--max_steps=1"}); });
  emulator::free_memory = usual;
  CHECK_MESSAGE(
      contains(error, "the device has 3 MiB left: --max_memory 3M cuts its batches into smaller ones"),
      error);
  CHECK(contains(error, "--recompute keeps less of them"));
  CHECK(of_one_that_fits.empty());
}
