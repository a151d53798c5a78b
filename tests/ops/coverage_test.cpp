// No operator without a row in the op table, no kernel without its gradient: read from the headers
// themselves.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "core/error.h"
#include "tests/op_table.h"

using namespace gradus;

namespace {

std::string source_text(const std::string& path) {
  const char* folder = std::getenv("GRADUS_SOURCE");
  check(folder != nullptr, "GRADUS_SOURCE is not set: expected the project's folder");
  std::ifstream file(fmt::format("{}/{}", folder, path));
  check(file.good(), "{}/{}: cannot be read", folder, path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What the pattern's first group matches, anywhere in the text.
std::set<std::string> names_in(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern, std::regex::ECMAScript | std::regex::multiline);
  std::set<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match) {
    names.insert((*match)[1]);
  }
  return names;
}

}  // namespace

TEST_CASE("every op declared in autograd/ops.h has a row in the op table, with cases and benchmarks") {
  std::set<std::string> rows;
  for (const Op& op : op_table()) {
    CHECK_MESSAGE(!op.cases.empty(), op.name, " has no cases");
    CHECK_MESSAGE(!op.benchmarks.empty(), op.name, " has no benchmarks");
    CHECK_MESSAGE(rows.insert(op.name).second, op.name, " has two rows");
  }
  const auto declared = names_in(source_text("autograd/ops.h"), R"(^\w+ (\w+)\()");
  CHECK(declared.size() >= 13);
  for (const std::string& op : declared) CHECK_MESSAGE(rows.count(op) == 1, op, " has no row");
  for (const std::string& op : rows)
    CHECK_MESSAGE(declared.count(op) == 1, op, " is no op of autograd/ops.h");
}

TEST_CASE("every forward kernel of core/kernels.h has a backward kernel, and the other way round") {
  const std::string text = source_text("core/kernels.h");
  const auto forward = names_in(text, R"(X\((\w+)_forward,)");
  CHECK(forward.size() >= 11);
  CHECK(forward == names_in(text, R"(X\((\w+)_backward,)"));
}
