// What makes a shared library a backend module, and how one is opened.
#pragma once

#include <string>

#include "core/backend.h"
#include "core/interface_version.h"

namespace gradus {

// Loads a backend module. Throws Error when the file is none, or was built for other interfaces (core/module.h).
Backend& load_backend_module(const std::string& path);

}  // namespace gradus

// Written once in a module, outside of all namespaces: exports a backend, and the interface that it implements.
#define GRADUS_BACKEND_MODULE(Type)                                                            \
  extern "C" __attribute__((visibility("default"))) const char* gradus_backend_interface() {   \
    return GRADUS_BACKEND_INTERFACE;                                                           \
  }                                                                                            \
  extern "C" __attribute__((visibility("default"))) gradus::Backend* gradus_create_backend() { \
    return new Type();                                                                         \
  }
