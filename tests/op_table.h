// The op table: one row per operator of autograd/ops.h. From a row come the checks of its forward and
// backward on every backend (tests/ops/op_table_test.cpp) and its line in the benchmark
// (tests/bench/op_bench.cpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "tests/matrix.h"

namespace gradus {

// What an input is to an op; it decides the type in a run of 16-bit floats.
enum class Role : uint8_t {
  activation,  // comes in the type of the run
  weight,      // a float32 parameter that the op reads in the type of the run
  vector,      // a float32 parameter that the op reads as such
};

// A differentiable input, filled with normally distributed numbers.
struct Input {
  std::string name = {};
  Shape shape = {};
  Role role = Role::activation;
  double mean = 0;
  double deviation = 1;
};

using Call = std::function<Variable(const std::vector<Variable>& inputs, DType dtype)>;
using Formula = std::function<reference::Matrix(const std::vector<reference::Matrix>& inputs)>;

// An op at one set of shapes and settings.
struct OpCase {
  std::string label;
  std::vector<Input> inputs = {};
  Call call = {};            // through the op; integer inputs and settings are its own
  Formula reference = {};    // the same in double
  Call composition = {};     // the same from simpler ops, for a fused op; else empty
  double flops = 0;          // of the forward; a transcendental function counts as one
  double elements_read = 0;  // by the forward, where that is not all of the inputs
};

// Largest distance from the exact result, relative to its norm.
struct Tolerance {
  double forward = 0;
  double gradient = 0;          // of a whole one; its elements may be off by sixteen times that
  double forward_absolute = 0;  // on top, for a loss that is a small difference of large scores
};

struct Op {
  std::string name = {};
  std::vector<OpCase> cases = {};
  std::vector<OpCase> large =
      {};  // batches of MiniLM and BERT-base, for what the number of threads may not change
  std::vector<OpCase> benchmarks = {};  // realistic shapes
  Tolerance float32{1e-6, 2e-6};
  Tolerance bfloat16{4e-3, 8e-3};
  // In a type of the floats. float16 has three bits more than bfloat16.
  Tolerance within(DType dtype) const {
    if (dtype == DType::float32) return float32;
    const double part = dtype == DType::float16 ? 0.2 : 1;
    return {bfloat16.forward * part, bfloat16.gradient * part, bfloat16.forward_absolute};
  }
  bool float32_only = false;
  bool in_int8 = false;      // on backends that have that
  bool has_gradient = true;  // otherwise it is for evaluation alone
};

// All rows, or those of the operators that GRADUS_OPS of the environment names, with commas between.
const std::vector<Op>& op_table();

}  // namespace gradus
