// The folder a run saves to: a directory `checkpoint-<step>` per save, `best`, and a small file `latest` that
// names the newest. A kill at any moment leaves whole checkpoints only.
//
// A checkpoint is written under a hidden name, `.<name>.tmp-<pid>`, flushed to the disk, and renamed, or, where there is
// one of that name, swapped with it. Where the file system can't swap, the old one is first moved aside as
// `.<name>.old`. Whatever an earlier run left behind is set right on the next start.
//
// The folder may hold other things. Only what has exactly such a name, and is a checkpoint of ours where it would be
// replaced or pruned, is ever renamed or removed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

class CheckpointDirectory {
 public:
  // A checkpoint in the making: write its files below folder(), then commit(). Without commit() everything
  // written is removed again.
  class Draft {
   public:
    Draft(Draft&&) = delete;
    ~Draft();
    const std::filesystem::path& folder() const { return folder_; }
    // Makes the checkpoint permanent under its name; a numbered one becomes the latest, and the oldest beyond
    // the number to keep are removed. Throws Error with path and reason (a full disk, for example, or something
    // else of that name); the checkpoints that were there are then still there.
    void commit();

   private:
    friend class CheckpointDirectory;
    Draft(CheckpointDirectory& directory, std::string name);
    void move_aside_and_rename();
    CheckpointDirectory& directory_;
    std::string name_;
    std::filesystem::path folder_;
    std::filesystem::path replaced_;  // what had the name before, to be removed
  };

  // Makes the folder when it isn't there, and repairs what a killed run left: whoever makes this object has the folder's
  // OutputLock. Keeps the `keep` newest numbered checkpoints (at least 1) and `best`. Throws Error when the folder can't
  // be made, read or written to.
  CheckpointDirectory(std::filesystem::path root, int64_t keep);

  Draft begin(int64_t step) { return {*this, checkpoint_name(step)}; }
  Draft begin_best();

  const std::filesystem::path& root() const { return root_; }
  // Whether there is neither a numbered checkpoint nor `best`.
  bool is_empty() const;
  bool has_best() const;
  // Removes all checkpoints of ours, `best` and the file that names the newest.
  void clear();
  // Throws Error when something that is no checkpoint of ours, a file or a link for example, has a name that a run from
  // step `from` to step `to` will need.
  void check_names(int64_t from, int64_t to) const;
  // Makes a numbered checkpoint the one that a resumed run goes on from, and removes those beyond the number to keep:
  // the run that wrote it may have been stopped before.
  void make_latest(const std::filesystem::path& checkpoint);

  static std::string checkpoint_name(int64_t step);  // "checkpoint-<step>"

 private:
  void repair();
  void prune();
  void remove_checkpoint(const std::string& name);

  std::filesystem::path root_;
  int64_t keep_;
};

// Steps of the numbered checkpoints in a save folder, rising. Throws Error when the folder can't be read.
std::vector<int64_t> checkpoint_steps(const std::filesystem::path& root);
// The folder of a save folder that has the best checkpoint, if there is one.
std::filesystem::path best_checkpoint(const std::filesystem::path& root);
// The checkpoint that the file `latest` names, or the one with the highest step when that file is missing or
// names none that exists; nothing when there is no numbered checkpoint.
std::optional<std::filesystem::path> latest_checkpoint(const std::filesystem::path& root);

}  // namespace gradus
