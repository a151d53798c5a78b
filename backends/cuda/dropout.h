// The dropout mask as kernels draw it: a block of random words serves eight elements of a row, 16 columns apart (core/philox.h).
#pragma once

#include "backends/cuda/device.h"
#include "core/random.h"

namespace gradus::cuda {

// A mask, and where in memory its place in the run stands; null for 0 and 0.
struct MaskAt {
  DropoutMask mask;
  const int32_t* place = nullptr;

  MaskAt(const Dropout& dropout)
      : mask(dropout.mask(0, 0)), place(dropout.place ? dropout.place.data<int32_t>() : nullptr) {}

  // The mask itself, which only the device knows.
  __device__ DropoutMask read() const {
    DropoutMask at = mask;
    if (place != nullptr) {
      at.step = static_cast<uint32_t>(place[0]);
      at.stream |= static_cast<uint32_t>(place[1]) << 16;
    }
    return at;
  }
};

constexpr int columns_of_block = 8;

// Blocks of random words that a row of so many columns takes, and the columns of block `number`: those below `columns` exist.
__device__ __forceinline__ int64_t mask_blocks(int64_t columns) { return (columns + 127) / 128 * 16; }
__device__ __forceinline__ int64_t mask_column(int64_t number, int k) {
  return number / 16 * 128 + k * 16 + number % 16;
}

// Which of the eight columns of a block are kept: bit k for mask_column(number, k).
__device__ __forceinline__ uint32_t kept_columns(const DropoutMask& mask, int64_t row, int64_t number) {
  const uint32_t threshold = mask.threshold();
  const PhiloxBlock words =
      philox({static_cast<uint32_t>(number), static_cast<uint32_t>(row), mask.step, mask.stream}, mask.key);
  uint32_t kept = 0;
  GRADUS_UNROLL
  for (int k = 0; k < columns_of_block; ++k) {
    const uint32_t bits = words[static_cast<size_t>(k / 2)] >> (k % 2 * 16) & 0xffffU;
    kept |= (bits >= threshold ? 1U : 0U) << k;
  }
  return kept;
}

// The factors of the eight columns of a block, 0 or the mask's scale.
__device__ __forceinline__ void mask_factors(const DropoutMask& mask, int64_t row, int64_t number,
                                             float (&factors)[columns_of_block]) {
  const uint32_t kept = kept_columns(mask, row, number);
  const float scale = mask.scale();
  GRADUS_UNROLL
  for (int k = 0; k < columns_of_block; ++k) factors[k] = (kept >> k & 1U) != 0 ? scale : 0.0F;
}

}  // namespace gradus::cuda
