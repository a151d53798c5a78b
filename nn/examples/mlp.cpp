// A network of two layers learns when exactly one of two inputs is true:  example_mlp
#include "autograd/printed_tape.h"
#include "nn/layers.h"
#include "nn/optimizer.h"

using namespace gradus;

int main() try {
  Backend& backend = find_backend("CPU");
  Parameters parameters;
  const Linear hidden(Scope(parameters) / "hidden", 2, 8, Init::fan_in(2));
  const Linear output(Scope(parameters) / "output", 8, 2, Init::fan_in(8));
  parameters.allocate(backend, Parameters::Use::training, DType::float32);
  parameters.initialize_all(1);

  const Variable x(Tensor::from(backend, {4, 2}, std::vector<float>{0, 0, 0, 1, 1, 0, 1, 1}));
  const Tensor labels = Tensor::from(backend, {4}, std::vector<int32_t>{0, 1, 1, 0});
  const auto logits = [&] { return output.of_activated(hidden(x), Activation::tanh); };
  fmt::print("{}\n", print_tape(cross_entropy(logits(), labels)));

  Optimizer optimizer(parameters, OptimizerConfig{.name = "adamw"});
  DeviceStep step(backend);
  const float mean = 1.0F / 4;  // of the four rows
  for (uint32_t i = 0; i < 200; ++i) {
    step.begin(i, 0.05F, std::span(&mean, 1));
    step.backward(step.objective({cross_entropy(logits(), labels)}));
    optimizer.step(step);
    const float loss = step.findings().wait().loss;
    if (i % 50 == 0 || i == 199) fmt::print("step {:>3}  loss {:.4f}\n", i, loss);
  }
  const std::vector<float> scores = logits().value().to_host();
  for (size_t row = 0; row < 4; ++row)
    fmt::print("{} {} -> {}\n", row / 2, row % 2, scores[2 * row + 1] > scores[2 * row] ? 1 : 0);
  return 0;
} catch (const Error& error) {
  fmt::print(stderr, "error: {}\n", error.what());
  return 2;
}
