#include "tests/op_run.h"

#include <algorithm>
#include <map>
#include <utility>

#include "tests/naive_backend.h"

namespace gradus {

using reference::load;
using reference::Matrix;
using reference::store;

namespace {

// The first `count` normal numbers of a sequence, which is drawn once: large cases ask for millions, often.
const std::vector<double>& normal_numbers(uint64_t seed, uint32_t number, size_t count) {
  struct Drawn {
    RandomSequence random;
    std::vector<double> values;
  };
  static std::map<std::pair<uint64_t, uint32_t>, Drawn> sequences;
  Drawn& drawn = sequences.try_emplace({seed, number}, Drawn{RandomSequence(seed, number), {}}).first->second;
  while (drawn.values.size() < count) drawn.values.push_back(drawn.random.normal());
  return drawn.values;
}

double rounded(double value, DType dtype) {
  const auto single = static_cast<float>(value);
  if (dtype == DType::bfloat16) return static_cast<float>(bfloat16(single));
  return dtype == DType::float16 ? static_cast<float>(float16(single)) : single;
}

Tensor tensor_of(Backend& backend, const Shape& shape, const Matrix& values) {
  Tensor tensor = Tensor::empty(backend, shape);
  store(values, tensor);
  return tensor;
}

// The weighted sum of y plus `offset` times the sum of every x. It is made last, so its backward runs first
// and leaves `offset` in the gradient of each x.
Variable objective(const Variable& y, const Matrix& weights, std::vector<Variable> inputs, double offset) {
  double sum = 0;
  const Matrix values = load(y.value());
  for (int64_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
  Tensor total = Tensor::from(y.backend(), {1}, std::vector{static_cast<float>(sum)});
  if (offset == 0) inputs.clear();
  inputs.insert(inputs.begin(), y);
  return record("objective", total, inputs,
                [weights, count = inputs.size(), offset](const Tensor&, Grads& d) {
                  store(weights, d[0]);
                  for (size_t i = 1; i < count; ++i) {
                    const Grad grad = d[i];
                    if (!grad) continue;
                    Matrix constant(1, grad.tensor.elements());
                    for (int64_t j = 0; j < constant.size(); ++j) constant[j] = offset;
                    store(constant, grad);
                  }
                });
}

// The input as the op takes it: an activation in the type of the run, a parameter as float32.
Variable op_input(const Input& input, const Variable& leaf, DType dtype) {
  const Variable x = leaf.requires_grad() ? identity(leaf) : leaf;
  return input.role == Role::activation ? cast(x, dtype) : x;
}

}  // namespace

std::vector<DType> dtypes_of(const Op& op, const Backend& backend) {
  if (op.in_int8 && !backend.unsupported(DType::int8).empty()) return {};
  std::vector<DType> dtypes{DType::float32};
  if (op.float32_only) return dtypes;
  for (const DType dtype : {DType::bfloat16, DType::float16})
    if (backend.unsupported(dtype).empty()) dtypes.push_back(dtype);
  return dtypes;
}

std::vector<Matrix> input_values(const OpCase& op_case, DType dtype) {
  std::vector<Matrix> values;
  for (const Input& input : op_case.inputs) {
    Matrix matrix(input.shape.rows(), input.shape.last());
    const auto& normal =
        normal_numbers(1234, static_cast<uint32_t>(values.size()), static_cast<size_t>(matrix.size()));
    const DType type = input.role == Role::vector ? DType::float32 : dtype;
    for (int64_t i = 0; i < matrix.size(); ++i) {
      matrix[i] = rounded(input.mean + input.deviation * normal[static_cast<size_t>(i)], type);
    }
    values.push_back(matrix);
  }
  return values;
}

Matrix projection(const Matrix& result) {
  Matrix weights(result.rows(), result.columns());
  const auto& normal = normal_numbers(4321, 0, static_cast<size_t>(weights.size()));
  for (int64_t i = 0; i < weights.size(); ++i) {
    weights[i] = rounded(normal[static_cast<size_t>(i)], DType::bfloat16);
  }
  return weights;
}

ScalarFormula objective_of(const OpCase& op_case) {
  const Matrix weights = projection(op_case.reference(input_values(op_case, DType::float32)));
  return [&op_case, weights](const std::vector<Matrix>& inputs) {
    const Matrix y = op_case.reference(inputs);
    double sum = 0;
    for (int64_t i = 0; i < y.size(); ++i) sum += weights[i] * y[i];
    return sum;
  };
}

ElementTolerance element_tolerance(const Tolerance& tolerance) {
  const bool in_16_bits = tolerance.gradient > 1e-3;
  return {16 * tolerance.gradient, tolerance.gradient > 0 ? 1e-6 : 0, in_16_bits ? 1 : 0.01};
}

ElementTolerance slope_tolerance(const Tolerance& float32) { return {16 * float32.gradient, 1e-5}; }

Variable identity(const Variable& x) {
  return record("identity", x.value(), {x}, [](const Tensor& dy, Grads& d) {
    dy.backend().add_backward({dy, d[0]});
  });
}

Outcome run(const Call& call, const OpCase& op_case, const std::vector<Matrix>& inputs, Backend& backend,
            DType dtype, const RunOptions& options) {
  std::vector<Variable> op_inputs;
  std::vector<Tensor> gradients;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = op_case.inputs[i];
    const bool wanted = options.only_input < 0 || options.only_input == static_cast<int>(i);
    Tensor value = tensor_of(backend, input.shape, inputs[i]);
    gradients.push_back(wanted ? Tensor::zeros(backend, input.shape) : Tensor());
    const Variable leaf = wanted ? Variable::parameter(value, gradients.back(), {}) : Variable(value);
    op_inputs.push_back(op_input(input, leaf, dtype));
  }
  Outcome outcome;
  {
    const Variable y = call(op_inputs, dtype);
    outcome.y = load(y.value());
    backward(objective(y, projection(outcome.y), op_inputs, options.gradient_before));
  }
  for (const Tensor& gradient : gradients) outcome.gradients.push_back(load(gradient));
  return outcome;
}

Matrix evaluate(const OpCase& op_case, const std::vector<Matrix>& inputs, Backend& backend, DType dtype) {
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  std::vector<Variable> op_inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = op_case.inputs[i];
    op_inputs.push_back(op_input(input, Variable(tensor_of(backend, input.shape, inputs[i])), dtype));
  }
  return load(op_case.call(op_inputs, dtype).value());
}

}  // namespace gradus
