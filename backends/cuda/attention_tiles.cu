// Attention on tensor cores, for numbers of 16 bits and heads of 32 or 64: scores stay in the registers of the warp that computes them, and
// become the operand of the next product there (Dao 2023, arXiv:2307.08691).
//
// A block takes up to 64 queries of a head, a warp 16 of them, and keys go by in tiles of 64, the next one copied while one is computed on.
// Per query and head, D = 64, it reads q, and k and v of its sequence of S once for 64 queries, 2 D (1 + 2 S / 64) bytes, and writes 2 D + 4; for
// 4 S D operations.
#include "backends/cuda/attention_tiles.h"

namespace gradus::cuda {
namespace {

// Two warps have all the keys in one tile.
template <int size, int warps>
struct ForwardTiles {
  static constexpr int queries = 16 * warps, keys = warps == 2 ? 32 : 64, stride = size + skew;
  static constexpr int threads = 32 * warps;
  // With `buffers` tiles of keys, and of values: the one that is computed on, and where there is more than one, the next.
  static constexpr size_t bytes(int buffers, size_t of_number) {
    return static_cast<size_t>(queries + 2 * buffers * keys) * stride * of_number;
  }
};

// Reads (1 + S / 32) b, writes b of a number of the context, in sequences of S; occupancy 18 % on sm_80, 25 % on sm_90, with 46080 bytes of
// dynamic shared memory for <bfloat16, 64, 4>.
template <typename T, int size, int warps>
__global__ void __launch_bounds__(32 * warps)
    attend(Heads heads, int buffers, const T* qkv, MaskAt mask_at, T* context, float* lse) {
  using Tiles = ForwardTiles<size, warps>;
  constexpr int keys = Tiles::keys, stride = Tiles::stride, of_keys = keys * stride;
  GRADUS_DYNAMIC_SHARED(T, memory);
  const Head head(heads, blockIdx.x, Tiles::queries, blockIdx.y);
  if (head.first >= head.length) return;  // the whole block
  const Lane lane;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t hidden = heads.hidden();
  const T* const part = qkv + head.number * size;
  T *const q = memory, *const k = q + Tiles::queries * stride, *const v = k + buffers * of_keys;
  const DropoutMask mask = mask_at.read();
  const float kept_scale = mask.active() ? mask.scale() : 1.0F;
  const float scale = heads.scale * log2_of_e;

  const auto begin_keys = [&](int64_t key, int buffer) {
    begin_rows<size, Tiles::threads>(part + hidden, 3 * hidden, head, key, keys, k + buffer * of_keys);
    begin_rows<size, Tiles::threads>(part + 2 * hidden, 3 * hidden, head, key, keys, v + buffer * of_keys);
    end_copies();
  };
  begin_rows<size, Tiles::threads>(part, 3 * hidden, head, head.first, Tiles::queries, q);
  begin_keys(0, 0);

  // Of the lane's two queries: the largest score, its part of the sum, which keys of 128 are kept.
  float largest[2] = {-std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
  float total[2] = {};
  uint32_t kept[2] = {};
  float sums[size / 8][4] = {};
  int buffer = 0;
  for (int64_t key = 0; key < head.length; key += keys, buffer ^= 1) {
    wait_for_copies<0>();
    __syncthreads();  // the tile is there for all, and the other one is read no more
    if (key + keys < head.length) begin_keys(key + keys, buffer ^ 1);

    float scores[keys / 8][4] = {};
    GRADUS_UNROLL
    for (int d = 0; d < size; d += 16) {
      uint32_t a[4], b[4];
      load_a<stride>(a, q, warp * 16, d);
      GRADUS_UNROLL
      for (int j = 0; j < keys; j += 16) {
        load_b_transposed<stride>(b, k + buffer * of_keys, d, j);
        multiply_pair<T>(scores + j / 8, a, b);
      }
    }
    if (key + keys > head.length) {
      GRADUS_UNROLL
      for (int j = 0; j < keys / 8; ++j) {
        GRADUS_UNROLL
        for (int i = 0; i < 4; ++i) {
          if (key + j * 8 + lane.t * 2 + i % 2 >= head.length)
            scores[j][i] = -std::numeric_limits<float>::infinity();
        }
      }
    }

    float corrections[2];
    GRADUS_UNROLL
    for (int half = 0; half < 2; ++half) {
      float most = largest[half];
      GRADUS_UNROLL
      for (int j = 0; j < keys / 8; ++j)
        most = std::fmax(most, std::fmax(scores[j][2 * half], scores[j][2 * half + 1]) * scale);
      most = std::fmax(most, __shfl_xor_sync(whole_warp, most, 1));
      most = std::fmax(most, __shfl_xor_sync(whole_warp, most, 2));
      corrections[half] = std::exp2(largest[half] - most);
      largest[half] = most;
      total[half] *= corrections[half];
      GRADUS_UNROLL
      for (int j = 0; j < keys / 8; ++j) {
        GRADUS_UNROLL
        for (int i = 2 * half; i < 2 * half + 2; ++i) {
          scores[j][i] = std::exp2(scores[j][i] * scale - most);
          total[half] += scores[j][i];
        }
      }
      if (mask.active()) {
        const int64_t row = head.begin + head.first + warp * 16 + lane.g + half * 8;
        if (key % 128 == 0) {
          kept[half] = 0;
          GRADUS_UNROLL
          for (int n = 0; n < 4; ++n)
            kept[half] |= kept_columns(mask, row * heads.count + head.number,
                                       key / 128 * 16 + n / 2 * 8 + lane.t * 2 + n % 2)
                          << (8 * n);
        }
        const uint32_t bits = kept[half] >> kept_bit(key);
        GRADUS_UNROLL
        for (int j = 0; j < keys / 8; ++j) {
          GRADUS_UNROLL
          for (int i = 0; i < 2; ++i)
            scores[j][2 * half + i] *= (bits >> ((j % 2 * 2 + i) * 8 + j / 2) & 1U) != 0 ? kept_scale : 0.0F;
        }
      }
    }
    GRADUS_UNROLL
    for (int j = 0; j < size / 8; ++j) {
      GRADUS_UNROLL
      for (int i = 0; i < 4; ++i) sums[j][i] *= corrections[i / 2];
    }
    GRADUS_UNROLL
    for (int j = 0; j < keys; j += 16) {
      uint32_t a[4], b[4];
      narrow<T>(a, scores + j / 8);
      GRADUS_UNROLL
      for (int d = 0; d < size; d += 16) {
        load_b<stride>(b, v + buffer * of_keys, j, d);
        multiply_pair<T>(sums + d / 8, a, b);
      }
    }
  }

  GRADUS_UNROLL
  for (int half = 0; half < 2; ++half) {
    float sum = total[half];
    sum += __shfl_xor_sync(whole_warp, sum, 1);
    sum += __shfl_xor_sync(whole_warp, sum, 2);
    const int64_t query = head.first + warp * 16 + lane.g + half * 8, row = head.begin + query;
    if (query < head.length) {
      GRADUS_UNROLL
      for (int j = 0; j < size / 8; ++j)
        *reinterpret_cast<uint32_t*>(context + row * hidden + head.number * size + j * 8 + lane.t * 2) =
            narrow_pair<T>(sums[j][2 * half] / sum, sums[j][2 * half + 1] / sum);
      if (lane.t == 0 && lse != nullptr)
        lse[row * heads.count + head.number] = largest[half] / log2_of_e + std::log(sum);
    }
  }
}

template <typename T, int size, int warps>
void launch_forward(const Stream& stream, const AttentionForward& args) {
  using Tiles = ForwardTiles<size, warps>;
  const Heads heads = heads_of(args.packing, args.heads, size, Tiles::queries);
  const int buffers = args.packing.longest > Tiles::keys ? 2 : 1;
  launch(stream,
         {dim3{static_cast<unsigned>(args.packing.count() * heads.pieces), static_cast<unsigned>(args.heads)},
          dim3{Tiles::threads}, Tiles::bytes(buffers, sizeof(T))},
         attend<T, size, warps>, heads, buffers, args.qkv.data<T>(), MaskAt(args.dropout),
         args.context.data<T>(), data_of<float>(args.lse));
}

}  // namespace

bool fits_tiles(int64_t size, const Tensor& relative, std::initializer_list<Tensor> operands) {
  return (size == 32 || size == 64) && !relative && std::ranges::all_of(operands, [](const Tensor& tensor) {
           return size_of(tensor.dtype()) == 2 && reinterpret_cast<uintptr_t>(tensor.raw()) % 16 == 0;
         });
}

void attend_tiles(const Stream& stream, const AttentionForward& args) {
  dispatch_tiles<4>(
      args.qkv.dtype(), args.context.shape().last() / args.heads, args.packing.longest,
      [&](auto type, auto size, auto warps) { launch_forward<decltype(type), size, warps>(stream, args); });
}

}  // namespace gradus::cuda
