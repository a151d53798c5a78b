// The options of a task, as its program reads them.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tasks/options/options.h"
#include "tests/tasks/program.h"

namespace gradus {

template <typename TaskOptions>
TaskOptions options_of(const char* program, Words words, const Words& more) {
  TaskOptions options;
  Options flags(program, "", "");
  options.declare(flags);
  words.insert(words.end(), more.begin(), more.end());
  std::vector<const char*> argv{program};
  for (const std::string& word : words) argv.push_back(word.c_str());
  REQUIRE(flags.parse(static_cast<int>(argv.size()), argv.data()));
  if constexpr (requires { options.finish(flags, true); }) options.finish(flags, true);
  else options.finish(flags);
  return options;
}

}  // namespace gradus
