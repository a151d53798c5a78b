// An ONNX file, run by another program's library: backends/onnx/ is the module for the one that was there when this was built.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
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

// Opens a file, to be run by so many threads (0: the library's choice), one call at a time. Throws Error when no library was there when this was built,
// and with the library's message when it does not take the file.
std::unique_ptr<OnnxSession> open_onnx(const std::string& path, int threads);

}  // namespace gradus
