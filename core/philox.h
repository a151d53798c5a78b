// Counter-based random bits, and the dropout mask made of them. Plain code that host and device compilers read alike.
// Philox4x32-10: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/on_device.h"

namespace gradus {

using PhiloxBlock = std::array<uint32_t, 4>;

// Ten rounds of Philox4x32 over `counter` under `key`.
GRADUS_ON_DEVICE constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// The mask of one dropout, a pure function of what is in here: it is made again in the backward pass, nothing is stored.
// Element (row, column) takes 16 random bits. Columns come in chunks of 128; within a chunk, column c takes half
// (c / 16) % 2 of word c / 32 of the block whose counter is {chunk * 16 + c % 16, row, step, stream}, so that 16
// neighbouring columns are 16 lanes of one vector of blocks.
struct DropoutMask {
  float probability = 0;          // of dropping, in [0, 1); 0 switches dropout off
  std::array<uint32_t, 2> key{};  // from the seed
  uint32_t step = 0;              // optimizer step
  uint32_t stream = 0;            // micro-step, and position of the op within it

  GRADUS_ON_DEVICE bool active() const { return probability > 0; }
  // An element is dropped when its 16 bits are below this.
  GRADUS_ON_DEVICE uint32_t threshold() const {
    return static_cast<uint32_t>(std::lround(probability * 65536.0F));
  }
  // The factor for kept elements: exactly 1 / P(kept), the probability rounded to 16 bits included.
  GRADUS_ON_DEVICE float scale() const { return 65536.0F / static_cast<float>(65536U - threshold()); }
  GRADUS_ON_DEVICE bool keeps(uint32_t row, uint32_t column) const {
    const uint32_t c = column % 128;
    const PhiloxBlock block = philox({column / 128 * 16 + c % 16, row, step, stream}, key);
    return ((block[c / 32] >> (c / 16 % 2 * 16)) & 0xffffU) >= threshold();
  }
};

}  // namespace gradus
