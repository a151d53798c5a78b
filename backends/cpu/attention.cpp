// Attention over packed sequences. A (sequence, head) pair is one piece of work for one thread: its queries,
// keys and values are copied to float32 buffers that stay in the cache, and the scores exist for a block of
// queries at a time. The backward pass computes them again from the log-sum-exp (Dao et al. 2022,
// arXiv:2205.14135, section 3.1).
#include <algorithm>
#include <cmath>
#include <limits>

#include "backends/cpu/backend.h"
#include "backends/cpu/micro_gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/philox.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/sequences.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

// Rows of scores at a time: a multiple of all tile heights; 48 x 512 of them fit the second-level cache.
constexpr int64_t query_block = 48;

// One head of one sequence: where it lies, and the sizes of its buffers.
struct Head {
  int64_t begin;          // first row of the sequence
  int64_t length;         // S
  int64_t index;          // of the head
  int64_t count;          // heads in all
  int64_t size;           // D
  int64_t padded;         // D rounded up to vectors
  int64_t padded_length;  // S rounded up to vectors

  int64_t hidden() const { return count * size; }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(size)); }
};

// Cuts consecutive buffers out of one block of scratch memory.
class Buffers {
 public:
  Buffers(Scratch& scratch, int64_t floats) : next_(scratch.floats(floats)) {}
  float* take(int64_t floats) {
    float* taken = next_;
    next_ += round_up(floats, 16);
    return taken;
  }

 private:
  float* next_;
};

// to[i][d] = from[i][d] * factor; the rows from S on and the columns from D on are zero.
template <typename T>
void copy_rows(const Head& head, const T* from, int64_t stride, float factor, float* to) {
  for (int64_t i = 0; i < head.length; ++i) {
    const T* row = from + i * stride;
    float* out = to + i * head.padded;
#pragma omp simd
    for (int64_t d = 0; d < head.size; ++d) out[d] = widen(row[d]) * factor;
    for (int64_t d = head.size; d < head.padded; ++d) out[d] = 0;
  }
  std::fill(to + head.length * head.padded, to + head.padded_length * head.padded, 0.0F);
}

// to[d][i] = from[i][d], the paddings included.
void transpose_rows(const Head& head, const float* from, float* to) {
  for (int64_t i = 0; i < head.padded_length; i += vector_lanes) {
    for (int64_t d = 0; d < head.padded; d += vector_lanes) {
      FloatVector square[vector_lanes];
      for (int r = 0; r < vector_lanes; ++r) {
        square[r] = *reinterpret_cast<const FloatVector*>(from + (i + r) * head.padded + d);
      }
      transpose(square);
      for (int r = 0; r < vector_lanes; ++r) {
        *reinterpret_cast<FloatVector*>(to + (d + r) * head.padded_length + i) = square[r];
      }
    }
  }
}

// to[d] (+)= from[d] * factor.
template <typename T>
void store_row(const Head& head, const float* from, float factor, T* to, bool accumulate) {
  dispatch_bool(accumulate, [&](auto add) {
#pragma omp simd
    for (int64_t d = 0; d < head.size; ++d) put<add>(to[d], from[d] * factor);
  });
}

// scores[i][j] = query i . key j, for a block of rows.
void multiply_scores(const Head& head, const float* queries, const float* keys_transposed, int64_t rows,
                     float* scores) {
  multiply<false>({rows, head.padded_length, head.size, queries, head.padded, 1, keys_transposed,
                   head.padded_length, scores, head.padded_length});
}

// What becomes of a row of scores s: the largest of them, and the sum of e^(s - largest).
struct RowSum {
  float largest;
  float sum;
};

// Sets the padding of rows of scores to minus infinity, of which the exponential is zero.
void mask_padding(const Head& head, float* scores, int64_t rows) {
  const int64_t n = head.padded_length;
  float
      mask[16];  // to be added to the last 16 scores of a row: a whole vector, which is faster than its parts
  for (int64_t j = 0; j < 16; ++j) {
    mask[j] = n - 16 + j < head.length ? 0.0F : -std::numeric_limits<float>::infinity();
  }
  for (int64_t i = 0; i < rows; ++i) {
    float* last = scores + (i + 1) * n - 16;
#pragma omp simd
    for (int64_t j = 0; j < 16; ++j) last[j] += mask[j];
  }
}

// Replaces scores by e^(s - largest of the row).
void exponentiate(const Head& head, float* scores, int64_t rows, RowSum* sums) {
  const int64_t n = head.padded_length / 16 * 16;  // lets the compiler see that only whole vectors occur
  for (int64_t i = 0; i < rows; ++i) {
    float* row = scores + i * n;
    const auto* vectors = reinterpret_cast<const FloatVector*>(row);
    FloatVector larger_lanes = vectors[0];
    for (int64_t v = 1; v < n / vector_lanes; ++v) larger_lanes = larger(larger_lanes, vectors[v]);
    const float largest = largest_lane(larger_lanes);
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) row[j] = simd_exp(row[j] - largest);
    FloatVector sum{};
    for (int64_t v = 0; v < n / vector_lanes; ++v) sum += vectors[v];
    sums[i] = {largest, sum_lanes(sum)};
  }
}

template <typename T>
void forward_head(const Head& head, const T* qkv, const DropoutMask& dropout, T* context, float* lse) {
  thread_local Scratch scratch;
  const int64_t rows_size = head.padded_length * head.padded;
  Buffers buffers(scratch, 4 * rows_size + query_block * (head.padded_length + head.padded) +
                               round_up(head.length, mask_chunk));
  float* q = buffers.take(rows_size);
  float* k = buffers.take(rows_size);
  float* v = buffers.take(rows_size);
  float* k_transposed = buffers.take(rows_size);
  float* scores = buffers.take(query_block * head.padded_length);
  float* mixed = buffers.take(query_block * head.padded);
  float* factors = buffers.take(round_up(head.length, mask_chunk));

  const int64_t hidden = head.hidden();
  const int64_t stride = 3 * hidden;
  const T* source = qkv + head.begin * stride + head.index * head.size;
  copy_rows(head, source, stride, head.scale(), q);
  copy_rows(head, source + hidden, stride, 1.0F, k);
  copy_rows(head, source + 2 * hidden, stride, 1.0F, v);
  transpose_rows(head, k, k_transposed);

  for (int64_t first = 0; first < head.length; first += query_block) {
    const int64_t rows = std::min(query_block, head.length - first);
    multiply_scores(head, q + first * head.padded, k_transposed, rows, scores);
    RowSum sums[query_block];
    mask_padding(head, scores, rows);
    exponentiate(head, scores, rows, sums);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t mask_row = (head.begin + first + i) * head.count + head.index;
      if (lse != nullptr) lse[mask_row] = sums[i].largest + std::log(sums[i].sum);
      if (dropout.active()) {
        dropout_factors(dropout, mask_row, head.length, factors);
        float* row = scores + i * head.padded_length;
#pragma omp simd
        for (int64_t j = 0; j < head.length; ++j) row[j] *= factors[j];
      }
    }
    multiply<false>(
        {rows, head.padded, head.length, scores, head.padded_length, 1, v, head.padded, mixed, head.padded});
    T* target = context + (head.begin + first) * hidden + head.index * head.size;
    for (int64_t i = 0; i < rows; ++i) {
      store_row(head, mixed + i * head.padded, 1.0F / sums[i].sum, target + i * hidden, false);
    }
  }
}

// Of one row: p holds scores, dp the gradient of the masked probabilities, `factors` the mask or null. On
// return p holds the masked probabilities and dp the gradient of the scores, p (mask dp - sum_j p_j mask_j
// dp_j). That sum equals dcontext . context (Dao et al.), but a context in bfloat16 would give it with a
// rounding error.
void softmax_backward(const Head& head, float* p, float* dp, float* factors, float lse) {
  const int64_t n = head.padded_length / 16 * 16;  // as in exponentiate
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) p[j] = simd_exp(p[j] - lse);
  const float* unmasked = p;
  if (factors != nullptr) {
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) {
      const float probability = p[j];
      p[j] = probability * factors[j];
      factors[j] = probability;
    }
    unmasked = factors;
  }
  FloatVector products{};
  for (int64_t j = 0; j < n; j += vector_lanes) {
    products += *reinterpret_cast<FloatVector*>(p + j) * *reinterpret_cast<FloatVector*>(dp + j);
  }
  const float sum = sum_lanes(products);
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) dp[j] = p[j] * dp[j] - unmasked[j] * sum;
}

template <typename T>
void backward_head(const Head& head, const T* dcontext, const T* qkv, const float* lse,
                   const DropoutMask& dropout, T* dqkv, bool accumulate) {
  thread_local Scratch scratch;
  const int64_t rows_size = head.padded_length * head.padded;
  const int64_t block_size = query_block * head.padded_length;
  Buffers buffers(scratch, 7 * rows_size + 2 * block_size + query_block * head.padded +
                               round_up(head.length, mask_chunk));
  float* q = buffers.take(rows_size);
  float* k = buffers.take(rows_size);
  float* dy = buffers.take(rows_size);
  float* dk = buffers.take(rows_size);
  float* dv = buffers.take(rows_size);
  float* k_transposed = buffers.take(rows_size);
  float* v_transposed = buffers.take(rows_size);
  float* p = buffers.take(block_size);
  float* dp = buffers.take(block_size);
  float* dq = buffers.take(query_block * head.padded);
  float* factors = buffers.take(round_up(head.length, mask_chunk));

  const int64_t hidden = head.hidden();
  const int64_t stride = 3 * hidden;
  const int64_t offset = head.begin * stride + head.index * head.size;
  const T* source = qkv + offset;
  const int64_t context_offset = head.begin * hidden + head.index * head.size;
  copy_rows(head, source, stride, head.scale(), q);
  copy_rows(head, source + hidden, stride, 1.0F, k);
  copy_rows(head, dcontext + context_offset, hidden, 1.0F, dy);
  transpose_rows(head, k, k_transposed);
  copy_rows(head, source + 2 * hidden, stride, 1.0F, dv);  // v itself is needed only to transpose it
  transpose_rows(head, dv, v_transposed);
  std::fill_n(dk, rows_size, 0.0F);
  std::fill_n(dv, rows_size, 0.0F);

  const int64_t pl = head.padded_length;
  const int64_t pd = head.padded;
  for (int64_t first = 0; first < head.length; first += query_block) {
    const int64_t rows = std::min(query_block, head.length - first);
    const float* dy_block = dy + first * pd;
    multiply_scores(head, q + first * pd, k_transposed, rows, p);
    multiply_scores(head, dy_block, v_transposed, rows, dp);
    mask_padding(head, p, rows);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t mask_row = (head.begin + first + i) * head.count + head.index;
      if (dropout.active()) dropout_factors(dropout, mask_row, head.length, factors);
      softmax_backward(head, p + i * pl, dp + i * pl, dropout.active() ? factors : nullptr, lse[mask_row]);
    }
    multiply<true>({head.length, pd, rows, p, 1, pl, dy_block, pd, dv, pd});
    multiply<true>({head.length, pd, rows, dp, 1, pl, q + first * pd, pd, dk, pd});
    multiply<false>({rows, pd, head.length, dp, pl, 1, k, pd, dq, pd});
    for (int64_t i = 0; i < rows; ++i) {
      store_row(head, dq + i * pd, head.scale(), dqkv + offset + (first + i) * stride, accumulate);
    }
  }
  for (int64_t i = 0; i < head.length; ++i) {
    T* target = dqkv + offset + i * stride;
    store_row(head, dk + i * pd, 1.0F, target + hidden, accumulate);
    store_row(head, dv + i * pd, 1.0F, target + 2 * hidden, accumulate);
  }
}

// Calls f(head) for every head of every sequence, over the threads. Each writes places of its own, so the
// order, which is whatever balances the load, changes no result.
template <typename F>
void for_each_head(const Packing& packing, int64_t heads, int64_t hidden, F&& f) {
  const auto* offsets = packing.offsets.data<int32_t>();
  const int64_t size = hidden / heads;
  parallel_for_each(packing.count() * heads, [&](int64_t item, int64_t) {
    const int64_t sequence = item / heads;
    const int64_t length = offsets[sequence + 1] - offsets[sequence];
    if (length == 0) return;
    f(Head{offsets[sequence], length, item % heads, heads, size, round_up(size, 16), round_up(length, 16)});
  });
}

}  // namespace

void CpuBackend::attention_forward(const AttentionForward& args) {
  const DropoutMask mask = mask_of(args.dropout);
  dispatch_float(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head(
        args.packing, args.heads, args.context.shape()[1],
        [&, qkv = args.qkv.data<T>(), context = args.context.data<T>(),
         lse = args.lse.data<float>()](const Head& head) { forward_head(head, qkv, mask, context, lse); });
  });
  zero_rest(*this, args.context, args.packing);
  if (args.lse) zero_rest(*this, args.lse, args.packing);
}

void CpuBackend::attention_backward(const AttentionBackward& args) {
  if (!args.dqkv) return;
  const DropoutMask mask = mask_of(args.dropout);
  dispatch_float(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head(args.packing, args.heads, args.context.shape()[1],
                  [&, dcontext = args.dcontext.data<T>(), qkv = args.qkv.data<T>(),
                   lse = args.lse.data<float>(), target = args.dqkv.tensor.data<T>()](const Head& head) {
                    backward_head(head, dcontext, qkv, lse, mask, target, args.dqkv.accumulate);
                  });
  });
  if (!args.dqkv.accumulate) zero_rest(*this, args.dqkv.tensor, args.packing);
}

}  // namespace gradus::cpu
