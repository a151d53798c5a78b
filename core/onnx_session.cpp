#include "core/onnx_session.h"

#include "core/module.h"

namespace gradus {

std::unique_ptr<OnnxSession> open_onnx(const std::string& path, int threads) {
  const std::filesystem::path module = module_path("onnx", "onnx");
  check(!module.empty(),
        "{}: this program was built without a runtime for such files: set up a new build folder with "
        "OpenVINO's "
        "(docs/export.md), and build again",
        path);
  return std::unique_ptr<OnnxSession>(find_function<OnnxSession*(const std::string&, int)>(
      open_module(module.string()), "gradus_open_onnx", module.string())(path, threads));
}

}  // namespace gradus
