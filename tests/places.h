// Where test programs find what they need, so that each runs by itself, from any folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gradus {

// What an environment variable names, or else its usual place beside the program that asks; empty where there is neither:
//   GRADUS_SOURCE             the project's folder
//   GRADUS_PROGRAMS           the folder of its programs
//   GRADUS_EXAMPLES           the folder of the built examples, tests/examples
//   GRADUS_WRONG_MODULES      the folder of modules that are refused
//   GRADUS_LIBRARY            libgradus.so
//   GRADUS_FAIL_LIBRARY       what lets output calls of a program fail (tests/faults)
//   GRADUS_OLD_ONNXRUNTIME    what stands in ONNX Runtime's place (tests/backends/old_onnxruntime.cpp)
//   GRADUS_SHARED             files that are shared with other projects: a folder "shared" with "data" in it, beside the
//                             project's or beside one above it
// Throws Error for another variable.
std::filesystem::path place(std::string_view variable);

// The file of a program of that name in PATH; empty where there is none.
std::string in_path(const std::string& program);

}  // namespace gradus
