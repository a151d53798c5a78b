#include "data/python_random.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/error.h"

namespace gradus {
namespace {

// Gives the engine its state as init_by_array() of the authors' mt19937ar.c does, which Python calls with the 32-bit
// words of the seed. The standard's own seeding differs.
class ArraySeed {
 public:
  using result_type = uint32_t;

  explicit ArraySeed(uint64_t seed) : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32U)} {}

  template <class Iterator>
  void generate(Iterator begin, Iterator end) {
    const auto size = static_cast<size_t>(end - begin);
    std::vector<uint32_t> state(size);
    state[0] = 19650218;
    for (uint32_t i = 1; i < size; ++i) state[i] = 1812433253U * mixed(state[i - 1]) + i;
    const uint32_t words = key_[1] == 0 ? 1 : 2;
    size_t at = 1;
    const auto advance = [&] {
      if (++at < size) return;
      state[0] = state[size - 1];
      at = 1;
    };
    for (uint32_t k = 0; k < size; ++k, advance()) {
      const uint32_t j = k % words;
      state[at] = (state[at] ^ (mixed(state[at - 1]) * 1664525U)) + key_[j] + j;
    }
    for (size_t k = 1; k < size; ++k, advance())
      state[at] = (state[at] ^ (mixed(state[at - 1]) * 1566083941U)) - static_cast<uint32_t>(at);
    state[0] = 0x80000000U;
    std::copy(state.begin(), state.end(), begin);
  }

 private:
  static uint32_t mixed(uint32_t x) { return x ^ (x >> 30U); }

  uint32_t key_[2];
};

std::mt19937 seeded(uint64_t seed) {
  ArraySeed sequence(seed);
  return std::mt19937(sequence);
}

}  // namespace

PythonRandom::PythonRandom(uint64_t seed) : engine_(seeded(seed)) {}

double PythonRandom::random() {
  const uint32_t high = word() >> 5U, low = word() >> 6U;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

int64_t PythonRandom::randint(int64_t low, int64_t high) {
  const auto count = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  check(low <= high && count <= std::numeric_limits<uint32_t>::max(),
        "[python random] no number from {} to {}", low, high);
  // As many bits as the count has, even where one less would do: Python draws so too.
  const int unused = 32 - std::bit_width(count);
  uint32_t drawn = word() >> unused;
  while (drawn >= count) drawn = word() >> unused;
  return low + static_cast<int64_t>(drawn);
}

}  // namespace gradus
