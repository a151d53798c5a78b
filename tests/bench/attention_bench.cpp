// Attention's two kernels alone, on packed sequences: time, and arithmetic of the formula a second, which is two products of each length's
// square forward and four backward (a fifth, that of the scores again, is not counted).
//
//   attention_bench [--device_target NAME] [--heads N] [--head_size N] [--calls N] fp32|bf16 LENGTHS
//   LENGTHS: 64x512, or a file with a length a line
#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>

#include "core/backend.h"
#include "core/random.h"
#include "tasks/options/arguments.h"
#include "tests/bench/random_tensor.h"

using namespace gradus;

namespace {

std::vector<int32_t> lengths_of(const std::string& text) {
  int count = 0, length = 0;
  char more = 0;
  if (std::sscanf(text.c_str(), "%dx%d%c", &count, &length, &more) == 2) {
    check(count > 0 && length > 0, "'{}': expected numbers above 0", text);
    return std::vector<int32_t>(static_cast<size_t>(count), length);
  }
  std::ifstream file(text);
  check(file.is_open(), "'{}' is no file, and no lengths such as 64x512", text);
  std::vector<int32_t> lengths;
  for (int32_t number = 0; file >> number;) {
    check(number > 0, "{}: length {}: expected numbers above 0", text, number);
    lengths.push_back(number);
  }
  check(file.eof() && !lengths.empty(), "{}: expected a length a line", text);
  return lengths;
}

// Seconds of a call, of which so many follow each other before the host waits: the median of five times.
double seconds_of(int calls, const std::function<void()>& call, const std::function<void()>& wait) {
  call();
  wait();
  std::vector<double> times(5);
  for (double& time : times) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    wait();
    time = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
  }
  std::ranges::sort(times);
  return times[times.size() / 2];
}

int run(const std::string& device, DType dtype, int heads, int head_size, int calls,
        const std::vector<int32_t>& lengths) {
  Backend& backend = find_backend(device);
  fmt::print("{}\n", backend.description());
  check(backend.unsupported(dtype).empty(), "{}", backend.unsupported(dtype));
  check(heads > 0 && head_size > 0 && calls > 0, "heads, head_size and calls: expected numbers above 0");
  std::vector<int32_t> offsets{0};
  double squares = 0;
  for (const int32_t length : lengths) {
    offsets.push_back(offsets.back() + length);
    squares += static_cast<double>(length) * length;
  }
  const int64_t tokens = offsets.back(), hidden = int64_t{heads} * head_size;
  RandomSequence random(1, 1);
  const Packing packing{
      Tensor::from(backend, {static_cast<int64_t>(offsets.size())}, std::span<const int32_t>(offsets)),
      *std::ranges::max_element(lengths)};
  const Tensor qkv = random_tensor(backend, {tokens, 3 * hidden}, dtype, random),
               dcontext = random_tensor(backend, {tokens, hidden}, dtype, random);
  const Tensor context = Tensor::empty(backend, {tokens, hidden}, dtype),
               dqkv = Tensor::empty(backend, {tokens, 3 * hidden}, dtype),
               lse = Tensor::empty(backend, {tokens, heads});
  const auto wait = [&] { (void)lse.view(0, {1}).item(); };
  // Copies are cheap, but what is timed is the kernels.
  const Dropout none;
  const AttentionForward there{
      .qkv = qkv, .packing = packing, .heads = heads, .dropout = none, .context = context, .lse = lse};
  const AttentionBackward back{.dcontext = dcontext,
                               .qkv = qkv,
                               .context = context,
                               .lse = lse,
                               .packing = packing,
                               .heads = heads,
                               .dropout = none,
                               .dqkv = {dqkv}};
  const double forward = seconds_of(
      calls, [&] { backend.attention_forward(there); }, wait);
  const double backward = seconds_of(
      calls, [&] { backend.attention_backward(back); }, wait);
  const double flops = 4 * squares * static_cast<double>(hidden);
  fmt::print(
      "{} sequences, {} tokens: forward {:.5g} ms, {:.4g} TFLOP/s; backward {:.5g} ms, {:.4g} TFLOP/s\n",
      lengths.size(), tokens, forward * 1e3, flops / forward / 1e12, backward * 1e3,
      2 * flops / backward / 1e12);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  std::string device = "CPU", type = "bf16", lengths;
  int heads = 12, head_size = 64, calls = 20;
  Arguments arguments("attention_bench", "Times attention alone.", "attention_bench fp32 8x128");
  arguments.require("type", type, "fp32 or bf16");
  arguments.require("lengths", lengths, "64x512, or a file with a length a line");
  arguments.add("--device_target", device, "where it runs");
  arguments.add("--heads", heads, "heads");
  arguments.add("--head_size", head_size, "numbers of a head");
  arguments.add("--calls", calls, "calls that follow each other");
  if (const std::optional<int> status = arguments.parse(argc, argv, 2)) return *status;
  check(type == "fp32" || type == "bf16", "type '{}': expected fp32 or bf16", type);
  return run(device, type == "bf16" ? DType::bfloat16 : DType::float32, heads, head_size, calls,
             lengths_of(lengths));
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
