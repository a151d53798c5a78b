// Files that are either complete or not there.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

// Writes to "<path>.partial" and gives it the name `path` in commit(): no reader ever sees half a file, and
// what stood at `path` before stays until then. Without commit() nothing remains. Every member throws Error
// with the path and the system's reason when the file can't be written.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Waits until the bytes are on the disk, then renames.
  void commit();

 private:
  [[noreturn]] void fail_with_reason(int error_number) const;

  std::string path_;
  std::string partial_path_;
  int descriptor_ = -1;  // -1 once closed
};

}  // namespace gradus
