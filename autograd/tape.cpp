#include <algorithm>
#include <atomic>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "autograd/variable.h"

namespace gradus {
namespace {

thread_local RecordingScope::Mode recording_mode = RecordingScope::Mode::record;

uint64_t next_sequence() {
  static std::atomic<uint64_t> counter{0};
  return ++counter;
}

std::vector<std::shared_ptr<Node>> nodes_of(const std::vector<Variable>& variables) {
  std::vector<std::shared_ptr<Node>> nodes;
  nodes.reserve(variables.size());
  for (const Variable& variable : variables) nodes.push_back(variable.node());
  return nodes;
}

bool any_needs_gradient(const std::vector<std::shared_ptr<Node>>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(), [](const auto& node) { return node != nullptr; });
}

void run_backward(Node& node) {
  check(static_cast<bool>(node.backward), "[{}] the graph was freed by an earlier backward()", node.op);
  Grads grads(node.gradient.backend(), node.op, node.inputs);
  node.backward(std::exchange(node.gradient, {}), grads);
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    check(!grads.forgot(i), "[{}] the backward function gives no gradient for input {}", node.op, i);
  }
  grads.add_repeated();
  node.backward = nullptr;
  node.inputs.clear();
}

}  // namespace

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

class Recorder {
 public:
  static Variable parameter(Tensor value, Tensor gradient, Tensor compute_copy, std::string name) {
    Variable variable(std::move(value));
    if (gradient) {
      check(variable.shape() == gradient.shape(), "[parameter] value {} and gradient {} differ in shape",
            variable.shape(), gradient.shape());
      variable = attach("parameter", variable.value(), {}, nullptr);
      variable.node_->gradient = std::move(gradient);
      variable.node_->parameter = std::make_shared<const ParameterData>(
          ParameterData{std::move(name), variable.value(), compute_copy});
    }
    variable.compute_copy_ = std::move(compute_copy);
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

Variable Variable::input(Tensor value) { return Recorder::attach("input", std::move(value), {}, nullptr); }

Variable Variable::parameter(Tensor value, Tensor gradient, Tensor compute_copy, std::string name) {
  return Recorder::parameter(std::move(value), std::move(gradient), std::move(compute_copy), std::move(name));
}

Tensor Variable::value_as(DType dtype) const {
  if (!value_ || dtype == value_.dtype()) return value_;
  if (compute_copy_ && dtype == compute_copy_.dtype()) return compute_copy_;
  Tensor converted = Tensor::empty(backend(), shape(), dtype);
  backend().cast({value_, {converted}});
  return converted;
}

Grad Grads::operator[](size_t index) {
  check(index < inputs_.size(), "[{}] the backward function asks for the gradient of input {} of {}", op_,
        index, inputs_.size());
  const auto& node = inputs_[index];
  if (!node) return {};
  asked_[index] = true;
  node->reached = true;
  if (std::find(inputs_.begin(), inputs_.begin() + static_cast<std::ptrdiff_t>(index), node) !=
      inputs_.begin() + static_cast<std::ptrdiff_t>(index)) {
    repeated_[index] = Tensor::empty(backend_, node->shape, node->dtype);
    return {repeated_[index], false};
  }
  const bool accumulate = static_cast<bool>(node->gradient);
  if (!accumulate) node->gradient = Tensor::empty(backend_, node->shape, node->dtype);
  return {node->gradient, accumulate};
}

void Grads::add_repeated() {
  for (size_t i = 0; i < repeated_.size(); ++i) {
    if (repeated_[i]) backend_.add_backward({repeated_[i], {inputs_[i]->gradient, true}});
  }
}

Variable record(std::string_view op, Tensor y, std::vector<std::shared_ptr<Node>> inputs, Backward backward) {
  if (recording_mode == RecordingScope::Mode::check_finite) {
    const int64_t bad = y.count_nonfinite();
    check(bad == 0, "[{}] {} of the {} values of the result {} are infinite or not a number", op, bad,
          y.elements(), y.shape());
  }
  if (recording_mode == RecordingScope::Mode::evaluate || !any_needs_gradient(inputs))
    return Variable(std::move(y));
  return Recorder::attach(op, std::move(y), std::move(inputs), std::move(backward));
}

Variable record(std::string_view op, Tensor y, const std::vector<Variable>& inputs, Backward backward) {
  return record(op, std::move(y), nodes_of(inputs), std::move(backward));
}

Variable record_constant(std::string_view op, Tensor y, const std::vector<Variable>& inputs) {
  std::vector<std::shared_ptr<Node>> nodes = nodes_of(inputs);
  check(recording_mode == RecordingScope::Mode::evaluate || !any_needs_gradient(nodes),
        "[{}] this op has no gradient: it is for evaluation, where nothing is recorded", op);
  return record(op, std::move(y), std::move(nodes), nullptr);
}

RecordingScope::RecordingScope(Mode mode) : previous_(recording_mode) { recording_mode = mode; }
RecordingScope::~RecordingScope() { recording_mode = previous_; }
RecordingScope::Mode RecordingScope::current() { return recording_mode; }

std::vector<std::shared_ptr<Node>> parameters_of(const Variable& y) {
  if (!y.requires_grad()) return {};
  std::vector<std::shared_ptr<Node>> nodes = reverse_order(y.node());
  std::erase_if(nodes, [](const auto& node) { return node->op != "parameter"; });
  return nodes;
}

void backward(Variable y, Tensor dy, const Completed& completed) {
  check(y.requires_grad(), "[backward] the result depends on no parameter");
  check(dy && dy.shape() == y.shape() && dy.dtype() == y.dtype(),
        "[backward] the result has shape {} and type {}, its gradient {} and {}", y.shape(),
        name_of(y.dtype()), dy.shape(), name_of(dy.dtype()));
  check(!y.node()->is_leaf(), "[backward] the result is a leaf: nothing was computed");
  y.node()->gradient = std::move(dy);
  const std::vector<std::shared_ptr<Node>> nodes = reverse_order(y.node());
  y = Variable();
  std::unordered_map<const Node*, int64_t> consumers;  // of each parameter, those that are still to come
  if (completed) {
    for (const auto& node : nodes) {
      for (const auto& input : node->inputs) {
        if (input && input->op == "parameter") ++consumers[input.get()];
      }
    }
  }
  for (const auto& node : nodes) {
    if (node->is_leaf()) continue;
    const std::vector<std::shared_ptr<Node>> inputs =
        completed ? node->inputs : std::vector<std::shared_ptr<Node>>();
    run_backward(*node);
    for (const auto& input : inputs) {
      if (input && input->op == "parameter" && --consumers[input.get()] == 0) completed(*input);
    }
  }
}

void backward(const Variable& loss) {
  check(loss.value() && loss.value().elements() == 1 && loss.dtype() == DType::float32,
        "[backward] the loss has shape {} and type {}: expected one float32", loss.shape(),
        name_of(loss.dtype()));
  const float one = 1;
  backward(loss, Tensor::from(loss.backend(), loss.shape(), std::span<const float>(&one, 1)));
}

}  // namespace gradus
