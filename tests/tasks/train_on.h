// A task as its program trains it, within a test, on any backend.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tasks/model/task_system.h"
#include "tasks/options/fine_tune_options.h"
#include "tasks/options/options.h"
#include "tasks/training/fine_tuning.h"
#include "tasks/training/train_setup.h"
#include "tests/tasks/program.h"

namespace gradus {

// The options of the task.
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

// Trains without a word, and saves nothing.
inline TrainResult train_on(Backend& backend, const FineTuneOptions& options, TaskSystem& system,
                            FineTuning& task) {
  TrainConfig config = train_config(options.train, options.device);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> log(std::fopen("/dev/null", "w"), std::fclose);
  config.log = log.get();
  config.save_path.clear();
  system.allocate(backend, Parameters::Use::training, config.compute_type, config.seed, log.get());
  return train(system.parameters(), task, config);
}

}  // namespace gradus
