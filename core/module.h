// Shared libraries that a program opens while it runs: backends, and what joins processes.
#pragma once

#include <dlfcn.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.h"

namespace gradus {

// The file of a module, libgradus_<module>.so: in the build tree it lies in backends/<folder>/, installed beside the core
// library. Empty where it lies in neither.
std::filesystem::path module_path(std::string_view folder, std::string_view module);

// Opens a module. Throws Error when the file is none, or was built for other interfaces (core/interfaces.h): its tables of
// functions would be misread. `mode`: of dlopen(), beside RTLD_NOW.
void* open_module(const std::string& path, int mode = RTLD_LOCAL);

// A function that a module exports. Throws Error without it.
template <typename Function>
Function* find_function(void* module, const char* name, const std::string& path) {
  void* const found = dlsym(module, name);
  check(found != nullptr, "[backend] {} is not a backend module for this program: it exports no {}", path,
        name);
  return reinterpret_cast<Function*>(found);
}

}  // namespace gradus
