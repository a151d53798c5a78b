// Products of matrices through cuBLASLt. The only file that knows its interface is products.cu.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "backends/cuda/stream.h"
#include "core/dtype.h"

namespace gradus::cuda {

// C = A B, C = A B + bias, or C += A B. All three matrices are contiguous and row-major; a transposed operand is stored the other way
// round. Sums are in float32 whatever the types.
struct Product {
  int64_t m = 0;  // rows of A and C
  int64_t n = 0;  // columns of B and C
  int64_t k = 0;
  bool transpose_a = false;      // A is stored [k, m]
  bool transpose_b = false;      // B is stored [n, k]
  bool accumulate = false;       // add to C; without bias
  bool bias = false;             // [n], in the type of C
  DType input = DType::float32;  // of A and B
  DType output = DType::float32;

  friend auto operator<=>(const Product&, const Product&) = default;
};

// Where the matrices of a product lie: anywhere, but the bias at a multiple of 16 bytes. C overlaps none of the others.
struct Operands {
  const void *a = nullptr, *b = nullptr;
  void* c = nullptr;
  const void* bias = nullptr;
};

// Memory of the device's that products compute in, one after the other, at a multiple of 256 bytes.
struct Workspace {
  void* data = nullptr;
  size_t bytes = 0;
};

// What the release notes of cuBLAS recommend for a device of this compute capability.
constexpr size_t workspace_bytes(int major) { return size_t{major >= 9 ? 32U : 4U} << 20; }

// The library's handle for the current device and the table of plans: how the library computes a product, chosen once for its shape, types
// and alignment, so that it gives the same bits each time. For one stream, and one thread at a time.
class Products {
 public:
  // The workspace stays its owner's, who keeps it as long.
  explicit Products(const Workspace& workspace);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  // Whether products of float32 may round their operands to TF32, 10 bits of mantissa. At first they may not.
  void allow_tf32(bool allowed);
  // While sealed a product without a plan is an Error: to choose one takes memory and time, which a graph that is captured must not.
  void seal(bool sealed);

  // Chooses the plan of a product, unless it has one, and computes nothing. Whether there is one: the library may know no way. The bias
  // need not be there yet. Throws Error with the library's status and the product when that fails.
  bool choose(const Product& product, const Operands& operands);
  // Computes the product by its plan, in the stream's order; allocates nothing when that was chosen before. Without a plan it
  // does nothing and returns false.
  bool run(const Stream& stream, const Product& product, const Operands& operands);

  static std::string version();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The product, without bias, by the library, or by a plain kernel where the library knows no way and where k is 0.
void multiply(const Stream& stream, const Product& product, const Operands& operands);

}  // namespace gradus::cuda
