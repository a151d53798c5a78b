// ONNX Runtime as far as one sees of a library that is older than the header: it has no functions of that version.
#include <onnxruntime_c_api.h>

extern "C" __attribute__((visibility("default"))) const OrtApiBase* OrtGetApiBase() noexcept {
  static const OrtApiBase base{[](uint32_t) noexcept -> const OrtApi* { return nullptr; },
                               []() noexcept -> const char* { return "0.9.0"; }};
  return &base;
}
