// No operator without a row in the op table, no kernel without its gradient: read from the headers
// themselves.
#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "tests/files.h"
#include "tests/op_table.h"

using namespace gradus;

namespace {

std::string source_text(const std::string& path) { return file_content(source_file(path)); }

// The functions that begin a line as "Type name(".
std::set<std::string> declared_functions(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('(')));
    std::string type, name, rest;
    if (line.find('(') == std::string::npos || line[0] == ' ' || line[0] == '/') continue;
    if (words >> type >> name && !(words >> rest)) names.insert(name);
  }
  return names;
}

// The <name> of all entries "X(<name><ending>," of a list.
std::set<std::string> listed_names(const std::string& text, const std::string& ending) {
  std::set<std::string> names;
  for (size_t at = text.find("X("); at != std::string::npos; at = text.find("X(", at + 2)) {
    const std::string name = text.substr(at + 2, text.find(',', at) - at - 2);
    if (name.ends_with(ending)) names.insert(name.substr(0, name.size() - ending.size()));
  }
  return names;
}

}  // namespace

TEST_CASE("every op declared in autograd/ops.h has a row in the op table, with cases and benchmarks") {
  std::set<std::string> rows, fused;
  for (const Op& op : op_table()) {
    for (const OpCase& op_case : op.cases)
      if (op_case.composition) fused.insert(op.name);
    CHECK_MESSAGE(!op.cases.empty(), op.name, " has no cases");
    CHECK_MESSAGE(!op.large.empty(), op.name,
                  " has no large case: the number of threads may change its bits");
    CHECK_MESSAGE(!op.benchmarks.empty(), op.name, " has no benchmarks");
    CHECK_MESSAGE(rows.insert(op.name).second, op.name, " has two rows");
  }
  // Those that are held against the same made of simple ops.
  CHECK(fused == std::set<std::string>{"recompute", "linear_activation", "activation_linear",
                                       "linear_cross_entropy", "dropout_add_layer_norm"});
  const auto declared = declared_functions(source_text("autograd/ops.h"));
  CHECK(declared.size() >= 13);
  for (const std::string& op : declared) CHECK_MESSAGE(rows.count(op) == 1, op, " has no row");
  for (const std::string& op : rows)
    CHECK_MESSAGE(declared.count(op) == 1, op, " is no op of autograd/ops.h");
}

TEST_CASE("every forward kernel of core/kernels.h has a backward kernel, and the other way round") {
  const std::string text = source_text("core/kernels.h");
  const auto forward = listed_names(text, "_forward");
  CHECK(forward.size() >= 11);
  CHECK(forward == listed_names(text, "_backward"));
}
