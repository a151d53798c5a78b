#include "tests/places.h"

#include <cstdlib>

#include "core/error.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

// What lies where in a folder that meson builds in.
struct BuiltFile {
  std::string_view variable, path;
};
constexpr BuiltFile built_files[] = {{"GRADUS_PROGRAMS", "tasks"},
                                     {"GRADUS_EXAMPLES", "tests"},
                                     {"GRADUS_WRONG_MODULES", "tests"},
                                     {"GRADUS_LIBRARY", "tasks/libgradus.so"},
                                     {"GRADUS_FAIL_LIBRARY", "tests/gradus_fail_at.so"},
                                     {"GRADUS_OLD_ONNXRUNTIME", "tests/libold_onnxruntime.so"}};

fs::path if_there(const fs::path& path) { return fs::exists(path) ? path : fs::path(); }

// The folder that this program was built in: it lies in tests/ there.
fs::path build_folder() { return fs::read_symlink("/proc/self/exe").parent_path().parent_path(); }

// From the build's folder the project's is found where both were moved; else it is where it was.
fs::path source_folder() {
  const fs::path built_from = GRADUS_BUILT_FROM, built_in = GRADUS_BUILT_IN;
  const fs::path moved = (build_folder() / built_from.lexically_relative(built_in)).lexically_normal();
  return fs::exists(moved / "tests/places.cpp") ? moved : if_there(built_from);
}

fs::path shared_folder_near(const fs::path& project) {
  for (fs::path folder = project; folder.has_relative_path(); folder = folder.parent_path()) {
    const fs::path shared = folder.parent_path() / "shared";
    if (fs::is_directory(shared / "data")) return shared;
  }
  return {};
}

}  // namespace

fs::path place(std::string_view variable) {
  const char* const named = std::getenv(std::string(variable).c_str());
  if (named != nullptr) return named;
  if (variable == "GRADUS_SOURCE") return source_folder();
  if (variable == "GRADUS_SHARED") return shared_folder_near(place("GRADUS_SOURCE"));
  for (const BuiltFile& file : built_files)
    if (file.variable == variable) return if_there(build_folder() / file.path);
  fail("[tests] {} names no place that tests have", variable);
}

std::string in_path(const std::string& program) {
  // What a shell takes where nothing is said.
  const char* const named = std::getenv("PATH");
  const std::string path = named != nullptr ? named : "/usr/local/bin:/usr/bin:/bin";
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string file = path.substr(begin, end - begin) + "/" + program;
    if (fs::exists(file)) return file;
    begin = end + 1;
  }
  return {};
}

}  // namespace gradus
