#include "autograd/printed_tape.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace gradus {
namespace {

// Bytes of what a function holds and `seen` has not; it has it then.
size_t newly_kept(const Backward& backward, std::set<const void*>& seen) {
  const CopiedTensors copied;
  const Backward copy = backward;
  size_t bytes = 0;
  for (const Tensor& tensor : copied.tensors()) {
    const Tensor::Memory memory = tensor.memory();
    if (seen.insert(memory.begin).second) bytes += memory.bytes;
  }
  return bytes;
}

std::string type_text(const Shape& shape, DType dtype) { return fmt::format("{} {}", shape, name_of(dtype)); }

std::string gradient_text(const Node& parameter) {
  if (!parameter.reached) return "";
  double square = 0;
  for (const float g : parameter.gradient.to_host()) square += static_cast<double>(g) * g;
  return fmt::format("  gradient {:.4g}", std::sqrt(square));
}

}  // namespace

size_t Tape::kept() const {
  size_t bytes = 0;
  for (const Step& step : steps) bytes += step.kept;
  return bytes;
}

std::vector<std::shared_ptr<Node>> Tape::parameters() const {
  std::vector<std::shared_ptr<Node>> found;
  for (const Step& step : steps) {
    for (const Input& input : step.inputs) {
      if (input.parameter && std::find(found.begin(), found.end(), input.parameter) == found.end())
        found.push_back(input.parameter);
    }
  }
  return found;
}

Tape read_tape(const Variable& y) {
  check(y.requires_grad(), "[print_tape] the result depends on no parameter: nothing was recorded");
  std::vector<std::shared_ptr<Node>> nodes = reverse_order(y.node());
  std::reverse(nodes.begin(), nodes.end());
  std::set<const void*> seen;  // parameters are there whether something is recorded or not
  for (const auto& node : nodes) {
    if (!node->parameter) continue;
    seen.insert(node->parameter->value.memory().begin);
    if (node->parameter->compute_copy) seen.insert(node->parameter->compute_copy.memory().begin);
  }
  Tape tape;
  std::map<const Node*, size_t> numbers;
  for (const auto& node : nodes) {
    if (node->parameter) continue;
    check(node->is_leaf() || node->backward, "[print_tape] the graph was freed by an earlier backward()");
    Tape::Step step{node->op, node->shape, node->dtype, {}, newly_kept(node->backward, seen)};
    for (const auto& input : node->inputs) {
      if (!input) continue;
      if (input->parameter) step.inputs.push_back({0, input});
      else step.inputs.push_back({numbers.at(input.get()), nullptr});
    }
    numbers[node.get()] = tape.steps.size();
    tape.steps.push_back(std::move(step));
  }
  return tape;
}

std::string byte_text(size_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const double kib = static_cast<double>(bytes) / 1024;
  return kib < 1024 ? fmt::format("{:.1f} KiB", kib) : fmt::format("{:.1f} MiB", kib / 1024);
}

std::string print_tape(const Tape& tape) {
  std::string text =
      fmt::format("{:>4}  {:<24}{:<26}{:>10}  {}\n", "step", "op", "result", "keeps", "of steps");
  for (size_t i = 0; i < tape.steps.size(); ++i) {
    const Tape::Step& step = tape.steps[i];
    std::string from, parameters;
    for (const Tape::Input& input : step.inputs) {
      if (!input.parameter) {
        from += fmt::format("{}{}", from.empty() ? "" : ", ", input.step + 1);
        continue;
      }
      const std::string& name = input.parameter->parameter->name;
      parameters += fmt::format("      {:<62}  {}{}\n", name.empty() ? "a parameter" : name,
                                input.parameter->shape, gradient_text(*input.parameter));
    }
    const std::string kept = step.kept > 0 ? byte_text(step.kept) : "-";
    std::string line = fmt::format("{:>4}  {:<24}{:<26}{:>10}  {}", i + 1, step.op,
                                   type_text(step.shape, step.dtype), kept, from);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n" + parameters;
  }
  int64_t numbers = 0;
  const auto parameters = tape.parameters();
  for (const auto& parameter : parameters) numbers += parameter->shape.elements();
  return text + fmt::format("{} steps keep {} for the backward pass; {} parameters have {} numbers\n",
                            tape.steps.size(), byte_text(tape.kept()), parameters.size(), numbers);
}

std::string print_tape(const Variable& y) { return print_tape(read_tape(y)); }

}  // namespace gradus
