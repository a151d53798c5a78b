// Options of run_topic.
#pragma once

#include <string>

#include "tasks/options/fine_tune_options.h"

namespace gradus {

struct TopicOptions : FineTuneOptions {
  std::string label_file_path;

  void declare(Options& options);
  // Completes the options after parse() and throws Error when they don't fit together.
  void finish(Options& options);
};

}  // namespace gradus
