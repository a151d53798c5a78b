// The tests of training on a backend that queues (tests/tasks/deferred_test.cpp, in this program), on the emulated device.
#include <doctest/doctest.h>

#include "tests/backends_under_test.h"
#include "tests/emulator/emulated_backend.h"

using namespace gradus;

namespace {

const bool chosen = [] {
  test_on({&emulated_backend()});
  return true;
}();

}  // namespace
