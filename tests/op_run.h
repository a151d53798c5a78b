// Runs a case of the op table on a backend and fetches the result and all gradients.
#pragma once

#include <string>
#include <vector>

#include "tests/backends_under_test.h"
#include "tests/gradcheck.h"
#include "tests/op_table.h"

namespace gradus {

// float32, and 16-bit floats where the op and the backend have them.
std::vector<DType> dtypes_of(const Op& op, const Backend& backend);

// The inputs' values, the same on every call, rounded to what a run in `dtype` reads.
std::vector<reference::Matrix> input_values(const OpCase& op_case, DType dtype);
// Fixed weights for the elements of a result of this size; they fit every float type. The objective of a run
// is the weighted sum of the result.
reference::Matrix projection(const reference::Matrix& result);

// The objective of a run by the case's formula, in double.
ScalarFormula objective_of(const OpCase& op_case);

// What elements of a gradient are held to, against those of another backend. The worst float32 element on AVX-512 is off from the naive
// backend's by 5e-6 of its scale where the tolerance of the whole is 2e-6 (9e-6 in a layer norm; 2e-5 in attention, where it is
// 5e-6), the worst bfloat16 one by 5e-3 where it is 8e-3. Sixteen times the whole's leaves room for other processors.
ElementTolerance element_tolerance(const Tolerance& tolerance);
// The same against central differences, whose own error is 1e-9 or so. What was added to 0.25 has lost what float32 can't
// hold beside that.
ElementTolerance slope_tolerance(const Tolerance& float32);

// x as a result of its own: its gradient starts empty, as that of every activation does.
Variable identity(const Variable& x);

struct Outcome {
  reference::Matrix y;
  std::vector<reference::Matrix> gradients;  // of the objective by each input; empty where it was not wanted
};

struct RunOptions {
  // What the gradient of each input holds before the op's backward adds to it. At 0 nothing is there, and the
  // backward is asked to overwrite.
  double gradient_before = 0;
  int only_input = -1;  // the only input with a gradient; -1: all
};

// Forward and backward through `call`, which is the case's own or its composition.
Outcome run(const Call& call, const OpCase& op_case, const std::vector<reference::Matrix>& inputs,
            Backend& backend, DType dtype, const RunOptions& options = {});
// Forward alone, as when evaluating.
reference::Matrix evaluate(const OpCase& op_case, const std::vector<reference::Matrix>& inputs,
                           Backend& backend, DType dtype);

}  // namespace gradus
