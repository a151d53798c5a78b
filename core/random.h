// Counter-based random numbers: a value is a pure function of (seed, step, stream, row, column), so the same
// numbers come out on every backend, with any number of threads, and after a resume.
// Philox4x32-10: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace gradus {

using PhiloxBlock = std::array<uint32_t, 4>;

// Ten rounds of Philox4x32 over `counter` under `key`.
constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key) {
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

// What a dropout kernel needs to make its mask, and make it again in the backward pass: nothing is stored.
// Element (row, column) of the mask takes 16 random bits. Columns come in chunks of 128; within a chunk,
// column c takes half (c / 16) % 2 of word c / 32 of the block whose counter is {chunk * 16 + c % 16, row,
// step, stream}, so that 16 neighbouring columns are 16 lanes of one vector of blocks.
struct Dropout {
  float probability = 0;          // of dropping, in [0, 1); 0 switches dropout off
  std::array<uint32_t, 2> key{};  // from seed and rank
  uint32_t step = 0;              // optimizer step
  uint32_t stream = 0;            // micro-step and position of the op within it

  bool active() const { return probability > 0; }
  // An element is dropped when its 16 bits are below this.
  uint32_t threshold() const { return static_cast<uint32_t>(std::lround(probability * 65536.0F)); }
  // The factor for kept elements: exactly 1 / P(kept), the probability rounded to 16 bits included.
  float scale() const { return 65536.0F / static_cast<float>(65536U - threshold()); }
  bool keeps(uint32_t row, uint32_t column) const {
    const uint32_t c = column % 128;
    const PhiloxBlock block = philox({column / 128 * 16 + c % 16, row, step, stream}, key);
    return ((block[c / 32] >> (c / 16 % 2 * 16)) & 0xffffU) >= threshold();
  }
};

// Hands out the dropout streams of one forward pass, and sequential numbers for initialisation and shuffling.
class RandomStream {
 public:
  RandomStream() = default;
  // `micro_step` counts the forward passes whose gradients one optimizer step adds up.
  RandomStream(uint64_t seed, uint32_t rank, uint32_t step, uint32_t micro_step)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32) ^ (rank * 0x85EBCA6BU)},
        step_(step),
        stream_(micro_step << 16) {}

  // The mask of the next dropout in the pass.
  Dropout next_dropout(float probability) { return {probability, key_, step_, stream_++}; }

 private:
  std::array<uint32_t, 2> key_{};
  uint32_t step_ = 0;
  uint32_t stream_ = 0;
};

// A plain sequence of random numbers under a seed and a purpose (two purposes never share numbers).
class RandomSequence {
 public:
  RandomSequence(uint64_t seed, uint32_t purpose, uint32_t index = 0)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        counter_{0, 0, index, ~purpose} {}

  uint32_t next_u32() {
    if (used_ == 4) {
      block_ = philox(counter_, key_);
      if (++counter_[0] == 0) ++counter_[1];
      used_ = 0;
    }
    return block_[used_++];
  }
  // Uniform in [0, 1).
  float uniform() { return static_cast<float>(next_u32() >> 8) * 0x1p-24F; }
  // Uniform in [0, n), without bias. n must be positive.
  uint32_t below(uint32_t n) {
    const uint32_t reject = (0U - n) % n;  // 2^32 mod n
    uint64_t product = 0;
    do {
      product = uint64_t{next_u32()} * n;
    } while (static_cast<uint32_t>(product) < reject);
    return static_cast<uint32_t>(product >> 32);
  }
  // Standard normal (Box and Muller 1958).
  float normal();
  // Fisher-Yates shuffle.
  template <typename Container>
  void shuffle(Container& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      using std::swap;
      swap(items[i - 1], items[below(static_cast<uint32_t>(i))]);
    }
  }

 private:
  std::array<uint32_t, 2> key_;
  PhiloxBlock counter_;
  PhiloxBlock block_{};
  int used_ = 4;
};

}  // namespace gradus
