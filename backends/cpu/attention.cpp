// Attention over packed sequences. A (sequence, head) pair is one piece of work for one thread: its queries,
// keys and values are copied to buffers that stay in the cache, and the scores exist for a block of queries at a
// time, in float32. The backward pass computes them again from the log-sum-exp (Dao et al. 2022, arXiv:2205.14135,
// section 3.1).
//
// The products are in float32 by our own code, or, where AMX is much faster, in bfloat16 by oneDNN's.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <type_traits>

#include "backends/cpu/backend.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/micro_gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/philox.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/sequences.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

// Rows of scores at a time, at most.
constexpr int64_t largest_block = 128;

// S times D from which on products in bfloat16 on AMX are faster than those in float32: a call of oneDNN takes about a
// microsecond, in which 100,000 numbers are multiplied and added here.
constexpr int64_t least_on_tiles = 4096;

// One head of one sequence: where it lies, and the sizes of its buffers.
struct Head {
  int64_t begin;          // first row of the sequence
  int64_t length;         // S
  int64_t index;          // of the head
  int64_t count;          // heads in all
  int64_t size;           // D
  int64_t padded;         // D rounded up to vectors
  int64_t padded_length;  // S rounded up to whole vectors or tiles
  int64_t block;          // rows of scores at a time
  int64_t stored;         // rows of its buffers: padded_length, or whole blocks where these are more

  int64_t hidden() const { return count * size; }
  float scale() const { return 1.0F / std::sqrt(static_cast<float>(size)); }
  int64_t rows_size() const { return stored * padded; }
  int64_t scores_size() const { return block * padded_length; }
};

// Cuts consecutive buffers out of one block of scratch memory.
class Buffers {
 public:
  Buffers(Scratch& scratch, int64_t floats) : next_(scratch.floats(floats)) {}
  // `count` elements, in the place of as many floats.
  template <typename Element = float>
  Element* take(int64_t count) {
    float* taken = next_;
    next_ += round_up(count, 16);
    return reinterpret_cast<Element*>(taken);
  }

 private:
  float* next_;
};

// to[i][d] = from[i][d]; the rows from S on and the columns from D on are zero.
template <typename T, typename Element>
void copy_rows(const Head& head, const T* from, int64_t stride, Element* to) {
  for (int64_t i = 0; i < head.length; ++i) {
    const T* row = from + i * stride;
    Element* out = to + i * head.padded;
    if constexpr (std::is_same_v<T, Element>) {
      std::copy_n(row, head.size, out);
    } else {
#pragma omp simd
      for (int64_t d = 0; d < head.size; ++d) store(out[d], widen(row[d]));
    }
    std::fill(out + head.size, out + head.padded, Element{});
  }
  std::fill(to + head.length * head.padded, to + head.rows_size(), Element{});
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

// Products in float32. In what follows a block is some rows of queries, [rows][padded]; scores and what is made of them
// are [rows][padded_length], keys and values [padded_length][padded].
class FloatProducts {
 public:
  using Element = float;
  static constexpr int64_t length_unit = 16;
  static constexpr bool whole_blocks = false;

  // Rows of scores: a multiple of all tile heights; 48 x 512 of them fit the second-level cache.
  static int64_t block_of(int64_t) { return 48; }

  explicit FloatProducts(const Head& head) : head_(head) {}

  // How scores() wants the right operand.
  const float* right_operand(const float* keys, float* buffer) const {
    transpose_rows(head_, keys, buffer);
    return buffer;
  }
  // How the products that follow it want what was made of scores.
  const float* operand(const float* scores, int64_t, float*) const { return scores; }

  // out[i][j] = row i of the block . key j
  void scores(const float* block, int64_t rows, const float* keys, float* out) const {
    multiply<false>({rows, head_.padded_length, head_.size, block, head_.padded, 1, keys, head_.padded_length,
                     out, head_.padded_length});
  }
  // out = weights values
  void mix(const float* weights, int64_t rows, const float* values, float* out) const {
    multiply<false>({rows, head_.padded, head_.length, weights, head_.padded_length, 1, values, head_.padded,
                     out, head_.padded});
  }
  // out += weights^T block
  void add_transposed(const float* weights, int64_t rows, const float* block, float* out) const {
    multiply<true>({head_.length, head_.padded, rows, weights, 1, head_.padded_length, block, head_.padded,
                    out, head_.padded});
  }

 private:
  const Head& head_;
};

// The same in bfloat16, for which the rows of a block are always as many as head.block: those beyond are zero.
class TileProducts {
 public:
  using Element = bfloat16;
  static constexpr int64_t length_unit = 32;
  static constexpr bool whole_blocks = true;

  // Equal blocks of whole tiles: their sizes depend on the length alone, so that few lengths make few products.
  static int64_t block_of(int64_t padded_length) {
    return round_up(ceil_div(padded_length, ceil_div(padded_length, 128)), 16);
  }

  struct Codes {
    Gemm::Code& scores;
    Gemm::Code& mix;
    Gemm::Code& add_transposed;

    Codes(Gemm& gemm, const Head& head)
        : scores(gemm.prepare({.m = head.block,
                               .n = head.padded_length,
                               .k = head.padded,
                               .transpose_b = true,
                               .input = DType::bfloat16})),
          mix(gemm.prepare(
              {.m = head.block, .n = head.padded, .k = head.padded_length, .input = DType::bfloat16})),
          add_transposed(gemm.prepare({.m = head.padded_length,
                                       .n = head.padded,
                                       .k = head.block,
                                       .transpose_a = true,
                                       .accumulate = true,
                                       .input = DType::bfloat16})) {}
  };

  TileProducts(const Head& head, const Codes& codes, int64_t lane)
      : head_(head), codes_(codes), lane_(lane) {}

  const bfloat16* right_operand(const bfloat16* keys, float*) const { return keys; }

  const bfloat16* operand(const float* scores, int64_t rows, bfloat16* buffer) const {
    const int64_t used = rows * head_.padded_length;
#pragma omp simd
    for (int64_t i = 0; i < used; ++i) store(buffer[i], scores[i]);
    std::fill(buffer + used, buffer + head_.scores_size(), bfloat16{});
    return buffer;
  }
  void scores(const bfloat16* block, int64_t, const bfloat16* keys, float* out) const {
    Gemm::run_here(codes_.scores, lane_, block, keys, out);
  }
  void mix(const bfloat16* weights, int64_t, const bfloat16* values, float* out) const {
    Gemm::run_here(codes_.mix, lane_, weights, values, out);
  }
  void add_transposed(const bfloat16* weights, int64_t, const bfloat16* block, float* out) const {
    Gemm::run_here(codes_.add_transposed, lane_, weights, block, out);
  }

 private:
  const Head& head_;
  const Codes& codes_;
  int64_t lane_;
};

// What becomes of a row of scores s: the largest of them, scaled, and the sum of e^(s - largest).
struct RowSum {
  float largest;
  float sum;
};

// Sets the padding of rows of scores to minus infinity, of which the exponential is zero.
void mask_padding(const Head& head, float* scores, int64_t rows) {
  const int64_t n = head.padded_length;
  const int64_t first = head.length / 16 * 16;  // whole vectors are faster than their parts
  float mask[32];                               // to be added to the scores from there on
  for (int64_t j = first; j < n; ++j) {
    mask[j - first] = j < head.length ? 0.0F : -std::numeric_limits<float>::infinity();
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = first; j < n; j += 16) {
      float* last = scores + i * n + j;
      const float* add = mask + (j - first);
#pragma omp simd
      for (int64_t lane = 0; lane < 16; ++lane) last[lane] += add[lane];
    }
  }
}

// Replaces scores, times the scale, by e^(s - largest of the row).
void exponentiate(const Head& head, float* scores, int64_t rows, RowSum* sums) {
  const int64_t n = head.padded_length / 16 * 16;  // lets the compiler see that only whole vectors occur
  const float scale = head.scale();
  for (int64_t i = 0; i < rows; ++i) {
    float* row = scores + i * n;
    const auto* vectors = reinterpret_cast<const FloatVector*>(row);
    FloatVector larger_lanes = vectors[0];
    for (int64_t v = 1; v < n / vector_lanes; ++v) larger_lanes = larger(larger_lanes, vectors[v]);
    const float largest = largest_lane(larger_lanes) * scale;
#pragma omp simd
    for (int64_t j = 0; j < n; ++j) row[j] = simd_exp(row[j] * scale - largest);
    FloatVector sum{};
    for (int64_t v = 0; v < n / vector_lanes; ++v) sum += vectors[v];
    sums[i] = {largest, sum_lanes(sum)};
  }
}

template <typename T, typename Products>
void forward_head(const Head& head, const Products& products, const T* qkv, const DropoutMask& dropout,
                  T* context, float* lse) {
  using Element = typename Products::Element;
  constexpr bool converts = !std::is_same_v<Element, float>;
  thread_local Scratch scratch;
  Buffers buffers(scratch, 4 * head.rows_size() + 2 * head.scores_size() + head.block * head.padded +
                               round_up(head.length, mask_chunk));
  auto* q = buffers.take<Element>(head.rows_size());
  auto* k = buffers.take<Element>(head.rows_size());
  auto* v = buffers.take<Element>(head.rows_size());
  float* k_buffer = buffers.take(converts ? 0 : head.rows_size());
  float* scores = buffers.take(head.scores_size());
  auto* converted = buffers.take<Element>(converts ? head.scores_size() : 0);
  float* mixed = buffers.take(head.block * head.padded);
  float* factors = buffers.take(round_up(head.length, mask_chunk));

  const int64_t hidden = head.hidden();
  const int64_t stride = 3 * hidden;
  const T* source = qkv + head.begin * stride + head.index * head.size;
  copy_rows(head, source, stride, q);
  copy_rows(head, source + hidden, stride, k);
  copy_rows(head, source + 2 * hidden, stride, v);
  const Element* keys = products.right_operand(k, k_buffer);

  for (int64_t first = 0; first < head.length; first += head.block) {
    const int64_t rows = std::min(head.block, head.length - first);
    products.scores(q + first * head.padded, rows, keys, scores);
    RowSum sums[largest_block];
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
    products.mix(products.operand(scores, rows, converted), rows, v, mixed);
    T* target = context + (head.begin + first) * hidden + head.index * head.size;
    for (int64_t i = 0; i < rows; ++i) {
      store_row(head, mixed + i * head.padded, 1.0F / sums[i].sum, target + i * hidden, false);
    }
  }
}

// Of one row: p holds scores, dp the gradient of the masked probabilities, `factors` the mask or null. On
// return p holds the masked probabilities and dp the gradient of the scaled scores, p (mask dp - sum_j p_j mask_j
// dp_j). That sum equals dcontext . context (Dao et al.), but a context in bfloat16 would give it with a
// rounding error.
void softmax_backward(const Head& head, float* p, float* dp, float* factors, float lse) {
  const int64_t n = head.padded_length / 16 * 16;  // as in exponentiate
  const float scale = head.scale();
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) p[j] = simd_exp(p[j] * scale - lse);
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

template <typename T, typename Products>
void backward_head(const Head& head, const Products& products, const T* dcontext, const T* qkv,
                   const float* lse, const DropoutMask& dropout, T* dqkv, bool accumulate) {
  using Element = typename Products::Element;
  constexpr bool converts = !std::is_same_v<Element, float>;
  thread_local Scratch scratch;
  const int64_t rows_size = head.rows_size();
  const int64_t scores_size = head.scores_size();
  Buffers buffers(scratch, 8 * rows_size + 4 * scores_size + head.block * head.padded +
                               round_up(head.length, mask_chunk));
  auto* q = buffers.take<Element>(rows_size);
  auto* k = buffers.take<Element>(rows_size);
  auto* v = buffers.take<Element>(rows_size);
  auto* dy = buffers.take<Element>(rows_size);
  float* dk = buffers.take(rows_size);
  float* dv = buffers.take(rows_size);
  float* k_buffer = buffers.take(converts ? 0 : rows_size);
  float* v_buffer = buffers.take(converts ? 0 : rows_size);
  float* p = buffers.take(scores_size);
  float* dp = buffers.take(scores_size);
  auto* p_converted = buffers.take<Element>(converts ? scores_size : 0);
  auto* dp_converted = buffers.take<Element>(converts ? scores_size : 0);
  float* dq = buffers.take(head.block * head.padded);
  float* factors = buffers.take(round_up(head.length, mask_chunk));

  const int64_t hidden = head.hidden();
  const int64_t stride = 3 * hidden;
  const int64_t offset = head.begin * stride + head.index * head.size;
  const T* source = qkv + offset;
  const int64_t context_offset = head.begin * hidden + head.index * head.size;
  copy_rows(head, source, stride, q);
  copy_rows(head, source + hidden, stride, k);
  copy_rows(head, source + 2 * hidden, stride, v);
  copy_rows(head, dcontext + context_offset, hidden, dy);
  const Element* keys = products.right_operand(k, k_buffer);
  const Element* values = products.right_operand(v, v_buffer);
  std::fill_n(dk, rows_size, 0.0F);
  std::fill_n(dv, rows_size, 0.0F);

  const int64_t pl = head.padded_length;
  const int64_t pd = head.padded;
  for (int64_t first = 0; first < head.length; first += head.block) {
    const int64_t rows = std::min(head.block, head.length - first);
    products.scores(q + first * pd, rows, keys, p);
    products.scores(dy + first * pd, rows, values, dp);
    mask_padding(head, p, rows);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t mask_row = (head.begin + first + i) * head.count + head.index;
      if (dropout.active()) dropout_factors(dropout, mask_row, head.length, factors);
      softmax_backward(head, p + i * pl, dp + i * pl, dropout.active() ? factors : nullptr, lse[mask_row]);
    }
    const Element* p_operand = products.operand(p, rows, p_converted);
    const Element* dp_operand = products.operand(dp, rows, dp_converted);
    products.add_transposed(p_operand, rows, dy + first * pd, dv);
    products.add_transposed(dp_operand, rows, q + first * pd, dk);
    products.mix(dp_operand, rows, k, dq);
    for (int64_t i = 0; i < rows; ++i) {
      store_row(head, dq + i * pd, head.scale(), dqkv + offset + (first + i) * stride, accumulate);
    }
  }
  for (int64_t i = 0; i < head.length; ++i) {
    T* target = dqkv + offset + i * stride;
    store_row(head, dk + i * pd, head.scale(), target + hidden, accumulate);
    store_row(head, dv + i * pd, 1.0F, target + 2 * hidden, accumulate);
  }
}

template <typename Products>
Head make_head(int64_t begin, int64_t length, int64_t index, int64_t count, int64_t size) {
  const int64_t padded_length = round_up(length, Products::length_unit);
  const int64_t block = Products::block_of(padded_length);
  const int64_t stored = Products::whole_blocks ? round_up(padded_length, block) : padded_length;
  return {begin, length, index, count, size, round_up(size, 16), padded_length, block, stored};
}

// Calls f(head, products) for every head of every sequence, over the threads. Each writes places of its own, so the
// order, which is whatever balances the load, changes no result.
template <typename T, typename F>
void for_each_head(Gemm& gemm, const Packing& packing, int64_t heads, int64_t hidden, F&& f) {
  const auto* offsets = packing.offsets.data<int32_t>();
  const int64_t size = hidden / heads;
  constexpr bool is_bfloat16 = std::is_same_v<T, bfloat16>;
  const bool has_tiles = is_bfloat16 && Gemm::has_tiles();
  const auto on_tiles = [=](int64_t length) { return has_tiles && length * size >= least_on_tiles; };
  std::map<int64_t, TileProducts::Codes> codes;  // by padded length
  for (int64_t s = 0; s < packing.count(); ++s) {
    const int64_t length = offsets[s + 1] - offsets[s];
    if (!on_tiles(length)) continue;
    const Head head = make_head<TileProducts>(0, length, 0, heads, size);
    if (!codes.contains(head.padded_length)) codes.try_emplace(head.padded_length, gemm, head);
  }
  parallel_for_neighbours(packing.count() * heads, [&](int64_t item, int64_t lane) {
    const int64_t begin = offsets[item / heads];
    const int64_t length = offsets[item / heads + 1] - begin;
    if (length == 0) return;
    if constexpr (is_bfloat16) {
      if (on_tiles(length)) {
        const Head head = make_head<TileProducts>(begin, length, item % heads, heads, size);
        return f(head, TileProducts(head, codes.at(head.padded_length), lane));
      }
    }
    const Head head = make_head<FloatProducts>(begin, length, item % heads, heads, size);
    f(head, FloatProducts(head));
  });
}

}  // namespace

void CpuBackend::attention_forward(const AttentionForward& args) {
  const DropoutMask mask = mask_of(args.dropout);
  dispatch_float(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head<T>(*gemm_, args.packing, args.heads, args.context.shape()[1],
                     [&, qkv = args.qkv.data<T>(), context = args.context.data<T>(),
                      lse = args.lse.data<float>()](const Head& head, const auto& products) {
                       forward_head(head, products, qkv, mask, context, lse);
                     });
  });
  zero_rest(*this, args.context, args.packing);
  if (args.lse) zero_rest(*this, args.lse, args.packing);
}

void CpuBackend::attention_backward(const AttentionBackward& args) {
  if (!args.dqkv) return;
  const DropoutMask mask = mask_of(args.dropout);
  dispatch_float(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head<T>(
        *gemm_, args.packing, args.heads, args.context.shape()[1],
        [&, dcontext = args.dcontext.data<T>(), qkv = args.qkv.data<T>(), lse = args.lse.data<float>(),
         target = args.dqkv.tensor.data<T>()](const Head& head, const auto& products) {
          backward_head(head, products, dcontext, qkv, lse, mask, target, args.dqkv.accumulate);
        });
  });
  if (!args.dqkv.accumulate) zero_rest(*this, args.dqkv.tensor, args.packing);
}

}  // namespace gradus::cpu
