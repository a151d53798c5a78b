// A full training step of BERT token classification, at full length, and the step's own matrix products run alone
// back to back through the same backend: what share of the step they are is how close it is to the library's limit.
//
//   step_bench [base|nezha|minilm] [fp32|bf16] [batch] [length] [steps] [recompute]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "core/backend.h"
#include "nn/device_step.h"
#include "nn/heads/ner.h"
#include "nn/optimizer.h"

using namespace gradus;

namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

BertConfig config_of(const std::string& name) {
  BertConfig config;
  config.vocab_size = 28996;
  if (name == "nezha") {  // base with MindSpore's tables of relative positions
    config.relative_positions = RelativePositions::trained;
    config.max_relative_position = 16;
  }
  if (name == "minilm") {
    config.vocab_size = 30522;
    config.hidden_size = 384;
    config.num_hidden_layers = 6;
    config.intermediate_size = 1536;
  }
  return config;
}

NerBatch full_batch(Backend& backend, int64_t batch, int64_t length, int64_t vocab, int32_t tags) {
  const int64_t count = batch * length;
  RandomSequence random(1, 1);
  std::vector<int32_t> ids, zeros(static_cast<size_t>(count)), positions, offsets{0}, rows, labels;
  for (int64_t t = 0; t < count; ++t) {
    ids.push_back(static_cast<int32_t>(random.below(static_cast<uint32_t>(vocab))));
    positions.push_back(static_cast<int32_t>(t % length));
    rows.push_back(static_cast<int32_t>(t));
    labels.push_back(static_cast<int32_t>(random.below(static_cast<uint32_t>(tags))));
  }
  for (int64_t b = 1; b <= batch; ++b) offsets.push_back(static_cast<int32_t>(b * length));
  const auto tensor = [&](const std::vector<int32_t>& values) {
    return Tensor::from(backend, {static_cast<int64_t>(values.size())}, std::span(values));
  };
  const Packing packing{tensor(offsets), length};
  return {{tensor(ids), tensor(zeros), tensor(positions), packing}, tensor(rows), packing, tensor(labels)};
}

// One product of the step, forward, input gradient and weight gradient, on tensors of its own.
struct Product {
  Tensor x, w, y, dx, dw;
  double flops;
};

// Every tensor is written to once: memory that nobody wrote to is one page of zeros, read from the cache.
Product make_product(Backend& backend, int64_t rows, int64_t in, int64_t out, DType dtype) {
  const auto made = [&](int64_t a, int64_t b, DType type) {
    const Tensor values = Tensor::empty(backend, {a, b}, type);
    backend.cast(
        {Tensor::from(backend, {a, b}, std::vector<float>(static_cast<size_t>(a * b), 0.5F)), {values}});
    return values;
  };
  return {made(rows, in, dtype), made(out, in, dtype),          made(rows, out, dtype),
          made(rows, in, dtype), made(out, in, DType::float32), 6.0 * static_cast<double>(rows * in * out)};
}

long peak_resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6)) / 1024;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, const char* otherwise) {
    return std::string(argc > i ? argv[i] : otherwise);
  };
  const BertConfig config = config_of(argument(1, "base"));
  const DType dtype = argument(2, "fp32") == "bf16" ? DType::bfloat16 : DType::float32;
  const int64_t batch = std::stol(argument(3, "32"));
  const int64_t length = std::stol(argument(4, "128"));
  const int steps = std::stoi(argument(5, "5"));
  const bool recomputes = argument(6, "") == "recompute";

  Backend& backend = find_backend("CPU");
  fmt::print("{}\n", backend.description());
  check(backend.unsupported(dtype).empty(), "{}", backend.unsupported(dtype));
  const NerHeadConfig head{.tags = 10};
  Parameters parameters;
  const NerModel model{Scope(parameters), config, head};
  parameters.allocate(backend, Parameters::Use::training, dtype);
  parameters.initialize_all(1);
  Optimizer optimizer(parameters, {});
  DeviceStep device_step(backend);
  const NerBatch inputs = full_batch(backend, batch, length, config.vocab_size, 10);

  double forward_seconds = 0, backward_seconds = 0, update_seconds = 0;
  uint32_t step_number = 0;
  const auto run_step = [&] {
    const float factor = 1 / static_cast<float>(batch * length);
    device_step.begin(step_number++, 1e-5F, std::span(&factor, 1));
    Context context{true, dtype, device_step.random(1), recomputes};
    Variable loss;
    forward_seconds += seconds_of([&] { loss = device_step.objective({model.loss(context, inputs)}); });
    backward_seconds += seconds_of([&] { device_step.backward(loss); });
    loss = {};
    update_seconds += seconds_of([&] { optimizer.step(device_step); });
  };

  run_step();
  const size_t step_peak = backend.memory().peak >> 20;
  const long resident_peak = peak_resident_mib();

  std::vector<Product> products;
  const int64_t h = config.hidden_size;
  double flops = 0;
  for (const auto& [in, out] :
       {std::pair{h, 3 * h}, {h, h}, {h, config.intermediate_size}, {config.intermediate_size, h}}) {
    products.push_back(make_product(backend, batch * length, in, out, dtype));
    flops += products.back().flops * static_cast<double>(config.num_hidden_layers);
  }
  const auto run_products = [&] {
    for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
      for (const Product& p : products) {
        backend.linear_forward({p.x, p.w, {}, Activation::none, p.y});
        backend.linear_backward({p.y, p.x, p.w, {p.dx}, {p.dw}});
      }
    }
  };

  run_products();
  forward_seconds = backward_seconds = update_seconds = 0;
  std::vector<double> step_times, product_times;
  for (int i = 0; i < steps; ++i) {
    step_times.push_back(seconds_of(run_step));
    product_times.push_back(seconds_of(run_products));
  }
  const double step = median(step_times), alone = median(product_times);
  fmt::print(
      "step {:.3f} s (forward {:.3f}, backward {:.3f}, update {:.3f}); products alone {:.3f} s = {:.0f} "
      "GFLOP/s, "
      "{:.1f} % of the step; the step's tensors {} MiB, peak resident {} MiB\n",
      step, forward_seconds / steps, backward_seconds / steps, update_seconds / steps, alone,
      flops / alone / 1e9, 100 * alone / step, step_peak, resident_peak);
  return 0;
}
