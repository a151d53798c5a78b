// What all test programs stand on: that they find their files by themselves, and say which they miss.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "tests/files.h"
#include "tests/places.h"

using namespace gradus;
namespace fs = std::filesystem;

TEST_CASE("places are found from where the program lies, in any folder, and a variable overrides them") {
  const fs::path before = fs::current_path();
  for (const char* variable : {"GRADUS_SOURCE", "GRADUS_PROGRAMS", "GRADUS_EXAMPLES", "GRADUS_WRONG_MODULES"})
    REQUIRE(unsetenv(variable) == 0);
  fs::current_path("/");
  CHECK(fs::exists(place("GRADUS_SOURCE") / "autograd/tape.cpp"));
  CHECK(fs::exists(place("GRADUS_EXAMPLES") / "test_core"));
  CHECK(place("GRADUS_WRONG_MODULES") == place("GRADUS_EXAMPLES"));
  CHECK(place("GRADUS_PROGRAMS") == place("GRADUS_EXAMPLES").parent_path() / "tasks");
  CHECK(fs::exists(source_file("tests/core/places_test.cpp")));
  fs::current_path(before);
  setenv("GRADUS_PROGRAMS", "/elsewhere", 1);
  CHECK(place("GRADUS_PROGRAMS") == "/elsewhere");
  unsetenv("GRADUS_PROGRAMS");
  CHECK(error_of([] { place("GRADUS_NOWHERE"); }) == "[tests] GRADUS_NOWHERE names no place that tests have");
}

TEST_CASE("programs are looked for in PATH, and without it where a shell looks") {
  const char* const named = std::getenv("PATH");
  const std::string path = named == nullptr ? "" : named;
  unsetenv("PATH");
  CHECK(contains(in_path("sh"), "/bin/sh"));
  setenv("PATH", "/nowhere", 1);
  CHECK(in_path("sh").empty());
  setenv("PATH", path.c_str(), 1);
}

TEST_CASE("a text that is a pointer is printed, not its address") {
  const char* const name = "dev.json";
  std::string copy = name;
  char* const changeable = copy.data();
  CHECK(doctest::toString(name) == "dev.json");
  CHECK(doctest::toString(changeable) == "dev.json");
  CHECK(doctest::toString(static_cast<const char*>(nullptr)) == "nullptr");
}
