// Exported models in OpenVINO, by its C interface: that of C++ depends on the compiler it was built with.
// https://docs.openvino.ai
#include <openvino/c/openvino.h>

#include <numeric>

#include "backends/onnx/module.h"
#include "core/error.h"

namespace gradus {
namespace {

void check_done(ov_status_e status, const std::string& what) {
  if (status == ov_status_e::OK) return;
  const char* const message = ov_get_last_err_msg();
  fail("[OpenVINO] {}: {}", what,
       one_line(message != nullptr && *message != '\0' ? message : ov_get_error_info(status)));
}

// What a function of the library makes.
template <typename T, typename Make>
Owned<T> made_by(void (*free)(T*), const std::string& what, Make&& make) {
  return owned<T>(free, [&](T** made) { check_done(make(made), what); });
}

class OpenVinoSession final : public OnnxSession {
 public:
  OpenVinoSession(const std::string& path, int threads) : path_(path) {
    // It would compute in 16 bits where the processor can, and a file says itself in what it is to be computed.
    const std::string count = std::to_string(threads);
    compiled_ = made_by<ov_compiled_model_t>(ov_compiled_model_free, path, [&](ov_compiled_model_t** made) {
      if (threads == 0)
        return ov_core_compile_model_from_file(core_.get(), path.c_str(), "CPU", 2, made,
                                               "INFERENCE_PRECISION_HINT", "f32");
      return ov_core_compile_model_from_file(core_.get(), path.c_str(), "CPU", 4, made,
                                             "INFERENCE_PRECISION_HINT", "f32", "INFERENCE_NUM_THREADS",
                                             count.c_str());
    });
    request_ = made_by<ov_infer_request_t>(ov_infer_request_free, path, [&](ov_infer_request_t** made) {
      return ov_compiled_model_create_infer_request(compiled_.get(), made);
    });
  }

  std::string description() const override {
    ov_version_t version{};
    check_done(ov_get_openvino_version(&version), "its version");
    std::string text = fmt::format("OpenVINO {}", version.buildNumber);
    ov_version_free(&version);
    return text;
  }

  std::map<std::string, OnnxTensor> run(const std::map<std::string, OnnxTensor>& inputs,
                                        const std::vector<std::string>& outputs) override {
    std::vector<Owned<ov_tensor_t>> given;
    for (const auto& [name, tensor] : inputs) {
      given.push_back(given_tensor(name, tensor));
      check_done(ov_infer_request_set_tensor(request_.get(), name.c_str(), given.back().get()), where(name));
    }
    check_done(ov_infer_request_infer(request_.get()), path_);
    std::map<std::string, OnnxTensor> found;
    for (const std::string& name : outputs) found.emplace(name, output(name));
    return found;
  }

 private:
  std::string where(const std::string& name) const { return fmt::format("{}: {}", path_, name); }

  Owned<ov_tensor_t> given_tensor(const std::string& name, const OnnxTensor& tensor) const {
    ov_shape_t shape{};
    check_done(ov_shape_create(std::ssize(tensor.dims), tensor.dims.data(), &shape), where(name));
    // The library has no type for read-only memory.
    const bool integers = tensor.floats.empty();
    void* const data = integers ? static_cast<void*>(const_cast<int64_t*>(tensor.integers.data()))
                                : static_cast<void*>(const_cast<float*>(tensor.floats.data()));
    ov_tensor_t* made = nullptr;
    const ov_status_e status = ov_tensor_create_from_host_ptr(
        integers ? ov_element_type_e::I64 : ov_element_type_e::F32, shape, data, &made);
    ov_shape_free(&shape);
    check_done(status, where(name));
    return {made, ov_tensor_free};
  }

  OnnxTensor output(const std::string& name) const {
    const Owned<ov_tensor_t> tensor = made_by<ov_tensor_t>(
        ov_tensor_free, where(name),
        [&](ov_tensor_t** made) { return ov_infer_request_get_tensor(request_.get(), name.c_str(), made); });
    ov_shape_t shape{};
    check_done(ov_tensor_get_shape(tensor.get(), &shape), where(name));
    OnnxTensor found{{shape.dims, shape.dims + shape.rank}};
    ov_shape_free(&shape);
    void* data = nullptr;
    check_done(ov_tensor_data(tensor.get(), &data), where(name));
    ov_element_type_e type{};
    check_done(ov_tensor_get_element_type(tensor.get(), &type), where(name));
    const auto size = std::accumulate(found.dims.begin(), found.dims.end(), int64_t{1}, std::multiplies());
    if (type == ov_element_type_e::F32)
      found.floats.assign(static_cast<float*>(data), static_cast<float*>(data) + size);
    else if (type == ov_element_type_e::I64)
      found.integers.assign(static_cast<int64_t*>(data), static_cast<int64_t*>(data) + size);
    else fail("[OpenVINO] {}: an output that is neither float32 nor int64", where(name));
    return found;
  }

  std::string path_;
  Owned<ov_core_t> core_ = made_by<ov_core_t>(ov_core_free, "its core", ov_core_create);
  Owned<ov_compiled_model_t> compiled_{nullptr, ov_compiled_model_free};
  Owned<ov_infer_request_t> request_{nullptr, ov_infer_request_free};
};

}  // namespace
}  // namespace gradus

GRADUS_ONNX_MODULE(gradus::OpenVinoSession)
