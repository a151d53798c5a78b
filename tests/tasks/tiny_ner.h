// A tiny task for run_ner: twelve sentences, a vocabulary for them, and the flags of a model that learns them in a
// second.
#pragma once

#include <string>
#include <vector>

#include "tests/tasks/program.h"

namespace gradus {

// The sentences as CoNLL columns, one word a line; every third line or so holds a name.
extern const std::string ner_sentences;

// A folder with train.txt and vocab.txt, for one test.
class TinyNer {
 public:
  TinyNer();

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const;

  // Flags that train a model of hidden size 16 on train.txt for 2 epochs of 3 steps, score it on the same file, and
  // save to `save`. Of a flag that is given again the last one counts.
  Words training(const Words& more = {}) const;
  // Flags that score a trained tagger on train.txt.
  Words scoring(const std::string& checkpoint, const Words& more = {}) const;

  // Runs run_ner to its end.
  Outcome run(const Words& flags, const std::string& input = "") const;
  // The same for a run that has to succeed; returns what it printed.
  std::string print(const Words& flags, const std::string& input = "") const;
  // Runs run_ner, which has to fail: status 2, "error: " and `text` on the one line of standard error, and no
  // unfinished file below the save folder.
  void refuse(const Words& flags, const std::string& text, const std::string& input = "") const;

  // Of a run with --metrics_file=metrics.json.
  double train_loss() const;
  double score(const std::string& name) const;

 private:
  TemporaryFolder folder_;
};

// Files below a folder that only an unfinished save leaves: hidden ones and those named as temporary.
Words unfinished_files(const std::string& folder);
// The part of a log from the first occurrence of `begin` on; empty without one.
std::string part_from(const std::string& text, const std::string& begin);

}  // namespace gradus
