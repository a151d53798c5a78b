// Keeps two runs from writing to the same place: each would replace and remove what the other has made.
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

// A lock on a folder, or on a file that may not be there yet, held as long as this object lives. It is an flock(2) on a
// small file, `.gradus-lock` in the folder or `.gradus-lock-<checksum of the name>` beside the file, which says who has
// it: the system lets it go however the process ends, so that what a killed one leaves stands in nobody's way.
class OutputLock {
 public:
  // Throws Error naming the other process when it has the lock. Where no file can be made there is nothing to keep:
  // whoever writes there tells why that can't be done.
  explicit OutputLock(const std::filesystem::path& output);
  ~OutputLock();
  OutputLock(OutputLock&& other) noexcept;
  OutputLock& operator=(OutputLock&&) = delete;

  // Why there is no lock, on a file system that has none; empty when there is one.
  const std::string& warning() const { return warning_; }

 private:
  bool open();
  bool is_in_place() const;
  void sign() const;

  std::filesystem::path path_;
  int descriptor_ = -1;  // -1: nothing is locked
  std::string warning_;
};

// Whether a file is one that a lock has left behind, and nobody's data.
bool is_lock_file(const std::filesystem::path& path);

// A folder in which a run writes files that belong together, locked as long as this object lives.
class OutputFolder {
 public:
  // Makes the folder when it isn't there; it goes again when nothing was written to it. Tells `log` when it can't be
  // locked. Throws Error when it can't be made, and when another run writes there.
  OutputFolder(const std::filesystem::path& folder, std::FILE* log);

 private:
  struct Made {
    ~Made();
    std::vector<std::filesystem::path> folders;  // the outermost first
  };
  Made made_;
  std::optional<OutputLock> lock_;
};

}  // namespace gradus
