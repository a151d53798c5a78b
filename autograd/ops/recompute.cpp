#include "autograd/ops.h"

namespace gradus {

Variable recompute(const std::function<Variable(const Variable&)>& f, const Variable& x) {
  if (RecordingScope::current() == RecordingScope::Mode::evaluate) return f(x);
  // Recorded here as well, and forgotten at once: so both runs do the same, and it is seen which parameters take part.
  const auto run = [f, x = x.value(), wanted = x.requires_grad()] {
    const Variable input = wanted ? Variable::input(x) : Variable(x);
    return std::pair(input, f(input));
  };
  const Variable y = run().second;
  std::vector<std::shared_ptr<Node>> inputs{x.node()};
  for (const auto& parameter : parameters_of(y)) inputs.push_back(parameter);
  const size_t count = inputs.size();
  return record("recompute", y.value(), std::move(inputs), [run, count](Tensor dy, Grads& d) {
    Backend& be = dy.backend();
    auto [input, again] = run();
    backward(std::move(again), std::move(dy));
    for (size_t i = 1; i < count; ++i) d.leave(i);
    const Grad dx = d[0];
    if (!dx) return;
    if (const Tensor gradient = input.node()->gradient) be.add_backward({gradient, dx});
    else if (!dx.accumulate) dx.tensor.fill_zero();
  });
}

}  // namespace gradus
