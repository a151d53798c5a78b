// Linear maps by weights in 8 bits: exact where rounding has nothing to do, and nothing lost in silence.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "autograd/ops.h"
#include "tests/normal_values.h"
#include "tests/on_each_backend.h"

using namespace gradus;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float no_number = std::numeric_limits<float>::quiet_NaN();

// Each row of a weight or an input on steps of its own, from its least to its greatest, and what they are multiples of.
std::vector<float> on_steps(int64_t rows, int64_t columns, int32_t least, int32_t greatest, float step) {
  std::vector<float> values;
  for (int64_t row = 0; row < rows; ++row) {
    const float own = step * static_cast<float>(1 << (row % 5));
    for (int64_t i = 0; i < columns; ++i) {
      const auto mixed = static_cast<int32_t>((i * 89 + row * 31) % (greatest - least + 1));
      const int32_t number = i == 0 ? least : i == 1 ? greatest : least + mixed;
      values.push_back(own * static_cast<float>(number));
    }
  }
  return values;
}

std::vector<float> evaluate(Backend& backend, const std::vector<float>& x, const std::vector<float>& w,
                            const std::vector<float>& b, Activation kind = Activation::none) {
  const auto outputs = std::ssize(b), inputs = std::ssize(w) / outputs;
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  const Variable input(Tensor::from(backend, {std::ssize(x) / inputs, inputs}, x));
  const QuantizedWeight weight = QuantizedWeight::of(Tensor::from(backend, {outputs, inputs}, w));
  return quantized_linear(input, weight, Variable(Tensor::from(backend, {outputs}, b)), kind)
      .value()
      .to_host();
}

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE(
    "numbers that lie on the steps are multiplied as they are, however many rows and columns there are") {
  struct Size {
    int64_t rows, inputs, outputs;
  };
  for (const auto& [rows, inputs, outputs] :
       {Size{1, 2, 1}, {3, 17, 5}, {16, 64, 100}, {97, 130, 33}, {200, 48, 400}, {530, 32, 40}}) {
    INFO(rows, " rows of ", inputs, " to ", outputs);
    const std::vector<float> x = on_steps(rows, inputs, -100, 155, 0.25F);
    const std::vector<float> w = on_steps(outputs, inputs, -127, 127, 0.5F);
    std::vector<float> b(static_cast<size_t>(outputs));
    for (size_t o = 0; o < b.size(); ++o) b[o] = static_cast<float>(o) - 7;
    on_each_backend(DType::int8, [&](Backend& backend) {
      const std::vector<float> y = evaluate(backend, x, w, b);
      double worst = 0;
      for (int64_t t = 0; t < rows; ++t) {
        for (int64_t o = 0; o < outputs; ++o) {
          double sum = b[static_cast<size_t>(o)], size = std::abs(sum);
          for (int64_t i = 0; i < inputs; ++i) {
            const double term = static_cast<double>(x[static_cast<size_t>(t * inputs + i)]) *
                                static_cast<double>(w[static_cast<size_t>(o * inputs + i)]);
            sum += term;
            size += std::abs(term);
          }
          worst = std::max(worst, std::abs(y[static_cast<size_t>(t * outputs + o)] - sum) / size);
        }
      }
      CHECK(worst <= 1e-6);
    });
  }
}

TEST_CASE("a row with anything infinite or no number in it gives no numbers, and the others give theirs") {
  const std::vector<float> w = on_steps(3, 19, -127, 127, 0.5F), b{1, 2, 3};
  const std::vector<float> good = on_steps(4, 19, -100, 155, 0.25F);
  on_each_backend(DType::int8, [&](Backend& backend) {
    const std::vector<float> expected = evaluate(backend, good, w, b);
    for (const float bad : {no_number, infinity, -infinity}) {
      for (const size_t place : {size_t{0}, size_t{7}, size_t{18}}) {
        INFO(bad, " at ", place);
        std::vector<float> x = good;
        x[19 + place] = bad;
        const std::vector<float> y = evaluate(backend, x, w, b);
        for (size_t i = 0; i < y.size(); ++i) {
          if (i / 3 == 1) CHECK(!std::isfinite(y[i]));
          else CHECK(y[i] == expected[i]);
        }
      }
      // The same of a weight is that output's.
      std::vector<float> broken = w;
      broken[25] = bad;
      const std::vector<float> y = evaluate(backend, good, broken, b);
      for (size_t i = 0; i < y.size(); ++i) CHECK(std::isfinite(y[i]) == (i % 3 != 1));
    }
    // A range that no float has is none either.
    std::vector<float> wide = good;
    wide[0] = -3e38F;
    wide[1] = 3e38F;
    CHECK(!std::isfinite(evaluate(backend, wide, w, b)[0]));
  });
}

TEST_CASE("rows of one number, of nearly one, and of zeros are as exact as others") {
  const std::vector<float> w = on_steps(2, 20, -127, 127, 0.5F), b{0.5F, -2};
  on_each_backend(DType::int8, [&](Backend& backend) {
    std::vector<float> sums(2);
    for (size_t i = 0; i < w.size(); ++i) sums[i / 20] += w[i];
    for (const float value : {0.0F, 3.5F, -1e-3F, 1e-36F}) {
      CAPTURE(value);
      const std::vector<float> y = evaluate(backend, std::vector<float>(20, value), w, b);
      for (size_t o = 0; o < 2; ++o) CHECK(std::abs(y[o] - (value * sums[o] + b[o])) <= 1e-6F * 20);
    }
    std::vector<float> tiny(20, 1e-38F);  // steps of what is no normal number
    tiny[3] = 0;
    for (size_t o = 0; o < 2; ++o) CHECK(std::abs(evaluate(backend, tiny, w, b)[o] - b[o]) <= 1e-6F);
    // A weight of zeros, and one of numbers too small for a scale.
    for (const float value : {0.0F, 1e-39F})
      CHECK(evaluate(backend, tiny, std::vector<float>(40, value), b) == b);
  });
}

TEST_CASE("rounding both to 8 bits loses no more than half a step of each") {
  const int64_t rows = 40, inputs = 96, outputs = 24;
  const std::vector<float> x = normal_values(rows * inputs, 1, 1), w = normal_values(outputs * inputs, 2, 1);
  const std::vector<float> b(static_cast<size_t>(outputs), 0.0F);
  on_each_backend(DType::int8, [&](Backend& backend) {
    const std::vector<float> y = evaluate(backend, x, w, b);
    for (int64_t t = 0; t < rows; ++t) {
      const auto x_begin = x.begin() + t * inputs;
      const auto [low, high] = std::minmax_element(x_begin, x_begin + inputs);
      const double x_step = (static_cast<double>(*high) - *low) / 255;
      for (int64_t o = 0; o < outputs; ++o) {
        double exact = 0, bound = 1e-4, largest = 0;
        const auto w_begin = w.begin() + o * inputs;
        for (int64_t i = 0; i < inputs; ++i) largest = std::max(largest, std::abs(double{w_begin[i]}));
        const double w_step = largest / 127;
        for (int64_t i = 0; i < inputs; ++i) {
          exact += static_cast<double>(x_begin[i]) * w_begin[i];
          bound += std::abs(double{w_begin[i]}) * x_step / 2 +
                   (std::abs(double{x_begin[i]}) + x_step / 2) * w_step / 2;
        }
        CHECK(std::abs(y[static_cast<size_t>(t * outputs + o)] - exact) <= bound);
      }
    }
  });
}

TEST_CASE("what does not fit is refused, and so is a gradient") {
  on_each_backend(DType::int8, [](Backend& backend) {
    const auto zeros = [&](const Shape& shape, DType dtype = DType::float32) {
      return Tensor::zeros(backend, shape, dtype);
    };
    const QuantizedWeight w = QuantizedWeight::of(zeros({3, 4}));
    const Variable b(zeros({3}));
    const auto refused = [&](const Tensor& x, const QuantizedWeight& weight, const Variable& bias) {
      const RecordingScope scope(RecordingScope::Mode::evaluate);
      return error_of([&] { quantized_linear(Variable(x), weight, bias, Activation::none); });
    };
    CHECK(refused(zeros({2, 4}), w, b).empty());
    CHECK(refused(zeros({2, 5}), w, b) ==
          "[quantized_linear] input [2, 5] and weight [3, 4] differ in their last dimension");
    CHECK(refused(zeros({2, 4}, DType::bfloat16), w, b) ==
          "[quantized_linear] the input is bfloat16: expected float32");
    CHECK(refused(zeros({4}), w, b) == "[quantized_linear] the input has shape [4]: expected 2 dimensions");
    CHECK(refused(zeros({2, 4}), w, Variable(zeros({4}))) ==
          "[quantized_linear] the bias has shape [4]: expected [3]");
    CHECK(refused(zeros({2, 0}), QuantizedWeight::of(zeros({3, 0})), b) ==
          "[quantized_linear] 0 inputs, expected 1 to 65536");
    CHECK(refused(zeros({1, 65537}), QuantizedWeight::of(zeros({3, 65537})), b) ==
          "[quantized_linear] 65537 inputs, expected 1 to 65536");
    CHECK(error_of([&] { w.set_rows(2, std::vector<float>(8)); }) ==
          "[quantized weight] 8 numbers for rows from 2 on of shape [3, 4]");
    CHECK(error_of([&] { w.set_rows(0, std::vector<float>(5)); }) ==
          "[quantized weight] 5 numbers for rows from 0 on of shape [3, 4]");
    const Variable wanted = Variable::parameter(zeros({2, 4}), zeros({2, 4}), {});
    CHECK(error_of([&] { quantized_linear(wanted, w, b, Activation::none); }) ==
          "[quantized_linear] this op has no gradient: it is for evaluation, where nothing is recorded");
  });
}

TEST_CASE("sums of the largest numbers there are do not run over") {
  constexpr int64_t inputs = 65536;
  std::vector<float> x(inputs, 255.0F), w(inputs, 127.0F);
  x[0] = 0;  // the least, so that the others are 255 steps
  on_each_backend(DType::int8, [&](Backend& backend) {
    const double expected = 255.0 * 127.0 * (inputs - 1);
    CHECK(std::abs(evaluate(backend, x, w, {0.0F})[0] - expected) <= 1e-6 * expected);
  });
}
