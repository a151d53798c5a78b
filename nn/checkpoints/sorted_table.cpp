#include "nn/checkpoints/sorted_table.h"

#include <algorithm>

#include "core/error.h"
#include "core/io/bytes.h"
#include "core/io/crc32c.h"
#include "core/io/protobuf.h"

namespace gradus {
namespace {

constexpr size_t footer_bytes = 48, handles_bytes = 40;
constexpr uint64_t table_magic = 0xdb4775248b80fb57;
constexpr size_t trailer_bytes = 5;  // behind each block: its compression and checksum

// The block that a handle, offset and size, points to, with its checksum checked.
std::string_view block_at(std::string_view file, VarintReader& handle, const std::string& where) {
  const uint64_t offset = handle.varint(), size = handle.varint();
  check(offset <= file.size() && size <= file.size() - offset && file.size() - offset - size >= trailer_bytes,
        "{}: a block of {} bytes at byte {} in a file of {}", where, size, offset, file.size());
  const std::string_view block = file.substr(offset, size);
  const auto compression = static_cast<uint8_t>(file[offset + size]);
  const uint32_t checksum = mask_crc(crc32c(file.substr(offset, size + 1)));
  check(checksum == little_endian(file.substr(offset + size + 1, 4)),
        "{}: the checksum of the block at byte {} is wrong", where, offset);
  check(compression == 0, "{}: the block at byte {} is compressed ({}), which is not supported", where,
        offset, compression == 1 ? "snappy" : fmt::format("type {}", compression));
  return block;
}

// Calls f(key, value) for each entry of a block; `key` is that of the entry before, of the same table.
void each_entry(std::string_view block, const std::string& where, std::string& key,
                const std::function<void(const std::string&, std::string_view)>& f) {
  check(block.size() >= 4, "{}: a block of {} bytes", where, block.size());
  const uint64_t restarts = little_endian(block.substr(block.size() - 4));
  check(restarts >= 1 && restarts <= (block.size() - 4) / 4, "{}: a block of {} bytes with {} restarts",
        where, block.size(), restarts);
  VarintReader entries(block.substr(0, block.size() - 4 - 4 * restarts), where);
  std::string last;
  for (bool first = true; !entries.empty(); first = false) {
    const uint64_t shared = entries.varint(), added = entries.varint(), value_size = entries.varint();
    check(shared <= last.size(), "{}: an entry shares {} bytes with a name of {}", where, shared,
          last.size());
    check(added <= longest_table_key - std::min<uint64_t>(shared, longest_table_key),
          "{}: a name of {} bytes, expected at most {}", where, shared + std::min<uint64_t>(added, 1U << 30),
          longest_table_key);
    last.resize(shared);
    last += entries.take(added);
    check((first && key.empty()) || key < last, "{}: the names are not in order", where);
    key = last;
    f(last, entries.take(value_size));
  }
}

// Appends a block with its trailer and returns its handle.
std::string append_block(std::string& file, std::string block) {
  std::string handle;
  protobuf::append_varint(handle, file.size());
  protobuf::append_varint(handle, block.size());
  block += '\0';  // not compressed
  const uint32_t checksum = mask_crc(crc32c(block));
  file += block;
  append_little_endian(file, checksum, 4);
  return handle;
}

}  // namespace

uint64_t VarintReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<uint8_t>(take(1)[0]);
    check(shift < 63 || byte <= 1, "{}: a number of more than 64 bits", where_);
    value |= uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  fail("{}: a number of more than 64 bits", where_);
}

std::string_view VarintReader::take(uint64_t size) {
  check(size <= rest_.size(), "{}: {} bytes where {} are needed", where_, rest_.size(), size);
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

void read_sorted_table(std::string_view file, const std::string& path,
                       const std::function<void(const std::string& key, std::string_view value)>& use) {
  check(file.size() >= footer_bytes, "{}: {} bytes, expected at least {}: this is no checkpoint index", path,
        file.size(), footer_bytes);
  const std::string_view footer = file.substr(file.size() - footer_bytes);
  check(little_endian(footer.substr(handles_bytes)) == table_magic, "{}: this is no checkpoint index", path);
  VarintReader handles(footer.substr(0, handles_bytes), path);
  block_at(file, handles, path);  // the meta-index, which is empty
  const std::string_view index = block_at(file, handles, path);
  std::string key, index_key;
  each_entry(index, path, index_key, [&](const std::string&, std::string_view handle) {
    VarintReader place(handle, path);
    each_entry(block_at(file, place, path), path, key, use);
  });
}

void SortedTableWriter::Block::add(std::string_view key, std::string_view value) {
  restarts_.push_back(static_cast<uint32_t>(out_.size()));
  protobuf::append_varint(out_, 0);
  protobuf::append_varint(out_, key.size());
  protobuf::append_varint(out_, value.size());
  out_ += key;
  out_ += value;
}

std::string SortedTableWriter::Block::finish() {
  if (restarts_.empty()) restarts_.push_back(0);
  for (const uint32_t restart : restarts_) append_little_endian(out_, restart, 4);
  append_little_endian(out_, restarts_.size(), 4);
  return out_;
}

void SortedTableWriter::add(std::string_view key, std::string_view value) {
  check(key.size() <= longest_table_key, "a name of {} bytes in a table, expected at most {}", key.size(),
        longest_table_key);
  entries_.add(key, value);
  last_key_ = key;
}

std::string SortedTableWriter::finish() {
  std::string file;
  const std::string entries = append_block(file, entries_.finish());
  const std::string meta_index = append_block(file, Block().finish());
  Block index;
  index.add(last_key_ + '\0', entries);
  std::string footer = meta_index + append_block(file, index.finish());
  footer.resize(handles_bytes, '\0');
  append_little_endian(footer, table_magic, 8);
  return file + footer;
}

}  // namespace gradus
