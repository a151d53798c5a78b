// What attention says of a table of relative positions that doesn't fit; what it computes with one is in the op table.
#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "core/error.h"
#include "tests/naive_backend.h"

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
