#include "core/counted.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace gradus;

TEST_CASE("one of a thing is told in the singular, none and several in the plural") {
  CHECK(counted(1, "example") == "1 example");
  CHECK(counted(0, "example") == "0 examples");
  CHECK(counted(size_t{2}, "example") == "2 examples");
  CHECK(counted(int64_t{-1}, "example") == "-1 examples");
  CHECK(counted(1, "batch", "batches") == "1 batch");
  CHECK(counted(21, "text is", "texts are") == "21 texts are");
}
