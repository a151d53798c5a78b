// A function, its gradient, and what is recorded between them:  example_gradient
#include "autograd/ops.h"
#include "autograd/printed_tape.h"

using namespace gradus;

int main() try {
  Backend& backend = find_backend("CPU");
  const auto tensor = [&](const Shape& shape, const std::vector<float>& values) {
    return Tensor::from(backend, shape, values);
  };
  const Tensor dw = Tensor::zeros(backend, {1, 2}), db = Tensor::zeros(backend, {1});
  const Variable w = Variable::parameter(tensor({1, 2}, {0.5F, -0.25F}), dw, {}, "w");
  const Variable b = Variable::parameter(tensor({1}, {0.125F}), db, {}, "b");
  const Variable x(tensor({3, 2}, {1, 2, 3, 4, 5, 6}));

  // The sum over three rows of (tanh(x w^T + b) - target)^2.
  const Variable y = activation(linear(x, w, b), Activation::tanh);
  const Variable loss = squared_error(y, tensor({3}, {1, 0, 1}));

  const Tape tape = read_tape(loss);
  backward(loss);
  fmt::print("loss {:.6f}\n", loss.value().item());
  fmt::print("dloss/dw [{:.6f}, {:.6f}], dloss/db {:.6f}\n\n", dw.to_host()[0], dw.to_host()[1], db.item());
  fmt::print("{}", print_tape(tape));
  return 0;
} catch (const Error& error) {
  fmt::print(stderr, "error: {}\n", error.what());
  return 2;
}
