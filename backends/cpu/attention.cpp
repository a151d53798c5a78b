// Attention over packed sequences. A (sequence, head) pair is one piece of work for one thread: its queries, keys and
// values are copied to float32 buffers that stay in the cache, and the scores exist for a block of queries at a time.
// The backward pass computes them again from the log-sum-exp (Dao et al. 2022, arXiv:2205.14135, section 3.1).
#include <algorithm>
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/micro_gemm.h"
#include "backends/cpu/philox.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

constexpr int64_t query_block =
    48;  // a multiple of all tile heights; 48 x 512 scores fit the second-level cache

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

// to[i][d] = from[i][d] * factor, the columns from D on zero.
template <typename T>
void copy_rows(const Head& head, const T* from, int64_t stride, float factor, float* to) {
  for (int64_t i = 0; i < head.length; ++i) {
    const T* row = from + i * stride;
    float* out = to + i * head.padded;
#pragma omp simd
    for (int64_t d = 0; d < head.size; ++d) out[d] = widen(row[d]) * factor;
    for (int64_t d = head.size; d < head.padded; ++d) out[d] = 0;
  }
}

// to[d][i] = from[i][d], the columns from S on zero.
template <typename T>
void copy_transposed(const Head& head, const T* from, int64_t stride, float* to) {
  for (int64_t i = 0; i < head.length; ++i) {
    for (int64_t d = 0; d < head.size; ++d) to[d * head.padded_length + i] = widen(from[i * stride + d]);
  }
  for (int64_t d = 0; d < head.size; ++d) {
    std::fill_n(to + d * head.padded_length + head.length, head.padded_length - head.length, 0.0F);
  }
}

// to[i][d] (+)= from[i][d] * factor.
template <typename T>
void store_rows(const Head& head, const float* from, int64_t rows, float factor, T* to, int64_t stride,
                bool accumulate) {
  dispatch_bool(accumulate, [&](auto add) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* row = from + i * head.padded;
      T* out = to + i * stride;
#pragma omp simd
      for (int64_t d = 0; d < head.size; ++d) put<add>(out[d], row[d] * factor);
    }
  });
}

// scores[i][j] = query i . key j, for a block of rows.
void multiply_scores(const Head& head, const float* queries, const float* keys_transposed, int64_t rows,
                     float* scores) {
  multiply<false>({rows, head.padded_length, head.size, queries, head.padded, 1, keys_transposed,
                   head.padded_length, scores, head.padded_length});
}

// Replaces a row of scores by their exponentials, the padding by zeros; returns the log-sum-exp and the sum.
struct RowSum {
  float lse;
  float sum;
};

RowSum exponentiate(const Head& head, float* scores) {
  float largest = scores[0];
#pragma omp simd reduction(max : largest)
  for (int64_t j = 0; j < head.length; ++j) largest = std::max(largest, scores[j]);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < head.length; ++j) {
    const float e = simd_exp(scores[j] - largest);
    scores[j] = e;
    sum += e;
  }
  for (int64_t j = head.length; j < head.padded_length; ++j) scores[j] = 0;
  return {largest + std::log(sum), sum};
}

template <typename T>
void forward_head(const Head& head, const T* qkv, const Dropout& dropout, T* context, float* lse) {
  thread_local Scratch scratch;
  const int64_t rows_size = head.length * head.padded;
  Buffers buffers(scratch, 2 * rows_size + head.size * head.padded_length +
                               query_block * (head.padded_length + head.padded) +
                               round_up(head.length, mask_chunk) + 64);
  float* q = buffers.take(rows_size);
  float* v = buffers.take(rows_size);
  float* k_transposed = buffers.take(head.size * head.padded_length);
  float* scores = buffers.take(query_block * head.padded_length);
  float* mixed = buffers.take(query_block * head.padded);
  float* factors = buffers.take(round_up(head.length, mask_chunk));

  const int64_t stride = 3 * head.hidden();
  const T* source = qkv + head.begin * stride + head.index * head.size;
  copy_rows(head, source, stride, head.scale(), q);
  copy_transposed(head, source + head.hidden(), stride, k_transposed);
  copy_rows(head, source + 2 * head.hidden(), stride, 1.0F, v);

  for (int64_t first = 0; first < head.length; first += query_block) {
    const int64_t rows = std::min(query_block, head.length - first);
    multiply_scores(head, q + first * head.padded, k_transposed, rows, scores);
    for (int64_t i = 0; i < rows; ++i) {
      float* row = scores + i * head.padded_length;
      const RowSum sum = exponentiate(head, row);
      const int64_t mask_row = (head.begin + first + i) * head.count + head.index;
      if (lse != nullptr) lse[mask_row] = sum.lse;
      const float norm = 1.0F / sum.sum;
      if (dropout.active()) {
        dropout_factors(dropout, mask_row, head.length, factors);
#pragma omp simd
        for (int64_t j = 0; j < head.length; ++j) row[j] *= factors[j] * norm;
      } else {
#pragma omp simd
        for (int64_t j = 0; j < head.length; ++j) row[j] *= norm;
      }
    }
    multiply<false>(
        {rows, head.padded, head.length, scores, head.padded_length, 1, v, head.padded, mixed, head.padded});
    store_rows(head, mixed, rows, 1.0F,
               context + (head.begin + first) * head.hidden() + head.index * head.size, head.hidden(), false);
  }
}

// For a row of scores: p = softmax, dp the gradient of the masked p. On return p is masked and dp is the gradient of
// the scores, p (mask dp - delta), where delta = sum_j p_j mask_j dp_j = dcontext . context.
void softmax_backward(const Head& head, float* p, float* dp, const float* factors, float lse, float delta) {
  if (factors != nullptr) {
#pragma omp simd
    for (int64_t j = 0; j < head.length; ++j) {
      const float e = simd_exp(p[j] - lse);
      dp[j] = e * (factors[j] * dp[j] - delta);
      p[j] = e * factors[j];
    }
  } else {
#pragma omp simd
    for (int64_t j = 0; j < head.length; ++j) {
      const float e = simd_exp(p[j] - lse);
      dp[j] = e * (dp[j] - delta);
      p[j] = e;
    }
  }
}

template <typename T>
float dot(const float* a, const T* b, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * widen(b[i]);
  return sum;
}

template <typename T>
void backward_head(const Head& head, const T* dcontext, const T* qkv, const T* context, const float* lse,
                   const Dropout& dropout, T* dqkv, bool accumulate) {
  thread_local Scratch scratch;
  const int64_t rows_size = head.length * head.padded;
  const int64_t transposed_size = head.size * head.padded_length;
  const int64_t block_size = query_block * head.padded_length;
  Buffers buffers(scratch, 5 * rows_size + 2 * (transposed_size + block_size) + query_block * head.padded +
                               round_up(head.length, mask_chunk) + 160);
  float* q = buffers.take(rows_size);
  float* k = buffers.take(rows_size);
  float* dy = buffers.take(rows_size);
  float* dk = buffers.take(rows_size);
  float* dv = buffers.take(rows_size);
  float* k_transposed = buffers.take(transposed_size);
  float* v_transposed = buffers.take(transposed_size);
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
  copy_transposed(head, source + hidden, stride, k_transposed);
  copy_transposed(head, source + 2 * hidden, stride, v_transposed);
  std::fill_n(dk, rows_size, 0.0F);
  std::fill_n(dv, rows_size, 0.0F);

  const int64_t pl = head.padded_length;
  const int64_t pd = head.padded;
  for (int64_t first = 0; first < head.length; first += query_block) {
    const int64_t rows = std::min(query_block, head.length - first);
    const float* dy_block = dy + first * pd;
    multiply_scores(head, q + first * pd, k_transposed, rows, p);
    multiply_scores(head, dy_block, v_transposed, rows, dp);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t mask_row = (head.begin + first + i) * head.count + head.index;
      if (dropout.active()) dropout_factors(dropout, mask_row, head.length, factors);
      const float delta = dot(dy_block + i * pd, context + context_offset + (first + i) * hidden, head.size);
      softmax_backward(head, p + i * pl, dp + i * pl, dropout.active() ? factors : nullptr, lse[mask_row],
                       delta);
    }
    multiply<true>({head.length, pd, rows, p, 1, pl, dy_block, pd, dv, pd});
    multiply<true>({head.length, pd, rows, dp, 1, pl, q + first * pd, pd, dk, pd});
    multiply<false>({rows, pd, head.length, dp, pl, 1, k, pd, dq, pd});
    store_rows(head, dq, rows, head.scale(), dqkv + offset + first * stride, stride, accumulate);
  }
  store_rows(head, dk, head.length, 1.0F, dqkv + offset + hidden, stride, accumulate);
  store_rows(head, dv, head.length, 1.0F, dqkv + offset + 2 * hidden, stride, accumulate);
}

// Calls f(head) for every head of every sequence, over the threads. Each writes places of its own, so the order,
// which is whatever balances the load, changes no result.
template <typename F>
void for_each_head(const Packing& packing, int64_t heads, int64_t hidden, F&& f) {
  const auto* offsets = packing.offsets.data<int32_t>();
  const int64_t size = hidden / heads;
#pragma omp parallel for schedule(dynamic, 4)
  for (int64_t item = 0; item < packing.count() * heads; ++item) {
    const int64_t sequence = item / heads;
    const int64_t length = offsets[sequence + 1] - offsets[sequence];
    if (length == 0) continue;
    f(Head{offsets[sequence], length, item % heads, heads, size, round_up(size, 16), round_up(length, 16)});
  }
}

void zero_rows_after(const Packing& packing, const Tensor& x) {
  const int64_t used = packing.offsets.data<int32_t>()[packing.count()];
  if (used < x.shape()[0]) x.backend().fill_zero(x.slice(used, x.shape()[0]));
}

}  // namespace

void CpuBackend::attention_forward(const Tensor& qkv, const Packing& packing, int64_t heads,
                                   const Dropout& dropout, const Tensor& context, const Tensor& lse) {
  dispatch_float(qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head(packing, heads, context.shape()[1], [&](const Head& head) {
      forward_head(head, qkv.data<T>(), dropout, context.data<T>(), lse.data<float>());
    });
  });
  zero_rows_after(packing, context);
}

void CpuBackend::attention_backward(const Tensor& dcontext, const Tensor& qkv, const Tensor& context,
                                    const Tensor& lse, const Packing& packing, int64_t heads,
                                    const Dropout& dropout, Grad dqkv) {
  dispatch_float(qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head(packing, heads, context.shape()[1], [&](const Head& head) {
      backward_head(head, dcontext.data<T>(), qkv.data<T>(), context.data<T>(), lse.data<float>(), dropout,
                    dqkv.tensor.data<T>(), dqkv.accumulate);
    });
  });
  if (!dqkv.accumulate) zero_rows_after(packing, dqkv.tensor);
}

}  // namespace gradus::cpu
