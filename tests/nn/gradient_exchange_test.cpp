// Gradients are handed to other processes when they are complete, each once, the last layers' first.
#include "nn/gradient_exchange.h"

#include <doctest/doctest.h>

#include "nn/heads/classifier.h"
#include "tests/naive_backend.h"
#include "tests/nn/tiny_bert.h"

using namespace gradus;

namespace {

// Takes down what every range held when it was handed over.
class Witness final : public Communicator {
 public:
  explicit Witness(const Tensor& gradients) : gradients_(gradients) {}
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void begin_sum(const Tensor& tensor) override {
    ranges.push_back({tensor.data<float>() - gradients_.data<float>(), tensor.to_host()});
  }
  void wait() override { ++waits; }
  void sum(std::span<double>) override {}
  void broadcast(std::span<std::byte>) override {}
  void barrier() override {}

  struct Range {
    int64_t begin;
    std::vector<float> values;
  };
  std::vector<Range> ranges;
  int waits = 0;

 private:
  const Tensor& gradients_;
};

// A classifier, and what a step of it hands over in ranges of at least `least`.
struct Step {
  explicit Step(int64_t least, const std::string& frozen = "", bool recompute = false)
      : model(Scope(parameters), tiny_bert(),
              {.classes = 3, .problem = ProblemType::single_label, .dropout = 0, .class_weights = {}}) {
    if (!frozen.empty()) parameters.freeze(frozen);
    parameters.allocate(naive_backend(), Parameters::Use::training, DType::float32);
    parameters.initialize_all(3);
    Backend& backend = naive_backend();
    const ClassifierBatch batch{tiny_tokens(backend, {5, 2, 9}, 3),
                                tensor_of(backend, std::vector<int32_t>{0, 5, 7, -1, -1}),
                                tensor_of(backend, std::vector<int32_t>{2, 0, 2, -100, -100}),
                                {}};
    Context context{true};
    context.recompute = recompute;
    Witness witness(parameters.gradients());
    GradientExchange exchange(parameters, witness, least, least);
    const Tensor one = tensor_of(backend, std::vector<float>{1});
    backward(model.loss(context, batch), one);  // an earlier micro-step
    backward(model.loss(context, batch), one, exchange.listener());
    ranges_before_finish = witness.ranges.size();
    exchange.finish();
    CHECK(witness.waits == 1);
    ranges = std::move(witness.ranges);
  }

  Parameters parameters;
  ClassifierModel model;
  std::vector<Witness::Range> ranges;
  size_t ranges_before_finish = 0;
};

// All of the buffer in ranges from its end to its beginning, each as it is after the step.
void check_ranges(const Step& step, int64_t least) {
  const std::vector<float> gradients = step.parameters.gradients().to_host();
  int64_t end = std::ssize(gradients);
  for (size_t i = 0; i < step.ranges.size(); ++i) {
    const auto& [begin, values] = step.ranges[i];
    CHECK(begin + std::ssize(values) == end);
    CHECK((std::ssize(values) >= least || i + 2 >= step.ranges.size()));
    CHECK(std::equal(values.begin(), values.end(), gradients.begin() + begin));
    end = begin;
  }
  CHECK(end == 0);
}

}  // namespace

TEST_CASE("every gradient is handed over once, complete, and most of them before the backward pass ends") {
  for (const bool recompute : {false, true}) {
    for (const int64_t least : {1, 500, 2000}) {
      CAPTURE(recompute);
      CAPTURE(least);
      const Step step(least, "", recompute);
      check_ranges(step, least);
      CHECK(step.ranges.size() > (least == 1 ? 10 : 2));
      CHECK(step.ranges_before_finish + 1 >= step.ranges.size());
    }
  }
  const Step whole(int64_t{1} << 40);
  CHECK(whole.ranges.size() == 2);  // the first parameter is complete last, and alone
  check_ranges(whole, 1);
}

TEST_CASE("parameters that are not trained hold nothing up") {
  const Step step(500, "bert.encoder.layer.1");
  check_ranges(step, 500);
  CHECK(step.ranges_before_finish > 2);
}
