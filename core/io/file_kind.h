// What a file is by its first bytes, whatever its name says.
#pragma once

#include <cstddef>
#include <string_view>

namespace gradus {

// As many of a file's first bytes as check_file_kind() looks at.
constexpr size_t file_kind_bytes = 512;

// Throws Error when the first bytes are those of another kind of file than the one expected, such as a pointer of Git
// LFS, a web page or an archive: "<path>: a pointer of Git LFS, expected <expected>: ..., " with what to do. Call it where
// the format expected does not begin so itself.
void check_file_kind(std::string_view first_bytes, std::string_view path, std::string_view expected);

// The same for texts of people, which may speak of anything: only what can't be text, and pointers, are refused.
void check_text_kind(std::string_view first_bytes, std::string_view path);

}  // namespace gradus
