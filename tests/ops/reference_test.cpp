// The reference formulas against PyTorch's results in double (tests/golden/torch_formulas.py), so that what
// every backend is measured with has itself been measured.
#include <doctest/doctest.h>

#include <cmath>

#include "nn/device_step.h"
#include "tests/files.h"
#include "tests/gradcheck.h"
#include "tests/json.h"
#include "tests/op_run.h"
#include "tests/reference.h"

using namespace gradus;
using reference::Matrix;

namespace {

Json golden() { return json_of(file_content(source_file("tests/golden/torch_formulas.json"))); }

// As in the script: element i of tensor `number` is sin(0.7 i + number).
Matrix wave(int number, int64_t rows, int64_t columns, double scale = 1) {
  Matrix matrix(rows, columns);
  for (int64_t i = 0; i < matrix.size(); ++i)
    matrix[i] = scale * std::sin(0.7 * static_cast<double>(i) + number);
  return matrix;
}

void check_same(const Matrix& actual, const Json& expected, double tolerance = 1e-13) {
  const auto values = expected.get<std::vector<double>>();
  REQUIRE(static_cast<size_t>(actual.size()) == values.size());
  const Distance found = distance(actual, values);
  CHECK_MESSAGE(found.within(tolerance, 0), "off by ", found.difference, " of ", found.norm);
}

}  // namespace

TEST_CASE("the reference formulas are PyTorch's") {
  const Json expected = golden();
  const std::pair<const char*, Activation> kinds[] = {
      {"none", Activation::none},           {"gelu", Activation::gelu}, {"gelu_tanh", Activation::gelu_tanh},
      {"fast_gelu", Activation::fast_gelu}, {"relu", Activation::relu}, {"tanh", Activation::tanh}};
  for (const auto& [name, kind] : kinds) {
    INFO(name);
    const Matrix x = wave(1, 1, 40, 4);
    check_same(reference::activation(x, kind), expected["activation"][name]["y"]);
    Matrix slope(1, 40);
    for (int64_t i = 0; i < slope.size(); ++i) slope[i] = reference::activation_slope(x[i], kind);
    check_same(slope, expected["activation"][name]["slope"]);
  }
  check_same(reference::linear(wave(1, 4, 3), wave(2, 5, 3), wave(3, 1, 5)), expected["linear"]);
  check_same(reference::layer_norm(wave(1, 4, 7), wave(2, 1, 7), wave(3, 1, 7), 1e-5).y,
             expected["layer_norm"]);
  check_same(reference::attention(wave(1, 9, 18), {{0, 3}, {3, 4}, {4, 9}}, 2, {}).context,
             expected["attention"]);
  check_same(reference::lstm(wave(1, 8, 24), wave(2, 24, 3), {{0, 4}, {4, 5}, {5, 8}}).y, expected["lstm"]);
  CHECK(reference::cross_entropy(wave(1, 5, 4, 3), {3, -1, 0, 2, -1}, {}).loss / 7 ==
        doctest::Approx(expected["cross_entropy"].get<double>()).epsilon(1e-13));
}

TEST_CASE("adam with bias correction is PyTorch's AdamW, on every backend") {
  const Json expected = golden()["adamw"];
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    const Tensor p = Tensor::empty(*backend, {6}), g = Tensor::empty(*backend, {6});
    const std::vector<Tensor> moments{Tensor::zeros(*backend, {6}), Tensor::zeros(*backend, {6})};
    const auto segments = std::make_shared<const std::vector<Segment>>(1, Segment{0, 6, true});
    const RuleNumbers rule{0.8F, 0.95F, 1e-3F, 0.2F};
    const Tensor norms = Tensor::empty(*backend, {1}), scales = Tensor::empty(*backend, {1});
    DeviceStep step(*backend);
    store(wave(1, 1, 6), p);
    for (int i = 0; i < 4; ++i) {
      store(wave(2 + i, 1, 6), g);
      step.begin(static_cast<uint32_t>(i), 0.1F, {});
      backend->segment_norms({g, segments, norms});
      backend->prepare_update(
          {.norms = norms, .numbers = step.numbers(), .clip = Clip::none, .rule = rule, .scales = scales});
      backend->update_parameters({.rule = UpdateRule::adam,
                                  .constants = rule,
                                  .parameters = p,
                                  .gradients = g,
                                  .states = moments,
                                  .segments = segments,
                                  .scales = scales,
                                  .numbers = step.numbers()});
    }
    check_same(reference::load(p), expected, 1e-6);
  }
}
