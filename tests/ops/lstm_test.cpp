// What the LSTM's kernels promise beside their values (those are in the op table).
#include <doctest/doctest.h>

#include "tests/naive_backend.h"
#include "tests/normal_values.h"
#include "tests/op_run.h"

using namespace gradus;

namespace {

constexpr int64_t directions = 2, units = 3, states = directions * units, gates = 4 * states;

std::vector<float> normal(int64_t count, uint32_t purpose) { return normal_values(count, 31, purpose); }

struct Values {
  std::vector<float> y, cells, gates, dgates, dw_hh;
  friend bool operator==(const Values&, const Values&) = default;
};

struct Choices {
  bool in_place = false;  // the gates take the place of their products with x
  bool weights_wanted = true;
  float gradient_before = 0;  // where the gradient of the weights is added to what is there
};

Values run_lstm(Backend& backend, const std::vector<int32_t>& offsets, int64_t rows, const Choices& choices) {
  const auto fresh = [&](int64_t columns) { return Tensor::empty(backend, {rows, columns}); };
  const Packing packing{Tensor::from(backend, {std::ssize(offsets)}, std::span<const int32_t>(offsets)),
                        rows};
  const Tensor x = Tensor::from(backend, {rows, gates}, normal(rows * gates, 1)),
               w_hh = Tensor::from(backend, {gates, units}, normal(gates * units, 2)),
               dy = Tensor::from(backend, {rows, states}, normal(rows * states, 3)), y = fresh(states),
               cells = fresh(states), out = choices.in_place ? x : fresh(gates), dgates = fresh(gates);
  const std::vector<float> before(static_cast<size_t>(gates * units), choices.gradient_before);
  const Tensor dw_hh = Tensor::from(backend, {gates, units}, before);
  backend.lstm_forward({x, w_hh, packing, y, cells, out});
  backend.lstm_backward({dy, y, cells, out, w_hh, packing, dgates,
                         choices.weights_wanted ? Grad{dw_hh, choices.gradient_before != 0} : Grad{}});
  return {y.to_host(), cells.to_host(), out.to_host(), dgates.to_host(), dw_hh.to_host()};
}

}  // namespace

TEST_CASE(
    "an LSTM's gates may lie in their products' place, and nobody has to want a gradient of the weights") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    const std::vector<int32_t> offsets{0, 4, 4, 5, 11};
    const Values apart = run_lstm(*backend, offsets, 12, {});
    CHECK(run_lstm(*backend, offsets, 12, {.in_place = true}) == apart);
    const Values alone = run_lstm(*backend, offsets, 12, {.weights_wanted = false});
    CHECK(alone.dgates == apart.dgates);
    CHECK(alone.dw_hh == std::vector<float>(apart.dw_hh.size(), 0.0F));
  }
}

TEST_CASE("what an LSTM writes is zero in rows of no sequence") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    for (const std::vector<int32_t>& offsets : {std::vector<int32_t>{0, 2, 3}, {0, 0}, {0}}) {
      const Values values = run_lstm(*backend, offsets, 5, {.gradient_before = 1});
      const auto used = static_cast<size_t>(offsets.back());
      for (const std::vector<float>* written : {&values.y, &values.cells, &values.gates, &values.dgates}) {
        const auto first = written->begin() + static_cast<int64_t>(written->size() / 5 * used);
        CHECK(std::all_of(first, written->end(), [](float value) { return value == 0; }));
        CHECK(std::none_of(written->begin(), first, [](float value) { return std::isnan(value); }));
      }
      if (used > 0) continue;
      CHECK(values.dw_hh == std::vector<float>(values.dw_hh.size(), 1.0F));
      CHECK(run_lstm(*backend, offsets, 5, {}).dw_hh == std::vector<float>(values.dw_hh.size(), 0.0F));
    }
  }
}
