// Kernels that no operator calls: memory, predictions; and what they promise about order and
// threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/gradcheck.h"
#include "tests/naive_backend.h"
#include "tests/normal_values.h"
#include "tests/on_each_backend.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::load;

namespace {

std::vector<float> random_values(int64_t count, uint32_t purpose) {
  return normal_values(count, 77, purpose);
}

Tensor random_tensor(Backend& backend, const Shape& shape, uint32_t purpose) {
  return Tensor::from(backend, shape, random_values(shape.elements(), purpose));
}

// The result of `compute` on one thread and on two.
template <typename Compute>
auto on_one_and_two_threads(Backend& backend, Compute&& compute) {
  backend.set_threads(1);
  const auto one = compute();
  backend.set_threads(2);
  const auto two = compute();
  backend.set_threads(0);
  return std::pair(one, two);
}

}  // namespace

TEST_CASE("absent rows are zero, and what lies before the input is neither read nor written") {
  on_each_backend([](Backend& backend) {
    const std::vector<float> before(4, 7.0F);
    const Tensor memory = Tensor::from(backend, {3, 4}, std::vector<float>(12, 7.0F));
    const Tensor x = memory.slice(1, 3), y = Tensor::empty(backend, {3, 4}, DType::float32);
    const Tensor rows = Tensor::from(backend, {3}, std::vector<int32_t>{-1, 1, -1});
    backend.gather_rows_forward({x, rows, y});
    CHECK(y.to_host() == std::vector<float>{0, 0, 0, 0, 7, 7, 7, 7, 0, 0, 0, 0});
    const Tensor dy = random_tensor(backend, {3, 4}, 5);
    for (const bool accumulate : {false, true}) {
      x.fill_zero();
      backend.gather_rows_backward({dy, rows, {x, accumulate}});
      CHECK(memory.slice(0, 1).to_host() == before);
      CHECK(x.slice(0, 1).to_host() == std::vector<float>(4, 0.0F));
      CHECK(x.slice(1, 2).to_host() == dy.slice(1, 2).to_host());
    }
    backend.gather_rows_backward({dy, rows});  // nobody asks for it
  });
}

TEST_CASE("memory is aligned, counted while it lives, and copied by the view") {
  on_each_backend([](Backend& backend) {
    const size_t before = backend.memory().current;
    backend.reset_peak();
    {
      const Tensor x = random_tensor(backend, {5, 7}, 1);
      const Tensor odd = Tensor::empty(backend, {3}, DType::uint8);
      CHECK(reinterpret_cast<uintptr_t>(x.raw()) % 64 == 0);
      CHECK(reinterpret_cast<uintptr_t>(odd.raw()) % 64 == 0);
      CHECK(backend.memory().current >= before + x.bytes() + odd.bytes());
      x.slice(1, 3).fill_zero();
      x.slice(4, 5).copy_from_host(random_values(7, 2));
      std::vector<float> expected = random_values(35, 1);
      std::fill(expected.begin() + 7, expected.begin() + 21, 0.0F);
      const std::vector<float> last = random_values(7, 2);
      std::copy(last.begin(), last.end(), expected.begin() + 28);
      CHECK(x.to_host() == expected);
    }
    CHECK(backend.memory().current == before);
    CHECK(backend.memory().peak >= before + 35 * sizeof(float));
    backend.reset_peak();
    CHECK(backend.memory().peak == before);
  });
}

TEST_CASE("cast rounds to the nearest bfloat16, ties to even, and keeps what is not finite") {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values{1.0F,    1.00390625F, 1.01171875F, 1.0039063F, -0.0F,
                                  3.4e38F, infinity,    -infinity,   1e-40F,     0.1F};
  on_each_backend([&](Backend& backend) {
    const Tensor x = Tensor::from(backend, {10}, values);
    const Tensor narrow = Tensor::empty(backend, {10}, DType::bfloat16);
    const Tensor wide = Tensor::empty(backend, {10});
    backend.cast({x, {narrow}});
    backend.cast({narrow, {wide}});
    const std::vector<float> result = wide.to_host();
    for (size_t i = 0; i < values.size(); ++i) CHECK(result[i] == static_cast<float>(bfloat16(values[i])));
    CHECK(std::signbit(result[4]));
  });
}

// Rounding, said in another way than the constructor of bfloat16 does it.
uint32_t rounded_to_bfloat16(uint32_t word) {
  const uint32_t upper = word >> 16, rest = word & 0xffffU;
  return upper + (rest > 0x8000U || (rest == 0x8000U && upper % 2 == 1) ? 1 : 0);
}

TEST_CASE(
    "every bfloat16 and what lies about it rounds to the same bits in vectors and alone, denormal numbers "
    "too") {
  std::vector<uint32_t> words;
  for (uint32_t upper = 0; upper < 65536; ++upper) {
    for (const uint32_t lower : {0x0000U, 0x0001U, 0x3a5cU, 0x7fffU, 0x8000U, 0x8001U, 0xc3a5U, 0xffffU}) {
      words.push_back(upper << 16 | lower);
    }
  }
  std::vector<float> values(words.size());
  std::memcpy(values.data(), words.data(), words.size() * sizeof(float));
  const auto bits_of = [](float value) { return std::bit_cast<uint32_t>(value); };
  on_each_backend([&](Backend& backend) {
    // 5 elements more at the front, so that the ends of loops meet other values than 0.
    for (const size_t skipped : {0, 5}) {
      const auto count = static_cast<int64_t>(values.size() - skipped);
      const Tensor x = Tensor::from(backend, {count}, std::vector(values.begin() + skipped, values.end()));
      const Tensor narrow = Tensor::empty(backend, {count}, DType::bfloat16);
      backend.cast({x, {narrow}});
      const std::vector<float> result = narrow.to_host();
      int64_t wrong = 0;
      for (size_t i = 0; i < result.size(); ++i) {
        const uint32_t word = words[i + skipped], got = bits_of(result[i]);
        const bool is_nan = (word & 0x7fffffffU) > 0x7f800000U;
        const bool right = is_nan ? std::isnan(result[i]) && got >> 31 == word >> 31
                                  : got == rounded_to_bfloat16(word) << 16;
        wrong += right && got == bits_of(static_cast<float>(bfloat16(values[i + skipped]))) ? 0 : 1;
      }
      CHECK(wrong == 0);
    }
  });
}

TEST_CASE("count_nonfinite counts infinities and NaN, wherever they are and in both types") {
  on_each_backend([](Backend& backend) {
    for (const DType dtype : {DType::float32, DType::bfloat16}) {
      std::vector<float> values = random_values(1003, 3);
      const auto count = [&] {
        const Tensor x = Tensor::from(backend, {1003}, values);
        const Tensor typed = Tensor::empty(backend, {1003}, dtype);
        backend.cast({x, {typed}});
        return typed.count_nonfinite();
      };
      CHECK(count() == 0);
      values[0] = std::numeric_limits<float>::quiet_NaN();
      values[500] = std::numeric_limits<float>::infinity();
      values[1002] = -std::numeric_limits<float>::infinity();
      CHECK(count() == 3);
    }
  });
}

TEST_CASE("gradients that may lie in their source's place come out the same there") {
  on_each_backend([](Backend& backend) {
    constexpr int64_t rows = 7, columns = 33;
    const auto tensor = [&](const Shape& shape, uint32_t purpose) {
      return random_tensor(backend, shape, purpose);
    };
    const Tensor x = tensor({rows, columns}, 1), dy = tensor({rows, columns}, 2);
    for (const Activation kind : {Activation::gelu, Activation::relu}) {
      const Tensor apart = Tensor::empty(backend, {rows, columns}),
                   again = Tensor::empty(backend, {rows, columns}),
                   y = Tensor::empty(backend, {rows, columns}), in_place = tensor({rows, columns}, 2);
      backend.activation_forward({x, kind, y});
      backend.activation_backward({dy, x, kind, {apart}});
      backend.activation_backward({in_place, x, kind, {in_place}, again});
      CHECK(in_place.to_host() == apart.to_host());
      CHECK(again.to_host() == y.to_host());
    }
    const Tensor labels = Tensor::from(backend, {rows}, std::vector<int32_t>{3, -100, 0, 32, 7, 7, -1});
    const Tensor loss = Tensor::empty(backend, {1}), lse = Tensor::empty(backend, {rows}),
                 dloss = Tensor::from(backend, {1}, std::vector<float>{0.5F});
    backend.cross_entropy_forward({x, labels, {}, loss, lse});
    const Tensor apart = Tensor::empty(backend, {rows, columns}), logits = tensor({rows, columns}, 1);
    backend.cross_entropy_backward({dloss, x, labels, {}, lse, {apart}});
    backend.cross_entropy_backward({dloss, logits, labels, {}, lse, {logits}});
    CHECK(logits.to_host() == apart.to_host());
  });
}

TEST_CASE("layer norms of wide rows, of many rows, and sums over many rows are those of the naive backend") {
  on_each_backend([](Backend& backend) {
    const auto result_on = [](Backend& on, int64_t rows, int64_t columns) {
      const auto values = [&](const Shape& shape, uint32_t purpose) {
        return random_tensor(on, shape, purpose);
      };
      const auto fresh = [&](const Shape& shape) { return Tensor::empty(on, shape); };
      const Tensor x = values({rows, columns}, 1), gamma = values({columns}, 2), y = fresh({rows, columns}),
                   mean = fresh({rows}), rstd = fresh({rows}), dx = fresh({rows, columns}),
                   dgamma = fresh({columns}), dbeta = fresh({columns});
      on.layer_norm_forward(
          {.x = x, .gamma = gamma, .beta = gamma, .eps = 1e-5F, .y = y, .mean = mean, .rstd = rstd});
      on.layer_norm_backward({.dy = x,
                              .sum = x,
                              .gamma = gamma,
                              .mean = mean,
                              .rstd = rstd,
                              .dx = {dx},
                              .dgamma = {dgamma},
                              .dbeta = {dbeta}});
      const Tensor predictions = values({rows, 1}, 3), targets = values({rows}, 4), loss = fresh({1});
      on.squared_error_forward({predictions, targets, loss});
      std::vector<float> all;
      for (const Tensor& tensor : {y, dx, dgamma, dbeta, loss})
        for (const float value : tensor.to_host()) all.push_back(value);
      return all;
    };
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{131, 5}, {3, 3100}, {700, 2}}) {
      const std::vector<float> ours = result_on(backend, rows, columns),
                               naive = result_on(naive_backend(), rows, columns);
      REQUIRE(ours.size() == naive.size());
      for (size_t i = 0; i < ours.size(); ++i)
        CHECK(std::abs(ours[i] - naive[i]) <= 2e-4F * (1 + std::abs(naive[i])));
    }
  });
}

TEST_CASE("tensors that begin at an odd place are read and written as others are") {
  on_each_backend([](Backend& backend) {
    const std::vector<float> values = random_values(1003, 3);
    const Tensor x = Tensor::from(backend, {1003}, values),
                 rounded = Tensor::empty(backend, {1003}, DType::bfloat16),
                 back = Tensor::empty(backend, {1003});
    for (const int64_t first : {1, 3, 8}) {
      const int64_t count = 1003 - first;
      const auto part = [&](const Tensor& tensor) { return tensor.view(first, {count}); };
      backend.cast({part(x), {part(rounded)}});
      backend.cast({part(rounded), {part(back)}});
      backend.add_forward({part(x), part(x), part(back)});
      const std::vector<float> twice = back.to_host();
      for (int64_t i = 0; i < count; ++i)
        CHECK(twice[static_cast<size_t>(first + i)] == 2 * values[static_cast<size_t>(first + i)]);
    }
  });
}

TEST_CASE("argmax takes the lowest of equal elements") {
  on_each_backend([](Backend& backend) {
    const Tensor x = Tensor::from(backend, {4, 3}, std::vector<float>{1, 3, 3, -2, -2, -2, 0, 0, 1, 5, 4, 5});
    const Tensor y = Tensor::empty(backend, {4}, DType::int32);
    backend.argmax({x, y});
    CHECK(y.to_host_int() == std::vector<int32_t>{1, 0, 2, 0});

    const Tensor wide = random_tensor(backend, {7, 1003}, 4);
    const Tensor best = Tensor::empty(backend, {7}, DType::int32);
    backend.argmax({wide, best});
    const std::vector<float> values = wide.to_host();
    for (int64_t row = 0; row < 7; ++row) {
      const auto begin = values.begin() + row * 1003;
      CHECK(best.to_host_int()[static_cast<size_t>(row)] == std::max_element(begin, begin + 1003) - begin);
    }
  });
}

TEST_CASE("the embedding gradient adds to the table and has the same bits on any number of threads") {
  const int64_t tokens = 3000;
  const int64_t hidden = 48;
  std::vector<int32_t> ids;  // few rows, each named often
  RandomSequence random(8, 0);
  for (int64_t t = 0; t < tokens; ++t) ids.push_back(static_cast<int32_t>(random.below(11)));
  const auto gradient = [&](Backend& backend) {
    const Tensor table = random_tensor(backend, {13, hidden}, 5);
    backend.embedding_backward({random_tensor(backend, {tokens, hidden}, 6),
                                Tensor::from(backend, {tokens}, std::span<const int32_t>(ids)), table});
    return table.to_host();
  };
  const std::vector<float> expected = gradient(naive_backend());
  on_each_backend([&](Backend& backend) {
    const auto [one, two] = on_one_and_two_threads(backend, [&] { return gradient(backend); });
    CHECK(one == two);
    CHECK(distance(one, expected).within(1e-6, 0));
  });
}

TEST_CASE("zeros are zeros, in memory that was used before, in new memory and across both") {
  on_each_backend([&](Backend& backend) {
    const auto all_zero = [&](int64_t elements) {
      const std::vector<float> values = Tensor::zeros(backend, {elements}).to_host();
      return std::all_of(values.begin(), values.end(), [](float value) { return value == 0; });
    };
    const int64_t elements = 3 << 18;
    CHECK(all_zero(elements));
    random_tensor(backend, {elements}, 12);  // used and given back
    CHECK(all_zero(elements / 2));
    CHECK(all_zero(elements));
    CHECK(all_zero(3 * elements));
    const Tensor before = random_tensor(backend, {elements}, 13);
    auto hole = random_tensor(backend, {elements}, 14);
    const Tensor after = random_tensor(backend, {64}, 15);
    hole = {};
    CHECK(all_zero(elements));
  });
}
