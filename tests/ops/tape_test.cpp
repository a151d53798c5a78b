// What the tape promises about any op: inputs that repeat, gradients from outside, completed parameters, recomputation.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "tests/gradcheck.h"
#include "tests/naive_backend.h"
#include "tests/normal_values.h"
#include "tests/op_run.h"
#include "tests/reference.h"

using namespace gradus;
using reference::load;
using reference::Matrix;

namespace {

std::vector<float> random_values(int64_t count, uint32_t purpose) {
  return normal_values(count, 41, purpose);
}

// A trained tensor and its gradient.
struct Leaf {
  Leaf(Backend& backend, const Shape& shape, uint32_t purpose)
      : gradient(Tensor::zeros(backend, shape)),
        variable(Variable::parameter(Tensor::from(backend, shape, random_values(shape.elements(), purpose)),
                                     gradient, {})) {}
  Tensor gradient;
  Variable variable;
};

Tensor random_tensor(Backend& backend, const Shape& shape, uint32_t purpose) {
  return Tensor::from(backend, shape, random_values(shape.elements(), purpose));
}

}  // namespace

TEST_CASE("an input that an op has twice gets the sum of both gradients, in every op that can") {
  int64_t tried = 0;
  for (const Op& op : op_table()) {
    if (!op.has_gradient) continue;
    for (const OpCase& op_case : op.cases) {
      // The first two inputs of one shape and role.
      for (size_t second = 1; second < op_case.inputs.size(); ++second) {
        const Input &a = op_case.inputs[0], &b = op_case.inputs[second];
        if (!(a.shape == b.shape) || a.role != b.role) continue;
        ++tried;
        for (Backend* backend : backends_under_test()) {
          INFO(op.name, " ", op_case.label, " on ", backend->description());
          std::vector<Matrix> inputs = input_values(op_case, DType::float32);
          inputs[second] = inputs[0];
          const Outcome apart = run(op_case.call, op_case, inputs, *backend, DType::float32);
          const Call twice = [&](const std::vector<Variable>& x, DType dtype) {
            std::vector<Variable> repeated = x;
            repeated[second] = x[0];
            return op_case.call(repeated, dtype);
          };
          const Outcome both = run(twice, op_case, inputs, *backend, DType::float32);
          const Matrix sum = reference::add(apart.gradients[0], apart.gradients[second]);
          CHECK(distance(both.gradients[0], sum).within(1e-6, 1e-6));
        }
        break;
      }
    }
  }
  CHECK(tried >= 10);
}

TEST_CASE("a gradient from outside is the starting point, of a result of any shape") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    const Leaf w(*backend, {4, 3}, 1);
    const Tensor x = random_tensor(*backend, {5, 3}, 2), dy = random_tensor(*backend, {5, 4}, 3);
    backward(linear(Variable(x), w.variable, {}), dy);
    const Matrix slopes = load(dy), inputs = load(x), found = load(w.gradient);
    for (int64_t o = 0; o < 4; ++o) {
      for (int64_t i = 0; i < 3; ++i) {
        double expected = 0;
        for (int64_t t = 0; t < 5; ++t) expected += slopes(t, o) * inputs(t, i);
        CHECK(found(o, i) == doctest::Approx(expected).epsilon(1e-5));
      }
    }
    CHECK_THROWS_WITH_AS(
        backward(linear(Variable(x), w.variable, {}), x),
        "[backward] the result has shape [5, 4] and type float32, its gradient [5, 3] and float32", Error);
    CHECK_THROWS_WITH_AS(backward(Variable(x), x), "[backward] the result depends on no parameter", Error);
    CHECK_THROWS_WITH_AS(backward(w.variable, w.variable.value()),
                         "[backward] the result is a leaf: nothing was computed", Error);
  }
}

TEST_CASE("a backward function that forgets an input, or asks for one that is not there, is told so") {
  Backend& backend = naive_backend();
  const Leaf a(backend, {3}, 1), b(backend, {3}, 2);
  const auto run_with = [&](const Backward& function) {
    backward(record("add", Tensor::zeros(backend, {1}), {a.variable, b.variable}, function),
             Tensor::zeros(backend, {1}));
  };
  CHECK_THROWS_WITH_AS(run_with([](const Tensor&, Grads& d) { d[0]; }),
                       "[add] the backward function gives no gradient for input 1", Error);
  CHECK_THROWS_WITH_AS(run_with([](const Tensor&, Grads& d) { d[0], d[1], d[2]; }),
                       "[add] the backward function asks for the gradient of input 2 of 2", Error);
}

TEST_CASE("each parameter is reported once, when its gradient is final, and the last used one first") {
  Backend& backend = naive_backend();
  const Leaf first(backend, {3, 3}, 1), second(backend, {3, 3}, 2), shared(backend, {3, 3}, 3),
      idle(backend, {3}, 4);
  const auto forward = [&] {
    const Variable x(random_tensor(backend, {2, 3}, 5));
    const Variable h = linear(linear(x, first.variable, {}), shared.variable, {});
    return linear(linear(h, second.variable, {}), shared.variable, {});
  };
  const std::map<const Node*, const Leaf*> leaves{{first.variable.node().get(), &first},
                                                  {second.variable.node().get(), &second},
                                                  {shared.variable.node().get(), &shared},
                                                  {idle.variable.node().get(), &idle}};
  const Tensor dy = random_tensor(backend, {2, 3}, 6);
  for (const bool recomputed : {false, true}) {
    CAPTURE(recomputed);
    for (const auto& [node, leaf] : leaves) leaf->gradient.fill_zero();
    std::vector<const Leaf*> order;
    std::vector<std::vector<float>> gradients;
    Variable y = forward();
    if (recomputed) {
      const Variable x(random_tensor(backend, {2, 3}, 5));
      const Variable h = recompute(
          [&](const Variable& in) { return linear(linear(in, first.variable, {}), shared.variable, {}); }, x);
      y = recompute(
          [&](const Variable& in) { return linear(linear(in, second.variable, {}), shared.variable, {}); },
          h);
    }
    backward(y, dy, [&](const Node& parameter) {
      order.push_back(leaves.at(&parameter));
      gradients.push_back(order.back()->gradient.to_host());
    });
    REQUIRE(order.size() == 3);
    CHECK(order[0] == &second);
    for (size_t i = 0; i < order.size(); ++i) CHECK(order[i]->gradient.to_host() == gradients[i]);
    CHECK(std::set<const Leaf*>(order.begin(), order.end()) ==
          std::set<const Leaf*>{&first, &second, &shared});
  }
}

TEST_CASE("recomputed, parameters and inputs get the same bits, and what lies between is not kept") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    const Leaf w1(*backend, {64, 16}, 1), b1(*backend, {64}, 2), w2(*backend, {16, 64}, 3),
        in(*backend, {40, 16}, 4);
    const Dropout mask{0.3F, {5, 6}, 7, Tensor::from(*backend, {2}, std::vector<int32_t>{1, 2})};
    const auto layer = [&](const Variable& x) {
      const Variable wide = activation(linear(x, w1.variable, b1.variable), Activation::gelu);
      return add(linear(dropout(wide, mask), w2.variable, {}), x);
    };
    const Tensor dy = random_tensor(*backend, {40, 16}, 5);
    std::vector<std::vector<float>> results[2];
    size_t kept[2] = {};
    for (const bool recomputed : {false, true}) {
      for (const Leaf* leaf : {&w1, &b1, &w2, &in}) leaf->gradient.fill_zero();
      const size_t before = backend->memory().current;
      Variable x = in.variable;
      for (int i = 0; i < 3; ++i) x = recomputed ? recompute(layer, x) : layer(x);
      kept[recomputed] = backend->memory().current - before;
      results[recomputed].push_back(x.value().to_host());
      backward(x, dy);
      for (const Leaf* leaf : {&w1, &b1, &w2, &in}) results[recomputed].push_back(leaf->gradient.to_host());
    }
    CHECK(results[0] == results[1]);
    CHECK(kept[1] == 3 * 40 * 16 * sizeof(float));
    CHECK(kept[0] > 8 * kept[1]);
    // Evaluated it is the function alone; where nothing is asked of the input, the parameters still get their gradient.
    const RecordingScope scope(RecordingScope::Mode::evaluate);
    CHECK_FALSE(recompute(layer, in.variable).requires_grad());
  }
  Backend& backend = naive_backend();
  const Leaf w(backend, {2, 3}, 1);
  const Variable constant(random_tensor(backend, {4, 3}, 2));
  const Tensor dy = random_tensor(backend, {4, 2}, 3);
  const auto f = [&](const Variable& x) { return linear(x, w.variable, {}); };
  backward(recompute(f, constant), dy);
  const std::vector<float> recomputed = w.gradient.to_host();
  w.gradient.fill_zero();
  backward(f(constant), dy);
  CHECK(w.gradient.to_host() == recomputed);
}

TEST_CASE("a graph is used once, and an op without a gradient can't be recorded") {
  Backend& backend = naive_backend();
  const Leaf w(backend, {2, 3}, 1);
  const Variable x(random_tensor(backend, {4, 3}, 2));
  const Tensor dy = random_tensor(backend, {4, 2}, 3);
  const Variable y = linear(x, w.variable, {});
  backward(y, dy);
  CHECK_THROWS_WITH_AS(backward(y, dy), "[linear] the graph was freed by an earlier backward()", Error);
  const auto fused = [&] { return linear_activation(x, w.variable, {}, Activation::gelu); };
  CHECK_THROWS_WITH_AS(
      fused(), "[linear_activation] this op has no gradient: it is for evaluation, where nothing is recorded",
      Error);
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  CHECK(fused().shape() == Shape{4, 2});
}
