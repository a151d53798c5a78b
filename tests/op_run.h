// Runs a case of the op table on a backend and fetches the result and all gradients.
#pragma once

#include <string>
#include <vector>

#include "tests/backends_under_test.h"
#include "tests/op_table.h"

namespace gradus {

// float32, and 16-bit floats where the op and the backend have them.
std::vector<DType> dtypes_of(const Op& op, const Backend& backend);

// The inputs' values, the same on every call, rounded to what a run in `dtype` reads.
std::vector<reference::Matrix> input_values(const OpCase& op_case, DType dtype);
// Fixed weights for the elements of a result of this size; they fit every float type. The objective of a run
// is the weighted sum of the result.
reference::Matrix projection(const reference::Matrix& result);

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
