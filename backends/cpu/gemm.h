// Matrix products through oneDNN. The only file that knows oneDNN's interface is gemm.cpp.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>

#include "core/backend.h"

namespace gradus::cpu {

// C = f(A B + bias), or C += A B. All three matrices are contiguous and row-major; a transposed operand is stored
// the other way round. Accumulation is in float32 whatever the floats; of integers, A in uint8 and B in int8, it is in int32, which C has
// then.
struct Product {
  int64_t m = 0;  // rows of A and C
  int64_t n = 0;  // columns of B and C
  int64_t k = 0;
  bool transpose_a = false;  // A is stored [k, m]
  bool transpose_b = false;  // B is stored [n, k]
  bool accumulate = false;   // add to C; without bias and activation
  bool bias = false;         // float32 [n]
  Activation activation = Activation::none;
  DType input = DType::float32;  // of A and B; uint8: B is int8
  DType output = DType::float32;

  friend auto operator<=>(const Product&, const Product&) = default;
};

class Gemm {
 public:
  Gemm();
  ~Gemm();
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;

  // Runs the product; the code for a product is generated at its first use and kept.
  // Throws Error with oneDNN's message when that fails.
  void run(const Product& product, const void* a, const void* b, const float* bias, void* c);

  // For products that are a part of a kernel's share: the code of a product, and the product run as a whole on the thread
  // that calls, as the lane that parallel_for_each says. prepare() is called before the work is shared out.
  struct Code;
  Code& prepare(const Product& product);
  static void run_here(Code& code, int64_t lane, const void* a, const void* b, void* c);

  // Whether products in bfloat16 run on AMX.
  static bool has_tiles();
  // Whether there are instructions that sum products of uint8 and int8 exactly.
  static bool has_vnni();
  static std::string version();

 private:
  struct Cache;
  std::unique_ptr<Cache> cache_;
};

}  // namespace gradus::cpu
