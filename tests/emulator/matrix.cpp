// The matrix instructions of a warp: the lanes bring their fragments, the last one computes.
#include <cstring>

#include "tests/emulator/device.h"

namespace gradus::emulator {
namespace {

constexpr unsigned all_lanes = 0xffffffffU;

uint16_t half_of(uint32_t word, int number) { return static_cast<uint16_t>(word >> (16 * number)); }

struct Fragments {
  float* c;
  const uint32_t *a, *b;
  Widen widen;

  // The parts of lane 4 g + t, as the head of backends/cuda/matrix.h has them.
  static void multiply(void* const (&brought)[32]) {
    float a[16][16], b[16][8];
    for (int lane = 0; lane < 32; ++lane) {
      const auto& mine = *static_cast<const Fragments*>(brought[lane]);
      const int g = lane / 4, t = lane % 4;
      for (int i = 0; i < 2; ++i) {
        for (int word = 0; word < 4; ++word)
          a[g + word % 2 * 8][2 * t + i + word / 2 * 8] = mine.widen(half_of(mine.a[word], i));
        for (int word = 0; word < 2; ++word)
          b[2 * t + i + word * 8][g] = mine.widen(half_of(mine.b[word], i));
      }
    }
    for (int lane = 0; lane < 32; ++lane) {
      const auto& mine = *static_cast<const Fragments*>(brought[lane]);
      for (int i = 0; i < 4; ++i) {
        const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        float sum = 0;
        for (int k = 0; k < 16; ++k) sum += a[row][k] * b[k][column];
        mine.c[i] += sum;
      }
    }
  }
};

struct Rows {
  uint32_t* words;
  const void* row;
  bool transposed;

  static void load(void* const (&brought)[32]) {
    uint16_t matrices[4][8][8];
    for (int lane = 0; lane < 32; ++lane)
      std::memcpy(matrices[lane / 8][lane % 8], static_cast<const Rows*>(brought[lane])->row,
                  sizeof matrices[0][0]);
    for (int lane = 0; lane < 32; ++lane) {
      const auto& mine = *static_cast<const Rows*>(brought[lane]);
      const int g = lane / 4, t = lane % 4;
      for (int m = 0; m < 4; ++m) {
        const auto& matrix = matrices[m];
        const uint16_t first = mine.transposed ? matrix[2 * t][g] : matrix[g][2 * t];
        const uint16_t second = mine.transposed ? matrix[2 * t + 1][g] : matrix[g][2 * t + 1];
        mine.words[m] = static_cast<uint32_t>(second) << 16 | first;
      }
    }
  }
};

}  // namespace

void multiply_fragments(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Widen widen,
                        const Site& site) {
  Fragments mine{c, a, b, widen};
  together(all_lanes, &mine, Fragments::multiply, "a product of fragments", site);
}

void load_fragments(uint32_t (&words)[4], const void* row, bool transposed, const Site& site) {
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0)
    fail_at(site, "a row of a matrix lies at no multiple of 16 bytes");
  Rows mine{words, row, transposed};
  together(all_lanes, &mine, Rows::load, "a load of fragments", site);
}

}  // namespace gradus::emulator
