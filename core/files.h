// Whole files: reading them, and writing them so that a reader sees the old or the new one, never a part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

// The bytes of a file. Throws Error with the path and the system's reason when it can't be read, and when it has more
// than `most`.
std::string read_file(const std::filesystem::path& path, size_t most = std::string().max_size());

// A whole file mapped into memory, not read: its bytes are loaded when they are touched. It must not change while this
// object lives. Throws Error with the path and the system's reason.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(address_), size_}; }
  std::string_view text() const { return {static_cast<const char*>(address_), size_}; }

 private:
  void* address_ = nullptr;
  size_t size_ = 0;
};

// In the name of a file or folder that is being written, between the name it will have and the writer's process id.
constexpr std::string_view temporary_mark = ".tmp-";

// Writes beside `path` under a temporary name and gives the file its own name in commit(): what stood at `path` before
// stays until then. Without commit() nothing remains. Every member throws Error with the path and the system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Writes at a place of its own instead of behind what was written last. What lies between is zero.
  void write_at(uint64_t offset, std::string_view text);
  // Waits until the bytes are on the disk, then renames.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty when path_ is a device or a pipe, which is written to as it is
  int descriptor_ = -1;              // -1 once closed
};

// Writes `bytes` through an AtomicFile. Throws Error; `path` is then as it was.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

// Throws Error, as replace_file() would, when no file can be made at `path`: for asking before long work.
void check_writable(const std::filesystem::path& path);

// Flushes a file, or a directory's list of names, to the disk. Throws Error.
void flush_to_disk(const std::filesystem::path& path);

// Throws "cannot <what> '<path>': <the system's reason for errno>".
[[noreturn]] void fail_errno(std::string_view what, const std::filesystem::path& path);

}  // namespace gradus
