// A full training step of BERT, at full length, and the step's own matrix products run alone back to back through the
// same backend: what share of the step they are is how close it is to the library's limit. The task is token classification, or
// with `pretrain` masked words, as many as BERT has, 20 of a sequence and 80 of one of 512, and next sentences.
//
//   step_bench [--device_target NAME] [base|large|nezha|minilm|tiny] [fp32|bf16] [batch] [length] [steps] [recompute|pretrain]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/backend.h"
#include "nn/device_step.h"
#include "nn/heads/ner.h"
#include "nn/heads/pretraining.h"
#include "nn/optimizer.h"
#include "tasks/options/arguments.h"
#include "tests/bench/random_tensor.h"

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
  check(name == "base" || name == "large" || name == "nezha" || name == "minilm" || name == "tiny",
        "network '{}': expected base, large, nezha, minilm or tiny", name);
  if (name == "large") {
    config.hidden_size = 1024;
    config.num_hidden_layers = 24;
    config.num_attention_heads = 16;
    config.intermediate_size = 4096;
  }
  if (name == "tiny") {  // to try the program itself
    config.vocab_size = 500;
    config.hidden_size = 64;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.intermediate_size = 128;
  }
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

// Of a sequence, which has its first token beside them.
int64_t masked_words_of(int64_t length) { return std::min<int64_t>(length < 512 ? 20 : 80, length - 1); }

// Sequences of which the heads look at the first token and at some others.
PretrainingBatch masked_batch(Backend& backend, const TokenBatch& tokens, int64_t batch, int64_t length,
                              int64_t vocab) {
  const int64_t masked_words = masked_words_of(length);
  RandomSequence random(1, 2);
  std::vector<int32_t> rows, first, masked, random_next, words;
  for (int64_t b = 0; b < batch; ++b) {
    first.push_back(static_cast<int32_t>(rows.size()));
    for (int64_t i = 0; i <= masked_words; ++i) {
      if (i > 0) {
        masked.push_back(static_cast<int32_t>(rows.size()));
        words.push_back(static_cast<int32_t>(random.below(static_cast<uint32_t>(vocab))));
      }
      rows.push_back(static_cast<int32_t>(b * length + i));
    }
    random_next.push_back(static_cast<int32_t>(b % 2));
  }
  const auto tensor = [&](const std::vector<int32_t>& values) {
    return Tensor::from(backend, {static_cast<int64_t>(values.size())}, std::span(values));
  };
  return {tokens, tensor(rows), tensor(first), tensor(masked), tensor(random_next), tensor(words)};
}

// One product of the step, forward, input gradient and weight gradient, on tensors of its own.
struct Product {
  Tensor x, w, y, dx, dw;
  double flops;
};

// Tensors hold random numbers, as those of a step do.
Product make_product(Backend& backend, int64_t rows, int64_t in, int64_t out, DType dtype) {
  RandomSequence random(1, 3);
  const auto made = [&](int64_t a, int64_t b, DType type) {
    return random_tensor(backend, {a, b}, type, random);
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

struct Settings {
  std::string device = "CPU", network = "base", type = "fp32", kind;
  int batch = 32, length = 128, steps = 5;
};

int run(const Settings& settings) {
  const BertConfig config = config_of(settings.network);
  check(settings.type == "fp32" || settings.type == "bf16", "type '{}': expected fp32 or bf16",
        settings.type);
  const DType dtype = settings.type == "bf16" ? DType::bfloat16 : DType::float32;
  const int64_t batch = settings.batch, length = settings.length;
  const int steps = settings.steps;
  check(batch > 0 && length > 1 && length <= config.max_position_embeddings && steps > 0,
        "{} x {} tokens in {} steps: expected one sequence and step at least, of 2 to {} tokens", batch,
        length, steps, config.max_position_embeddings);
  const bool recomputes = settings.kind == "recompute", pretrains = settings.kind == "pretrain";
  check(settings.kind.empty() || recomputes || pretrains, "'{}': expected recompute or pretrain",
        settings.kind);
  const int64_t masked_words = masked_words_of(length);

  Backend& backend = find_backend(settings.device);
  const bool is_device = backend.name() != "CPU";
  fmt::print("{}\n", backend.description());
  check(backend.unsupported(dtype).empty(), "{}", backend.unsupported(dtype));
  const NerHeadConfig head{.tags = 10};
  Parameters parameters;
  std::optional<NerModel> tagger;
  std::optional<PretrainingModel> pretrained;
  if (pretrains) pretrained.emplace(Scope(parameters), config);
  else tagger.emplace(Scope(parameters), config, head);
  parameters.allocate(backend, Parameters::Use::training, dtype);
  parameters.initialize_all(1);
  Optimizer optimizer(parameters, {});
  DeviceStep device_step(backend);
  const NerBatch inputs = full_batch(backend, batch, length, config.vocab_size, 10);
  const PretrainingBatch masked = masked_batch(backend, inputs.tokens, batch, length, config.vocab_size);
  const auto losses = [&](Context& context) -> std::vector<Variable> {
    if (!pretrained) return {tagger->loss(context, inputs)};
    const auto [words, random_next] = pretrained->losses(context, masked);
    return {words, random_next};
  };

  double forward_seconds = 0, backward_seconds = 0, update_seconds = 0;
  uint32_t step_number = 0;
  const auto run_step = [&] {
    const std::vector<float> factors =
        pretrains ? std::vector{1 / static_cast<float>(batch * masked_words), 1 / static_cast<float>(batch)}
                  : std::vector{1 / static_cast<float>(batch * length)};
    device_step.begin(step_number++, 1e-5F, factors);
    Context context{true, dtype, device_step.random(1), recomputes};
    Variable loss;
    forward_seconds += seconds_of([&] { loss = device_step.objective(losses(context)); });
    backward_seconds += seconds_of([&] { device_step.backward(loss); });
    loss = {};
    update_seconds += seconds_of([&] { optimizer.step(device_step); });
  };
  // A device works while the host goes on. Waiting once a step costs it the start of the next one.
  const auto wait = [&] { (void)device_step.loss().item(); };

  run_step();
  wait();
  const size_t step_peak = backend.memory().peak >> 20;
  const long resident_peak = peak_resident_mib();

  // Each product, and how often a step has it. Pretrained, the last layer is computed for the rows of the heads alone, from its attention's
  // result on.
  struct Repeated {
    Product product;
    int64_t times;
  };
  std::vector<Repeated> products;
  const int64_t h = config.hidden_size, wide = config.intermediate_size, layers = config.num_hidden_layers;
  const int64_t tokens = batch * length, chosen = pretrains ? batch * (masked_words + 1) : tokens;
  const auto add = [&](int64_t rows, int64_t in, int64_t out, int64_t times) {
    if (times > 0) products.push_back({make_product(backend, rows, in, out, dtype), times});
  };
  add(tokens, h, 3 * h, layers);
  for (const auto& [in, out] : {std::pair{h, h}, {h, wide}, {wide, h}}) {
    add(tokens, in, out, pretrains ? layers - 1 : layers);
    if (pretrains) add(chosen, in, out, 1);
  }
  if (pretrains) {
    add(batch * masked_words, h, h, 1);
    add(batch * masked_words, h, (config.vocab_size + 63) / 64 * 64, 1);
  }
  double flops = 0;
  for (const auto& [product, times] : products) flops += product.flops * static_cast<double>(times);
  // Two products of the length's square forward, four backward.
  const double attention_flops = 12.0 * static_cast<double>(layers * batch * length * length * h);
  const auto run_products = [&] {
    // In turns, as the layers have them.
    for (int64_t i = 0; i < layers; ++i) {
      for (const auto& [p, times] : products) {
        if (i >= times) continue;
        backend.linear_forward({p.x, p.w, {}, Activation::none, p.y});
        backend.linear_backward({p.y, p.x, p.w, {p.dx}, {p.dw, true}});  // parameters' gradients add up
      }
    }
  };

  run_products();
  wait();
  forward_seconds = backward_seconds = update_seconds = 0;
  std::vector<double> step_times, product_times;
  for (int i = 0; i < steps; ++i) {
    step_times.push_back(seconds_of([&] {
      run_step();
      wait();
    }));
    product_times.push_back(seconds_of([&] {
      run_products();
      wait();
    }));
  }
  const double step = median(step_times), alone = median(product_times);
  const std::string phases =
      is_device ? std::string()
                : fmt::format(" (forward {:.3f}, backward {:.3f}, update {:.3f})", forward_seconds / steps,
                              backward_seconds / steps, update_seconds / steps);
  fmt::print(
      "step {:.5g} s{}; products alone {:.5g} s = {:.0f} GFLOP/s, {:.1f} % of the step; the step's tensors "
      "{} MiB, "
      "peak resident {} MiB\n",
      step, phases, alone, flops / alone / 1e9, 100 * alone / step, step_peak, resident_peak);
  fmt::print("{:.0f} tokens/s; {:.4g} GFLOP a step in products and attention, {:.4g} TFLOP/s\n",
             static_cast<double>(tokens) / step, (flops + attention_flops) / 1e9,
             (flops + attention_flops) / step / 1e12);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  Settings settings;
  Arguments arguments("step_bench", "Times a training step of BERT, and its matrix products alone.",
                      "step_bench base bf16 32 128 2 pretrain");
  arguments.add("network", settings.network, "base, large, nezha, minilm or tiny");
  arguments.add("type", settings.type, "fp32 or bf16");
  arguments.add("batch", settings.batch, "sequences of a step");
  arguments.add("length", settings.length, "tokens of a sequence");
  arguments.add("steps", settings.steps, "steps that are timed, after a first one");
  arguments.add("kind", settings.kind, "recompute, or pretrain in place of token classification");
  arguments.add("--device_target", settings.device, "where it runs");
  if (const std::optional<int> status = arguments.parse(argc, argv, 2)) return *status;
  return run(settings);
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
