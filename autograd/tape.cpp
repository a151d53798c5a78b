#include <algorithm>
#include <atomic>
#include <unordered_set>

#include "autograd/variable.h"

namespace gradus {
namespace {

thread_local RecordingScope::Mode recording_mode = RecordingScope::Mode::record;

uint64_t next_sequence() {
  static std::atomic<uint64_t> counter{0};
  return ++counter;
}

// All nodes the gradient of `root` passes through, the latest result first: every consumer of a value comes
// before the op that made it.
std::vector<std::shared_ptr<Node>> reverse_order(const std::shared_ptr<Node>& root) {
  std::vector<std::shared_ptr<Node>> nodes{root};
  std::unordered_set<const Node*> seen{root.get()};
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto node = nodes[i];
    for (const auto& input : node->inputs) {
      if (input && seen.insert(input.get()).second) nodes.push_back(input);
    }
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& a, const auto& b) { return a->sequence > b->sequence; });
  return nodes;
}

void run_backward(Node& node) {
  check(static_cast<bool>(node.backward), "[{}] the graph was freed by an earlier backward()", node.op);
  Grads grads(node.gradient.backend(), node.inputs);
  node.backward(node.gradient, grads);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    check(!grads.forgot(i), "[{}] the backward function gives no gradient for input {}", node.op, i);
  }
  node.gradient = Tensor();
  node.backward = nullptr;
  node.inputs.clear();
}

}  // namespace

class Recorder {
 public:
  static Variable parameter(Tensor value, Tensor gradient, Tensor bfloat16_copy) {
    Variable variable(std::move(value));
    if (gradient) {
      check(variable.shape() == gradient.shape(), "[parameter] value {} and gradient {} differ in shape",
            variable.shape(), gradient.shape());
      variable = attach("parameter", variable.value(), {}, nullptr);
      variable.node_->gradient = std::move(gradient);
    }
    variable.bfloat16_copy_ = std::move(bfloat16_copy);
    return variable;
  }

  static Variable attach(std::string_view op, Tensor value, std::vector<std::shared_ptr<Node>> inputs,
                         Backward backward) {
    Variable variable(std::move(value));
    variable.node_ = std::make_shared<Node>();
    Node& node = *variable.node_;
    node.op = op;
    node.sequence = next_sequence();
    node.inputs = std::move(inputs);
    node.backward = std::move(backward);
    node.shape = variable.shape();
    node.dtype = variable.dtype();
    return variable;
  }
};

Variable Variable::parameter(Tensor value, Tensor gradient, Tensor bfloat16_copy) {
  return Recorder::parameter(std::move(value), std::move(gradient), std::move(bfloat16_copy));
}

Tensor Variable::value_as(DType dtype) const {
  if (!value_ || dtype == value_.dtype()) return value_;
  if (dtype == DType::bfloat16 && bfloat16_copy_) return bfloat16_copy_;
  Tensor converted = Tensor::empty(backend(), shape(), dtype);
  backend().cast(value_, {converted});
  return converted;
}

Grad Grads::operator[](size_t index) {
  const auto& node = inputs_[index];
  if (!node) return {};
  asked_[index] = true;
  const bool accumulate = static_cast<bool>(node->gradient);
  if (!accumulate) node->gradient = Tensor::empty(backend_, node->shape, node->dtype);
  node->reached = true;
  return {node->gradient, accumulate};
}

Variable record(std::string_view op, Tensor y, const std::vector<Variable>& inputs, Backward backward) {
  if (recording_mode == RecordingScope::Mode::check_finite) {
    const int64_t bad = y.backend().count_nonfinite(y);
    check(bad == 0, "[{}] {} of the {} values of the result {} are infinite or not a number", op, bad,
          y.elements(), y.shape());
  }
  std::vector<std::shared_ptr<Node>> nodes;
  nodes.reserve(inputs.size());
  for (const Variable& input : inputs) nodes.push_back(input.node());
  const bool wanted =
      std::any_of(nodes.begin(), nodes.end(), [](const auto& node) { return node != nullptr; });
  if (recording_mode == RecordingScope::Mode::evaluate || !wanted) return Variable(std::move(y));
  return Recorder::attach(op, std::move(y), std::move(nodes), std::move(backward));
}

RecordingScope::RecordingScope(Mode mode) : previous_(recording_mode) { recording_mode = mode; }
RecordingScope::~RecordingScope() { recording_mode = previous_; }
RecordingScope::Mode RecordingScope::current() { return recording_mode; }

void backward(const Variable& loss, float seed) {
  check(loss.value() && loss.value().elements() == 1 && loss.dtype() == DType::float32,
        "[backward] the loss has shape {} and type {}: expected one float32", loss.shape(),
        name_of(loss.dtype()));
  check(loss.requires_grad(), "[backward] the loss depends on no parameter");
  loss.node()->gradient = Tensor::from(loss.backend(), loss.shape(), std::span<const float>(&seed, 1));
  for (const auto& node : reverse_order(loss.node())) {
    if (node->op != "parameter") run_backward(*node);
  }
}

}  // namespace gradus
