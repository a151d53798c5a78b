#include "data/tf_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "core/error.h"
#include "core/io/bytes.h"
#include "core/io/crc32c.h"
#include "core/io/file_kind.h"

namespace gradus {
namespace {

constexpr size_t piece = 1U << 18;           // bytes read, inflated or deflated at a time
constexpr size_t first_piece = 1U << 12;     // bytes read after a jump
constexpr size_t head_size = 12;             // of a record: length and its checksum
constexpr size_t largest_record = 1U << 30;  // a protocol buffer has less than 2 GiB

// What zlib calls the window: 16 more means gzip.
int window_bits(Compression compression) { return compression == Compression::gzip ? 15 + 16 : 15; }

Bytef* bytes_of(char* text) { return reinterpret_cast<Bytef*>(text); }

}  // namespace

Compression compression_of(std::string_view path) {
  if (path.ends_with(".gz")) return Compression::gzip;
  if (path.ends_with(".zlib")) return Compression::zlib;
  return Compression::none;
}

// The uncompressed bytes of a file, one piece after the other.
class TfRecordReader::Source {
 public:
  Source(const std::string& path, Compression compression) : path_(path), compression_(compression) {
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail_errno("open", path);
    struct stat status {};
    is_file_ = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
    if (is_file_) size_ = static_cast<uint64_t>(status.st_size);
    if (compression_ == Compression::none) return;
    input_.resize(piece);
    const int made = inflateInit2(&stream_, window_bits(compression_));
    check(made == Z_OK, "{}: zlib: {}", path_, zError(made));
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() {
    if (compression_ != Compression::none) inflateEnd(&stream_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // Puts up to `size` bytes at `out`; 0 at the end, and only there.
  size_t read(char* out, size_t size) {
    return compression_ == Compression::none ? read_file(out, size) : inflate_some(out, size);
  }

  // Lets read() go on from there; false for a compressed file.
  bool seek(uint64_t position) {
    if (compression_ != Compression::none) return false;
    if (::lseek(descriptor_, static_cast<off_t>(position), SEEK_SET) < 0) fail_errno("read", path_);
    return true;
  }

  bool is_file() const { return is_file_; }

  // The most bytes there can be: the size of a plain file.
  uint64_t size() const {
    return compression_ == Compression::none ? size_ : std::numeric_limits<uint64_t>::max();
  }

 private:
  size_t read_file(char* out, size_t size) {
    for (;;) {
      const ssize_t count = ::read(descriptor_, out, size);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) fail_errno("read", path_);
    }
  }

  // Whether gzip or zlib begins so.
  static bool is_compressed(char first) { return first == '\x1f' || first == '\x78'; }

  size_t inflate_some(char* out, size_t size) {
    stream_.next_out = bytes_of(out);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(size, piece));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted) {
      if (stream_.avail_in == 0) {
        stream_.next_in = bytes_of(input_.data());
        stream_.avail_in = static_cast<uInt>(read_file(input_.data(), input_.size()));
        if (is_begin_ && !is_compressed(input_.front()))
          check_file_kind({input_.data(), stream_.avail_in}, path_, "what its name says");
        is_begin_ = false;
        if (stream_.avail_in == 0) {
          check(between_members_, "{}: the compressed stream ends in the middle: the file is cut off", path_);
          break;
        }
      }
      if (between_members_) {
        // A gzip file may have several members; they are one stream of records.
        inflateReset(&stream_);
        between_members_ = false;
      }
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) between_members_ = true;
      else
        check(status == Z_OK || status == Z_BUF_ERROR, "{}: not a {} file, or a damaged one: {}", path_,
              compression_ == Compression::gzip ? "gzip" : "zlib",
              stream_.msg != nullptr ? stream_.msg : zError(status));
    }
    return wanted - stream_.avail_out;
  }

  std::string path_;
  Compression compression_;
  int descriptor_ = -1;
  bool is_file_ = false;
  uint64_t size_ = std::numeric_limits<uint64_t>::max();  // unknown for a pipe
  z_stream stream_{};
  std::string input_;  // compressed bytes
  bool is_begin_ = true;
  bool between_members_ = false;  // a stream has ended, and no other has begun
};

TfRecordReader::TfRecordReader(const std::string& path) : TfRecordReader(path, compression_of(path)) {}

TfRecordReader::TfRecordReader(std::string path, Compression compression)
    : path_(std::move(path)),
      compression_(compression),
      source_(std::make_unique<Source>(path_, compression)),
      ahead_(piece) {}

TfRecordReader::~TfRecordReader() = default;

std::string TfRecordReader::where() const { return fmt::format("{}: record {}", path_, number_); }

void TfRecordReader::fail_here(std::string_view what) const {
  fail("{} at byte {}: {}", where(), position_, what);
}

bool TfRecordReader::fill(uint64_t size) {
  if (end_ - begin_ >= size) return true;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  while (end_ < size) {
    // The buffer grows with the bytes that are there, whatever a length claims.
    if (buffer_.size() - end_ < ahead_)
      buffer_.resize(std::max(buffer_.size() + ahead_, buffer_.size() / 2 * 3));
    const size_t count = source_->read(buffer_.data() + end_, ahead_);
    if (count == 0) return false;
    end_ += count;
    ahead_ = std::min(2 * ahead_, piece);
  }
  return true;
}

bool TfRecordReader::read_head(uint64_t& length) {
  ++number_;
  if (!fill(head_size)) {
    if (begin_ == end_) {
      --number_;
      return false;
    }
    fail_cut_head(end_ - begin_);
  }
  length = checked_length({buffer_.data() + begin_, end_ - begin_});
  return true;
}

uint64_t TfRecordReader::checked_length(std::string_view head) const {
  const uint64_t length = little_endian(head.substr(0, 8));
  if (mask_crc(crc32c(head.substr(0, 8))) != little_endian(head.substr(8, 4))) {
    if (number_ > 1) fail_here("the checksum of its length is wrong");
    check_file_kind(head, path_, "a TFRecord file, gzip if it is named *.gz");
    fail_here("the checksum of its length is wrong: this is no TFRecord file, or a compressed one");
  }
  const uint64_t left = source_->size() - std::min(source_->size(), position_ + head_size);
  if (length > left || left - length < 4) fail_cut_off(length);
  if (length > largest_record)
    fail_here(fmt::format("a record of {} bytes, expected at most {}", length, largest_record));
  return length;
}

void TfRecordReader::fail_cut_head(uint64_t bytes) const {
  fail_here(fmt::format("{} bytes at the end, a record has at least 16: the file is cut off", bytes));
}

void TfRecordReader::fail_cut_off(uint64_t length) const {
  fail_here(fmt::format("a record of {} bytes that the end of the file cuts off", length));
}

bool TfRecordReader::next(std::string_view& record) {
  uint64_t length = 0;
  if (!read_head(length)) return false;
  if (!fill(head_size + length + 4)) fail_cut_off(length);
  record = {buffer_.data() + begin_ + head_size, static_cast<size_t>(length)};
  if (mask_crc(crc32c(record)) != little_endian({record.data() + length, 4})) {
    fail_here("the checksum of its data is wrong");
  }
  begin_ += head_size + record.size() + 4;
  position_ += head_size + length + 4;
  return true;
}

void TfRecordReader::jump(uint64_t position) {
  if (position >= position_ && position - position_ <= end_ - begin_) {
    begin_ += static_cast<size_t>(position - position_);
  } else if (source_->seek(position)) {
    begin_ = end_ = 0;
    ahead_ = first_piece;
  } else {
    if (position < position_) restart();
    for (uint64_t left = position - position_; left > 0;) {
      const uint64_t step = std::min<uint64_t>(left, piece);
      if (!fill(step)) fail_here("the end of the file cuts it off");
      begin_ += step;
      position_ += step;
      left -= step;
    }
  }
  position_ = position;
}

void TfRecordReader::close() {
  source_.reset();
  buffer_ = {};
  begin_ = end_ = 0;
}

void TfRecordReader::seek(uint64_t position, int64_t number) {
  if (source_ == nullptr) restart();
  jump(position);
  number_ = number - 1;
}

std::vector<uint64_t> TfRecordReader::find_records(size_t part) {
  std::vector<uint64_t> places;
  check(source_->is_file(), "{}: records can be counted in a file only, not in a pipe", path_);
  restart();
  if (compression_ == Compression::none) {
    places = find_in_plain_file(part);
  } else {
    for (uint64_t length = 0; read_head(length);) {
      places.push_back(position_);
      jump(position_ + head_size + length + 4);
    }
  }
  restart();
  return places;
}

// Maps the file part by part: only the pages with heads are looked at, and no more than a part counts as memory in use.
std::vector<uint64_t> TfRecordReader::find_in_plain_file(size_t part) {
  std::vector<uint64_t> places;
  const uint64_t size = source_->size();
  std::optional<MappedFile> mapped;
  uint64_t begin = 0, end = 0;  // of what is mapped
  while (position_ < size) {
    ++number_;
    if (size - position_ < head_size) fail_cut_head(size - position_);
    if (position_ + head_size > end) {
      begin = position_;
      end = std::min<uint64_t>(size, begin + part);
      mapped.emplace(path_, begin, part);
    }
    const std::string_view head = mapped->text().substr(static_cast<size_t>(position_ - begin));
    places.push_back(position_);
    position_ += head_size + checked_length(head) + 4;
  }
  return places;
}

void TfRecordReader::restart() {
  source_ = std::make_unique<Source>(path_, compression_);
  begin_ = end_ = 0;
  position_ = 0;
  number_ = 0;
  ahead_ = piece;
}

std::string frame_record(std::string_view data) {
  std::string record;
  record.reserve(head_size + data.size() + 4);
  append_little_endian(record, data.size(), 8);
  const uint32_t length_crc = crc32c(record);
  append_little_endian(record, mask_crc(length_crc), 4);
  record += data;
  append_little_endian(record, mask_crc(crc32c(data)), 4);
  return record;
}

struct TfRecordWriter::Deflater {
  explicit Deflater(Compression compression) {
    const int made = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits(compression), 8,
                                  Z_DEFAULT_STRATEGY);
    check(made == Z_OK, "[tf_record] zlib: {}", zError(made));
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream); }

  z_stream stream{};
  std::string output = std::string(piece, '\0');
};

TfRecordWriter::TfRecordWriter(const std::string& path) : TfRecordWriter(path, compression_of(path)) {}

TfRecordWriter::TfRecordWriter(const std::string& path, Compression compression) : file_(path) {
  if (compression != Compression::none) deflater_ = std::make_unique<Deflater>(compression);
}

TfRecordWriter::~TfRecordWriter() = default;

void TfRecordWriter::write(std::string_view record) {
  check(record.size() <= largest_record, "[tf_record] a record of {} bytes: expected at most {}",
        record.size(), largest_record);
  pending_ += frame_record(record);
  if (pending_.size() >= piece) flush(false);
}

AtomicFile& TfRecordWriter::complete() {
  flush(true);
  return file_;
}

void TfRecordWriter::finish() { complete().commit(); }

void TfRecordWriter::flush(bool last) {
  if (!deflater_) {
    file_.write(pending_);
    pending_.clear();
    return;
  }
  z_stream& stream = deflater_->stream;
  stream.next_in = bytes_of(pending_.data());
  stream.avail_in = static_cast<uInt>(pending_.size());
  do {
    stream.next_out = bytes_of(deflater_->output.data());
    stream.avail_out = static_cast<uInt>(deflater_->output.size());
    deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    file_.write(std::string_view(deflater_->output).substr(0, deflater_->output.size() - stream.avail_out));
  } while (stream.avail_out == 0);
  pending_.clear();
}

}  // namespace gradus
