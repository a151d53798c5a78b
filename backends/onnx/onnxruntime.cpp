// Exported models in ONNX Runtime, by its C interface: that of C++ is a header over this one, which throws its own errors.
// https://onnxruntime.ai/docs/api/c
#include <onnxruntime_c_api.h>

#include <thread>

#include "backends/onnx/module.h"
#include "core/error.h"
#include "core/processors.h"

namespace gradus {
namespace {

// The library's functions as they are in its header. One that is older than that has others.
const OrtApi& api_for(const std::string& path) {
  const OrtApiBase& base = *OrtGetApiBase();
  const OrtApi* const api = base.GetApi(ORT_API_VERSION);
  check(api != nullptr,
        "[ONNX Runtime] {}: the library that was found is of version {}, and this was built with the header "
        "of version 1.{}: build again with a header and a library of one version",
        path, base.GetVersionString(), ORT_API_VERSION);
  return *api;
}

class OnnxRuntimeSession final : public OnnxSession {
 public:
  OnnxRuntimeSession(const std::string& path, int threads) : path_(path), api_(api_for(path)) {
    // What goes wrong comes back as a status, with a text; the library's log would say it once more.
    environment_ = made(api_.ReleaseEnv, path_, api_.CreateEnv, ORT_LOGGING_LEVEL_FATAL, "gradus");
    const Owned<OrtSessionOptions> options =
        made(api_.ReleaseSessionOptions, path_, api_.CreateSessionOptions);
    // Left the choice, it takes every core of the machine, whatever the process may use, and binds threads to them.
    const int64_t count = threads > 0 ? threads : within_quota(std::thread::hardware_concurrency());
    check_done(api_.SetIntraOpNumThreads(options.get(), static_cast<int>(count)), path_);
    check_done(api_.SetSessionGraphOptimizationLevel(options.get(), ORT_ENABLE_ALL), path_);
    // Between two calls threads would turn in circles, on processors that are wanted meanwhile: here, to prepare the next one.
    check_done(api_.AddSessionConfigEntry(options.get(), "session.intra_op.allow_spinning", "0"), path_);
    session_ = made(api_.ReleaseSession, path_, api_.CreateSession, environment_.get(), path_.c_str(),
                    options.get());
    memory_ =
        made(api_.ReleaseMemoryInfo, path_, api_.CreateCpuMemoryInfo, OrtArenaAllocator, OrtMemTypeDefault);
  }

  std::string description() const override {
    return fmt::format("ONNX Runtime {}", OrtGetApiBase()->GetVersionString());
  }

  std::map<std::string, OnnxTensor> run(const std::map<std::string, OnnxTensor>& inputs,
                                        const std::vector<std::string>& outputs) override {
    std::vector<Owned<OrtValue>> given;
    std::vector<const OrtValue*> values;
    std::vector<const char*> input_names, output_names;
    for (const auto& [name, tensor] : inputs) {
      given.push_back(given_tensor(name, tensor));
      values.push_back(given.back().get());
      input_names.push_back(name.c_str());
    }
    for (const std::string& name : outputs) output_names.push_back(name.c_str());
    std::vector<OrtValue*> results(outputs.size(), nullptr);
    OrtStatus* const status =
        api_.Run(session_.get(), nullptr, input_names.data(), values.data(), values.size(),
                 output_names.data(), output_names.size(), results.data());
    std::vector<Owned<OrtValue>> owned_results;
    for (OrtValue* result : results) owned_results.emplace_back(result, api_.ReleaseValue);
    check_done(status, path_);
    std::map<std::string, OnnxTensor> found;
    for (size_t i = 0; i < outputs.size(); ++i) found.emplace(outputs[i], output(outputs[i], results[i]));
    return found;
  }

 private:
  // Throws Error when a function has not done what it was to do.
  void check_done(OrtStatus* status, const std::string& what) const {
    if (status == nullptr) return;
    const Owned<OrtStatus> failed(status, api_.ReleaseStatus);
    fail("[ONNX Runtime] {}: {}", what, one_line(api_.GetErrorMessage(status)));
  }

  // What a function of the library makes of these arguments.
  template <typename T, typename Function, typename... Arguments>
  Owned<T> made(void (*release)(T*), const std::string& what, Function&& function,
                Arguments&&... arguments) const {
    return owned<T>(release, [&](T** result) { check_done(function(arguments..., result), what); });
  }

  std::string where(const std::string& name) const { return fmt::format("{}: {}", path_, name); }

  // The numbers where they lie. The library has no type for read-only memory.
  Owned<OrtValue> given_tensor(const std::string& name, const OnnxTensor& tensor) const {
    const bool integers = tensor.floats.empty();
    void* const data = integers ? static_cast<void*>(const_cast<int64_t*>(tensor.integers.data()))
                                : static_cast<void*>(const_cast<float*>(tensor.floats.data()));
    const size_t bytes =
        integers ? tensor.integers.size() * sizeof(int64_t) : tensor.floats.size() * sizeof(float);
    return made(api_.ReleaseValue, where(name), api_.CreateTensorWithDataAsOrtValue, memory_.get(), data,
                bytes, tensor.dims.data(), tensor.dims.size(),
                integers ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
  }

  OnnxTensor output(const std::string& name, OrtValue* value) const {
    const Owned<OrtTensorTypeAndShapeInfo> info =
        made(api_.ReleaseTensorTypeAndShapeInfo, where(name), api_.GetTensorTypeAndShape, value);
    size_t rank = 0, size = 0;
    check_done(api_.GetDimensionsCount(info.get(), &rank), where(name));
    OnnxTensor found{std::vector<int64_t>(rank)};
    check_done(api_.GetDimensions(info.get(), found.dims.data(), rank), where(name));
    check_done(api_.GetTensorShapeElementCount(info.get(), &size), where(name));
    ONNXTensorElementDataType type{};
    check_done(api_.GetTensorElementType(info.get(), &type), where(name));
    void* data = nullptr;
    check_done(api_.GetTensorMutableData(value, &data), where(name));
    if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
      found.floats.assign(static_cast<float*>(data), static_cast<float*>(data) + size);
    else if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64)
      found.integers.assign(static_cast<int64_t*>(data), static_cast<int64_t*>(data) + size);
    else fail("[ONNX Runtime] {}: an output that is neither float32 nor int64", where(name));
    return found;
  }

  std::string path_;
  const OrtApi& api_;
  Owned<OrtEnv> environment_{nullptr, api_.ReleaseEnv};
  Owned<OrtSession> session_{nullptr, api_.ReleaseSession};
  Owned<OrtMemoryInfo> memory_{nullptr, api_.ReleaseMemoryInfo};
};

}  // namespace
}  // namespace gradus

GRADUS_ONNX_MODULE(gradus::OnnxRuntimeSession)
