// Training on the emulated device: the tests of a backend that queues (tests/tasks/deferred_test.cpp, in this program), on it and on one
// whose streams run late; and under many schedules.
#include <doctest/doctest.h>

#include "tasks/ner/input.h"
#include "tasks/ner/training.h"
#include "tests/backends_under_test.h"
#include "tests/emulator/device.h"
#include "tests/emulator/emulated_backend.h"
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

// Two steps of a tagger with an LSTM and a CRF.
Trained train_under(const TinyNer& tiny, uint64_t schedule) {
  const auto options = options_of<NerOptions>("run_ner", tiny.training(),
                                              {"--max_steps=2", "--use_crf", "--with_lstm", "--dropout=0.2"});
  NerInputs inputs = read_ner_inputs(options);
  const auto system = NerSystem::create(options, ner_labels(options, inputs), std::move(inputs.vocab));
  complete_ner_inputs(options, *system, inputs, nullptr);
  NerTraining task(*system, ExampleStore());
  add_training_data(options, *system, *inputs.train, task);
  emulator::set_schedule(schedule);
  const TrainResult trained = train_on(emulated_backend(), options, *system, task);
  return {trained.history.losses.points(), system->parameters().values().to_host()};
}

}  // namespace

TEST_CASE("a tagger with an LSTM and a CRF trains to the same bits under 20 schedules") {
  const TinyNer tiny;
  const Trained first = train_under(tiny, 1);
  REQUIRE(first.losses.size() == 2);
  for (uint64_t schedule = 2; schedule <= 20; ++schedule) CHECK(train_under(tiny, schedule) == first);
}
