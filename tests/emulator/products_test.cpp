// Products and linear maps of the CUDA backend over the mock of cuBLASLt: plans, what happens where the library can't, and tensors that
// lie anywhere.
#include <doctest/doctest.h>

#include <vector>

#include "tests/emulator/device.h"
// What kernels are written in comes first.
#include "backends/cuda/kernels.h"
#include "backends/cuda/products.h"
#include "tests/emulator/cublas_lt.h"
#include "tests/emulator/emulated_backend.h"
#include "tests/gradcheck.h"
#include "tests/matrix.h"
#include "tests/naive_backend.h"
#include "tests/normal_values.h"

using namespace gradus;
using cuda::Operands;
using cuda::Product;
using cuda::Products;
using emulator::cublas_lt::calls;
using emulator::cublas_lt::fail_next;
using emulator::cublas_lt::Knowledge;
using emulator::cublas_lt::set_knowledge;
using reference::load;
using reference::Matrix;

namespace {

alignas(256) std::byte workspace[4096];

// The library knows this much while it lives.
struct Knowing {
  explicit Knowing(Knowledge knowledge) { set_knowledge(knowledge); }
  ~Knowing() { set_knowledge(Knowledge::usual); }
  Knowing(const Knowing&) = delete;
  Knowing& operator=(const Knowing&) = delete;
};

// Random numbers, `offset` elements into their memory.
Tensor random_tensor(const Shape& shape, DType dtype, uint32_t purpose, int64_t offset = 0) {
  const std::vector<float> values = normal_values(shape.elements(), 99, purpose);
  const Tensor tensor =
      Tensor::empty(emulated_backend(), {shape.elements() + offset}, dtype).view(offset, shape);
  naive_backend().cast({Tensor::from(emulated_backend(), shape, values), {tensor}});
  return tensor;
}

// Memory for a product of 8 x 12 by 12 x 20 numbers.
struct Matrices {
  alignas(256) float a[8 * 12 + 64] = {}, b[12 * 20 + 64] = {}, c[8 * 20 + 64] = {};
  Product product{.m = 8, .n = 20, .k = 12};

  Operands operands(int64_t offset = 0) { return {a + offset, b + offset, c + offset}; }
};

void check_close(const Tensor& ours, const Matrix& expected) {
  CHECK(distance(load(ours), expected)
            .within(ours.dtype() == DType::bfloat16  ? 8e-3
                    : ours.dtype() == DType::float16 ? 1e-3
                                                     : 2e-6,
                    1e-7));
}

struct LinearCase {
  int64_t tokens, inputs, outputs, offset;
  DType dtype = DType::float32, result = dtype;
  bool bias = true;
};

void check_forward(Products& products, const LinearCase& sizes, Activation kind) {
  const auto [tokens, inputs, outputs, offset, dtype, result, bias] = sizes;
  const Tensor x = random_tensor({tokens, inputs}, dtype, 1, offset),
               b = random_tensor({outputs}, DType::float32, 3, offset);
  const Tensor w = random_tensor({outputs, inputs}, dtype, 2, offset),
               y = random_tensor({tokens, outputs}, result, 4, offset);
  const Tensor expected = Tensor::empty(naive_backend(), {tokens, outputs}, result);
  const Tensor used = bias ? b : Tensor();
  naive_backend().linear_forward({x, w, used, kind, expected});
  cuda::linear_forward({.products = &products}, {x, w, used, kind, y});
  check_close(y, load(expected));
}

void check_backward(Products& products, const LinearCase& sizes, bool accumulate) {
  const auto [tokens, inputs, outputs, offset, dtype, result, bias] = sizes;
  const Tensor x = random_tensor({tokens, inputs}, dtype, 1, offset),
               w = random_tensor({outputs, inputs}, dtype, 2, offset);
  const Tensor dy = random_tensor({tokens, outputs}, dtype, 3, offset);
  std::vector<Tensor> ours, expected;
  for (std::vector<Tensor>* list : {&ours, &expected}) {
    list->push_back(random_tensor({tokens, inputs}, dtype, 4, offset));
    list->push_back(random_tensor({outputs, inputs}, DType::float32, 5, offset));
    list->push_back(random_tensor({outputs}, DType::float32, 6, offset));
  }
  const auto args = [&](const std::vector<Tensor>& to) {
    return LinearBackward{dy, x, w, {to[0], accumulate}, {to[1], accumulate}, {to[2], accumulate}};
  };
  naive_backend().linear_backward(args(expected));
  cuda::linear_backward({.products = &products}, args(ours));
  for (size_t i = 0; i < 3; ++i) check_close(ours[i], load(expected[i]));
}

constexpr Activation all_kinds[] = {Activation::none,      Activation::gelu, Activation::gelu_tanh,
                                    Activation::fast_gelu, Activation::relu, Activation::tanh};

}  // namespace

TEST_CASE("products: a plan is chosen once for a shape, its types and alignment, and before it runs") {
  Products products({workspace, sizeof workspace});
  Matrices x;
  const int before = calls().heuristics, ran = calls().products;
  CHECK(products.choose(x.product, x.operands()));
  CHECK(calls().heuristics == before + 1);
  CHECK(calls().products == ran);
  for (int i = 0; i < 3; ++i) CHECK(products.run({}, x.product, x.operands()));
  CHECK(products.run({}, x.product, x.operands(4)));   // 16 bytes on
  CHECK(products.run({}, x.product, x.operands(16)));  // 64
  CHECK(calls().heuristics == before + 1);
  CHECK(calls().products == ran + 5);
  // What is another product.
  std::vector<Product> others(7, x.product);
  others[0].m = 7;
  others[1].n = 19;
  others[2].k = 11;
  others[3].transpose_a = true;
  others[4].transpose_b = true;
  others[5].accumulate = true;
  others[6].input = others[6].output = DType::bfloat16;
  int expected = before + 1;
  for (const Product& other : others) {
    CHECK(products.run({}, other, x.operands()));
    CHECK(calls().heuristics == ++expected);
  }
  for (const int64_t offset : {1, 2}) {
    CHECK(products.run({}, x.product, x.operands(offset)));
    CHECK(calls().heuristics == ++expected);
  }
  CHECK(products.run({}, x.product, x.operands(3)));  // no better than 1
  CHECK(calls().heuristics == expected);
  // Each operand's alignment is its own.
  for (const Operands& operands :
       {Operands{x.a + 1, x.b, x.c}, Operands{x.a, x.b + 1, x.c}, Operands{x.a, x.b, x.c + 1}}) {
    CHECK(products.run({}, x.product, operands));
    CHECK(calls().heuristics == ++expected);
  }
}

TEST_CASE("products: while a graph is captured only what has a plan runs") {
  Products products({workspace, sizeof workspace});
  Matrices x;
  products.choose(x.product, x.operands());
  products.seal(true);
  CHECK(products.run({}, x.product, x.operands()));
  Product other = x.product;
  other.transpose_a = other.accumulate = true;
  CHECK_THROWS_WITH_AS(
      products.run({}, other, x.operands()),
      "[cuBLASLt] transposed [8, 12] x [12, 20], float32 to float32, accumulated has no plan, "
      "and none may be chosen while a graph is captured",
      Error);
  products.seal(false);
  CHECK(products.run({}, other, x.operands()));
}

TEST_CASE("products: TF32 is for float32, and only where it is allowed") {
  Products products({workspace, sizeof workspace});
  Matrices x;
  for (float& value : x.a) value = 1.000244140625F;  // 1 + 2^-12, which TF32 has not
  for (float& value : x.b) value = 1;
  products.run({}, x.product, x.operands());
  CHECK(calls().compute == CUBLAS_COMPUTE_32F);
  CHECK(x.c[0] > 12);
  products.allow_tf32(true);
  products.run({}, x.product, x.operands());
  CHECK(calls().compute == CUBLAS_COMPUTE_32F_FAST_TF32);
  CHECK(x.c[0] == 12);
  x.product.input = x.product.output = DType::bfloat16;
  products.run({}, x.product, x.operands());
  CHECK(calls().compute == CUBLAS_COMPUTE_32F);
  products.allow_tf32(false);
  x.product.input = x.product.output = DType::float32;
  products.run({}, x.product, x.operands());
  CHECK(calls().compute == CUBLAS_COMPUTE_32F);
}

TEST_CASE("products: workspaces of any size do, and what fails says which product") {
  emulated_backend().memory();  // whose own products come with its first use
  const int live = calls().live;
  for (const size_t bytes : {0U, 256U, 1000U, 2048U, 4096U}) {
    CAPTURE(bytes);
    Products products({workspace, bytes});
    for (const int64_t outputs : {4, 5, 6}) {
      check_forward(products, {9, 12, outputs, 0}, Activation::none);
      CHECK(calls().workspace <= bytes);
    }
  }
  CHECK_THROWS_WITH_AS(Products({workspace + 128, 256}),
                       "[cuBLASLt] the workspace lies at no multiple of 256 bytes", Error);
  fail_next("cublasLtCreate", CUBLAS_STATUS_NOT_INITIALIZED);
  CHECK_THROWS_WITH_AS(Products({workspace, 256}),
                       "[cuBLASLt] the library does not start: CUBLAS_STATUS_NOT_INITIALIZED", Error);
  {
    Products products({workspace, sizeof workspace});
    Matrices x;
    fail_next("cublasLtMatmulAlgoGetHeuristic", CUBLAS_STATUS_INVALID_VALUE);
    CHECK_THROWS_WITH_AS(products.choose(x.product, x.operands()),
                         "[cuBLASLt] the choice of a plan of [8, 12] x [12, 20], float32 to float32: "
                         "CUBLAS_STATUS_INVALID_VALUE",
                         Error);
    fail_next("cublasLtMatmul", CUBLAS_STATUS_EXECUTION_FAILED);
    CHECK_THROWS_WITH_AS(products.run({}, x.product, x.operands()),
                         "[cuBLASLt] the product of [8, 12] x [12, 20], float32 to float32: "
                         "CUBLAS_STATUS_EXECUTION_FAILED",
                         Error);
    CHECK(products.run({}, x.product, x.operands()));
    x.product.bias = true;
    CHECK_THROWS_WITH_AS(products.run({}, x.product, {x.a, x.b, x.c, x.a + 1}),
                         "[cuBLASLt] the bias of [8, 12] x [12, 20] + bias, float32 to float32 lies at no "
                         "multiple of 16 bytes",
                         Error);
    x.product.bias = false;
    x.product.m = int64_t{1} << 31;
    CHECK_THROWS_AS(products.choose(x.product, x.operands()), Error);
    x.product = {.m = 8, .n = 20, .k = 12, .input = DType::int32};
    CHECK_THROWS_WITH_AS(products.choose(x.product, x.operands()),
                         "[cuBLASLt] no products of int32: expected a float", Error);
  }
  CHECK(calls().live == live);
}

TEST_CASE("linear maps: whatever the library knows, of any size, and wherever the tensors lie") {
  for (const Knowledge knowledge : {Knowledge::usual, Knowledge::no_bias, Knowledge::no_results,
                                    Knowledge::unsupported, Knowledge::unusable}) {
    CAPTURE(static_cast<int>(knowledge));
    const Knowing known(knowledge);
    Products products({workspace, sizeof workspace});
    const int ran = calls().products;
    for (const DType dtype : {DType::float32, DType::bfloat16, DType::float16}) {
      for (const int64_t offset : {0, 1, 3, 4}) {
        CAPTURE(offset);
        for (const Activation kind : all_kinds) {
          check_forward(products, {5, 7, 9, offset, dtype}, kind);
          check_forward(products, {19, 24, 16, offset, dtype, DType::float32}, kind);
          check_forward(products, {3, 2, 40, offset, dtype, dtype, false}, kind);
        }
        for (const bool accumulate : {false, true}) {
          check_backward(products, {5, 7, 9, offset, dtype}, accumulate);
          check_backward(products, {19, 24, 16, offset, dtype}, accumulate);
        }
      }
    }
    // What it does not know it is not asked to run.
    CHECK((calls().products > ran) == (knowledge == Knowledge::usual || knowledge == Knowledge::no_bias));
  }
}

TEST_CASE("linear maps: without rows or inputs, and with many of them") {
  Products products({workspace, sizeof workspace});
  for (const bool accumulate : {false, true}) {
    for (const int64_t tokens : {0, 1, 64, 65, 128, 400, 20000})
      check_backward(products, {tokens, 3, 9, 0}, accumulate);
    check_backward(products, {300, 2, 520, 0, DType::bfloat16}, accumulate);
  }
  check_forward(products, {0, 6, 4, 0}, Activation::none);
  const Tensor b = Tensor::from(emulated_backend(), {3}, std::vector<float>{1, 2, 3});
  const Tensor y = Tensor::empty(emulated_backend(), {2, 3});
  const auto empty = [](const Shape& shape) { return Tensor::empty(emulated_backend(), shape); };
  cuda::linear_forward({.products = &products}, {empty({2, 0}), empty({3, 0}), b, Activation::none, y});
  CHECK(y.to_host() == std::vector<float>{1, 2, 3, 1, 2, 3});
  check_forward(products, {700, 3, 9, 0}, Activation::gelu);  // more than the blocks take at once
  check_forward(products, {1500, 3, 16, 0}, Activation::gelu);
}

TEST_CASE("linear maps: relu keeps what is not a number") {
  Products products({workspace, sizeof workspace});
  const Tensor x = Tensor::from(emulated_backend(), {2, 1}, std::vector<float>{NAN, -1});
  const Tensor w = Tensor::from(emulated_backend(), {1, 1}, std::vector<float>{1});
  const Tensor y = Tensor::empty(emulated_backend(), {2, 1});
  cuda::linear_forward({.products = &products}, {x, w, {}, Activation::relu, y});
  CHECK(std::isnan(y.to_host()[0]));
  CHECK(y.to_host()[1] == 0);
}
