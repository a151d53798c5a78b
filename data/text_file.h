// Reading text a line at a time, plain or gzip, with the position for error messages.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace gradus {

// The text without blanks at its ends.
std::string_view trimmed(std::string_view text, std::string_view blanks = " \t");

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
  // The next bytes without a byte order mark, valid until the next call; empty at the end. Throws Error as read() does,
  // and naming the file on what check_is_utf8_text() refuses.
  std::string_view next();

 private:
  std::string path_;
  void* handle_;  // zlib's
  std::string piece_;
  bool begun_ = false;
};

constexpr size_t longest_line = size_t{1} << 24;  // bytes: 16 MiB

// What ends a line. U+2028 and the like never do: they are text.
enum class LineEnds : uint8_t {
  any,  // LF, CR LF, or CR alone, as in Python's text files, even in turns
  lf    // LF or CR LF, for lists whose lines may be any character: a CR elsewhere is refused
};

// Throws Error "<name>: ..." on text in UTF-16 or UTF-32, with a byte order mark or without, and on what is no text
// (core/io/file_kind.h), told by its first bytes.
void check_is_utf8_text(std::string_view beginning, std::string_view name);

// The lines of a file, plain or gzip, or of a stream. A byte order mark at the start is dropped; the last line needs no
// end.
class LineReader {
 public:
  // Throws Error when the file can't be opened.
  explicit LineReader(std::string path, LineEnds ends = LineEnds::any);
  // `name` stands for the stream in messages, as the path does for a file. A line is handed out as soon as its last
  // byte has come.
  LineReader(std::istream& in, std::string name, LineEnds ends = LineEnds::any);

  // The next line, valid until the next call; false at the end of the file.
  // Throws Error "path:line: ..." on a line with a fault(), on one that is too long before its end is looked for, and
  // as next_bytes() does.
  bool next(std::string_view& line);
  // The same, whatever bytes the line has; one of more than longest_line bytes is empty. Throws Error on a read error, a
  // damaged gzip stream, and text that is UTF-16 or UTF-32.
  bool next_bytes(std::string_view& line);
  // What is wrong with the last line: invalid UTF-8, a NUL byte, a CR where it ends no line, its length. Empty when
  // nothing is.
  std::string fault() const;
  // Throws Error "path:line: ..." when something is.
  void check_line() const;
  // Lets next() give the line of its last call again.
  void unread() { again_ = true; }
  // Whether a whole line is there already: next() will not wait for a slow stream.
  bool is_ready();

  const std::string& path() const { return path_; }
  int64_t line_number() const { return line_number_; }  // of the last line, from 1
  std::string where() const;                            // "path:line"
  // Of the first line, once it was read: whether a byte order mark stood before it, and whether it ended in CR LF.
  bool has_mark() const { return has_mark_; }
  bool ends_in_crlf() const { return ends_in_crlf_; }

 private:
  enum class TooLong : uint8_t { refused, passed_over };
  bool read_line(std::string_view& line, TooLong too_long);
  size_t find_end();
  void pass_over();
  bool fill();
  size_t read(char* out, size_t size);

  std::string path_;
  LineEnds ends_;
  std::unique_ptr<PieceReader> file_;  // none for a stream
  std::istream* stream_ = nullptr;
  std::string buffer_;
  size_t begin_ = 0;  // of the unread part of buffer_
  // The next ones in buffer_, or npos; one before begin_ is out of date.
  size_t next_lf_ = std::string::npos, next_cr_ = std::string::npos;
  bool after_cr_ = false;  // the last line ended in a CR: an LF behind it is part of that end
  bool begun_ = false, at_end_ = false;
  bool again_ = false;
  bool has_mark_ = false, ends_in_crlf_ = false;
  std::string_view line_;
  size_t passed_over_ = 0;  // bytes of a line that is too long
  int64_t line_number_ = 0;
};

}  // namespace gradus
