// Softmax cross entropy over the tokens of a sequence, once for the first token of a span and once for its last. Next
// to the encoder's work it is nothing: one thread computes it.
#include <cmath>
#include <limits>

#include "backends/cpu/backend.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

constexpr int64_t columns = 2;

float log_sum_exp(const float* __restrict x, int64_t length) {
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (int64_t t = 0; t < length; ++t) largest = x[t * columns] > largest ? x[t * columns] : largest;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t t = 0; t < length; ++t) sum += simd_exp(x[t * columns] - largest);
  return largest + std::log(sum);
}

// Calls body(first row, length, i) for each sequence b and column c, i being that of element [b, c].
template <typename Body>
void for_each_column(const Packing& packing, Body&& body) {
  const int32_t* const offsets = packing.offsets.data<int32_t>();
  for (int64_t i = 0; i < packing.count() * columns; ++i) {
    const int64_t b = i / columns;
    body(int64_t{offsets[b]}, int64_t{offsets[b + 1] - offsets[b]}, i);
  }
}

}  // namespace

void CpuBackend::span_cross_entropy_forward(const SpanCrossEntropyForward& args) {
  const float* const scores = args.logits.data<float>();
  const int32_t* const position = args.positions.data<int32_t>();
  float* const lse_out = args.lse.data<float>();
  double sum = 0;
  for_each_column(args.packing, [&](int64_t first, int64_t length, int64_t i) {
    const float* const x = scores + first * columns + i % columns;
    lse_out[i] = log_sum_exp(x, length);
    if (position[i] >= 0) sum += static_cast<double>(lse_out[i]) - x[position[i] * columns];
  });
  *args.loss.data<float>() = static_cast<float>(sum);
}

void CpuBackend::span_cross_entropy_backward(const SpanCrossEntropyBackward& args) {
  const float scale = *args.dloss.data<float>();
  const float* const scores = args.logits.data<float>();
  const int32_t* const position = args.positions.data<int32_t>();
  const float* const lse_in = args.lse.data<float>();
  float* const gradient = args.dlogits.tensor.data<float>();
  if (!args.dlogits.accumulate) fill_zero({args.dlogits.tensor});
  for_each_column(args.packing, [&](int64_t first, int64_t length, int64_t i) {
    if (position[i] < 0) return;
    const float* __restrict const x = scores + first * columns + i % columns;
    float* __restrict const dx = gradient + first * columns + i % columns;
    const float log_sum = lse_in[i];
#pragma omp simd
    for (int64_t t = 0; t < length; ++t) dx[t * columns] += scale * simd_exp(x[t * columns] - log_sum);
    dx[position[i] * columns] -= scale;
  });
}

}  // namespace gradus::cpu
