// A check on every backend that tests run on.
#pragma once

#include <doctest/doctest.h>

#include "tests/backends_under_test.h"

namespace gradus {

// Calls check(backend) for those that compute in a type, and says on which one a check failed.
template <typename Check>
void on_each_backend(DType dtype, Check&& check) {
  for (Backend* backend : backends_under_test()) {
    if (!backend->unsupported(dtype).empty()) continue;
    INFO(backend->description());
    check(*backend);
  }
}

// The same for all: every backend has this type.
template <typename Check>
void on_each_backend(Check&& check) {
  on_each_backend(DType::float32, check);
}

}  // namespace gradus
