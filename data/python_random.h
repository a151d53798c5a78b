// The random numbers of Python's random.Random: data sets made by Python programs can be made again number by number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace gradus {

// CPython 3's random.Random(seed): a Mersenne Twister (Matsumoto and Nishimura 1998) seeded by an array, and what is
// drawn from it in the same number of steps.
class PythonRandom {
 public:
  explicit PythonRandom(uint64_t seed);

  // Uniform in [0, 1), with 53 bits.
  double random();
  // Uniform in [low, high], both included. Throws Error when there is none, or more than 2^32 - 1.
  int64_t randint(int64_t low, int64_t high);

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i-- > 1;)
      std::swap(items[i], items[static_cast<size_t>(randint(0, static_cast<int64_t>(i)))]);
  }

 private:
  uint32_t word() { return static_cast<uint32_t>(engine_()); }

  std::mt19937 engine_;
};

}  // namespace gradus
