// An ONNX file, run by another program's library: backends/onnx/ has a module for each of those that were there when this was built.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Numbers row by row: integers (int64), or floats where there are none of those.
struct OnnxTensor {
  std::vector<int64_t> dims;
  std::vector<int64_t> integers = {};
  std::vector<float> floats = {};
};

class OnnxSession {
 public:
  virtual ~OnnxSession() = default;
  virtual std::string description() const = 0;  // the library and its version
  // The values of these outputs. Throws Error with the library's message.
  virtual std::map<std::string, OnnxTensor> run(const std::map<std::string, OnnxTensor>& inputs,
                                                const std::vector<std::string>& outputs) = 0;
};

// A library that runs such files.
struct OnnxRuntime {
  std::string_view name;   // as in --onnx_runtime, and of its module: libgradus_<name>.so
  std::string_view title;  // in what is told
};
// All that there are modules for. Of those that were built the first is taken where none is named.
constexpr OnnxRuntime known_onnx_runtimes[] = {{"onnxruntime", "ONNX Runtime"}, {"openvino", "OpenVINO"}};
// Those that were built, in that order.
std::vector<OnnxRuntime> built_onnx_runtimes();

// Opens a file, to be run by so many threads (0: one per core), one call at a time. `runtime`: a name of the above, or auto. Throws Error when
// that library, or with auto any, was not there when this was built, and with the library's message when it does not take the file.
std::unique_ptr<OnnxSession> open_onnx(const std::string& path, int threads, std::string_view runtime);

}  // namespace gradus
