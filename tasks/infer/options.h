// Options of infer beside those of the task's own program.
#pragma once

#include <filesystem>
#include <string>

#include "tasks/options/fine_tune_options.h"

namespace gradus {

// What the stages of infer take and leave, and where.
struct InferOptions {
  std::string task;  // "ner", "ner_crf", "classifier" or "squad"
  std::string stage = "all";
  std::string engine = "gradus";
  std::string work_dir = ".";
  std::string preprocess_path, result_dir, label_dir;  // set by prepare() where they are empty
  bool has_data = true;  // set by prepare(): whether the data are named, not the files of inputs alone

  bool runs(const std::string& one) const { return stage == "all" || stage == one; }
  std::filesystem::path file(const char* name) const { return std::filesystem::path(work_dir) / name; }
  std::filesystem::path times_file() const { return file("time_Result") / "test_perform_static.txt"; }

  void declare(Options& options);
  // Between parse() and the finish() of the task's options: completes what both have. `questions`: the task has texts and answers beside
  // records. Throws Error when the options don't fit together.
  void prepare(Options& options, FineTuneOptions& task, bool questions);
};

}  // namespace gradus
