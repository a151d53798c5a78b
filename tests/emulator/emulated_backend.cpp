#include "tests/emulator/emulated_backend.h"

#include "tests/emulator/device.h"
// What the kernels are written in comes first.
#include "backends/cuda/kernels.h"

namespace gradus {

#define GRADUS_CALL_ON_DEVICE(function, Arguments) \
  void EmulatedBackend::function(const Arguments& args) { cuda::function({}, args); }
GRADUS_EMULATED_KERNELS(GRADUS_CALL_ON_DEVICE)

EmulatedBackend& emulated_backend() {
  static auto* const backend = new EmulatedBackend();
  return *backend;
}

}  // namespace gradus
