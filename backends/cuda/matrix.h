// Instructions of whole warps for products of small matrices, and copies that go on while a thread does, as functions.
//
// The layout of fragments is that of PTX ISA 8.0, sections 9.7.13 (mma.m16n8k16, ldmatrix) and 9.7.8 (cp.async). They take sm_80.
#pragma once

#include <bit>

#include "backends/cuda/device.h"

namespace gradus::cuda {

// The part of each lane, l = 4 g + t: two numbers of 16 bits a word, the first in the lower half.
//   A [16, 16]: word 0: (g, 2t), (g, 2t+1); word 1: row g+8; word 2: columns 2t+8, 2t+9; word 3: both
//   B [16, 8]:  word 0: (2t, g), (2t+1, g); word 1: rows 2t+8, 2t+9
//   C [16, 8]:  c[0], c[1]: (g, 2t), (g, 2t+1); c[2], c[3]: row g+8
// C += A B for A and B in T, accumulated in float32. All lanes of the warp call it.
template <typename T>
__device__ __forceinline__ void multiply_fragments(float (&c)[4], const uint32_t (&a)[4],
                                                   const uint32_t (&b)[2] GRADUS_CALLED_AT) {
  static_assert(std::is_same_v<T, bfloat16> || std::is_same_v<T, float16>, "no such product");
#ifdef GRADUS_EMULATED_DEVICE
  emulator::multiply_fragments(c, a, b,
                               [](uint16_t bits) { return widen(std::bit_cast<T>(bits)); } GRADUS_FROM_THERE);
#else
#define GRADUS_MULTIPLY_FRAGMENTS(type)                                                 \
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type                   \
               ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n" \
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                         \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
  if constexpr (std::is_same_v<T, bfloat16>) GRADUS_MULTIPLY_FRAGMENTS("bf16");
  else GRADUS_MULTIPLY_FRAGMENTS("f16");
#undef GRADUS_MULTIPLY_FRAGMENTS
#endif
}

// Two numbers, rounded, as a word of a fragment.
template <typename T>
__device__ __forceinline__ uint32_t narrow_pair(float first, float second) {
  static_assert(std::is_same_v<T, bfloat16> || std::is_same_v<T, float16>, "no such numbers");
#ifdef GRADUS_EMULATED_DEVICE
  return uint32_t{std::bit_cast<uint16_t>(static_cast<T>(second))} << 16 |
         std::bit_cast<uint16_t>(static_cast<T>(first));
#else
  uint32_t word;
  if constexpr (std::is_same_v<T, bfloat16>)
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(word) : "f"(second), "f"(first));
  else asm("cvt.rn.f16x2.f32 %0, %1, %2;\n" : "=r"(word) : "f"(second), "f"(first));
  return word;
#endif
}

// Loads four matrices of 8 x 8 numbers of 16 bits from shared memory: lane 8 m + r says where row r of matrix m lies, at a multiple of 16
// bytes. Word m of lane l = 4 g + t gets (g, 2t) and (g, 2t+1) of matrix m, or of its transpose: so A's fragment comes from
// row-major memory as it is, and B's from [n, k] as it is and from [k, n] transposed. All lanes of the warp call it.
template <bool transposed>
__device__ __forceinline__ void load_fragments(uint32_t (&words)[4], const void* row GRADUS_CALLED_AT) {
#ifdef GRADUS_EMULATED_DEVICE
  emulator::load_fragments(words, row, transposed GRADUS_FROM_THERE);
#else
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
#endif
}

// Begins a copy of 16 bytes to shared memory; both addresses are multiples of 16. It has landed, for this thread, behind
// wait_for_copies(), and for the others behind a barrier after that.
__device__ __forceinline__ void begin_copy(void* shared, const void* global GRADUS_CALLED_AT) {
#ifdef GRADUS_EMULATED_DEVICE
  emulator::begin_copy(shared, global, 16 GRADUS_FROM_THERE);
#else
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(address), "l"(global) : "memory");
#endif
}

// The copies begun since the last call are one group.
__device__ __forceinline__ void end_copies() {
#ifdef GRADUS_EMULATED_DEVICE
  emulator::end_group();
#else
  asm volatile("cp.async.commit_group;\n" ::: "memory");
#endif
}

// Waits until at most `under_way` groups, the last ones, have not landed.
template <int under_way>
__device__ __forceinline__ void wait_for_copies() {
#ifdef GRADUS_EMULATED_DEVICE
  emulator::wait_for_groups(under_way);
#else
  asm volatile("cp.async.wait_group %0;\n" ::"n"(under_way) : "memory");
#endif
}

}  // namespace gradus::cuda
