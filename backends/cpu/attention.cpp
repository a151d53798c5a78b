// Attention over packed sequences. A (sequence, head) pair is one piece of work for one thread: its queries,
// keys and values are copied to buffers that stay in the cache, and the scores exist for a block of queries at a
// time, in float32. The backward pass computes them again from the log-sum-exp (Dao et al. 2022, arXiv:2205.14135,
// section 3.1).
//
// The products are in float32 by our own code, or, where AMX is much faster, in bfloat16 by oneDNN's
// (backends/cpu/attention_products.h).
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <type_traits>

#include "backends/cpu/attention_products.h"
#include "backends/cpu/backend.h"
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

// The gradient of a table of relative positions is summed over so many groups of heads first, whatever the number of
// threads: few enough that they take little memory, and enough for many threads.
constexpr int64_t table_groups = 64;

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
      float* last = scores + i * head.columns + j;
      const float* add = mask + (j - first);
#pragma omp simd
      for (int64_t lane = 0; lane < 16; ++lane) last[lane] += add[lane];
    }
  }
}

// Adds to each score of some rows, from query `first` on, the term of its distance.
void add_relative_terms(const Head& head, float* scores, int64_t first, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i) {
    float* row = scores + i * head.columns;
    add_by_distance(head.relative, first + i, head.length, row + head.padded_length, row);
  }
}

// Sums what was made of the scores by distance, in the place of the terms.
void sum_relative_weights(const Head& head, float* weights, int64_t first, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i) {
    float* row = weights + i * head.columns;
    sum_by_distance(head.relative, first + i, head.length, row, row + head.padded_length,
                    head.columns - head.padded_length);
  }
}

// Replaces scores, times the scale, by e^(s - largest of the row).
void exponentiate(const Head& head, float* scores, int64_t rows, RowSum* sums) {
  const int64_t n = head.padded_length / 16 * 16;  // lets the compiler see that only whole vectors occur
  const float scale = head.scale();
  for (int64_t i = 0; i < rows; ++i) {
    float* row = scores + i * head.columns;
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
void forward_head(const AttentionForward& args, const DropoutMask& dropout, const Head& head,
                  const Products& products) {
  using Element = typename Products::Element;
  constexpr bool converts = !std::is_same_v<Element, float>;
  thread_local Scratch scratch;
  Buffers buffers(scratch, head.queries_size() + 3 * head.keys_size() + 2 * head.scores_size() +
                               head.block * head.padded + round_up(head.length, mask_chunk));
  auto* q = buffers.take<Element>(head.queries_size());
  auto* k = buffers.take<Element>(head.keys_size());
  auto* v = buffers.take<Element>(head.keys_size());
  float* k_buffer = buffers.take(converts ? 0 : head.keys_size());
  float* scores = buffers.take(head.scores_size());
  auto* converted = buffers.take<Element>(converts ? head.scores_size() : 0);
  float* mixed = buffers.take(head.block * head.padded);
  float* factors = buffers.take(round_up(head.length, mask_chunk));

  const int64_t hidden = head.hidden();
  const int64_t stride = 3 * hidden;
  const T* source = args.qkv.data<T>() + head.begin * stride + head.index * head.size;
  T* context = args.context.data<T>() + head.begin * hidden + head.index * head.size;
  auto* lse = args.lse.data<float>();
  copy_queries(head, source, stride, q);
  copy_keys(head, source + hidden, stride, k);
  copy_keys(head, source + 2 * hidden, stride, v);
  const Element* keys = products.right_operand(k, k_buffer);

  for (int64_t first = 0; first < head.length; first += head.block) {
    const int64_t rows = std::min(head.block, head.length - first);
    products.scores(q + first * head.padded, rows, keys, scores);
    RowSum sums[largest_block];
    if (head.relative) add_relative_terms(head, scores, first, rows);
    mask_padding(head, scores, rows);
    exponentiate(head, scores, rows, sums);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t mask_row = (head.begin + first + i) * head.count + head.index;
      if (lse != nullptr) lse[mask_row] = sums[i].largest + std::log(sums[i].sum);
      if (dropout.active()) {
        dropout_factors(dropout, mask_row, head.length, factors);
        float* row = scores + i * head.columns;
#pragma omp simd
        for (int64_t j = 0; j < head.length; ++j) row[j] *= factors[j];
      }
    }
    if (head.relative) sum_relative_weights(head, scores, first, rows);
    products.mix(products.operand(scores, rows, converted), rows, v, mixed);
    for (int64_t i = 0; i < rows; ++i) {
      store_row(head, mixed + i * head.padded, 1.0F / sums[i].sum, context + (first + i) * hidden, false);
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

// Adds the gradients of the table's rows, which are those of keys and of values, to `dtable`, where the rows lie in it.
void add_table_gradient(const Head& head, const float* dk, const float* dv, float* dtable) {
  const float scale = head.scale();
  for (int64_t r = 0; r < head.relative.count(); ++r) {
    const int64_t row = (head.padded_length + r) * head.padded;
    float* target = dtable + r * head.size;
#pragma omp simd
    for (int64_t d = 0; d < head.size; ++d) target[d] += dk[row + d] * scale + dv[row + d];
  }
}

// `dtable`, where it is wanted, is the place of the first row of the table that the head looks up.
template <typename T, typename Products>
void backward_head(const AttentionBackward& args, const DropoutMask& dropout, const Head& head,
                   const Products& products, float* dtable) {
  using Element = typename Products::Element;
  constexpr bool converts = !std::is_same_v<Element, float>;
  thread_local Scratch scratch;
  const int64_t queries_size = head.queries_size();
  const int64_t keys_size = head.keys_size();
  const int64_t scores_size = head.scores_size();
  Buffers buffers(scratch, 2 * queries_size + 6 * keys_size + 4 * scores_size + head.block * head.padded +
                               round_up(head.length, mask_chunk));
  auto* q = buffers.take<Element>(queries_size);
  auto* k = buffers.take<Element>(keys_size);
  auto* v = buffers.take<Element>(keys_size);
  auto* dy = buffers.take<Element>(queries_size);
  float* dk = buffers.take(keys_size);
  float* dv = buffers.take(keys_size);
  float* k_buffer = buffers.take(converts ? 0 : keys_size);
  float* v_buffer = buffers.take(converts ? 0 : keys_size);
  float* p = buffers.take(scores_size);
  float* dp = buffers.take(scores_size);
  auto* p_converted = buffers.take<Element>(converts ? scores_size : 0);
  auto* dp_converted = buffers.take<Element>(converts ? scores_size : 0);
  float* dq = buffers.take(head.block * head.padded);
  float* factors = buffers.take(round_up(head.length, mask_chunk));

  const int64_t hidden = head.hidden();
  const int64_t stride = 3 * hidden;
  const int64_t offset = head.begin * stride + head.index * head.size;
  const T* source = args.qkv.data<T>() + offset;
  const T* dcontext = args.dcontext.data<T>() + head.begin * hidden + head.index * head.size;
  const auto* lse = args.lse.data<float>();
  copy_queries(head, source, stride, q);
  copy_keys(head, source + hidden, stride, k);
  copy_keys(head, source + 2 * hidden, stride, v);
  copy_queries(head, dcontext, hidden, dy);
  const Element* keys = products.right_operand(k, k_buffer);
  const Element* values = products.right_operand(v, v_buffer);
  std::fill_n(dk, keys_size, 0.0F);
  std::fill_n(dv, keys_size, 0.0F);

  T* dqkv = args.dqkv ? args.dqkv.tensor.data<T>() + offset : nullptr;
  const bool accumulate = args.dqkv.accumulate;
  const int64_t columns = head.columns;
  const int64_t pd = head.padded;
  for (int64_t first = 0; first < head.length; first += head.block) {
    const int64_t rows = std::min(head.block, head.length - first);
    products.scores(q + first * pd, rows, keys, p);
    products.scores(dy + first * pd, rows, values, dp);
    if (head.relative) {
      add_relative_terms(head, p, first, rows);
      add_relative_terms(head, dp, first, rows);
    }
    mask_padding(head, p, rows);
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t mask_row = (head.begin + first + i) * head.count + head.index;
      if (dropout.active()) dropout_factors(dropout, mask_row, head.length, factors);
      softmax_backward(head, p + i * columns, dp + i * columns, dropout.active() ? factors : nullptr,
                       lse[mask_row]);
    }
    if (head.relative) {
      sum_relative_weights(head, p, first, rows);
      sum_relative_weights(head, dp, first, rows);
    }
    const Element* p_operand = products.operand(p, rows, p_converted);
    const Element* dp_operand = products.operand(dp, rows, dp_converted);
    products.add_transposed(p_operand, rows, dy + first * pd, dv);
    products.add_transposed(dp_operand, rows, q + first * pd, dk);
    if (dqkv == nullptr) continue;
    products.mix(dp_operand, rows, k, dq);
    for (int64_t i = 0; i < rows; ++i) {
      store_row(head, dq + i * pd, head.scale(), dqkv + (first + i) * stride, accumulate);
    }
  }
  for (int64_t i = 0; dqkv != nullptr && i < head.length; ++i) {
    T* target = dqkv + i * stride;
    store_row(head, dk + i * pd, head.scale(), target + hidden, accumulate);
    store_row(head, dv + i * pd, 1.0F, target + 2 * hidden, accumulate);
  }
  if (head.trains_table) add_table_gradient(head, dk, dv, dtable);
}

// How many groups the heads of all sequences are dealt out in: each is one, but where groups have sums of their own.
int64_t count_groups(const Packing& packing, int64_t heads, const RelativeTable& table) {
  const int64_t all = packing.count() * heads;
  return table.trained ? std::min(all, table_groups) : all;
}

// Calls f(head, products, group) for every head of every sequence, over the threads: those of a group one after the other.
// Each group writes places of its own, so the order, which is whatever balances the load, changes no result.
template <typename T, typename F>
void for_each_head(Gemm& gemm, const Packing& packing, int64_t heads, int64_t hidden,
                   const RelativeTable& table, F&& f) {
  const auto* offsets = packing.offsets.data<int32_t>();
  const int64_t size = hidden / heads;
  constexpr bool is_bfloat16 = std::is_same_v<T, bfloat16>;
  const bool has_tiles = is_bfloat16 && Gemm::has_tiles();
  const auto on_tiles = [=](int64_t length) { return has_tiles && length * size >= least_on_tiles; };
  std::map<int64_t, TileProducts::Codes> codes;  // by padded length
  for (int64_t s = 0; s < packing.count(); ++s) {
    const int64_t length = offsets[s + 1] - offsets[s];
    if (!on_tiles(length)) continue;
    const Head head = make_head<TileProducts>(0, length, 0, heads, size, table);
    if (!codes.contains(head.padded_length)) codes.try_emplace(head.padded_length, gemm, head);
  }
  const auto run = [&](int64_t item, int64_t group, int64_t lane) {
    const int64_t begin = offsets[item / heads];
    const int64_t length = offsets[item / heads + 1] - begin;
    if (length == 0) return;
    if constexpr (is_bfloat16) {
      if (on_tiles(length)) {
        const Head head = make_head<TileProducts>(begin, length, item % heads, heads, size, table);
        return f(head, TileProducts(head, codes.at(head.padded_length), lane), group);
      }
    }
    const Head head = make_head<FloatProducts>(begin, length, item % heads, heads, size, table);
    f(head, FloatProducts(head), group);
  };
  const int64_t items = packing.count() * heads;
  const int64_t groups = count_groups(packing, heads, table);
  parallel_for_neighbours(groups, [&](int64_t group, int64_t lane) {
    for (int64_t item = items * group / groups; item < items * (group + 1) / groups; ++item)
      run(item, group, lane);
  });
}

}  // namespace

void CpuBackend::attention_forward(const AttentionForward& args) {
  const DropoutMask mask = mask_of(args.dropout);
  const RelativeTable table(args.relative, false);
  dispatch_float(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head<T>(*gemm_, args.packing, args.heads, args.context.shape()[1], table,
                     [&](const Head& head, const auto& products, int64_t) {
                       forward_head<T>(args, mask, head, products);
                     });
  });
  zero_rest(*this, args.context, args.packing);
  if (args.lse) zero_rest(*this, args.lse, args.packing);
}

void CpuBackend::attention_backward(const AttentionBackward& args) {
  if (!args.dqkv && !args.drelative) return;
  const DropoutMask mask = mask_of(args.dropout);
  const RelativeTable table(args.relative, static_cast<bool>(args.drelative));
  Tensor parts;  // the table's gradient of each group
  if (table.trained)
    parts = Tensor::zeros(*this, {count_groups(args.packing, args.heads, table), args.relative.elements()});
  dispatch_float(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    for_each_head<T>(
        *gemm_, args.packing, args.heads, args.context.shape()[1], table,
        [&, dtables = parts.data<float>()](const Head& head, const auto& products, int64_t group) {
          float* dtable = nullptr;
          if (table.trained)
            dtable = dtables + group * args.relative.elements() + table.place(head.relative.reach);
          backward_head<T>(args, mask, head, products, dtable);
        });
  });
  if (args.dqkv && !args.dqkv.accumulate) zero_rest(*this, args.dqkv.tensor, args.packing);
  if (table.trained) sum_parts(parts.data<float>(), parts.shape()[0], args.drelative);
}

}  // namespace gradus::cpu
