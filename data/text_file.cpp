#include "data/text_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/io/file_kind.h"
#include "data/unicode.h"

namespace gradus {

namespace {

constexpr size_t piece_size = size_t{1} << 18;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr size_t encoding_sample = 4096;

// What iconv calls the encoding of text in units of two or four bytes; empty for any other.
std::string_view wide_encoding(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.starts_with("\xFF\xFE\0\0"sv)) return "UTF-32LE";
  if (text.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32BE";
  if (text.starts_with("\xFF\xFE"sv)) return "UTF-16LE";
  if (text.starts_with("\xFE\xFF"sv)) return "UTF-16BE";
  // Without a mark: a unit of common text has a byte that is 0, always at the same place.
  std::array<size_t, 4> zeros{};
  for (size_t i = 0; i < text.size(); ++i) zeros[i % 4] += text[i] == '\0' ? 1 : 0;
  const size_t even = zeros[0] + zeros[2], odd = zeros[1] + zeros[3], quarter = text.size() / 4;
  if (quarter > 0 && zeros[3] >= quarter && zeros[2] >= quarter && zeros[0] == 0) return "UTF-32LE";
  if (quarter > 0 && zeros[0] >= quarter && zeros[1] >= quarter && zeros[3] == 0) return "UTF-32BE";
  if ((even == 0) == (odd == 0)) return {};
  // A single NUL byte in other text is no sign; ideographs have such bytes in their blanks and line ends alone.
  const std::string_view line_end = even == 0 ? "\n\0"sv : "\0\n"sv;
  size_t end = text.find(line_end);
  while (end != std::string_view::npos && end % 2 != 0) end = text.find(line_end, end + 1);
  if ((even + odd) * 4 < text.size() && end == std::string_view::npos) return {};
  return even == 0 ? "UTF-16LE" : "UTF-16BE";
}

gzFile handle_of(void* handle) { return static_cast<gzFile>(handle); }

}  // namespace

std::string_view trimmed(std::string_view text, std::string_view blanks) {
  const size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
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
  if (!begun_) check_is_utf8_text(piece, path_);
  if (!begun_ && piece.starts_with(byte_order_mark)) piece.remove_prefix(byte_order_mark.size());
  begun_ = true;
  return piece;
}

void check_is_utf8_text(std::string_view beginning, std::string_view name) {
  check_text_kind(beginning, name);
  const std::string_view encoding = wide_encoding(beginning.substr(0, encoding_sample));
  check(encoding.empty(), "{}: this is text in {}: expected UTF-8, which iconv -f {} -t UTF-8 makes of it",
        name, encoding, encoding);
}

LineReader::LineReader(std::string path, LineEnds ends)
    : path_(std::move(path)), ends_(ends), file_(std::make_unique<PieceReader>(path_)) {}

LineReader::LineReader(std::istream& in, std::string name, LineEnds ends)
    : path_(std::move(name)), ends_(ends), stream_(&in) {}

std::string LineReader::where() const { return fmt::format("{}:{}", path_, line_number_); }

// What there is of a stream, and of a file as much as was asked for; 0 at the end.
size_t LineReader::read(char* out, size_t size) {
  if (file_) return file_->read(out, size, [this] { return fmt::format("after line {}", line_number_); });
  try {
    std::streambuf& bytes = *stream_->rdbuf();
    if (bytes.sgetc() == std::streambuf::traits_type::eof()) return 0;  // waits for the first
    const auto there = std::max<std::streamsize>(bytes.in_avail(), 1);
    return static_cast<size_t>(bytes.sgetn(out, std::min(there, static_cast<std::streamsize>(size))));
  } catch (const std::ios_base::failure& error) {
    fail("cannot read '{}': {}", path_, error.code().message());
  }
}

// Reads more behind the unread part of the buffer, in which no line ends; false when there is no more.
bool LineReader::fill() {
  if (at_end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + piece_size);
  const size_t count = read(buffer_.data() + old_size, piece_size);
  buffer_.resize(old_size + count);
  at_end_ = count == 0;
  next_lf_ = buffer_.find('\n', old_size);
  next_cr_ = ends_ == LineEnds::any ? buffer_.find('\r', old_size) : std::string::npos;
  if (!begun_) check_is_utf8_text(buffer_, path_);
  begun_ = true;
  return count > 0;
}

// The place of the byte that ends the next line, or npos. Both kinds are remembered: to look for one that is rare would
// go through the buffer for every line.
size_t LineReader::find_end() {
  if (after_cr_ && begin_ < buffer_.size()) {
    after_cr_ = false;
    if (buffer_[begin_] == '\n') ++begin_;
  }
  if (next_lf_ < begin_) next_lf_ = buffer_.find('\n', begin_);
  if (next_cr_ < begin_) next_cr_ = buffer_.find('\r', begin_);
  return std::min(next_lf_, next_cr_);
}

bool LineReader::is_ready() {
  if (again_) return true;
  while (find_end() == std::string::npos) {
    if (buffer_.size() - begin_ > longest_line) return true;  // to be passed over
    const bool would_wait = stream_ != nullptr && stream_->rdbuf()->in_avail() <= 0;
    if (would_wait || !fill()) return at_end_ && begin_ < buffer_.size();
  }
  return true;
}

// Drops what was read of a line that is too long: it need not be stored to find its end.
void LineReader::pass_over() {
  const size_t unread = buffer_.size() - begin_;
  if (unread + passed_over_ <= longest_line) return;
  passed_over_ += unread;
  begin_ = buffer_.size();
}

bool LineReader::read_line(std::string_view& line, TooLong too_long) {
  if (std::exchange(again_, false)) {
    line = line_;
    return true;
  }
  passed_over_ = 0;
  size_t end = find_end();
  while (end == std::string::npos && fill()) {
    end = find_end();
    if (end != std::string::npos) break;
    check(too_long == TooLong::passed_over || buffer_.size() - begin_ <= longest_line,
          "{}:{}: a line of more than {} bytes", path_, line_number_ + 1, longest_line);
    pass_over();
  }
  if (end == std::string::npos && begin_ == buffer_.size() && passed_over_ == 0) return false;
  line_ = std::string_view(buffer_).substr(begin_, end == std::string::npos ? end : end - begin_);
  after_cr_ = end != std::string::npos && buffer_[end] == '\r';
  begin_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (++line_number_ == 1) {
    has_mark_ = line_.starts_with(byte_order_mark);
    if (has_mark_) line_.remove_prefix(byte_order_mark.size());
    ends_in_crlf_ =
        line_.ends_with('\r') || (after_cr_ && begin_ < buffer_.size() && buffer_[begin_] == '\n');
  }
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  if (passed_over_ > 0 || line_.size() > longest_line) {
    passed_over_ += line_.size();
    line_ = {};
  }
  line = line_;
  return true;
}

bool LineReader::next_bytes(std::string_view& line) { return read_line(line, TooLong::passed_over); }

bool LineReader::next(std::string_view& line) {
  if (!read_line(line, TooLong::refused)) return false;
  check_line();
  return true;
}

std::string LineReader::fault() const {
  if (passed_over_ > 0) return fmt::format("{} bytes: at most {} are read", passed_over_, longest_line);
  if (std::string invalid = utf8_fault(line_); !invalid.empty()) return invalid;
  if (const size_t nul = line_.find('\0'); nul != std::string_view::npos)
    return fmt::format("a NUL byte (U+0000) at byte {}", nul);
  if (const size_t cr = line_.find('\r'); cr != std::string_view::npos)
    return fmt::format("a carriage return (U+000D) at byte {}: expected lines that end with LF or CR LF", cr);
  return {};
}

void LineReader::check_line() const {
  // Every line comes by here: the text of its place is made for an error alone.
  if (const std::string found = fault(); !found.empty()) fail("{}: {}", where(), found);
}

}  // namespace gradus
