// Which files are taken for backends.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/backend_module.h"
#include "tests/files.h"
#include "tests/places.h"

using namespace gradus;

namespace {

std::string refusal(const std::filesystem::path& path) {
  return error_of([&] { load_backend_module(path); });
}

std::filesystem::path wrong_module(const std::string& name) { return place("GRADUS_WRONG_MODULES") / name; }

}  // namespace

TEST_CASE("a module for another interface is refused, and both are named") {
  const auto path = wrong_module("stale_module.so");
  CHECK(refusal(path) ==
        fmt::format("[backend] {} was built for interface 0123456789abcdef, this program for {}: build both "
                    "from the same sources",
                    path.string(), GRADUS_BACKEND_INTERFACE));
}

TEST_CASE("a module that does not say its interface is refused") {
  const auto path = wrong_module("unversioned_module.so");
  CHECK(refusal(path) ==
        fmt::format(
            "[backend] {} is not a backend module for this program: it exports no gradus_backend_interface",
            path.string()));
}

TEST_CASE("a file that is no library is refused with the system's reason") {
  const TemporaryFolder folder;
  write_file(folder / "module.so", "not a library");
  CHECK(refusal(folder / "module.so").find("cannot load") != std::string::npos);
  CHECK(refusal(folder / "absent.so").find("No such file") != std::string::npos);
}

TEST_CASE("backends have names, and what others call them; one that does not exist is not offered") {
  const std::vector<BackendName> names = backend_names();
  REQUIRE(names.size() == 2);
  CHECK(names[0].name == "CPU");
  CHECK(names[1].name == "CUDA");
  CHECK(names[1].aliases == std::vector<std::string>{"GPU"});
  CHECK_THROWS_WITH_AS(find_backend("Ascend"),
                       "[backend] unknown device_target 'Ascend': expected one of CPU, CUDA", Error);
  CHECK_THROWS_WITH_AS(find_backend(""), "[backend] unknown device_target '': expected one of CPU, CUDA",
                       Error);
}

TEST_CASE("the CUDA backend says what is missing: the module, the driver or the device") {
  const std::vector<std::string> usable = usable_modules();
  if (std::ranges::find(usable, "cuda") != usable.end()) {
    MESSAGE("skipped: there is a GPU");
    return;
  }
  const std::string error = error_of([] { find_backend("CUDA").set_device(0); });
  const bool says_why =
      error == "[backend] CUDA is not available: libgradus_cuda.so was not built" ||
      error.starts_with("[CUDA] there is no NVIDIA driver on this machine (libcuda.so.1): ") ||
      error.starts_with("[CUDA] the driver (for CUDA ") || error.find("libcublasLt.so") != std::string::npos;
  CHECK_MESSAGE(says_why, error);
  CHECK(error_of([] { find_backend("GPU").set_device(0); }) == error);
}
