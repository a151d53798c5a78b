// Gradient norms and the AdamW update, each one pass over the flat buffers.
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

// The unit of work and of summation: small enough to share out evenly and to stay in the cache, and of one
// size whatever the number of threads.
constexpr int64_t block_size = 4096;
constexpr int64_t grain_blocks = 8;

struct Block {
  int64_t offset;
  int64_t size;
  size_t segment;
};

std::vector<Block> split_into_blocks(std::span<const Segment> segments) {
  std::vector<Block> blocks;
  for (size_t s = 0; s < segments.size(); ++s) {
    for (int64_t begin = 0; begin < segments[s].size; begin += block_size) {
      blocks.push_back({segments[s].offset + begin, std::min(block_size, segments[s].size - begin), s});
    }
  }
  return blocks;
}

double sum_of_squares(const float* __restrict x, int64_t size) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

// `copy` receives p in bfloat16 where `copies`.
template <bool copies>
void update(const AdamStep& step, float gradient_scale, float weight_decay, int64_t size, float* __restrict p,
            float* __restrict g, float* __restrict m, float* __restrict v, bfloat16* __restrict copy) {
  const float m_factor = 1 / step.correction1;
  const float v_factor = 1 / step.correction2;
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    const float gradient = g[i] * gradient_scale;
    g[i] = 0;
    m[i] = step.beta1 * m[i] + (1 - step.beta1) * gradient;
    v[i] = step.beta2 * v[i] + (1 - step.beta2) * gradient * gradient;
    const float direction = m[i] * m_factor / (std::sqrt(v[i] * v_factor) + step.eps);
    p[i] -= step.learning_rate * (direction + weight_decay * p[i]);
    if constexpr (copies) store(copy[i], p[i]);
  }
}

}  // namespace

std::vector<double> CpuBackend::squared_norms(const Tensor& flat, std::span<const Segment> segments) {
  const std::vector<Block> blocks = split_into_blocks(segments);
  std::vector<double> partial(blocks.size());
  const float* const x = flat.data<float>();
  parallel_for(static_cast<int64_t>(blocks.size()), grain_blocks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) partial[i] = sum_of_squares(x + blocks[i].offset, blocks[i].size);
  });
  std::vector<double> norms(segments.size());
  for (size_t i = 0; i < blocks.size(); ++i) norms[blocks[i].segment] += partial[i];
  return norms;
}

void CpuBackend::adam_step(const Tensor& parameters, const Tensor& gradients, const Tensor& m,
                           const Tensor& v, const Tensor& bfloat16_copy, std::span<const Segment> segments,
                           std::span<const float> scales, const AdamStep& step) {
  const std::vector<Block> blocks = split_into_blocks(segments);
  float* const p = parameters.data<float>();
  float* const g = gradients.data<float>();
  float* const m_data = m.data<float>();
  float* const v_data = v.data<float>();
  bfloat16* const copy = bfloat16_copy.data<bfloat16>();
  parallel_for(static_cast<int64_t>(blocks.size()), grain_blocks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto [offset, size, segment] = blocks[i];
      const float weight_decay = segments[segment].decay ? step.weight_decay : 0;
      dispatch_bool(copy != nullptr, [&](auto copies) {
        update<copies>(step, scales[segment], weight_decay, size, p + offset, g + offset, m_data + offset,
                       v_data + offset, copies ? copy + offset : nullptr);
      });
    }
  });
}

}  // namespace gradus::cpu
