// The backward pass of attention on tensor cores. A block takes a head of a sequence, so that no sum goes across blocks. A warp has 16 keys, so
// that dk and dv need no sums across warps, and the queries go by. dq, which sums over keys, is made of the gradients of the scores that
// the warps leave in shared memory, and where there are more keys than a tile has, it is kept between them: in shared memory too, or, where a
// sequence is too long for that, in global memory.
//
// Per query and head, D = 64, it reads q and dcontext once for each tile of keys (of 128 when sequences have more than 64) and k and v once, 2 D (2 +
// 2 S / 128) bytes, and writes 6 D; for 10 S D operations.
#include "backends/cuda/attention_tiles.h"
#include "core/backend.h"

namespace gradus::cuda {
namespace {

// Sizes of the block's tiles, and what it has in shared memory.
template <int size, int warps>
struct BackwardSizes {
  static constexpr int threads = 32 * warps, keys = 16 * warps;
  static constexpr int queries = size == 32 && warps == 8 ? 64 : 32;
  // dq's tile, [queries, size], in parts of the warps.
  static constexpr int row_parts = queries / 16, column_parts = warps / row_parts;
  static constexpr int columns = size / column_parts;
  static constexpr int stride = size + skew, dscores_stride = queries + skew, sums_stride = size + skew;
};

template <typename T, int size, int warps>
struct BackwardTiles {
  using Sizes = BackwardSizes<size, warps>;
  alignas(16) T k[Sizes::keys * Sizes::stride];
  alignas(16) T v[Sizes::keys * Sizes::stride];
  // Of the queries there are two tiles: the one that is computed on, and the next.
  alignas(16) T q[2][Sizes::queries * Sizes::stride];
  alignas(16) T dcontext[2][Sizes::queries * Sizes::stride];
  alignas(16) T dscores[Sizes::keys * Sizes::dscores_stride];  // keys by queries
  float lse[2][Sizes::queries], dots[2][Sizes::queries];
  uint8_t kept[2][Sizes::queries * 16];
};

template <typename T>
struct Operands {
  const T *qkv, *dcontext;
  const float *lse, *dots;
};

template <typename T, int size, int warps>
struct HeadBackward {
  using Sizes = BackwardSizes<size, warps>;
  using Tiles = BackwardTiles<T, size, warps>;

  const Heads& heads;
  const Head& head;
  const Operands<T>& from;
  const DropoutMask& mask;
  Tiles& tiles;
  Lane lane{};
  int warp = static_cast<int>(threadIdx.x) / 32;

  __device__ void begin_keys(int64_t key) const {
    const T* const part = from.qkv + head.number * size + heads.hidden();
    begin_rows<size, Sizes::threads>(part, 3 * heads.hidden(), head, key, Sizes::keys, tiles.k);
    begin_rows<size, Sizes::threads>(part + heads.hidden(), 3 * heads.hidden(), head, key, Sizes::keys,
                                     tiles.v);
  }
  __device__ void begin_queries(int64_t query, int buffer) const {
    const int64_t place = head.number * size, hidden = heads.hidden();
    begin_rows<size, Sizes::threads>(from.qkv + place, 3 * hidden, head, query, Sizes::queries,
                                     tiles.q[buffer]);
    begin_rows<size, Sizes::threads>(from.dcontext + place, hidden, head, query, Sizes::queries,
                                     tiles.dcontext[buffer]);
    end_copies();
  }
  // What is not copied: numbers of each query, and its mask. No query beyond the last one gives a key any weight.
  __device__ void prepare_queries(int64_t query, int64_t key, int buffer) const {
    for (int i = static_cast<int>(threadIdx.x); i < Sizes::queries; i += Sizes::threads) {
      const bool exists = query + i < head.length;
      const int64_t at = (head.begin + query + i) * heads.count + head.number;
      tiles.lse[buffer][i] = exists ? from.lse[at] * log2_of_e : std::numeric_limits<float>::infinity();
      tiles.dots[buffer][i] = exists ? from.dots[at] : 0.0F;
    }
    if (mask.active())
      draw_kept<Sizes::threads>(mask, heads, head, query, Sizes::queries, key / 128, tiles.kept[buffer]);
  }

  // c [keys of the warp, queries] = rows of `keys` times those of `queries`.
  __device__ __forceinline__ void multiply(float (&c)[Sizes::queries / 8][4], const T* keys,
                                           const T* queries) const {
    GRADUS_UNROLL
    for (int d = 0; d < size; d += 16) {
      uint32_t a[4], b[4];
      load_a<Sizes::stride>(a, keys, warp * 16, d);
      GRADUS_UNROLL
      for (int i = 0; i < Sizes::queries; i += 16) {
        load_b_transposed<Sizes::stride>(b, queries, d, i);
        multiply_pair<T>(c + i / 8, a, b);
      }
    }
  }

  // Makes of scores the probabilities after dropout, and of the products of dcontext and values the gradients of the scores.
  __device__ __forceinline__ void weigh(int64_t key, int buffer, float (&scores)[Sizes::queries / 8][4],
                                        float (&products)[Sizes::queries / 8][4]) const {
    const float scale = heads.scale * log2_of_e, kept_scale = mask.active() ? mask.scale() : 1.0F;
    const int bit = kept_bit(key + warp * 16);
    GRADUS_UNROLL
    for (int i = 0; i < Sizes::queries / 8; ++i) {
      GRADUS_UNROLL
      for (int n = 0; n < 4; ++n) {
        const int row = lane.g + n / 2 * 8, query = i * 8 + lane.t * 2 + n % 2;
        const bool exists = key + warp * 16 + row < head.length;
        const float probability = exists ? std::exp2(scores[i][n] * scale - tiles.lse[buffer][query]) : 0.0F;
        const bool is_kept = !mask.active() || (tiles.kept[buffer][query * 16 + row] >> bit & 1) != 0;
        const float factor = is_kept ? kept_scale : 0.0F;
        scores[i][n] = probability * factor;
        products[i][n] = probability * (products[i][n] * factor - tiles.dots[buffer][query]);
      }
    }
  }

  // sums [keys of the warp, size] += weights, as A, times rows of `queries`.
  __device__ __forceinline__ void add_rows(float (&sums)[size / 8][4],
                                           const uint32_t (&weights)[Sizes::queries / 16][4],
                                           const T* queries) const {
    GRADUS_UNROLL
    for (int i = 0; i < Sizes::queries / 16; ++i) {
      GRADUS_UNROLL
      for (int d = 0; d < size; d += 16) {
        uint32_t b[4];
        load_b<Sizes::stride>(b, queries, i * 16, d);
        multiply_pair<T>(sums + d / 8, weights[i], b);
      }
    }
  }

  // The warp's part of dq's tile, of the keys in `tiles`, on top of what earlier keys gave: kept in `sums` or, with the last keys,
  // written.
  __device__ __forceinline__ void finish_queries(int64_t query, bool is_first, bool is_last, float* sums,
                                                 int64_t sums_stride, const Target<T>& dqkv) const {
    const int row = warp % Sizes::row_parts * 16, column = warp / Sizes::row_parts * Sizes::columns;
    float dq[Sizes::columns / 8][4] = {};
    GRADUS_UNROLL
    for (int key = 0; key < Sizes::keys; key += 16) {
      uint32_t a[4], b[4];
      load_a_transposed<Sizes::dscores_stride>(a, tiles.dscores, row, key);
      GRADUS_UNROLL
      for (int d = 0; d < Sizes::columns; d += 16) {
        load_b<Sizes::stride>(b, tiles.k, key, column + d);
        multiply_pair<T>(dq + d / 8, a, b);
      }
    }
    GRADUS_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int64_t i = query + row + lane.g + half * 8;
      if (i >= head.length) continue;
      GRADUS_UNROLL
      for (int j = 0; j < Sizes::columns / 8; ++j) {
        const int d = column + j * 8 + lane.t * 2;
        float first = dq[j][2 * half], second = dq[j][2 * half + 1];
        float* const before = sums + i * sums_stride + d;
        if (!is_first) {
          first += before[0];
          second += before[1];
        }
        if (is_last) {
          put_pair(dqkv, (head.begin + i) * 3 * heads.hidden() + head.number * size + d, first * heads.scale,
                   second * heads.scale);
        } else {
          before[0] = first;
          before[1] = second;
        }
      }
    }
  }

  __device__ __forceinline__ void put_keys(int64_t key, const float (&sums)[size / 8][4], float factor,
                                           int64_t part, const Target<T>& dqkv) const {
    GRADUS_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int64_t j = key + warp * 16 + lane.g + half * 8;
      if (j >= head.length) continue;
      GRADUS_UNROLL
      for (int i = 0; i < size / 8; ++i)
        put_pair(dqkv,
                 ((head.begin + j) * 3 + part) * heads.hidden() + head.number * size + i * 8 + lane.t * 2,
                 sums[i][2 * half] * factor, sums[i][2 * half + 1] * factor);
    }
  }
};

// dq, dk and dv of a head of a sequence. `far_sums`, float32 [T, H], is for dq's sums of sequences that have no room for them in shared
// memory: null where all have.
// Reads (2 + S / 64) b, writes 3 b of a number of q, in sequences of S; occupancy 12 % on sm_80, 12 % on sm_90, with 67072 bytes of dynamic
// shared memory for <bfloat16, 64, 8>.
template <typename T, int size, int warps>
__global__ void __launch_bounds__(32 * warps)
    attend_back(Heads heads, Operands<T> from, MaskAt mask_at, Target<T> dqkv, float* far_sums) {
  using Sizes = BackwardSizes<size, warps>;
  using Tiles = BackwardTiles<T, size, warps>;
  GRADUS_DYNAMIC_SHARED(unsigned char, memory);
  auto& tiles = *reinterpret_cast<Tiles*>(memory);
  const Head head(heads, blockIdx.x, 0, blockIdx.y);  // the whole of it: a sequence is one piece
  const DropoutMask mask = mask_at.read();
  const HeadBackward<T, size, warps> work{heads, head, from, mask, tiles};
  float* sums = reinterpret_cast<float*>(memory + sizeof(Tiles));
  int64_t sums_stride = Sizes::sums_stride;
  if (far_sums != nullptr) {
    sums = far_sums + head.begin * heads.hidden() + head.number * size;
    sums_stride = heads.hidden();
  }

  for (int64_t key = 0; key < head.length; key += Sizes::keys) {
    __syncthreads();  // nobody reads the keys before any more
    work.begin_keys(key);
    work.begin_queries(0, 0);
    float dk[size / 8][4] = {}, dv[size / 8][4] = {};
    int buffer = 0;
    for (int64_t query = 0; query < head.length; query += Sizes::queries, buffer ^= 1) {
      work.prepare_queries(query, key, buffer);
      wait_for_copies<0>();
      __syncthreads();  // the tiles are there for all, and those of the query before are read no more
      if (query + Sizes::queries < head.length) work.begin_queries(query + Sizes::queries, buffer ^ 1);

      float scores[Sizes::queries / 8][4] = {}, products[Sizes::queries / 8][4] = {};
      work.multiply(scores, tiles.k, tiles.q[buffer]);
      work.multiply(products, tiles.v, tiles.dcontext[buffer]);
      work.weigh(key, buffer, scores, products);

      uint32_t weights[Sizes::queries / 16][4];
      GRADUS_UNROLL
      for (int i = 0; i < Sizes::queries / 16; ++i) narrow<T>(weights[i], scores + 2 * i);
      work.add_rows(dv, weights, tiles.dcontext[buffer]);
      GRADUS_UNROLL
      for (int i = 0; i < Sizes::queries / 16; ++i) {
        narrow<T>(weights[i], products + 2 * i);
        GRADUS_UNROLL
        for (int n = 0; n < 4; ++n)
          *reinterpret_cast<uint32_t*>(tiles.dscores +
                                       (work.warp * 16 + work.lane.g + n % 2 * 8) * Sizes::dscores_stride +
                                       i * 16 + n / 2 * 8 + work.lane.t * 2) = weights[i][n];
      }
      work.add_rows(dk, weights, tiles.q[buffer]);
      __syncthreads();  // all keys' gradients of scores are there
      work.finish_queries(query, key == 0, key + Sizes::keys >= head.length, sums, sums_stride, dqkv);
    }
    work.put_keys(key, dk, heads.scale, 1, dqkv);
    work.put_keys(key, dv, 1, 2, dqkv);
  }
}

template <typename T, int size, int warps>
void launch_backward(const Stream& stream, const AttentionBackward& args, const Tensor& dots) {
  using Sizes = BackwardSizes<size, warps>;
  constexpr size_t tiles = sizeof(BackwardTiles<T, size, warps>);
  size_t sums = 0;
  if (args.packing.longest > Sizes::keys)
    sums = static_cast<size_t>(args.packing.longest) * Sizes::sums_stride * sizeof(float);
  Tensor far_sums;
  if (tiles + sums > stream.shared_limit) {
    sums = 0;
    far_sums = Tensor::empty(args.qkv.backend(), args.context.shape());
  }
  const Heads heads = heads_of(args.packing, args.heads, size, args.packing.longest);
  const Operands<T> from{args.qkv.data<T>(), args.dcontext.data<T>(), args.lse.data<float>(),
                         dots.data<float>()};
  launch(stream,
         {dim3{static_cast<unsigned>(args.packing.count()), static_cast<unsigned>(args.heads)},
          dim3{Sizes::threads}, tiles + sums},
         attend_back<T, size, warps>, heads, from, MaskAt(args.dropout), Target<T>(args.dqkv),
         data_of<float>(far_sums));
}

}  // namespace

void attend_tiles_backward(const Stream& stream, const AttentionBackward& args, const Tensor& dots) {
  dispatch_tiles<8>(args.qkv.dtype(), args.context.shape().last() / args.heads, args.packing.longest,
                    [&](auto type, auto size, auto warps) {
                      launch_backward<decltype(type), size, warps>(stream, args, dots);
                    });
}

}  // namespace gradus::cuda
