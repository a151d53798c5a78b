#include "core/onnx_session.h"

#include <algorithm>

#include "core/joined.h"
#include "core/module.h"

namespace gradus {

std::vector<OnnxRuntime> built_onnx_runtimes() {
  std::vector<OnnxRuntime> built;
  for (const OnnxRuntime& runtime : known_onnx_runtimes)
    if (!module_path("onnx", runtime.name).empty()) built.push_back(runtime);
  return built;
}

std::unique_ptr<OnnxSession> open_onnx(const std::string& path, int threads, std::string_view runtime) {
  const auto wanted = std::ranges::find(known_onnx_runtimes, runtime, &OnnxRuntime::name);
  check(runtime == "auto" || wanted != std::end(known_onnx_runtimes),
        "[onnx] unknown runtime '{}': expected auto, onnxruntime or openvino", runtime);
  const std::vector<OnnxRuntime> built = built_onnx_runtimes();
  check(!built.empty(),
        "{}: this program was built without a runtime for such files: set up a new build folder with ONNX "
        "Runtime's or OpenVINO's (docs/export.md), and build again",
        path);
  if (runtime != "auto" && std::ranges::find(built, runtime, &OnnxRuntime::name) == built.end()) {
    std::vector<std::string_view> there;
    for (const OnnxRuntime& one : built) there.push_back(one.title);
    fail(
        "{}: this program was built without {}, but with {}: set up a new build folder with it "
        "(docs/export.md), and build again",
        path, wanted->title, joined(there, " and "));
  }
  const std::string module = module_path("onnx", runtime == "auto" ? built.front().name : runtime).string();
  return std::unique_ptr<OnnxSession>(find_function<OnnxSession*(const std::string&, int)>(
      open_module(module), "gradus_open_onnx", module)(path, threads));
}

}  // namespace gradus
