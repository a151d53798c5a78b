// The main program of a task: what stands around its run.
#pragma once

#include "tasks/main.h"
#include "tasks/options/options.h"
#include "tasks/run_series.h"

namespace gradus {

// A program's name, and what its help page begins and ends with.
struct TaskProgram {
  const char* name;
  const char* purpose;
  const char* example;
};

// Reads the options, a FineTuneOptions with declare(Options&) and finish(Options&), and returns what run(flags, options) does; or starts the
// program once for each of --seeds, or of a folder of settings (tasks/run_series.h). Errors are run_main's.
template <typename TaskOptions>
int task_main(const TaskProgram& program, int argc, char** argv, int (*run)(Options&, TaskOptions&)) {
  return run_main(argc, argv, [&](int count, char** words) {
    TaskOptions options;
    Options flags(program.name, program.purpose, program.example);
    options.declare(flags);
    flags.take_folder_of_settings();
    if (!flags.parse(count, words)) return 0;
    if (flags.folder_of_settings()) return run_settings(flags, options, count, words);
    options.finish(flags);
    if (!options.seeds.empty()) return run_seeds(flags, options, count, words);
    return run(flags, options);
  });
}

}  // namespace gradus
