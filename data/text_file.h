// Reading text a line at a time, plain or gzip, with the position for error messages.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace gradus {

// The text without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text);

// A file, plain or gzip, piece by piece. Gzip is recognised by its content, whatever the name.
class PieceReader {
 public:
  // Throws Error when the file can't be opened.
  explicit PieceReader(std::string path);
  ~PieceReader();
  PieceReader(const PieceReader&) = delete;
  PieceReader& operator=(const PieceReader&) = delete;

  // Puts the next bytes, `size` of them unless the file ends before, at `out` and returns how many. Throws Error
  // naming the file, and `place` in it, on a read error or a damaged gzip stream.
  size_t read(char* out, size_t size, const std::function<std::string()>& place);
  // The next bytes without a byte order mark, valid until the next call; empty at the end.
  std::string_view next();

 private:
  std::string path_;
  void* handle_;  // zlib's
  std::string piece_;
  bool begun_ = false;
};

// Lines end at LF only: U+2028 and the like are text. A byte order mark at the start and a CR before LF are
// dropped; the last line needs no LF. Gzip is recognised by its content, whatever the name.
class LineReader {
 public:
  // Throws Error when the file can't be opened.
  explicit LineReader(std::string path);
  // The next line, valid until the next call; false at the end of the file.
  // Throws Error "path:line: ..." on invalid UTF-8, and on a read error or a damaged gzip stream.
  bool next(std::string_view& line);

  const std::string& path() const { return path_; }
  int64_t line_number() const { return line_number_; }  // of the last line, from 1
  std::string where() const;                            // "path:line"

 private:
  bool fill();

  std::string path_;
  PieceReader file_;
  std::string buffer_;
  size_t begin_ = 0;  // of the unread part of buffer_
  bool at_end_ = false;
  int64_t line_number_ = 0;
};

}  // namespace gradus
