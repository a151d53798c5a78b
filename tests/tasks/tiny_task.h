// A tiny task for a program that fine-tunes: a folder, a model that learns in a second, and what every such program
// has to do alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/io/json.h"
#include "tests/tasks/program.h"

namespace gradus {

// A folder with train.txt and vocab.txt, for one test.
class TinyTask {
 public:
  TinyTask(std::string program, const std::string& train, const std::string& vocabulary);

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const;

  // Flags that train a model of hidden size 16 on train.txt for 2 epochs in batches of 4, score it on the same file,
  // and save to `save`. Of a flag that is given again the last one counts.
  Words training(const Words& more = {}) const;
  // Flags that train a pretrained model on train.txt for two steps and save to `save`.
  Words beginning_with(const std::string& model, const Words& more = {}) const;
  // Flags that score a trained model on train.txt.
  Words scoring(const std::string& checkpoint, const Words& more = {}) const;
  // Flags that use a trained model.
  Words predicting(const std::string& checkpoint, const Words& more = {}) const;

  // Runs the program to its end.
  Outcome run(const Words& flags, const std::string& input = "") const;
  // The same for a run that has to succeed; returns what it printed.
  std::string print(const Words& flags, const std::string& input = "") const;
  // Runs the program, which has to fail: status 2, "error: " and `text` on the one line of standard error, and no
  // unfinished file below the save folder.
  void refuse(const Words& flags, const std::string& text, const std::string& input = "") const;

  // Runs the program until it has saved a checkpoint to `save`, and so many milliseconds longer, then kills it. Whether
  // it was still running.
  bool run_and_kill(const Words& flags, int milliseconds) const;

  // Trains wide layers with these flags on 1, 2, 3, 4 and 7 threads, on fewer threads than asked for, and on 3 from where
  // 2 stopped: all checkpoints have to have the same bits. In every number type that this processor has.
  void check_threads(const Words& flags) const;

  // Of a run with --metrics_file=metrics.json.
  double train_loss() const { return score("train_loss"); }
  double score(const std::string& name) const;

 private:
  std::string program_;
  TemporaryFolder folder_;
};

// The --compute_type that this processor trains in: fp32, and bf16 where it has that.
Words training_types();
// Whether the processor computes in int8. Where not it says that this part of the test is skipped.
bool has_int8();

// Files below a folder that only an unfinished save leaves: hidden ones and those named as temporary.
Words unfinished_files(const std::string& folder);
// The part of a log from the first occurrence of `begin` on; empty without one.
std::string part_from(const std::string& text, const std::string& begin);
std::vector<std::string> lines_of(const std::string& text);
// Replaces the first occurrence, which has to be there.
std::string replaced(std::string text, const std::string& from, const std::string& to);
// With "\r\n" at the ends of lines.
std::string with_crlf(const std::string& text);

// Changes a value of the configuration in a checkpoint.
void edit_config(const std::string& checkpoint, const std::string& key, const Json& value);
// Changes the values of a tensor in a file of a checkpoint.
void edit_tensor(const std::string& checkpoint, const std::string& tensor,
                 const std::function<void(std::vector<float>&)>& edit,
                 const std::string& file = "model.safetensors");
// Fills a tensor of a checkpoint with the largest number there is, so that what is computed with it is infinite.
void overload(const std::string& checkpoint, const std::string& tensor);

}  // namespace gradus
