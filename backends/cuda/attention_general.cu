// Attention for every type and head size, and with relative positions, in float32 arithmetic on shared memory. Scores exist for a tile of 16
// queries and 32 keys at a time (Dao et al. 2022, arXiv:2205.14135); the backward pass computes them again. A block has four warps; a warp
// has four queries of the tile, its lanes the keys, so that a key's number that is read from shared memory serves four products.
//
// The backward pass runs over the tiles twice: query by query for dq, key by key for dk and dv. That costs seven products of tiles in
// place of five, and needs no sums across blocks.
#include <limits>

#include "backends/cuda/attention.h"
#include "backends/cuda/sums.h"
#include "core/backend.h"

namespace gradus::cuda {
namespace {

constexpr int threads = 128, warps = threads / 32;
constexpr int tile_queries = 16, tile_keys = 32;
constexpr int queries_of_warp = tile_queries / warps;
constexpr int tile_distances = tile_queries + tile_keys - 1;
// Rows of the tiles that all three kernels have: two of queries, or of what becomes of them, two of keys, and one of distances.
constexpr int64_t rows_of_tiles(bool is_relative) {
  return 2 * tile_queries + 2 * tile_keys + (is_relative ? tile_distances : 0);
}
constexpr int weights_stride = tile_keys + 1;  // of rows in shared memory: columns are read as well

// How many blocks sum up the gradient of a table of relative positions, each over a part of the heads' pieces.
constexpr int64_t table_sums = 512;

// The table of relative positions, [2 K + 1, D].
struct Table {
  const float* rows = nullptr;
  int64_t farthest = 0;  // K

  __device__ int64_t row(int64_t distance) const {
    return std::clamp(distance, -farthest, farthest) + farthest;
  }
};

// Shared memory as tiles of rows; an odd stride lets lanes read different rows at once.
struct Tiles {
  float* next;
  int64_t stride;

  explicit __device__ Tiles(float* memory, int64_t head_size) : next(memory), stride(head_size | 1) {}
  __device__ float* take(int64_t rows) {
    float* const tile = next;
    next += rows * stride;
    return tile;
  }
  static size_t bytes(int64_t rows, int64_t head_size) {
    return static_cast<size_t>(rows * (head_size | 1)) * sizeof(float);
  }
};

// Rows first .. first + count of a head's part of a packed tensor, zeros after its last row.
template <typename T>
__device__ void load_rows(const T* part, int64_t columns, const Head& head, int64_t first, int count,
                          int64_t size, float* tile, int64_t stride) {
  GRADUS_ONE_BY_ONE
  for (int64_t i = threadIdx.x; i < count * size; i += threads) {
    const int64_t row = i / size, d = i % size;
    tile[row * stride + d] =
        first + row < head.length ? widen(part[(head.begin + first + row) * columns + d]) : 0.0F;
  }
}

__device__ void clear_numbers(float* numbers, int64_t count) {
  for (int64_t i = threadIdx.x; i < count; i += threads) numbers[i] = 0;
}

// The table's rows for the distances of a tile: row i is that of distance first_key - first_query - 15 + i.
__device__ __forceinline__ int64_t first_distance(int64_t first_query, int64_t first_key) {
  return first_key - first_query - (tile_queries - 1);
}
__device__ void load_distances(const Table& table, int64_t first_query, int64_t first_key, int64_t size,
                               float* tile, int64_t stride) {
  const int64_t first = first_distance(first_query, first_key);
  GRADUS_ONE_BY_ONE
  for (int64_t i = threadIdx.x; i < tile_distances * size; i += threads)
    tile[i / size * stride + i % size] = table.rows[table.row(first + i / size) * size + i % size];
}
// Where a query and a key of the tile have theirs.
__device__ __forceinline__ int distance_row(int query, int key) { return key - query + tile_queries - 1; }

// The queries of the warp: its first one in the tile.
__device__ __forceinline__ int first_of_warp() {
  return static_cast<int>(threadIdx.x) / 32 * queries_of_warp;
}

// products[a] = row a of the warp's, from `rows`, times what the lane's key has, plus what lies at their distance.
template <bool is_relative>
__device__ __forceinline__ void multiply_rows(const float* rows, const float* keys, const float* distances,
                                              int64_t size, int64_t stride,
                                              float (&products)[queries_of_warp]) {
  const int lane = static_cast<int>(threadIdx.x) % 32, first = first_of_warp();
  GRADUS_UNROLL
  for (int a = 0; a < queries_of_warp; ++a) products[a] = 0;
  for (int64_t d = 0; d < size; ++d) {
    const float key = keys[lane * stride + d];
    GRADUS_UNROLL
    for (int a = 0; a < queries_of_warp; ++a) {
      float at_distance = key;
      if constexpr (is_relative) at_distance += distances[distance_row(first + a, lane) * stride + d];
      products[a] += rows[(first + a) * stride + d] * at_distance;
    }
  }
}

// The warp's rows of sums, times a factor each, += their weights times what the keys of the tile have, plus what lies at their distance.
template <bool is_relative>
__device__ __forceinline__ void add_weighted(const float* weights, const float* keys, const float* distances,
                                             int64_t size, int64_t stride,
                                             const float (&factors)[queries_of_warp], float* sums) {
  const int lane = static_cast<int>(threadIdx.x) % 32, first = first_of_warp();
  for (int64_t d = lane; d < size; d += 32) {
    float sum[queries_of_warp];
    GRADUS_UNROLL
    for (int a = 0; a < queries_of_warp; ++a) sum[a] = sums[(first + a) * stride + d] * factors[a];
    GRADUS_ONE_BY_ONE
    for (int j = 0; j < tile_keys; ++j) {
      const float key = keys[j * stride + d];
      GRADUS_UNROLL
      for (int a = 0; a < queries_of_warp; ++a) {
        float at_distance = key;
        if constexpr (is_relative) at_distance += distances[distance_row(first + a, j) * stride + d];
        sum[a] += weights[(first + a) * weights_stride + j] * at_distance;
      }
    }
    GRADUS_UNROLL
    for (int a = 0; a < queries_of_warp; ++a) sums[(first + a) * stride + d] = sum[a];
  }
}

// context and lse of 16 queries. Reads each key and value once, a 16th of what a query on its own would read. Four blocks on a
// multiprocessor leave a thread 128 registers, which it needs: on its own the compiler aims at more blocks, and spills.
// Reads (1 + S / 8) b, writes b of a number of the context, in sequences of S; occupancy 25 % on sm_80, 25 % on sm_90, with 24960 bytes of
// dynamic shared memory for <bfloat16, false>.
template <typename T, bool is_relative>
__global__ void __launch_bounds__(threads, 4)
    attend(Heads heads, const T* qkv, Table table, MaskAt mask_at, T* context, float* lse) {
  GRADUS_DYNAMIC_SHARED(float, memory);
  GRADUS_SHARED(float, weights, tile_queries* weights_stride);
  GRADUS_SHARED(uint8_t, kept, tile_queries * 16);
  const Head head(heads, blockIdx.x, tile_queries, blockIdx.y);
  if (head.first >= head.length) return;  // the whole block
  const DropoutMask mask = mask_at.read();
  const int64_t size = heads.size, columns = 3 * heads.hidden();
  const T* const part = qkv + head.number * size;
  Tiles tiles(memory, size);
  const int64_t stride = tiles.stride;
  float *const q = tiles.take(tile_queries), *const k = tiles.take(tile_keys);
  float *const v = tiles.take(tile_keys), *const sums = tiles.take(tile_queries);
  float* const distances = is_relative ? tiles.take(tile_distances) : nullptr;
  const int lane = static_cast<int>(threadIdx.x) % 32, first = first_of_warp();

  load_rows(part, columns, head, head.first, tile_queries, size, q, stride);
  clear_numbers(sums, tile_queries * stride);
  float largest[queries_of_warp], total[queries_of_warp];
  for (int a = 0; a < queries_of_warp; ++a) {
    largest[a] = -std::numeric_limits<float>::infinity();
    total[a] = 0;
  }
  for (int64_t key = 0; key < head.length; key += tile_keys) {
    __syncthreads();  // nobody reads the tiles before any more
    load_rows(part + heads.hidden(), columns, head, key, tile_keys, size, k, stride);
    load_rows(part + 2 * heads.hidden(), columns, head, key, tile_keys, size, v, stride);
    if (is_relative) load_distances(table, head.first, key, size, distances, stride);
    if (mask.active() && key % 128 == 0)
      draw_kept<threads>(mask, heads, head, head.first, tile_queries, key / 128, kept);
    __syncthreads();
    float scores[queries_of_warp];
    multiply_rows<is_relative>(q, k, distances, size, stride, scores);
    float corrections[queries_of_warp];
    GRADUS_UNROLL
    for (int a = 0; a < queries_of_warp; ++a) {
      const bool exists = key + lane < head.length;
      const float score = exists ? scores[a] * heads.scale : -std::numeric_limits<float>::infinity();
      const float before = largest[a];
      largest[a] = std::fmax(before, warp_max(score));
      corrections[a] = std::exp(before - largest[a]);
      float weight = std::exp(score - largest[a]);
      total[a] = total[a] * corrections[a] + warp_sum(weight);
      if (mask.active()) weight *= kept_factor(mask, kept, first + a, key + lane);
      weights[(first + a) * weights_stride + lane] = weight;
    }
    __syncwarp();
    add_weighted<is_relative>(weights, v, distances, size, stride, corrections, sums);
  }
  for (int a = 0; a < queries_of_warp; ++a) {
    const int64_t query = head.first + first + a;
    if (query >= head.length) break;
    const int64_t row = head.begin + query;
    for (int64_t d = lane; d < size; d += 32)
      context[row * heads.hidden() + head.number * size + d] =
          static_cast<T>(sums[(first + a) * stride + d] / total[a]);
    if (lane == 0 && lse != nullptr) lse[row * heads.count + head.number] = largest[a] + std::log(total[a]);
  }
}

// What the backward pass reads of a head.
template <typename T>
struct Operands {
  const T *qkv, *dcontext;
  const float *lse, *dots;
  Table table;
};

// The tiles of both runs: what the queries and the keys have, and from them, of each query and key, the probability after dropout, and the
// gradient of the score times the scale, both zero where one of them does not exist.
template <typename T, bool is_relative>
struct BackwardTiles {
  float *q, *dcontext, *k, *v, *distances;
  int64_t stride;

  __device__ BackwardTiles(Tiles& tiles)
      : q(tiles.take(tile_queries)),
        dcontext(tiles.take(tile_queries)),
        k(tiles.take(tile_keys)),
        v(tiles.take(tile_keys)),
        distances(is_relative ? tiles.take(tile_distances) : nullptr),
        stride(tiles.stride) {}

  __device__ void load_queries(const Operands<T>& from, const Heads& heads, const Head& head, int64_t query) {
    const int64_t place = head.number * heads.size;
    load_rows(from.qkv + place, 3 * heads.hidden(), head, query, tile_queries, heads.size, q, stride);
    load_rows(from.dcontext + place, heads.hidden(), head, query, tile_queries, heads.size, dcontext, stride);
  }
  __device__ void load_keys(const Operands<T>& from, const Heads& heads, const Head& head, int64_t key) {
    const T* const part = from.qkv + head.number * heads.size;
    load_rows(part + heads.hidden(), 3 * heads.hidden(), head, key, tile_keys, heads.size, k, stride);
    load_rows(part + 2 * heads.hidden(), 3 * heads.hidden(), head, key, tile_keys, heads.size, v, stride);
  }
  __device__ void weigh(const Operands<T>& from, const Heads& heads, const Head& head, int64_t query,
                        int64_t key, const DropoutMask& mask, const uint8_t* kept, float* weights,
                        float* dscores) {
    const int lane = static_cast<int>(threadIdx.x) % 32, first = first_of_warp();
    float scores[queries_of_warp], products[queries_of_warp];
    multiply_rows<is_relative>(q, k, distances, heads.size, stride, scores);
    multiply_rows<is_relative>(dcontext, v, distances, heads.size, stride, products);
    GRADUS_UNROLL
    for (int a = 0; a < queries_of_warp; ++a) {
      const int i = first + a;
      float weight = 0, dscore = 0;
      if (query + i < head.length && key + lane < head.length) {
        const int64_t at = (head.begin + query + i) * heads.count + head.number;
        const float factor = mask.active() ? kept_factor(mask, kept, i, key + lane) : 1.0F;
        const float probability = std::exp(scores[a] * heads.scale - from.lse[at]);
        weight = factor * probability;
        dscore = probability * (factor * products[a] - from.dots[at]) * heads.scale;
      }
      weights[i * weights_stride + lane] = weight;
      dscores[i * weights_stride + lane] = dscore;
    }
  }
};

// Adds a tile's part to the gradient of the table: a warp takes a row of it, its lanes the columns.
__device__ void add_to_table(const Table& table, int64_t query, int64_t key, const float* q,
                             const float* dcontext, int64_t size, int64_t stride, const float* weights,
                             const float* dscores, float* dtable) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t nearest = first_distance(query, key);
  const int64_t first_row = table.row(nearest), last_row = table.row(nearest + tile_distances - 1);
  for (int64_t row = first_row + warp; row <= last_row; row += warps) {
    // The tile's distances that the row stands for: one, or all beyond an end of the table.
    const int64_t only = row - table.farthest - nearest;
    const int64_t first = row == 0 ? 0 : std::max<int64_t>(only, 0);
    const int64_t last =
        row == 2 * table.farthest ? tile_distances - 1 : std::min<int64_t>(only, tile_distances - 1);
    for (int64_t d = lane; d < size; d += 32) {
      float sum = 0;
      for (int i = 0; i < tile_queries; ++i) {
        for (int64_t distance = first; distance <= last; ++distance) {
          const int64_t j = distance + i - (tile_queries - 1);
          if (j < 0 || j >= tile_keys) continue;
          sum += weights[i * weights_stride + j] * dcontext[i * stride + d] +
                 dscores[i * weights_stride + j] * q[i * stride + d];
        }
      }
      dtable[row * size + d] += sum;
    }
  }
}

// dq of 16 queries, and the block's part of the table's gradient: where that is wanted, dtables is [blocks, 2 K + 1, D], and a block
// takes as many pieces of heads as it has to.
// Reads (2 + S / 8) b, writes b of a number of q; occupancy 25 % on sm_80, 31 % on sm_90, with 29120 bytes of dynamic shared memory for
// <bfloat16, false>.
template <typename T, bool is_relative>
__global__ void __launch_bounds__(threads)
    attend_back_queries(Heads heads, int64_t pieces, Operands<T> from, MaskAt mask_at, Target<T> dqkv,
                        float* dtables) {
  GRADUS_DYNAMIC_SHARED(float, memory);
  GRADUS_SHARED(float, weights, tile_queries* weights_stride);
  GRADUS_SHARED(float, dscores, tile_queries* weights_stride);
  GRADUS_SHARED(uint8_t, kept, tile_queries * 16);
  const DropoutMask mask = mask_at.read();
  const int64_t size = heads.size, of_table = (2 * from.table.farthest + 1) * size;
  const int lane = static_cast<int>(threadIdx.x) % 32, mine = first_of_warp();
  Tiles memory_tiles(memory, size);
  BackwardTiles<T, is_relative> tiles(memory_tiles);
  float* const sums = memory_tiles.take(tile_queries);
  float* const dtable = dtables == nullptr ? nullptr : dtables + blockIdx.x * of_table;
  if (dtable != nullptr) clear_numbers(dtable, of_table);

  for (int64_t piece = blockIdx.x; piece < pieces * heads.count; piece += gridDim.x) {
    const Head head(heads, piece / heads.count, tile_queries, piece % heads.count);
    if (head.first >= head.length) continue;  // the whole block
    __syncthreads();                          // nobody reads the tiles before any more
    tiles.load_queries(from, heads, head, head.first);
    clear_numbers(sums, tile_queries * tiles.stride);
    for (int64_t key = 0; key < head.length; key += tile_keys) {
      __syncthreads();
      tiles.load_keys(from, heads, head, key);
      if (is_relative) load_distances(from.table, head.first, key, size, tiles.distances, tiles.stride);
      if (mask.active() && key % 128 == 0)
        draw_kept<threads>(mask, heads, head, head.first, tile_queries, key / 128, kept);
      __syncthreads();
      tiles.weigh(from, heads, head, head.first, key, mask, kept, weights, dscores);
      __syncthreads();
      add_weighted<is_relative>(dscores, tiles.k, tiles.distances, size, tiles.stride, {1, 1, 1, 1}, sums);
      if (is_relative && dtable != nullptr)
        add_to_table(from.table, head.first, key, tiles.q, tiles.dcontext, size, tiles.stride, weights,
                     dscores, dtable);
    }
    for (int a = 0; a < queries_of_warp && head.first + mine + a < head.length; ++a)
      for (int64_t d = lane; d < size; d += 32)
        dqkv.put((head.begin + head.first + mine + a) * 3 * heads.hidden() + head.number * size + d,
                 sums[(mine + a) * tiles.stride + d]);
  }
}

// dk and dv of 32 keys: a warp takes eight of them, its lanes the columns.
// Reads (2 + S / 16) b, writes 2 b of a number of k; occupancy 18 % on sm_80, 25 % on sm_90, with 41600 bytes of dynamic shared memory for
// <bfloat16, false>.
template <typename T, bool is_relative>
__global__ void __launch_bounds__(threads)
    attend_back_keys(Heads heads, Operands<T> from, MaskAt mask_at, Target<T> dqkv) {
  GRADUS_DYNAMIC_SHARED(float, memory);
  GRADUS_SHARED(float, weights, tile_queries* weights_stride);
  GRADUS_SHARED(float, dscores, tile_queries* weights_stride);
  GRADUS_SHARED(uint8_t, kept, tile_queries * 16);
  const Head head(heads, blockIdx.x, tile_keys, blockIdx.y);
  if (head.first >= head.length) return;  // the whole block
  const DropoutMask mask = mask_at.read();
  const int64_t size = heads.size;
  Tiles memory_tiles(memory, size);
  BackwardTiles<T, is_relative> tiles(memory_tiles);
  float *const dk = memory_tiles.take(tile_keys), *const dv = memory_tiles.take(tile_keys);
  const int64_t stride = tiles.stride;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  constexpr int keys_of_warp = tile_keys / warps;

  tiles.load_keys(from, heads, head, head.first);
  clear_numbers(dk, 2 * tile_keys * stride);
  for (int64_t query = 0; query < head.length; query += tile_queries) {
    __syncthreads();
    tiles.load_queries(from, heads, head, query);
    if (is_relative) load_distances(from.table, query, head.first, size, tiles.distances, stride);
    if (mask.active()) draw_kept<threads>(mask, heads, head, query, tile_queries, head.first / 128, kept);
    __syncthreads();
    tiles.weigh(from, heads, head, query, head.first, mask, kept, weights, dscores);
    __syncthreads();
    for (int j = warp * keys_of_warp; j < (warp + 1) * keys_of_warp; ++j) {
      for (int64_t d = lane; d < size; d += 32) {
        float sum_k = dk[j * stride + d], sum_v = dv[j * stride + d];
        for (int i = 0; i < tile_queries; ++i) {
          sum_k += dscores[i * weights_stride + j] * tiles.q[i * stride + d];
          sum_v += weights[i * weights_stride + j] * tiles.dcontext[i * stride + d];
        }
        dk[j * stride + d] = sum_k;
        dv[j * stride + d] = sum_v;
      }
    }
  }
  for (int j = warp * keys_of_warp; j < (warp + 1) * keys_of_warp && head.first + j < head.length; ++j) {
    const int64_t row =
        (head.begin + head.first + j) * 3 * heads.hidden() + heads.hidden() + head.number * size;
    for (int64_t d = lane; d < size; d += 32) {
      dqkv.put(row + d, dk[j * stride + d]);
      dqkv.put(row + heads.hidden() + d, dv[j * stride + d]);
    }
  }
}

Table table_of(const Tensor& relative) {
  if (!relative) return {};
  return {relative.data<float>(), (relative.shape()[0] - 1) / 2};
}

// A block of each head of each piece.
Grid grid_of(const Heads& heads, const Packing& packing, int64_t shared_rows) {
  return {dim3{static_cast<unsigned>(packing.count() * heads.pieces), static_cast<unsigned>(heads.count)},
          dim3{threads}, Tiles::bytes(shared_rows, heads.size)};
}

}  // namespace

int64_t largest_general_head(const Stream& stream, bool is_relative) {
  constexpr size_t arrays = 2 * tile_queries * weights_stride * sizeof(float) + tile_queries * 16;
  // The kernel for keys has the most. A row of an odd stride is as long as it, of an even one a number shorter.
  const auto rows = static_cast<size_t>(rows_of_tiles(is_relative) + 2 * tile_keys);
  const auto stride = static_cast<int64_t>((stream.shared_limit - arrays) / (rows * sizeof(float)));
  return (stride - 1) | 1;
}

void attend_general(const Stream& stream, const AttentionForward& args) {
  const Heads heads =
      heads_of(args.packing, args.heads, args.context.shape().last() / args.heads, tile_queries);
  dispatch_type(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    dispatch_bool(static_cast<bool>(args.relative), [&](auto relative) {
      constexpr bool is_relative = decltype(relative)::value;
      launch(stream, grid_of(heads, args.packing, rows_of_tiles(is_relative)), attend<T, is_relative>, heads,
             args.qkv.template data<T>(), table_of(args.relative), MaskAt(args.dropout),
             args.context.template data<T>(), data_of<float>(args.lse));
    });
  });
}

void attend_general_backward(const Stream& stream, const AttentionBackward& args, const Tensor& dots) {
  const int64_t size = args.context.shape().last() / args.heads;
  const Heads by_query = heads_of(args.packing, args.heads, size, tile_queries);
  const Heads by_key = heads_of(args.packing, args.heads, size, tile_keys);
  const int64_t pieces = args.packing.count() * by_query.pieces;
  int64_t blocks = pieces * args.heads;
  Tensor dtables;
  if (args.drelative) {
    blocks = std::min({blocks, table_sums, most_blocks});
    dtables = Tensor::empty(args.qkv.backend(), {blocks, args.relative.elements()});
  }
  dispatch_type(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    const Operands<T> from{args.qkv.template data<T>(), args.dcontext.template data<T>(),
                           args.lse.data<float>(), dots.data<float>(), table_of(args.relative)};
    dispatch_bool(static_cast<bool>(args.relative), [&](auto relative) {
      constexpr bool is_relative = decltype(relative)::value;
      constexpr int64_t rows = rows_of_tiles(is_relative);
      launch(stream,
             {dim3{static_cast<unsigned>(blocks)}, dim3{threads},
              Tiles::bytes(rows + tile_queries, by_query.size)},
             attend_back_queries<T, is_relative>, by_query, pieces, from, MaskAt(args.dropout),
             Target<T>(args.dqkv), data_of<float>(dtables));
      if (args.dqkv)
        launch(stream, grid_of(by_key, args.packing, rows + 2 * tile_keys), attend_back_keys<T, is_relative>,
               by_key, from, MaskAt(args.dropout), Target<T>(args.dqkv));
    });
  });
  if (args.drelative) add_up_parts<threads>(stream, dtables, blocks, nullptr, args.drelative);
}

}  // namespace gradus::cuda
