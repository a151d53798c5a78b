// Whole files: reading them, and replacing them so that a reader sees the old or the new one, never a part.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gradus {

// The bytes of a file. Throws Error with the path and the system's reason when it can't be read.
std::string read_file(const std::filesystem::path& path);

// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it to `path`.
// Throws Error with the path and the system's reason; `path` is then as it was. A device or a pipe, such as
// /dev/stdout, is written to and never replaced.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

// Flushes a file, or a directory's list of names, to the disk. Throws Error.
void flush_to_disk(const std::filesystem::path& path);

// Throws "cannot <what> '<path>': <the system's reason for errno>".
[[noreturn]] void fail_errno(std::string_view what, const std::filesystem::path& path);

}  // namespace gradus
