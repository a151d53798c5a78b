#include "data/text_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "data/unicode.h"

namespace gradus {

struct LineReader::File {
  explicit File(const std::string& path) : handle(gzopen(path.c_str(), "rb")) {}
  ~File() {
    if (handle != nullptr) gzclose(handle);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  gzFile handle;
};

LineReader::LineReader(std::string path) : path_(std::move(path)) {
  errno = 0;
  file_ = std::make_unique<File>(path_);
  check(file_->handle != nullptr, "{}: can't be opened: {}", path_, std::strerror(errno));
}

LineReader::~LineReader() = default;

std::string LineReader::where() const { return fmt::format("{}:{}", path_, line_number_); }

// Reads the next piece of the file behind the unread part of the buffer; false when there is none.
bool LineReader::fill() {
  if (at_end_) return false;
  constexpr unsigned piece = 1U << 18;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + piece);
  const int read = gzread(file_->handle, buffer_.data() + old_size, piece);
  buffer_.resize(old_size + static_cast<size_t>(std::max(read, 0)));
  if (read < static_cast<int>(piece)) {
    // A gzip stream that is cut short shows only here: the bytes before the cut were handed out as good.
    int status = Z_OK;
    const char* message = gzerror(file_->handle, &status);
    check(status != Z_ERRNO, "{}: can't be read: {}", path_, std::strerror(errno));
    check(status == Z_OK, "{}: damaged gzip data after line {}: {}", path_, line_number_, message);
    at_end_ = true;
  }
  return read > 0;
}

bool LineReader::next(std::string_view& line) {
  size_t searched = begin_;
  size_t end = buffer_.find('\n', searched);
  while (end == std::string::npos) {
    searched = buffer_.size() - begin_;  // fill() moves the unread part to the front
    if (!fill()) break;
    end = buffer_.find('\n', searched);
  }
  if (end == std::string::npos && begin_ == buffer_.size()) return false;
  line = std::string_view(buffer_).substr(begin_, end == std::string::npos ? end : end - begin_);
  begin_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (++line_number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (find_invalid_utf8(line) != std::string_view::npos) check_utf8(line, where());
  return true;
}

}  // namespace gradus
