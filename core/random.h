// Counter-based random numbers: a value is a pure function of (seed, step, stream, row, column), so the same
// numbers come out on every backend, with any number of threads, and after a resume.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/philox.h"
#include "core/tensor.h"

namespace gradus {

// What a dropout kernel is given. Where in the run it is, it reads from the device: a recorded step can be replayed as
// another one.
struct Dropout {
  float probability = 0;          // of dropping, in [0, 1); 0 switches dropout off
  std::array<uint32_t, 2> key{};  // from the seed
  uint32_t position = 0;          // of the op within its forward pass, below 2^16
  Tensor place = {};              // int32 [2]: optimizer step, micro-step; empty for 0 and 0

  bool active() const { return probability > 0; }
  DropoutMask mask(uint32_t step, uint32_t micro_step) const {
    return {probability, key, step, micro_step << 16 | position};
  }
};

// Numbers the dropouts of one forward pass.
class RandomStream {
 public:
  RandomStream() = default;
  // `place` as in Dropout. Its micro-step counts the forward passes whose gradients one optimizer step adds up, on all
  // ranks together: k ranks draw the masks that one process draws which accumulates k times.
  explicit RandomStream(uint64_t seed, Tensor place = {})
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}, place_(std::move(place)) {}

  // The mask of the next dropout in the pass.
  Dropout next_dropout(float probability) { return {probability, key_, position_++, place_}; }

 private:
  std::array<uint32_t, 2> key_{};
  Tensor place_;
  uint32_t position_ = 0;
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
