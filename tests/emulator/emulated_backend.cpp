#include "tests/emulator/emulated_backend.h"

#include "tests/emulator/device.h"
// What the kernels are written in comes first.
#include "backends/cuda/backend.h"

namespace gradus {
namespace {

class EmulatedBackend final : public cuda::CudaBackend {
 public:
  std::string name() const override { return "CUDA_EMULATED"; }
};

}  // namespace

Backend& emulated_backend() {
  static auto* const backend = new EmulatedBackend();
  return *backend;
}

std::unique_ptr<Backend> late_emulated_backend() {
  auto backend = std::make_unique<EmulatedBackend>();
  emulator::streams_are_late = true;
  backend->set_device(0);
  emulator::streams_are_late = false;
  return backend;
}

}  // namespace gradus
