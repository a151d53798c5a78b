// What the modules for libraries that run ONNX files have alike.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "core/interface_version.h"
#include "core/onnx_session.h"

namespace gradus {

// An object of a library, which has a function for its end.
template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

// Of a function that makes an object behind a pointer to a pointer, and is checked by who calls.
template <typename T, typename Make>
Owned<T> owned(void (*free)(T*), Make&& make) {
  T* made = nullptr;
  make(&made);
  return {made, free};
}

// A library's message, as it stands in one of ours.
inline std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace gradus

// Written once in a module, outside of all namespaces: exports a session, made of a file's path and a number of threads, and the interface
// that it implements.
#define GRADUS_ONNX_MODULE(Type)                                                             \
  extern "C" __attribute__((visibility("default"))) const char* gradus_backend_interface() { \
    return GRADUS_BACKEND_INTERFACE;                                                         \
  }                                                                                          \
  extern "C" __attribute__((visibility("default"))) gradus::OnnxSession* gradus_open_onnx(   \
      const std::string& path, int threads) {                                                \
    return new Type(path, threads);                                                          \
  }
