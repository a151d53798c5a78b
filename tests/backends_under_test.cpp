#include "tests/backends_under_test.h"

#include <cstdlib>
#include <sstream>
#include <string>

#include "core/error.h"
#include "tests/naive_backend.h"

namespace gradus {
namespace {

std::vector<Backend*> (*choose)() = nullptr;

std::vector<Backend*> named() {
  std::vector<Backend*> backends;
  const char* const names = std::getenv("GRADUS_BACKENDS_UNDER_TEST");
  std::istringstream list(names == nullptr ? "" : names);
  for (std::string name; std::getline(list, name, ',');) backends.push_back(&find_backend(name));
  return backends;
}

const std::vector<Backend*>& chosen() {
  static const std::vector<Backend*> chosen = choose == nullptr ? named() : choose();
  return chosen;
}

}  // namespace

void test_on(std::vector<Backend*> (*backends)()) { choose = backends; }
Backend& backend_under_test() { return chosen().empty() ? find_backend("CPU") : *chosen().front(); }
std::vector<Backend*> other_backends_under_test() {
  if (chosen().empty()) return {};
  return {chosen().begin() + 1, chosen().end()};
}

std::vector<Backend*> backends_under_test() {
  if (!chosen().empty()) return chosen();
  std::vector<Backend*> backends{&naive_backend()};
  for (const std::string& name : usable_modules()) backends.push_back(&find_backend(name));
  check(backends.size() > 1, "[tests] no backend to test but the plain loops: ninja -C build gradus_cpu");
  return backends;
}

}  // namespace gradus
