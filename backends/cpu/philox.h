// The dropout mask in vector form: the numbers of DropoutMask::keeps, 128 columns at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/simd.h"
#include "core/random.h"

namespace gradus::cpu {

// The mask whose place in the run the kernel finds in memory.
inline DropoutMask mask_of(const Dropout& dropout) {
  if (!dropout.place) return dropout.mask(0, 0);
  const int32_t* const place = dropout.place.data<int32_t>();
  return dropout.mask(static_cast<uint32_t>(place[0]), static_cast<uint32_t>(place[1]));
}

// Columns that sixteen Philox blocks serve; buffers for factors have room for a multiple of it.
constexpr int64_t mask_chunk = 128;

// words[w][lane] = word w of block `lane` of a chunk, in the lower half of an element. Each 64-bit element
// holds one 32-bit word; what a product leaves in the upper half is never looked at.
inline void philox_chunk(const DropoutMask& mask, uint32_t row, uint32_t chunk, uint64_t (&words)[4][16]) {
  constexpr int lanes = vector_bytes / 8;
  for (int begin = 0; begin < 16; begin += lanes) {
    WordVector c0;
    for (int lane = 0; lane < lanes; ++lane) c0[lane] = chunk * 16 + static_cast<uint32_t>(begin + lane);
    WordVector c1 = WordVector{} + row;
    WordVector c2 = WordVector{} + mask.step;
    WordVector c3 = WordVector{} + mask.stream;
    uint32_t key0 = mask.key[0];
    uint32_t key1 = mask.key[1];
    for (int round = 0; round < 10; ++round) {
      const WordVector a = multiply_low_halves(c0, 0xD2511F53);
      const WordVector b = multiply_low_halves(c2, 0xCD9E8D57);
      c0 = (b >> 32) ^ c1 ^ key0;
      c1 = b;
      c2 = (a >> 32) ^ c3 ^ key1;
      c3 = a;
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    const WordVector block[4] = {c0, c1, c2, c3};
    for (int word = 0; word < 4; ++word) reinterpret_cast<WordVector&>(words[word][begin]) = block[word];
  }
}

// The factors of columns [0, count) of a row of the mask: scale where DropoutMask::keeps, else 0. `factors` has
// room for count rounded up to a multiple of 128; up to a multiple of 32 the columns beyond have factors too.
inline void dropout_factors(const DropoutMask& mask, int64_t row, int64_t count, float* factors) {
  const uint32_t threshold = mask.threshold();
  const float scale = mask.scale();
  for (int64_t column = 0; column < count; column += mask_chunk) {
    alignas(64) uint64_t words[4][16];
    philox_chunk(mask, static_cast<uint32_t>(row), static_cast<uint32_t>(column / mask_chunk), words);
    for (int64_t word = 0; word < std::min<int64_t>(ceil_div(count - column, 32), 4); ++word) {
      float* low = factors + column + word * 32;
      float* high = low + 16;
#pragma omp simd
      for (int lane = 0; lane < 16; ++lane) {
        const auto bits = static_cast<uint32_t>(words[word][lane]);
        low[lane] = (bits & 0xffffU) >= threshold ? scale : 0.0F;
        high[lane] = (bits >> 16) >= threshold ? scale : 0.0F;
      }
    }
  }
}

}  // namespace gradus::cpu
