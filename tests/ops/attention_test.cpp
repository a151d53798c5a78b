// What attention says of a table of relative positions that doesn't fit, and scores far from zero; what it computes of usual ones is in
// the op table.
#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "core/error.h"
#include "tests/gradcheck.h"
#include "tests/naive_backend.h"
#include "tests/normal_values.h"
#include "tests/op_run.h"

using namespace gradus;

namespace {

// What attention with 2 heads of 4 says of a table.
std::string error_of(const Shape& shape, DType dtype = DType::float32) {
  Backend& backend = naive_backend();
  const Variable qkv(Tensor::zeros(backend, {3, 24}));
  const Packing packing{Tensor::from(backend, {2}, std::vector<int32_t>{0, 3}), 3};
  try {
    attention(qkv, packing, 2, {}, Variable(Tensor::zeros(backend, shape, dtype)));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a table of relative positions has an odd number of vectors of a head's size, in float32") {
  CHECK(error_of({5, 4}) == "no error");
  CHECK(error_of({1, 4}) == "no error");
  CHECK(error_of({4, 4}) ==
        "[attention] the table of relative positions has shape [4, 4]: expected [2 K + 1, 4]");
  CHECK(error_of({5, 8}) ==
        "[attention] the table of relative positions has shape [5, 8]: expected [2 K + 1, 4]");
  CHECK(error_of({20}) ==
        "[attention] the table of relative positions has shape [20]: expected 2 dimensions");
  CHECK(error_of({5, 4}, DType::bfloat16) ==
        "[attention] the table of relative positions is bfloat16: expected float32");
}

TEST_CASE("attention with scores far below zero is finite, and that of the naive backend") {
  // Scores of about -200, where exp(-lse) is no float any more; sequences that fill no tile.
  constexpr int64_t hidden = 64, rows = 42;
  const OpCase op_case{
      .label = "scores of -200",
      .inputs = {{"qkv", {rows, 3 * hidden}}},
      .call = [](const std::vector<Variable>& x, DType) {
        Backend& backend = x[0].backend();
        const Packing packing{Tensor::from(backend, {4}, std::vector<int32_t>{0, 5, 6, rows}), 36};
        return attention(x[0], packing, 2, {});
      }};
  reference::Matrix qkv(rows, 3 * hidden);
  const std::vector<float> noise = normal_values(qkv.size(), 5, 1);
  for (int64_t i = 0; i < qkv.size(); ++i) {
    const int64_t part = i / hidden % 3;
    const double middle = part == 0 ? 6 : part == 1 ? -6 : 0;
    qkv[i] = middle + noise[static_cast<size_t>(i)] * (part == 2 ? 1 : 0.125);
  }
  for (Backend* backend : backends_under_test()) {
    for (const DType dtype : dtypes_of({}, *backend)) {
      INFO(backend->description(), " in ", name_of(dtype));
      const Outcome ours = run(op_case.call, op_case, {qkv}, *backend, dtype),
                    naive = run(op_case.call, op_case, {qkv}, naive_backend(), dtype);
      const double within = dtype == DType::float32 ? 1e-4 : 1e-2;
      CHECK(distance(ours.y, naive.y).within(within, 0));
      CHECK(distance(ours.gradients[0], naive.gradients[0]).within(within, 0));
    }
  }
}
