#include "tests/emulator/emulated_backend.h"

#include "tests/emulator/device.h"
// What the kernels are written in comes first.
#include "backends/cuda/kernels.h"
#include "backends/cuda/products.h"

namespace gradus {
namespace {

alignas(256) std::byte workspace[size_t{64} << 10];

}  // namespace

EmulatedBackend::EmulatedBackend()
    : products_(std::make_unique<cuda::Products>(cuda::Workspace{workspace, sizeof workspace})) {}
EmulatedBackend::~EmulatedBackend() = default;

#define GRADUS_CALL_ON_DEVICE(function, Arguments)        \
  void EmulatedBackend::function(const Arguments& args) { \
    cuda::function({.products = products_.get()}, args);  \
  }
GRADUS_EMULATED_KERNELS(GRADUS_CALL_ON_DEVICE)

EmulatedBackend& emulated_backend() {
  static auto* const backend = new EmulatedBackend();
  return *backend;
}

}  // namespace gradus
