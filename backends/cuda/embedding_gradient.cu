// The gradient of an embedding table, without atomics: tokens are sorted by id, then runs of one id are summed in the order of the tokens.
// However many tokens a row has ([CLS], the first segment), its sum is shared out: pieces of 32 sorted tokens are summed on their
// own, and what a run has in several pieces is joined. Reads each gradient once, and reads and writes the rows of the table that occur.
#include <algorithm>
#include <bit>
#include <limits>

#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"
#include "core/backend.h"

namespace gradus::cuda {
namespace {

// A token to be sorted: its id, then its number, so that no two are equal and a run keeps the tokens' order.
using Key = uint64_t;
__device__ __forceinline__ int64_t id_of(Key key) { return static_cast<int64_t>(key >> 32); }
__device__ __forceinline__ int64_t token_of(Key key) { return static_cast<int64_t>(key & 0xffffffffU); }
constexpr Key after_all = std::numeric_limits<Key>::max();

constexpr int chunk_threads = 512, chunk = 2 * chunk_threads;  // at most
constexpr int threads = 128;
constexpr int piece = 32;

// Sorts chunks of the tokens, a block each, in shared memory: Batcher's bitonic network (1968), a thread two keys at a time. A block has a
// power of two of threads; few tokens take fewer steps.
// Reads 4, writes 8 of a token; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(chunk_threads) sort_chunks(const int32_t* ids, int64_t count, Key* keys) {
  GRADUS_SHARED(Key, mine, chunk);
  const int thread = static_cast<int>(threadIdx.x), half = static_cast<int>(blockDim.x), keys_here = 2 * half;
  const int64_t begin = int64_t{blockIdx.x} * keys_here;
  for (int i = thread; i < keys_here; i += half) {
    const int64_t token = begin + i;
    mine[i] = token < count ? Key{static_cast<uint32_t>(ids[token])} << 32 | static_cast<uint32_t>(token)
                            : after_all;
  }
  for (int length = 2; length <= keys_here; length *= 2) {
    for (int distance = length / 2; distance > 0; distance /= 2) {
      __syncthreads();
      const int low = thread / distance * 2 * distance + thread % distance, high = low + distance;
      const bool rises = (low & length) == 0;  // every other run of `length` falls
      const Key a = mine[low], b = mine[high];
      if ((a > b) == rises) {
        mine[low] = b;
        mine[high] = a;
      }
    }
  }
  __syncthreads();
  for (int i = thread; i < keys_here; i += half)
    if (begin + i < count) keys[begin + i] = mine[i];
}

// Merges pairs of sorted runs of `length`: a key goes as far behind its place as the other run has lower ones.
// Reads 8, writes 8 of a token; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    merge_runs(const Key* keys, int64_t count, int64_t length, Key* merged) {
  for (int64_t i = global_thread(); i < count; i += global_threads()) {
    // Where the left run is the last one, `middle` may lie behind it: nothing is there to be counted.
    const int64_t first = i / (2 * length) * 2 * length, middle = first + length;
    const bool is_left = i < middle;
    const int64_t other = is_left ? middle : first;
    int64_t low = other, high = is_left ? std::min(first + 2 * length, count) : middle;
    while (low < high) {
      const int64_t half = low + (high - low) / 2;
      if (keys[half] < keys[i]) low = half + 1;
      else high = half;
    }
    const int64_t own = is_left ? i - first : i - middle;
    merged[first + own + (low - other)] = keys[i];
  }
}

// The sums of pieces, a thread a column of one. A run that lies in one piece is added to the table; of others the part in each piece is kept:
// [0] of a run that began before, [1] of one that goes on.
// Reads b + 4, writes 4 of an element of dy, where no id occurs twice; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    sum_pieces(const Key* keys, int64_t count, const T* dy, int64_t columns, float* dtable, float* parts) {
  const int64_t begin = int64_t{blockIdx.x} * piece, end = std::min(begin + piece, count);
  const int64_t column = int64_t{blockIdx.y} * threads + threadIdx.x;
  if (column >= columns) return;
  bool began_before = begin > 0 && id_of(keys[begin - 1]) == id_of(keys[begin]);
  float sum = 0;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t id = id_of(keys[i]);
    sum += widen(dy[token_of(keys[i]) * columns + column]);
    const bool is_last = i + 1 == count || id_of(keys[i + 1]) != id;
    if (!is_last && i + 1 < end) continue;
    if (is_last && !began_before) dtable[id * columns + column] += sum;
    else parts[(int64_t{blockIdx.x} * 2 + (began_before ? 0 : 1)) * columns + column] = sum;
    began_before = false;
    sum = 0;
  }
}

// Joins what a run has in several pieces, and adds it to the table: the block of the piece where the run begins does.
// Reads 4 of an element of the parts; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    join_pieces(const Key* keys, int64_t count, int64_t columns, const float* parts, float* dtable) {
  int64_t end = (int64_t{blockIdx.x} + 1) * piece;
  const int64_t column = int64_t{blockIdx.y} * threads + threadIdx.x;
  if (column >= columns || end >= count) return;
  const int64_t id = id_of(keys[end - 1]);
  const int64_t begin = end - piece;
  const bool began_before = begin > 0 && id_of(keys[begin - 1]) == id;
  if (began_before || id_of(keys[end]) != id) return;
  int64_t at = blockIdx.x;
  float sum = parts[(at * 2 + 1) * columns + column];
  while (end < count && id_of(keys[end]) == id) {
    ++at;
    end += piece;
    sum += parts[at * 2 * columns + column];
  }
  dtable[id * columns + column] += sum;
}

// The sorted keys of the tokens.
Tensor sort_tokens(const Stream& stream, const Tensor& ids) {
  const int64_t count = ids.elements(), bytes = count * static_cast<int64_t>(sizeof(Key));
  Tensor sorted = Tensor::empty(ids.backend(), {bytes}, DType::uint8);
  const auto keys_of = [](const Tensor& tensor) { return static_cast<Key*>(tensor.raw()); };
  const auto block =
      static_cast<unsigned>(std::bit_ceil(static_cast<uint64_t>(std::clamp<int64_t>(count, 64, chunk))) / 2);
  launch(stream, {blocks_for(count, chunk), dim3{block}}, sort_chunks, ids.data<int32_t>(), count,
         keys_of(sorted));
  for (int64_t length = chunk; length < count; length *= 2) {
    const Tensor merged = Tensor::empty(ids.backend(), {bytes}, DType::uint8);
    launch(stream, {blocks_for(count, threads, most_blocks), dim3{threads}}, merge_runs, keys_of(sorted),
           count, length, keys_of(merged));
    sorted = merged;
  }
  return sorted;
}

}  // namespace

void embedding_backward(const Stream& stream, const EmbeddingBackward& args) {
  const int64_t count = args.dy.rows(), columns = args.dy.shape().last();
  if (count * columns == 0) return;
  const Tensor keys = sort_tokens(stream, args.ids);
  const int64_t pieces = ceil_div(count, piece);
  const Tensor parts = Tensor::empty(args.dy.backend(), {pieces, 2, columns});
  const Grid grid{dim3{static_cast<unsigned>(pieces), static_cast<unsigned>(ceil_div(columns, threads))},
                  dim3{threads}};
  const auto* const sorted = static_cast<const Key*>(keys.raw());
  dispatch_type(args.dy.dtype(), "embedding", [&](auto type) {
    using T = decltype(type);
    launch(stream, grid, sum_pieces<T>, sorted, count, args.dy.template data<T>(), columns,
           args.dtable.data<float>(), parts.data<float>());
  });
  if (pieces > 1)
    launch(stream, grid, join_pieces, sorted, count, columns, parts.data<float>(), args.dtable.data<float>());
}

}  // namespace gradus::cuda
