// Attention over packed sequences: which form computes it, and what both need beside.
#include "backends/cuda/attention.h"

#include "backends/cuda/kernels.h"
#include "core/backend.h"

namespace gradus::cuda {
namespace {

constexpr int threads = 256, warps = threads / 32;

// dots[t, n] = a[t, n] . b[t, n], of heads of `size` columns. A warp takes one of them.
// Reads 2 b of a number of dcontext; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    multiply_heads(const T* a, const T* b, float* dots, int64_t count, int64_t size) {
  const int64_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int64_t i = int64_t{blockIdx.x} * warps + warp; i < count; i += int64_t{gridDim.x} * warps) {
    float sum = 0;
    for (int64_t d = lane; d < size; d += 32) sum += widen(a[i * size + d]) * widen(b[i * size + d]);
    sum = warp_sum(sum);
    if (lane == 0) dots[i] = sum;
  }
}

// Writes b of an element that it clears; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    clear_rows(Offsets offsets, T* data, int64_t rows, int64_t columns) {
  clear_rest(offsets, data, rows, columns);
}

template <typename T>
void clear_rest_of(const Stream& stream, const Tensor& tensor, const Packing& packing) {
  constexpr int64_t enough = 64;  // blocks: batches end with a few such rows
  if (!tensor || tensor.elements() == 0) return;
  launch(stream, {blocks_for(tensor.elements(), threads, std::min(enough, most_blocks)), dim3{threads}},
         clear_rows<T>, Offsets(packing), tensor.data<T>(), tensor.rows(), tensor.shape().last());
}

void check_head(const Stream& stream, int64_t size, bool is_relative) {
  const int64_t largest = largest_general_head(stream, is_relative);
  check(size <= largest, "[attention] heads of {}: this device has shared memory for heads of up to {}", size,
        largest);
}

}  // namespace

void attention_forward(const Stream& stream, const AttentionForward& args) {
  const int64_t size = args.context.shape().last() / args.heads;
  check_head(stream, size, static_cast<bool>(args.relative));
  dispatch_type(args.qkv.dtype(), "attention",
                [&](auto type) { clear_rest_of<decltype(type)>(stream, args.context, args.packing); });
  clear_rest_of<float>(stream, args.lse, args.packing);
  if (args.packing.longest == 0) return;
  if (fits_tiles(size, args.relative, {args.qkv, args.context})) attend_tiles(stream, args);
  else attend_general(stream, args);
}

void attention_backward(const Stream& stream, const AttentionBackward& args) {
  if (!args.dqkv && !args.drelative) return;
  const int64_t rows = args.qkv.rows(), size = args.context.shape().last() / args.heads;
  if (args.packing.longest == 0 && args.drelative && !args.drelative.accumulate)
    clear(stream, args.drelative.tensor.raw(), args.drelative.tensor.bytes());
  dispatch_type(args.qkv.dtype(), "attention", [&](auto type) {
    using T = decltype(type);
    if (!args.dqkv.accumulate) clear_rest_of<T>(stream, args.dqkv.tensor, args.packing);
    if (args.packing.longest == 0) return;
    const Tensor dots = Tensor::empty(args.qkv.backend(), {rows, args.heads});
    launch(stream, {blocks_for(rows * args.heads, warps), dim3{threads}}, multiply_heads<T>,
           args.dcontext.template data<T>(), args.context.template data<T>(), dots.data<float>(),
           rows * args.heads, size);
    const Tensor& dqkv = args.dqkv ? args.dqkv.tensor : args.qkv;
    if (fits_tiles(size, args.relative, {args.qkv, args.dcontext, dqkv}))
      attend_tiles_backward(stream, args, dots);
    else attend_general_backward(stream, args, dots);
  });
}

}  // namespace gradus::cuda
