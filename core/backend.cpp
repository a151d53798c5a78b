#include "core/backend.h"

#include <filesystem>
#include <map>
#include <mutex>

#include "core/backend_module.h"
#include "core/communicator.h"
#include "core/joined.h"
#include "core/module.h"

namespace gradus {
namespace {

// A backend module: libgradus_<module>.so, in the build tree under backends/<folder>/.
struct Device {
  std::string_view name;  // as in --device_target
  std::string_view folder;
  std::string_view module;
  bool (*runs_here)();  // the last one under a name says itself what is missing
  std::string_view alias = {};
};

bool always() { return true; }
// Whether the driver is there, and a device is visible.
bool has_nvidia_device() {
  static const bool found = [] {
    void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (driver == nullptr) return false;
    const auto initialize = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
    const auto count_devices = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDeviceGetCount"));
    int count = 0;
    return initialize != nullptr && count_devices != nullptr && initialize(0) == 0 &&
           count_devices(&count) == 0 && count > 0;
  }();
  return found;
}
#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

// The device list: one line per backend module. Of several under one name, the first that runs here is taken, or the last;
// each can also be asked for by its module's name.
constexpr Device devices[] = {
#if defined(__x86_64__)
    {"CPU", "cpu", "cpu_avx512", has_avx512},
    {"CPU", "cpu", "cpu_avx2", has_avx2},
#endif
    {"CPU", "cpu", "cpu_baseline", always},
    {"CUDA", "cuda", "cuda", has_nvidia_device, "GPU"},
};

std::filesystem::path path_of(const Device& device) { return module_path(device.folder, device.module); }

}  // namespace

Backend& load_backend_module(const std::string& path) {
  void* const module = open_module(path);
  return *find_function<Backend*()>(module, "gradus_create_backend", path)();
}

void Backend::set_device(int64_t number) {
  check(number == 0, "[backend] there is no device {}: {} has the device 0 alone", number, name());
}

void Backend::allow_tf32(bool allowed) { check(!allowed, "[backend] {} has no products in TF32", name()); }

std::unique_ptr<DeviceSums> Backend::sums_over(Communicator&) { return nullptr; }

void Backend::warm_up(const std::function<void()>&) { fail("[backend] {} captures no calls", name()); }
std::unique_ptr<KernelGraph> Backend::capture(const std::function<void()>&) {
  fail("[backend] {} captures no calls", name());
}

std::unique_ptr<HostCopy> Backend::begin_copy_to_host(const Tensor& source) {
  class Done final : public HostCopy {
   public:
    explicit Done(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
    std::span<const std::byte> wait() override { return bytes_; }

   private:
    std::vector<std::byte> bytes_;
  };
  std::vector<std::byte> bytes(source.bytes());
  copy_to_host(source, bytes.data());
  return std::make_unique<Done>(std::move(bytes));
}

std::vector<BackendName> backend_names() {
  std::vector<BackendName> names;
  for (const Device& device : devices) {
    if (!names.empty() && names.back().name == device.name) continue;
    names.push_back({std::string(device.name), {}});
    if (!device.alias.empty()) names.back().aliases.emplace_back(device.alias);
  }
  return names;
}

std::vector<std::string> usable_modules() {
  std::vector<std::string> names;
  for (const Device& device : devices) {
    if (!path_of(device).empty() && device.runs_here()) names.emplace_back(device.module);
  }
  return names;
}

Backend& find_backend(std::string_view name) {
  // Loaded backends live until the program ends: tensors may outlive everything else.
  static std::mutex mutex;
  static auto& loaded = *new std::map<std::string_view, Backend*>;
  const std::lock_guard lock(mutex);
  const Device* chosen = nullptr;
  for (const Device& device : devices) {
    const bool is_asked_for = device.name == name || (!name.empty() && device.alias == name) ||
                              (device.module == name && device.runs_here());
    if (is_asked_for && (chosen == nullptr || !chosen->runs_here())) chosen = &device;
  }
  if (chosen == nullptr) {
    std::vector<std::string> names;
    for (const BackendName& known : backend_names()) names.push_back(known.name);
    fail("[backend] unknown device_target '{}': expected one of {}", name, joined(names, ", "));
  }
  Backend*& backend = loaded[chosen->module];
  if (backend == nullptr) {
    const std::filesystem::path path = path_of(*chosen);
    check(!path.empty(), "[backend] {} is not available: libgradus_{}.so was not built", chosen->name,
          chosen->module);
    backend = &load_backend_module(path.string());
  }
  return *backend;
}

}  // namespace gradus
