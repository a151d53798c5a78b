// The CUDA backend on the emulated device, known to tests alone.
#pragma once

#include <memory>
#include <string>

#include "core/backend.h"

namespace gradus {

// The one instance; it lives until the program ends, as loaded backends do.
Backend& emulated_backend();
// Another one, whose streams run late: kernels and copies wait until the host waits for them.
std::unique_ptr<Backend> late_emulated_backend();

}  // namespace gradus
