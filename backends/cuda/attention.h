// What both forms of attention share: the general one (attention_general.cu), and the one on tensor cores (attention_tiles.cu).
#pragma once

#include <initializer_list>

#include "backends/cuda/dispatch.h"
#include "backends/cuda/dropout.h"
#include "backends/cuda/sequences.h"
#include "backends/cuda/stream.h"
#include "core/kernels.h"

namespace gradus::cuda {

// The heads of a packed batch. A block takes a piece of one head of one sequence: it is number sequence * pieces + piece in the
// grid's first dimension, of as many pieces as the longest sequence has; shorter ones leave the last of theirs empty.
struct Heads {
  Offsets offsets;
  int64_t count;   // N
  int64_t size;    // D
  int64_t pieces;  // of a sequence, at most
  float scale;     // of scores: 1 / sqrt(D)

  __device__ int64_t hidden() const { return count * size; }
};

// One of them. Rows are those of the packed tensors.
struct Head {
  int64_t number;
  int64_t begin, length;  // of its sequence
  int64_t first;          // of the block's piece, within the sequence

  __device__ Head(const Heads& heads, int64_t piece, int64_t of_piece, int64_t head) : number(head) {
    const int64_t sequence = piece / heads.pieces;
    begin = heads.offsets.begin(sequence);
    length = heads.offsets.end(sequence) - begin;
    first = piece % heads.pieces * of_piece;
  }
};

// The masks of some queries and the 128 keys from `window` * 128 on, into shared memory: bit k of kept[16 i + c] tells whether query i
// keeps key 16 k + c of them. All threads of the block share the work: each draws 16 bytes' worth of eight keys at a time.
template <int threads>
__device__ __forceinline__ void draw_kept(const DropoutMask& mask, const Heads& heads, const Head& head,
                                          int64_t first_query, int queries, int64_t window, uint8_t* kept) {
  GRADUS_ONE_BY_ONE
  for (int i = static_cast<int>(threadIdx.x); i < queries * 16; i += threads)
    kept[i] = static_cast<uint8_t>(kept_columns(
        mask, (head.begin + first_query + i / 16) * heads.count + head.number, window * 16 + i % 16));
}
// Where the key's bit is in the byte `kept[key % 16]` of a query.
__device__ __forceinline__ int kept_bit(int64_t key) { return static_cast<int>(key / 16 % 8); }
// The factor of a query's probability for the key, 0 or the mask's scale.
__device__ __forceinline__ float kept_factor(const DropoutMask& mask, const uint8_t* kept, int query,
                                             int64_t key) {
  return (kept[query * 16 + key % 16] >> kept_bit(key) & 1) != 0 ? mask.scale() : 0.0F;
}

inline Heads heads_of(const Packing& packing, int64_t heads, int64_t size, int64_t of_piece) {
  return {Offsets(packing), heads, size, ceil_div(packing.longest, of_piece),
          1 / std::sqrt(static_cast<float>(size))};
}

// Whether the call is one for tensor cores: numbers of 16 bits, heads of 32 or 64, rows that can be copied 16 bytes at a time, no
// relative positions.
bool fits_tiles(int64_t size, const Tensor& relative, std::initializer_list<Tensor> operands);

// The largest head that the general form's backward pass has room for in the device's shared memory: 64 and more on all.
int64_t largest_general_head(const Stream& stream, bool is_relative);

// Both write all rows of sequences. `dots`, float32 [T, N], holds dcontext . context of each row and head.
void attend_general(const Stream& stream, const AttentionForward& args);
void attend_general_backward(const Stream& stream, const AttentionBackward& args, const Tensor& dots);
void attend_tiles(const Stream& stream, const AttentionForward& args);
void attend_tiles_backward(const Stream& stream, const AttentionBackward& args, const Tensor& dots);

}  // namespace gradus::cuda
