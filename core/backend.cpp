#include "core/backend.h"

#include <dlfcn.h>

#include <filesystem>
#include <map>
#include <mutex>

#include "core/backend_module.h"
#include "core/joined.h"

namespace gradus {
namespace {

// A backend module: libgradus_<module>.so, in the build tree under backends/<folder>/.
struct Device {
  std::string_view name;  // as in --device_target
  std::string_view folder;
  std::string_view module;
  bool (*runs_here)();
};

bool always() { return true; }
#if defined(__x86_64__)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

// The device list: one line per backend module. Of several under one name, the first that runs here is taken;
// each can also be asked for by its module's name.
constexpr Device devices[] = {
#if defined(__x86_64__)
    {"CPU", "cpu", "cpu_avx512", has_avx512},
    {"CPU", "cpu", "cpu_avx2", has_avx2},
#endif
    {"CPU", "cpu", "cpu_baseline", always},
};

std::filesystem::path core_library_folder() {
  Dl_info info{};
  check(dladdr(reinterpret_cast<void*>(&backend_names), &info) != 0,
        "[backend] cannot find the core library's folder");
  return std::filesystem::absolute(info.dli_fname).parent_path();
}

std::string module_file(const Device& device) { return fmt::format("libgradus_{}.so", device.module); }

// In the build tree a module lies in backends/<name>/; installed, beside the core library. Empty where it lies in neither.
std::filesystem::path module_path(const Device& device) {
  const std::filesystem::path folder = core_library_folder();
  const std::string file = module_file(device);
  for (const auto& path : {folder / file, folder / ".." / "backends" / device.folder / file}) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

// A function that a module exports. Throws Error without it.
template <typename Function>
Function* find_function(void* module, const char* name, const std::string& path) {
  void* const found = dlsym(module, name);
  check(found != nullptr, "[backend] {} is not a backend module for this program: it exports no {}", path,
        name);
  return reinterpret_cast<Function*>(found);
}

}  // namespace

Backend& load_backend_module(const std::string& path) {
  void* const module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  check(module != nullptr, "[backend] cannot load {}: {}", path, dlerror());
  const std::string_view interface = find_function<const char*()>(module, "gradus_backend_interface", path)();
  check(interface == GRADUS_BACKEND_INTERFACE,
        "[backend] {} was built for interface {}, this program for {}: build both from the same sources",
        path, interface, GRADUS_BACKEND_INTERFACE);
  return *find_function<Backend*()>(module, "gradus_create_backend", path)();
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

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const Device& device : devices) {
    if (names.empty() || names.back() != device.name) names.emplace_back(device.name);
  }
  return names;
}

std::vector<std::string> usable_modules() {
  std::vector<std::string> names;
  for (const Device& device : devices) {
    if (device.runs_here() && !module_path(device).empty()) names.emplace_back(device.module);
  }
  return names;
}

Backend& find_backend(std::string_view name) {
  // Loaded backends live until the program ends: tensors may outlive everything else.
  static std::mutex mutex;
  static auto& loaded = *new std::map<std::string_view, Backend*>;
  const std::lock_guard lock(mutex);
  for (const Device& device : devices) {
    if ((device.name != name && device.module != name) || !device.runs_here()) continue;
    Backend*& backend = loaded[device.module];
    if (backend == nullptr) {
      const std::filesystem::path path = module_path(device);
      check(!path.empty(), "[backend] {} is not available: {} was not built", device.name,
            module_file(device));
      backend = &load_backend_module(path.string());
    }
    return *backend;
  }
  fail("[backend] unknown device_target '{}': expected one of {}", name, joined(backend_names(), ", "));
}

}  // namespace gradus
