// Whole files: reading them, and writing them so that a reader sees the old or the new one, never a part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

// The most bytes of a file that is read whole, such as settings, a training's state, a list, unless its reader says
// otherwise.
constexpr size_t most_file_bytes = size_t{64} << 20;

// What a program finds by itself, as the files of a model, has to be a regular file: a pipe is not waited for. What the
// user names may be a pipe.
enum class FileKind : uint8_t { regular, any };

// The bytes of a file. Throws Error with the path and the system's reason when it can't be read, when it is of another
// kind, and when it has more than `most` bytes.
std::string read_file(const std::filesystem::path& path, size_t most = most_file_bytes,
                      FileKind kind = FileKind::regular);

// Throws Error when there is no file at `path` or one that is not regular, such as a folder, a pipe or a device.
void check_regular_file(const std::filesystem::path& path);

// Makes a folder and those above it, unless they are there. Throws Error with the path and the system's reason.
void make_folder(const std::filesystem::path& path);

// A file, or a part of it, mapped into memory, not read: its bytes are loaded when they are touched. It must not change while
// this object lives. Throws Error with the path and the system's reason.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  // `size` bytes from `begin` on, or what there is of them.
  MappedFile(const std::filesystem::path& path, uint64_t begin, size_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text())); }
  std::string_view text() const { return {static_cast<const char*>(address_) + before_, size_ - before_}; }

 private:
  void* address_ = nullptr;
  size_t size_ = 0;
  size_t before_ = 0;  // bytes of the page that the part begins in
};

// In the name of a file or folder that is being written, between the name it will have and the writer's process id.
constexpr std::string_view temporary_mark = ".tmp-";

// The number that a part of a name is, of a process or a step, written as we write it: "08" is none, and "-1", for a
// name with such is somebody else's.
std::optional<int64_t> number_in_name(std::string_view part);

// The one way to write a file. It is written beside `path` under a temporary name, a draft, and gets its own name in
// commit(): what stood at `path` before stays until then. Without commit() nothing remains; what a writer that was
// killed has left of the same path is removed by the next. Every member throws Error with the path and the system's
// reason. A device or a pipe is written to as it is.
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
  // Reads what was written; returns how many bytes there are, at most `size`.
  size_t read_at(uint64_t offset, char* out, size_t size) const;
  // The number of bytes up to the last that was written.
  uint64_t size() const;

  // Waits until the bytes are on the disk, then renames.
  void commit();
  const std::filesystem::path& path() const { return path_; }
  // Whether a file stands at the path and has the very bytes of the draft.
  bool repeats_old() const;

 private:
  friend void commit_together(std::span<AtomicFile* const> files);
  void close();

  std::filesystem::path path_;
  std::filesystem::path draft_;  // empty when path_ is a device or a pipe
  int descriptor_ = -1;          // -1 once closed
  bool committed_ = false;
};

// Commits files that belong together. All are on the disk before the first gets its name. They get their names in the
// order given, and all but the first lose their old ones before: whoever is killed meanwhile leaves no new file beside
// an old one. When a name can't be given, all is as it was before. Throws Error.
void commit_together(std::span<AtomicFile* const> files);

// Writes `bytes` through an AtomicFile. Throws Error; `path` is then as it was.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

// Throws Error, as replace_file() would, when no file can be made at `path`: for asking before long work.
void check_writable(const std::filesystem::path& path);

// A file that grows while others look at it, as a log does: what has been written stays whatever happens. Throws Error
// with the path and the system's reason.
class GrowingFile {
 public:
  // Throws Error also when there is a file at `path`.
  explicit GrowingFile(std::filesystem::path path);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  // Appends all of the text, or, when that fails, nothing.
  void write(std::string_view text);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_;
  uint64_t size_ = 0;
};

// Flushes a file, or a directory's list of names, to the disk. Throws Error.
void flush_to_disk(const std::filesystem::path& path);

// Whether another process of this number runs.
bool other_process_runs(int64_t pid);

// Throws "cannot <what> '<path>': <the system's reason for errno>".
[[noreturn]] void fail_errno(std::string_view what, const std::filesystem::path& path);

}  // namespace gradus
