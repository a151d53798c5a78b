#include "core/module.h"

#include "core/interface_version.h"

namespace gradus {
namespace {

std::filesystem::path core_library_folder() {
  Dl_info info{};
  check(dladdr(reinterpret_cast<void*>(&module_path), &info) != 0,
        "[backend] cannot find the core library's folder");
  return std::filesystem::absolute(info.dli_fname).parent_path();
}

}  // namespace

std::filesystem::path module_path(std::string_view folder, std::string_view module) {
  const std::filesystem::path here = core_library_folder();
  const std::string file = fmt::format("libgradus_{}.so", module);
  for (const auto& path : {here / file, here / ".." / "backends" / folder / file}) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

void* open_module(const std::string& path, int mode) {
  void* const module = dlopen(path.c_str(), RTLD_NOW | mode);
  check(module != nullptr, "[backend] cannot load {}: {}", path, dlerror());
  const std::string_view interface = find_function<const char*()>(module, "gradus_backend_interface", path)();
  check(interface == GRADUS_BACKEND_INTERFACE,
        "[backend] {} was built for interface {}, this program for {}: build both from the same sources",
        path, interface, GRADUS_BACKEND_INTERFACE);
  return module;
}

}  // namespace gradus
