// Which backends tests run on.
#pragma once

#include <vector>

#include "core/backend.h"

namespace gradus {

// The naive backend, the plainest and the best CPU module, and the one for AVX2 where that is another one.
// Throws Error when the CPU backend was not built.
std::vector<Backend*> backends_under_test();
// Has the tests run on others instead, which are asked for when the first test wants them.
void test_on(std::vector<Backend*> (*backends)());
// The backend that is tested where one is enough: the CPU's, or the first of these.
Backend& backend_under_test();
// The rest of these, if any.
std::vector<Backend*> other_backends_under_test();

}  // namespace gradus
