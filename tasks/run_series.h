// Several runs of a program, one after the other, and what they come to: --seeds, and a folder of YAML files as --config_path. Each
// run is a process of its own, this program started again with other words: it has nothing of the one before, and what ends it
// does not end the others.
#pragma once

#include "tasks/options/fine_tune_options.h"

namespace gradus {

// The runs of a folder of YAML files, which --config_path is (Options::folder_of_settings): each saves to a folder of its file's name in
// that of --save_finetune_checkpoint_path. The options are those of the command line alone, before finish(). Returns the exit status, and
// throws as run_seeds() does.
int run_settings(const Options& flags, const FineTuneOptions& options, int argc, char** argv);

// The runs of --seeds: that of seed 3 saves to seed-3 in the folder to save to. Each leaves there its metrics.json and report.html;
// all together make the page of --report, or report.html in the folder, the file of --metrics_file, and a table of scores with their
// mean and deviation on standard output. With --resume those that are done are left as they are. Returns the exit status. Throws
// Error when the options don't fit a series, and in the end, when a run has failed: the others go on. Throws Stopped where a signal
// asked for it.
int run_seeds(const Options& flags, const FineTuneOptions& options, int argc, char** argv);

}  // namespace gradus
