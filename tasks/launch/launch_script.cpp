#include "tasks/launch/launch_script.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "core/joined.h"

namespace gradus {

std::string shell_word(const std::string& word) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./,:=+@%").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return word;
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') quoted += "'\\''";
    else quoted += c;
  }
  return quoted + "'";
}

std::string launch_script(const Launch& launch) {
  std::vector<std::string> slots;
  for (const Host& host : launch.hosts) slots.push_back(fmt::format("{}:{}", host.name, host.processes));
  // Unless it is told so, mpirun gives each of two processes a single core.
  const std::string binding = launch.cores_per_process > 0 ? fmt::format("--map-by slot:PE={} --bind-to core",
                                                                         launch.cores_per_process)
                                                           : "--map-by slot --bind-to none";
  std::string text = fmt::format(
      "#!/bin/sh\n# Written by get_distribute_pretrain_cmd. Arguments are more flags of the program: "
      "--resume auto\n"
      "exec mpirun -n {} -H {} {} \\\n  {} --distribute=true",
      process_count(launch.hosts), joined(slots, ","), binding, shell_word(launch.program));
  for (const auto& [name, value] : launch.flags)
    text += fmt::format(" \\\n  --{}={}", name, value.empty() ? "" : shell_word(value));
  return text + " \\\n  \"$@\"\n";
}

}  // namespace gradus
