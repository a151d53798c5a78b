// What the op table does not say of losses: what is refused, and that a gradient is zero where
// nothing counts.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/op_run.h"

using namespace gradus;

namespace {

template <typename T>
Tensor tensor(Backend& backend, const Shape& shape, const std::vector<T>& values) {
  return Tensor::from(backend, shape, std::span<const T>(values));
}

// Calls `check` with logits whose gradient is wanted, and their gradient.
template <typename Check>
void on_each_backend(const Shape& shape, const std::vector<float>& values, Check&& check) {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    const Tensor gradient = Tensor::zeros(*backend, shape);
    check(*backend, Variable::parameter(tensor(*backend, shape, values), gradient, {}), gradient);
  }
}

}  // namespace

TEST_CASE("with class weights the loss over their sum is the weighted mean") {
  const std::vector<float> logits{1, 0, 0, 2, 5, 5};
  // -log softmax of the labelled class: log(1 + e^-1), log(1 + e^2); the third row does not count.
  const double first = std::log(1 + std::exp(-1.0)), second = std::log(1 + std::exp(2.0));
  on_each_backend({3, 2}, logits, [&](Backend& backend, const Variable& x, const Tensor& gradient) {
    const Tensor labels = tensor<int32_t>(backend, {3}, {0, 0, -100});
    const Tensor weights = tensor<float>(backend, {2}, {0.5F, 3});
    const Variable same = cross_entropy(x, labels, weights);
    CHECK(same.value().item() / (2 * 0.5F) == doctest::Approx((first + second) / 2).epsilon(1e-6));

    const Tensor other_labels = tensor<int32_t>(backend, {3}, {0, 1, -100});
    const Variable loss = weighted_sum({cross_entropy(x, other_labels, weights)},
                                       tensor<float>(backend, {1}, {1 / (0.5F + 3)}));
    CHECK(loss.value().item() == doctest::Approx((0.5 * first + 3 * (second - 2)) / 3.5).epsilon(1e-6));
    backward(loss);
    const std::vector<float> slopes = gradient.to_host();
    CHECK(slopes[0] == doctest::Approx(-0.5 / 3.5 / (1 + std::exp(1.0))).epsilon(1e-6));
    CHECK(slopes[2] == doctest::Approx(3 / 3.5 / (1 + std::exp(2.0))).epsilon(1e-6));
    CHECK(slopes[4] == 0);
    CHECK(slopes[5] == 0);
  });
}

TEST_CASE("rows without a label may hold anything") {
  on_each_backend({3, 2}, {NAN, 1, 0, 0, 5, INFINITY},
                  [](Backend& backend, const Variable& x, const Tensor& gradient) {
                    const Tensor labels = tensor<int32_t>(backend, {3}, {-1, 1, -100});
                    const Variable loss = cross_entropy(x, labels, {});
                    CHECK(loss.value().item() == doctest::Approx(std::log(2.0)).epsilon(1e-6));
                    backward(loss);
                    CHECK(gradient.to_host() == std::vector<float>{0, 0, 0.5F, -0.5F, 0, 0});
                  });
}

namespace {

void check_near(const std::vector<float>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    CHECK(static_cast<double>(found[i]) == doctest::Approx(expected[i]).epsilon(1e-5));
}

}  // namespace

TEST_CASE("smoothed labels, with weights of the classes, are PyTorch's") {
  // torch.nn.functional.cross_entropy(x, [2, 1], weight, label_smoothing=0.2, reduction='sum') in float64; a row without a label beside.
  const std::vector<float> logits{1, -2, 0.5F, NAN, 0, 0, 0.25F, 3, -1};
  on_each_backend({3, 3}, logits, [&](Backend& backend, const Variable& x, const Tensor& gradient) {
    const Tensor labels = tensor<int32_t>(backend, {3}, {2, -100, 1});
    const Variable loss = cross_entropy(x, labels, tensor<float>(backend, {3}, {0.5F, 2, 1}), 0.2F);
    CHECK(static_cast<double>(loss.value().item()) == doctest::Approx(1.8579831683278756).epsilon(1e-6));
    backward(loss);
    check_near(gradient.to_host(), {0.5905405260202468, -0.1022724828447735, -0.4882680431754731, 0, 0, 0,
                                    0.07496122225293544, -0.03932146523557725, -0.03563975701735818});
  });
}

TEST_CASE(
    "classes that hold together: PyTorch's loss, whatever the size of the logits, and rows after the last "
    "target do not count") {
  // torch.nn.functional.binary_cross_entropy_with_logits(x, targets, reduction='sum') in float64.
  const std::vector<float> logits{1, -2, 100, -100, NAN, INFINITY};
  on_each_backend({3, 2}, logits, [&](Backend& backend, const Variable& x, const Tensor& gradient) {
    const Variable loss = sigmoid_cross_entropy(x, tensor<float>(backend, {2, 2}, {1, 0.25F, 1, 1}));
    CHECK(static_cast<double>(loss.value().item()) == doctest::Approx(100.9401896985612).epsilon(1e-6));
    backward(loss);
    check_near(gradient.to_host(), {-0.2689414213699951, -0.13079707797788245, 0, -1, 0, 0});
  });
  // What is no number stays none: a run that diverges is seen.
  on_each_backend({1, 2}, {NAN, 1}, [&](Backend& backend, const Variable& x, const Tensor& gradient) {
    const Variable loss = sigmoid_cross_entropy(x, tensor<float>(backend, {1, 2}, {0, 1}));
    CHECK(std::isnan(loss.value().item()));
    backward(loss);
    CHECK(std::isnan(gradient.to_host()[0]));
  });
}

TEST_CASE("rows after the last target do not count") {
  on_each_backend({3, 1}, {1, 5, NAN}, [](Backend& backend, const Variable& x, const Tensor& gradient) {
    const Variable loss = squared_error(x, tensor<float>(backend, {2}, {3, 4}));
    CHECK(loss.value().item() == 5);
    backward(loss);
    CHECK(gradient.to_host() == std::vector<float>{-4, 2, 0});
  });
}

TEST_CASE("a span's ends are sought among the tokens of its own sequence, and filler rows get no gradient") {
  const std::vector<float> logits{0, 0, 0, 0, 7, 7, 1, 0, NAN, NAN};  // lengths 2 and 2, one filler row
  const double last = std::log(1 + std::exp(-6.0)), first = std::log(2.0);
  on_each_backend({5, 2}, logits, [&](Backend& backend, const Variable& x, const Tensor& gradient) {
    const Packing packing{tensor<int32_t>(backend, {3}, {0, 2, 4}), 2};
    const Tensor positions = tensor<int32_t>(backend, {2, 2}, {0, -1, 0, -1});
    const Variable loss = span_cross_entropy(x, packing, positions);
    CHECK(loss.value().item() == doctest::Approx(first + last).epsilon(1e-6));
    backward(loss);
    const std::vector<float> slopes = gradient.to_host();
    CHECK(slopes[0] == doctest::Approx(-0.5).epsilon(1e-6));
    CHECK(slopes[2] == doctest::Approx(0.5).epsilon(1e-6));
    CHECK(slopes[4] == doctest::Approx(-1 / (1 + std::exp(6.0))).epsilon(1e-5));
    for (const size_t i : {1, 3, 5, 7, 8, 9}) CHECK(slopes[i] == 0);
  });
}

TEST_CASE("losses refuse what does not fit") {
  on_each_backend({4, 2}, std::vector<float>(8), [](Backend& backend, const Variable& x, const Tensor&) {
    const Tensor labels = tensor<int32_t>(backend, {4}, {0, 1, 0, 1});
    CHECK_THROWS_WITH_AS(cross_entropy(x, labels, tensor<float>(backend, {3}, {1, 1, 1})),
                         "[cross_entropy] class weights has shape [3]: expected [2]", Error);

    CHECK_THROWS_WITH_AS(cross_entropy(x, labels, {}, 1),
                         "[cross_entropy] smoothing 1: expected at least 0 and below 1", Error);

    const Tensor many = tensor<float>(backend, {4, 3}, std::vector<float>(12));
    CHECK_THROWS_WITH_AS(sigmoid_cross_entropy(x, many),
                         "[sigmoid_cross_entropy] targets has shape [4, 3]: expected one for each logit, "
                         "[4, 2], or fewer rows",
                         Error);
    const Tensor targets = tensor<float>(backend, {2}, {0, 0});
    CHECK_THROWS_WITH_AS(sigmoid_cross_entropy(x, targets),
                         "[sigmoid_cross_entropy] targets has shape [2]: expected 2 dimensions", Error);
    CHECK_THROWS_WITH_AS(squared_error(x, targets),
                         "[squared_error] predictions has shape [4, 2]: expected [4, 1]", Error);
    const Variable one(tensor<float>(backend, {1, 1}, {0}));
    CHECK_THROWS_WITH_AS(squared_error(one, targets),
                         "[squared_error] 2 targets: expected at most 1, one for each prediction", Error);
    CHECK_THROWS_WITH_AS(squared_error(one, {}),
                         "[squared_error] targets has shape []: expected 1 dimensions", Error);

    const Packing packing{tensor<int32_t>(backend, {3}, {0, 1, 4}), 3};
    const auto span = [&](const std::vector<int32_t>& positions) {
      const Shape shape{static_cast<int64_t>(positions.size()) / 2, 2};
      return span_cross_entropy(x, packing, tensor(backend, shape, positions));
    };
    span({0, 0, 2, 2});
    CHECK_THROWS_WITH_AS(span({0, 0}), "[span_cross_entropy] positions has shape [1, 2]: expected [2, 2]",
                         Error);
  });
}
