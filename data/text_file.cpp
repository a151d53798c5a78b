#include "data/text_file.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "data/unicode.h"

namespace gradus {

namespace {

constexpr size_t piece_size = size_t{1} << 18;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

gzFile handle_of(void* handle) { return static_cast<gzFile>(handle); }

}  // namespace

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

PieceReader::PieceReader(std::string path) : path_(std::move(path)) {
  errno = 0;
  handle_ = gzopen(path_.c_str(), "rb");
  check(handle_ != nullptr, "{}: can't be opened: {}", path_, std::strerror(errno));
}

PieceReader::~PieceReader() { gzclose(handle_of(handle_)); }

size_t PieceReader::read(char* out, size_t size, const std::function<std::string()>& place) {
  const int count = gzread(handle_of(handle_), out, static_cast<unsigned>(size));
  if (count < static_cast<int>(size)) {
    // A gzip stream that is cut short shows only here: the bytes before the cut were handed out as good.
    int status = Z_OK;
    const char* message = gzerror(handle_of(handle_), &status);
    check(status != Z_ERRNO, "{}: can't be read: {}", path_, std::strerror(errno));
    check(status == Z_OK, "{}: damaged gzip data {}: {}", path_, place(), message);
  }
  return static_cast<size_t>(std::max(count, 0));
}

std::string_view PieceReader::next() {
  piece_.resize(piece_size);
  piece_.resize(read(piece_.data(), piece_size, [] { return "in it"; }));
  std::string_view piece = piece_;
  if (!begun_ && piece.starts_with(byte_order_mark)) piece.remove_prefix(byte_order_mark.size());
  begun_ = true;
  return piece;
}

LineReader::LineReader(std::string path) : path_(std::move(path)), file_(path_) {}

std::string LineReader::where() const { return fmt::format("{}:{}", path_, line_number_); }

// Reads the next piece of the file behind the unread part of the buffer; false when there is none.
bool LineReader::fill() {
  if (at_end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + piece_size);
  const size_t read = file_.read(buffer_.data() + old_size, piece_size,
                                 [this] { return fmt::format("after line {}", line_number_); });
  buffer_.resize(old_size + read);
  at_end_ = read < piece_size;
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
  if (++line_number_ == 1 && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (find_invalid_utf8(line) != std::string_view::npos) check_utf8(line, where());
  return true;
}

}  // namespace gradus
