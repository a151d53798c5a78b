// Gradients of a model, parameter by parameter, against those of the naive backend.
#pragma once

#include <doctest/doctest.h>

#include "nn/parameters.h"
#include "tests/gradcheck.h"

namespace gradus {

// Every published tensor's gradient as a whole and in its elements, where float32 was rounded in all layers.
inline void check_gradients(const Parameters& found, const Parameters& expected) {
  for (const NamedTensor& tensor : expected.tensors()) {
    const reference::Matrix gradient = reference::load(found.gradient(found.find(tensor.name)));
    const std::string fault = fault_of(gradient, reference::load(expected.gradient(tensor)), {1.6e-4, 1e-6});
    CHECK_MESSAGE(fault.empty(), "gradient of ", tensor.name, ": ", fault);
  }
}

}  // namespace gradus
