// TFRecord files: records back to back, each between checksums, the whole perhaps compressed.
//   u64 length | u32 masked CRC-32C of the length | data | u32 masked CRC-32C of the data     (little-endian)
// https://www.tensorflow.org/tutorials/load_data/tfrecord
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/files.h"

namespace gradus {

enum class Compression { none, gzip, zlib };

// By the name: gzip for "*.gz", zlib for "*.zlib", none for others.
Compression compression_of(std::string_view path);

// Reads a file from its start to its end, in pieces: memory is that of the largest record.
class TfRecordReader {
 public:
  // Throws Error when the file can't be opened.
  explicit TfRecordReader(const std::string& path);
  TfRecordReader(std::string path, Compression compression);
  ~TfRecordReader();
  TfRecordReader(const TfRecordReader&) = delete;
  TfRecordReader& operator=(const TfRecordReader&) = delete;

  // The data of the next record, valid until the next call; false at the end of the file. Throws Error
  // "path: record N at byte M: ..." on a wrong checksum, a length beyond the end, a record that the end cuts off, and a
  // damaged compressed stream.
  bool next(std::string_view& record);

  // Where each record of the file begins, found by its lengths; next() goes on from the start. A compressed file is
  // gone through; another must not become shorter meanwhile. Throws Error as next() does, but does not look at the data's
  // checksums.
  // `part`: bytes of an uncompressed file that are mapped at a time.
  std::vector<uint64_t> find_records(size_t part = size_t{1} << 24);
  // Lets next() go on with record `number`, from 1, which begins at byte `position` of the uncompressed file. A
  // compressed one is gone through. Throws Error when it ends before.
  void seek(uint64_t position, int64_t number);

  // Gives the file and the buffer back; seek() opens the file again.
  void close();

  int64_t record_number() const { return number_; }  // of the last record, from 1
  std::string where() const;                         // "path: record N"

 private:
  class Source;

  // Makes the next `size` bytes stand at begin_ in the buffer. False when fewer are left.
  bool fill(uint64_t size);
  // The length of the record at begin_, whose first bytes are in the buffer; false at the end.
  bool read_head(uint64_t& length);
  // The length of the record with this head. Throws Error when it can't be one at position_.
  uint64_t checked_length(std::string_view head) const;
  std::vector<uint64_t> find_in_plain_file(size_t part);
  void jump(uint64_t position);
  void restart();
  [[noreturn]] void fail_cut_head(uint64_t bytes) const;
  [[noreturn]] void fail_cut_off(uint64_t length) const;
  [[noreturn]] void fail_here(std::string_view what) const;

  std::string path_;
  Compression compression_;
  std::unique_ptr<Source> source_;
  std::string buffer_;
  size_t begin_ = 0, end_ = 0;  // of the unread bytes in buffer_
  size_t ahead_;                // bytes read at a time: few after a jump, more and more from there on
  uint64_t position_ = 0;       // of begin_ in the uncompressed file
  int64_t number_ = 0;
};

// A record with its length and checksums.
std::string frame_record(std::string_view data);

// Writes a file that is there as a whole after finish(), and not at all before.
class TfRecordWriter {
 public:
  // Throws Error when the file can't be made.
  explicit TfRecordWriter(const std::string& path);
  TfRecordWriter(const std::string& path, Compression compression);
  ~TfRecordWriter();
  TfRecordWriter(const TfRecordWriter&) = delete;
  TfRecordWriter& operator=(const TfRecordWriter&) = delete;

  // All throw Error when the disk is full or the like.
  void write(std::string_view record);
  void finish();
  // The first half of finish(): writes what is left, and returns the file to commit.
  AtomicFile& complete();

 private:
  void flush(bool last);

  AtomicFile file_;
  std::string pending_;  // not yet written or compressed
  struct Deflater;
  std::unique_ptr<Deflater> deflater_;  // null without compression
};

}  // namespace gradus
