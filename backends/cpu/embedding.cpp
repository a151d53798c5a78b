// Table lookups and row selection, with their gradients.
#include <cstring>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

constexpr int64_t grain_elements = 16384;  // elements that make a share worth a thread
constexpr int64_t cache_line = 16;         // floats

int64_t row_grain(int64_t columns) {
  return std::max<int64_t>(1, grain_elements / std::max<int64_t>(columns, 1));
}

template <typename T>
void add_to(float* __restrict sum, const T* __restrict row, int64_t columns) {
#pragma omp simd
  for (int64_t c = 0; c < columns; ++c) sum[c] += widen(row[c]);
}

// The sum is kept in float32 and rounded once, in pieces that stay in the first-level cache.
template <typename T>
void sum_of_rows(std::span<const Lookup> lookups, int64_t token, int64_t columns, T* __restrict out) {
  constexpr int64_t piece = 512;
  alignas(64) float sum[piece];
  for (int64_t begin = 0; begin < columns; begin += piece) {
    const int64_t count = std::min(piece, columns - begin);
    std::fill_n(sum, count, 0.0F);
    for (const Lookup& lookup : lookups) {
      const int64_t id = lookup.ids.data<int32_t>()[token];
      add_to(sum, lookup.table.data<T>() + id * columns + begin, count);
    }
#pragma omp simd
    for (int64_t c = 0; c < count; ++c) store(out[begin + c], sum[c]);
  }
}

}  // namespace

void CpuBackend::embedding_forward(const EmbeddingForward& args) {
  const int64_t columns = args.y.shape().last();
  dispatch_float(args.y.dtype(), "embedding", [&]<typename T>(T) {
    T* const out = args.y.data<T>();
    parallel_for(args.y.rows(), row_grain(columns), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) sum_of_rows(args.lookups, t, columns, out + t * columns);
    });
  });
}

// Each thread takes some columns of all tokens: every sum keeps the token order, no two threads write the
// same place, and the shares are equal however often an id repeats.
void CpuBackend::embedding_backward(const EmbeddingBackward& args) {
  const int64_t tokens = args.ids.elements();
  const int64_t columns = args.dtable.shape().last();
  const int32_t* const id = args.ids.data<int32_t>();
  float* const table = args.dtable.data<float>();
  const int64_t lines = ceil_div(columns, cache_line);
  const int64_t grain = std::max<int64_t>(1, grain_elements / (cache_line * std::max<int64_t>(tokens, 1)));
  dispatch_float(args.dy.dtype(), "embedding", [&]<typename T>(T) {
    const T* const gradient = args.dy.data<T>();
    parallel_for(lines, grain, [&](int64_t begin, int64_t end) {
      const int64_t first = begin * cache_line;
      const int64_t count = std::min(end * cache_line, columns) - first;
      for (int64_t t = 0; t < tokens; ++t) {
        add_to(table + id[t] * columns + first, gradient + t * columns + first, count);
      }
    });
  });
}

void CpuBackend::gather_rows_forward(const GatherRowsForward& args) {
  const int64_t columns = args.x.shape().last();
  const size_t row_bytes = static_cast<size_t>(columns) * size_of(args.x.dtype());
  const int32_t* const row = args.rows.data<int32_t>();
  const auto* const in = static_cast<const char*>(args.x.raw());
  auto* const out = static_cast<char*>(args.y.raw());
  parallel_for(args.rows.elements(), row_grain(columns), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (row[i] < 0) std::memset(out + i * row_bytes, 0, row_bytes);
      else std::memcpy(out + i * row_bytes, in + row[i] * row_bytes, row_bytes);
    }
  });
}

void CpuBackend::gather_rows_backward(const GatherRowsBackward& args) {
  if (!args.dx) return;
  const int64_t columns = args.dy.shape().last();
  const int32_t* const row = args.rows.data<int32_t>();
  if (!args.dx.accumulate) fill_zero({args.dx.tensor});
  dispatch_float(args.dy.dtype(), "gather_rows", [&]<typename T>(T) {
    const T* const in = args.dy.data<T>();
    T* const out = args.dx.tensor.data<T>();
    parallel_for(args.rows.elements(), row_grain(columns), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (row[i] < 0) continue;
        const T* const source = in + i * columns;
        T* const target = out + row[i] * columns;
        if (args.dx.accumulate) {
#pragma omp simd
          for (int64_t c = 0; c < columns; ++c) {
            put<true>(target[c], widen(source[c]));
          }
        } else {
          std::copy_n(source, columns, target);
        }
      }
    });
  });
}

}  // namespace gradus::cpu
