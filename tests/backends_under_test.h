// Which backends tests run on.
#pragma once

#include <vector>

#include "core/backend.h"

namespace gradus {

// The naive backend and every module that was built and runs here; or those that GRADUS_BACKENDS_UNDER_TEST names, "CUDA" for a check
// of a GPU. One that is named twice, "CUDA,CUDA", trains twice, and the second time to the bits of the first.
// Throws Error when one of them was not built.
std::vector<Backend*> backends_under_test();
// Has the tests run on others instead, which are asked for when the first test wants them.
void test_on(std::vector<Backend*> (*backends)());
// The backend that is tested where one is enough: the CPU's, or the first of these.
Backend& backend_under_test();
// The rest of these, if any.
std::vector<Backend*> other_backends_under_test();

}  // namespace gradus
