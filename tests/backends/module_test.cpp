// Which files are taken for backends.
#include <doctest/doctest.h>

#include <cstdlib>

#include "core/backend_module.h"
#include "tests/files.h"

using namespace gradus;

namespace {

std::string refusal(const std::filesystem::path& path) {
  return error_of([&] { load_backend_module(path); });
}

std::filesystem::path wrong_module(const std::string& name) {
  const char* folder = std::getenv("GRADUS_WRONG_MODULES");
  REQUIRE_MESSAGE(folder != nullptr, "GRADUS_WRONG_MODULES does not name the folder of the modules");
  return std::filesystem::path(folder) / name;
}

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

TEST_CASE("a backend that does not exist is not offered") {
  CHECK(backend_names() == std::vector<std::string>{"CPU"});
  CHECK_THROWS_WITH_AS(find_backend("CUDA"), "[backend] unknown device_target 'CUDA': expected one of CPU",
                       Error);
}
