// Linear maps by weights in 8 bits.
//
// With x[t][i] = low[t] + step[t] q[t][i] and w[o][i] = scale[o] v[o][i] the sum over i of x w is
// scale[o] (step[t] sum(q v) + low[t] sum(v)): the first sum is a product of whole numbers, which processors make several times
// as many of as of floats, the second belongs to the weight. Steps of its own for each row of x keep words apart that are large
// from words that are small (dynamic quantisation, as in Dettmers et al. 2022, arXiv:2208.07339, section 3).
#include <cstring>
#include <limits>

#include "backends/cpu/backend.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/parts.h"
#include "backends/cpu/point_functions.h"
#include "backends/cpu/scratch.h"

namespace gradus::cpu {
namespace {

// How a row of x was rounded.
struct Steps {
  float low;
  float step;
};

// The least and the greatest of n numbers, and zero, or no number where one of them is none or infinite.
struct Extent {
  float low;
  float high;
  float nothing;
};

Extent extent_of(const float* x, int64_t n) {
  const int64_t whole = n / vector_lanes * vector_lanes;
  FloatVector lows = FloatVector{} + x[0], highs = lows, nothings{};
  for (int64_t i = 0; i < whole; i += vector_lanes) {
    FloatVector v;
    std::memcpy(&v, x + i, sizeof v);
    lows = v < lows ? v : lows;
    highs = v > highs ? v : highs;
    nothings += v - v;
  }
  Extent extent{-largest_lane(-lows), largest_lane(highs), sum_lanes(nothings)};
  for (int64_t i = whole; i < n; ++i) {
    extent.low = std::min(extent.low, x[i]);
    extent.high = std::max(extent.high, x[i]);
    extent.nothing += x[i] - x[i];
  }
  return extent;
}

Steps quantize(const float* x, int64_t n, uint8_t* q) {
  constexpr float most_steps = 255;
  const Extent extent = extent_of(x, n);
  const float range = extent.high - extent.low;
  if (!(range + extent.nothing <= std::numeric_limits<float>::max())) {
    std::memset(q, 0, static_cast<size_t>(n));
    return {0, std::numeric_limits<float>::quiet_NaN()};
  }
  // A range so small that its steps can't be told apart is as good as none.
  const float steps_in_one = range > 1e-30F ? most_steps / range : 0;
  const float low = extent.low;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    q[i] = static_cast<uint8_t>(static_cast<int32_t>((x[i] - low) * steps_in_one + 0.5F));
  return {low, range / most_steps};
}

// A row of y, from a row of sums of whole numbers.
template <Activation kind>
void finish_row(const int32_t* products, Steps row, const float* scales, const int32_t* sums,
                const float* bias, float* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float sum = row.step * static_cast<float>(products[i]) + row.low * static_cast<float>(sums[i]);
    y[i] = evaluate<kind>(scales[i] * sum + bias[i]).value;
  }
}

}  // namespace

void CpuBackend::quantized_linear(const QuantizedLinear& args) {
  const int64_t rows = args.x.shape()[0], inputs = args.x.shape()[1], outputs = args.w.values.shape()[0];
  if (rows == 0 || outputs == 0) return;
  // Code is generated for each number of rows: those of few are filled up, with rows of zeros that nobody looks at.
  const int64_t filled = round_up(rows, 16);
  const auto* x = args.x.data<float>();
  thread_local Scratch quantized_scratch, steps_scratch;
  auto* const q =
      reinterpret_cast<uint8_t*>(quantized_scratch.floats(ceil_div(filled * inputs, sizeof(float))));
  auto* const steps = reinterpret_cast<Steps*>(steps_scratch.floats(2 * rows));
  std::memset(q + rows * inputs, 0, static_cast<size_t>((filled - rows) * inputs));
  constexpr int64_t grain = 16384;  // numbers that are worth a thread
  parallel_for(rows, grain / inputs, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      steps[row] = quantize(x + row * inputs, inputs, q + row * inputs);
  });

  // Parts of which a thread has the sums in its nearest cache. oneDNN brings the weight into another order for each part, so
  // that few rows cost more.
  Blocks parts{filled, outputs};
  parts.down = shared_parts_of(filled, 96, 256);
  parts.across = parts.down == 1 ? shared_parts_of(outputs, 96, 384) : ceil_div(outputs, 384);
  std::vector<Gemm::Code*> codes;
  for (int64_t i = 0; i < parts.count(); ++i) {
    const Blocks::Block block = parts[i];
    codes.push_back(&gemm_->prepare({.m = block.height,
                                     .n = block.width,
                                     .k = inputs,
                                     .transpose_b = true,
                                     .input = DType::uint8,
                                     .output = DType::int32}));
  }
  const auto* w = args.w.values.data<int8_t>();
  const auto* scales = args.w.scales.data<float>();
  const auto* sums = args.w.sums.data<int32_t>();
  const auto* bias = args.b.data<float>();
  auto* y = args.y.data<float>();
  dispatch_activation(args.kind, [&](auto kind) {
    parallel_for_neighbours(parts.count(), [&](int64_t i, int64_t lane) {
      const auto [row, column, height, width] = parts[i];
      thread_local Scratch scratch;
      auto* const products = reinterpret_cast<int32_t*>(scratch.floats(height * width));
      Gemm::run_here(*codes[static_cast<size_t>(i)], lane, q + row * inputs, w + column * inputs, products);
      for (int64_t t = row; t < std::min(row + height, rows); ++t)
        finish_row<kind.value>(products + (t - row) * width, steps[t], scales + column, sums + column,
                               bias + column, y + t * outputs + column, width);
    });
  });
}

}  // namespace gradus::cpu
