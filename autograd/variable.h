// A value in a computation, and the edge that made it. Reverse-mode differentiation: Griewank & Walther 2008,
// "Evaluating derivatives", chapter 3.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.h"
#include "core/tensor.h"

namespace gradus {

struct Node;

// A tensor that remembers how it was computed. Copies share everything. Integer inputs, such as token ids, are
// plain tensors: nothing is differentiated with respect to them.
class Variable {
 public:
  Variable() = default;
  // A constant: no gradient flows into it.
  explicit Variable(Tensor value) : value_(std::move(value)) {}

  // A trained tensor. Its gradient is always added to `gradient`, of the same shape, which the caller clears;
  // an empty `gradient` makes it a constant.
  // `compute_copy` may be empty; otherwise ops that compute in its type read it instead of `value`, and
  // whoever changes `value` refreshes it. `name` is what a printed tape calls it.
  static Variable parameter(Tensor value, Tensor gradient, Tensor compute_copy, std::string name = {});

  // A value that a part of a computation begins with: its gradient, node()->gradient, stays after backward().
  static Variable input(Tensor value);

  explicit operator bool() const { return static_cast<bool>(value_); }
  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  DType dtype() const { return value_.dtype(); }
  Backend& backend() const { return value_.backend(); }
  // The value in the type an op computes in; converted on the fly when there is no ready copy.
  Tensor value_as(DType dtype) const;

  bool requires_grad() const { return node_ != nullptr; }
  const std::shared_ptr<Node>& node() const { return node_; }

 private:
  friend class Recorder;
  Tensor value_;
  Tensor compute_copy_;
  std::shared_ptr<Node> node_;
};

// Hands a backward function the destination of each input's gradient, with its mode: a parameter accumulates,
// an activation is assigned by its first consumer and accumulated by the others. An input that an op has twice, as in
// x + x, gets a destination for each time, which are added up when the op is done: kernels never write to one place twice.
class Grads {
 public:
  Grads(Backend& backend, std::string_view op, const std::vector<std::shared_ptr<Node>>& inputs)
      : backend_(backend), op_(op), inputs_(inputs), asked_(inputs.size()), repeated_(inputs.size()) {}

  // Where the gradient of input `index` goes; empty when that input needs none. A backward function asks once
  // for each input and fills what it is given. Throws Error when the op has no such input.
  Grad operator[](size_t index);
  // True for an input whose gradient is wanted but was not asked for.
  bool forgot(size_t index) const { return inputs_[index] != nullptr && !asked_[index]; }
  // Says that the gradient of a parameter has been added to by other means.
  void leave(size_t index) { asked_[index] = true; }
  // Adds up the gradients of inputs that the op has more than once.
  void add_repeated();

 private:
  Backend& backend_;
  std::string_view op_;
  const std::vector<std::shared_ptr<Node>>& inputs_;
  std::vector<bool> asked_;
  std::vector<Tensor> repeated_;  // by index, where the input has occurred before
};

// `dy` is its own: one that is needed no more may be let go of before the function ends.
using Backward = std::function<void(Tensor dy, Grads& grads)>;

// What a parameter has and a result has not.
struct ParameterData {
  std::string name;
  Tensor value, compute_copy;
};

// The edge from a result back to its inputs.
struct Node {
  std::string_view op;                        // "parameter" and "input" for leaves
  uint64_t sequence = 0;                      // later results have higher numbers
  std::vector<std::shared_ptr<Node>> inputs;  // null where no gradient is needed
  Backward backward;                          // holds the saved values; empty for leaves and once used
  Shape shape;
  DType dtype = DType::float32;
  Tensor gradient;       // of an activation: from its first consumer's backward until its own has run
  bool reached = false;  // a parameter that got a gradient since the flag was last cleared
  std::shared_ptr<const ParameterData> parameter;  // null for others

  bool is_leaf() const { return op == "parameter" || op == "input"; }
};

// Makes the result of an op: `y`, and the function that turns dy into the gradients of `inputs`, in their order.
// Returns a constant when no input needs a gradient or recording is off.
Variable record(std::string_view op, Tensor y, const std::vector<Variable>& inputs, Backward backward);
Variable record(std::string_view op, Tensor y, std::vector<std::shared_ptr<Node>> inputs, Backward backward);
// The same of an op that has no gradient. Throws Error where one would be needed.
Variable record_constant(std::string_view op, Tensor y, const std::vector<Variable>& inputs);

// How ops behave on this thread until the scope ends.
class RecordingScope {
 public:
  enum class Mode : uint8_t {
    record,        // the normal state
    evaluate,      // nothing is recorded: no memory is kept for a backward pass
    check_finite,  // as record, and the first op whose result is infinite or NaN throws an Error naming it
  };
  explicit RecordingScope(Mode mode);
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

  static Mode current();

 private:
  Mode previous_;
};

// All that the gradient of y passes through, the latest result first: every consumer of a value comes before the op that
// made it.
std::vector<std::shared_ptr<Node>> reverse_order(const std::shared_ptr<Node>& y);
// The parameters that y depends on.
std::vector<std::shared_ptr<Node>> parameters_of(const Variable& y);

// Told of a parameter when nothing will be added to its gradient any more.
using Completed = std::function<void(const Node& parameter)>;

// Computes dy times the derivatives of y with respect to every parameter that it depends on, and adds them to the parameters'
// gradients. `dy` has the shape and type of y. Ops run in reverse order; saved values and activation gradients are freed at
// their last use, so a graph can be used once. So are y and dy, where they were moved here.
// Throws Error when shapes or types differ, y depends on no parameter, or an op gives no gradient for an input.
void backward(Variable y, Tensor dy, const Completed& completed = {});
// The same with dy = 1 for a scalar, float32 [1].
void backward(const Variable& loss);

}  // namespace gradus
