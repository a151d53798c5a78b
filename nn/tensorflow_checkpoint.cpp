#include "nn/tensorflow_checkpoint.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>

#include "core/bytes.h"
#include "core/crc32c.h"
#include "core/error.h"
#include "core/protobuf.h"

namespace gradus {

using protobuf::Field;
using protobuf::Reader;
using protobuf::Wire;

namespace {

constexpr size_t footer_bytes = 48, handles_bytes = 40;
constexpr uint64_t table_magic = 0xdb4775248b80fb57;
constexpr size_t trailer_bytes = 5;  // behind each block: its compression and checksum
constexpr size_t longest_key = 4096;
constexpr int64_t most_shards = 100'000;
constexpr int string_type = 7;

struct NumberedType {
  int number;
  std::string_view ours;
};

constexpr NumberedType types[] = {{1, "F32"},  {2, "F64"},  {3, "I32"},   {4, "U8"},    {5, "I16"},
                                  {6, "I8"},   {9, "I64"},  {10, "BOOL"}, {14, "BF16"}, {17, "U16"},
                                  {19, "F16"}, {22, "U32"}, {23, "U64"}};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Numbers and stretches at the front of some bytes.
class Front {
 public:
  Front(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where) {}

  bool empty() const { return rest_.empty(); }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      check(shift < 63 || byte <= 1, "{}: a number of more than 64 bits", where_);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    fail("{}: a number of more than 64 bits", where_);
  }
  std::string_view take(uint64_t size) {
    check(size <= rest_.size(), "{}: {} bytes where {} are needed", where_, rest_.size(), size);
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view rest_;
  std::string_view where_;
};

// The block that a handle, offset and size, points to, with its checksum checked.
std::string_view block_at(std::string_view file, Front& handle, const std::string& where) {
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
  Front entries(block.substr(0, block.size() - 4 - 4 * restarts), where);
  std::string last;
  for (bool first = true; !entries.empty(); first = false) {
    const uint64_t shared = entries.varint(), added = entries.varint(), value_size = entries.varint();
    check(shared <= last.size(), "{}: an entry shares {} bytes with a name of {}", where, shared,
          last.size());
    check(added <= longest_key - std::min<uint64_t>(shared, longest_key),
          "{}: a name of {} bytes, expected at most {}", where, shared + std::min<uint64_t>(added, 1U << 30),
          longest_key);
    last.resize(shared);
    last += entries.take(added);
    check((first && key.empty()) || key < last, "{}: the names are not in order", where);
    key = last;
    f(last, entries.take(value_size));
  }
}

// Part of a variable along one dimension; a length of -1 is all of it.
struct Extent {
  int64_t start = 0, length = -1;
};

// The form of a number in the names of slices: as many leading ones as bytes, a zero, and the number, such that the
// order of the bytes is that of the numbers.
std::string ordered(int64_t value) {
  if (value == -1) return "\x7f";
  int bytes = 1;
  while (bytes < 9 && value >> (7 * bytes - 1) != 0) ++bytes;
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>((value >> (8 * i)) & 0xff);
  for (int bit = 0; bit < bytes; ++bit) {
    out[static_cast<size_t>(bit / 8)] =
        static_cast<char>(static_cast<uint8_t>(out[static_cast<size_t>(bit / 8)]) | (0x80U >> (bit % 8)));
  }
  return out;
}

// The name under which the slice's bytes are found.
std::string slice_key(std::string_view name, const std::vector<Extent>& slice) {
  std::string key(1, '\0');
  for (const char c : name) {
    key += c;
    if (c == '\0') key += '\xff';
    if (c == '\xff') key += '\0';
  }
  // The end of the name, and the number of dimensions, which takes one byte.
  key += std::string("\0\1\1", 3) + static_cast<char>(slice.size());
  for (const Extent& extent : slice) key += ordered(extent.start) + ordered(extent.length);
  return key;
}

}  // namespace

// Where a tensor is, as the index says.
struct TensorFlowCheckpoint::Entry {
  int dtype = 0;
  std::vector<int64_t> shape;
  int64_t shard = 0, offset = 0, size = 0;
  uint32_t checksum = 0;
  std::vector<std::vector<Extent>> slices;
};

namespace {

std::vector<int64_t> parse_shape(Reader shape, const std::string& where) {
  std::vector<int64_t> dims;
  for (Field field; shape.next(field);) {
    if (field.number == 3) check(field.value == 0, "{}: a shape of unknown rank", where);
    if (field.number != 2) continue;
    int64_t size = 0;
    Reader dim(field, shape);
    for (Field part; dim.next(part);) {
      if (part.number != 1) continue;
      dim.expect(part, Wire::varint);
      size = static_cast<int64_t>(part.value);
    }
    dims.push_back(size);
  }
  return dims;
}

std::vector<Extent> parse_slice(Reader slice) {
  std::vector<Extent> extents;
  for (Field field; slice.next(field);) {
    if (field.number != 1) continue;
    Extent extent;
    Reader parts(field, slice);
    for (Field part; parts.next(part);) {
      if (part.number > 2) continue;
      parts.expect(part, Wire::varint);
      (part.number == 1 ? extent.start : extent.length) = static_cast<int64_t>(part.value);
    }
    extents.push_back(extent);
  }
  return extents;
}

std::string data_file(const std::string& prefix, size_t number, size_t count) {
  return fmt::format("{}.data-{:05}-of-{:05}", prefix, number, count);
}

}  // namespace

TensorFlowCheckpoint::TensorFlowCheckpoint(const std::string& path) : prefix_(path) {
  if (prefix_.ends_with(".index")) prefix_.resize(prefix_.size() - 6);
  int64_t shards = 0;
  const Entries entries = read_index(shards);
  open_shards(shards);
  for (const auto& [name, entry] : entries) {
    if (!name.starts_with('\0'))
      add(name, entry, entries);  // others are slices, found through their variable
  }
}

TensorFlowCheckpoint::~TensorFlowCheckpoint() = default;

TensorFlowCheckpoint::Entries TensorFlowCheckpoint::read_index(int64_t& shards) {
  const std::string path = prefix_ + ".index";
  const MappedFile mapped(path);
  const std::string_view file = mapped.text();
  check(file.size() >= footer_bytes, "{}: {} bytes, expected at least {}: this is no checkpoint index", path,
        file.size(), footer_bytes);
  const std::string_view footer = file.substr(file.size() - footer_bytes);
  check(little_endian(footer.substr(handles_bytes)) == table_magic, "{}: this is no checkpoint index", path);
  Front handles(footer.substr(0, handles_bytes), path);
  block_at(file, handles, path);  // the meta-index, which is empty
  const std::string_view index = block_at(file, handles, path);

  Entries entries;
  bool has_header = false;
  std::string key, index_key;
  each_entry(index, path, index_key, [&](const std::string&, std::string_view handle) {
    Front place(handle, path);
    each_entry(block_at(file, place, path), path, key, [&](const std::string& name, std::string_view value) {
      const std::string where =
          fmt::format("{}: {}", path, name.empty() ? "header" : fmt::format("tensor '{}'", name));
      Reader message(value, where);
      if (name.empty()) {
        has_header = true;
        shards = 0;
        for (Field field; message.next(field);) {
          if (field.number == 1) shards = static_cast<int64_t>(field.value);
          if (field.number == 2)
            check(field.value == 0, "{}: the numbers are big-endian, which is not supported", where);
          if (field.number != 3) continue;
          Reader version(field, message);
          for (Field part; version.next(part);)
            check(part.number != 2 || part.value <= 1, "{}: version {}, expected 0 or 1", where, part.value);
        }
        check(shards >= 1 && shards <= most_shards, "{}: {} data files, expected 1 to {}", where, shards,
              most_shards);
        return;
      }
      Entry entry;
      for (Field field; message.next(field);) {
        const auto number = static_cast<int64_t>(field.value);
        switch (field.number) {
          case 1:
            entry.dtype = static_cast<int>(std::min<uint64_t>(field.value, 1000));
            break;
          case 2:
            entry.shape = parse_shape(Reader(field, message), where);
            break;
          case 3:
            entry.shard = number;
            break;
          case 4:
            entry.offset = number;
            break;
          case 5:
            entry.size = number;
            break;
          case 6:
            message.expect(field, Wire::fixed32);
            entry.checksum = static_cast<uint32_t>(field.value);
            break;
          case 7:
            entry.slices.push_back(parse_slice(Reader(field, message)));
            break;
          default:
            break;
        }
      }
      entries.emplace(name, std::move(entry));
    });
  });
  check(has_header, "{}: no header: this is no checkpoint index", path);
  return entries;
}

void TensorFlowCheckpoint::open_shards(int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    shards_.push_back(std::make_unique<MappedFile>(data_file(prefix_, i, count)));
}

std::vector<std::string> TensorFlowCheckpoint::files() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < shards_.size(); ++i) names.push_back(data_file(prefix_, i, shards_.size()));
  names.push_back(prefix_ + ".index");
  return names;
}

std::span<const std::byte> TensorFlowCheckpoint::bytes_of(const Entry& entry,
                                                          const std::string& where) const {
  check(entry.shard >= 0 && entry.shard < static_cast<int64_t>(shards_.size()), "{}: in data file {} of {}",
        where, entry.shard, shards_.size());
  const auto file = shards_[static_cast<size_t>(entry.shard)]->bytes();
  const auto size = static_cast<int64_t>(file.size());
  check(entry.offset >= 0 && entry.size >= 0 && entry.offset <= size && entry.size <= size - entry.offset,
        "{}: {} bytes at byte {} of a data file of {}", where, entry.size, entry.offset, size);
  return file.subspan(static_cast<size_t>(entry.offset), static_cast<size_t>(entry.size));
}

void TensorFlowCheckpoint::add(const std::string& name, const Entry& entry, const Entries& entries) {
  const std::string where = fmt::format("{}.index: tensor '{}'", prefix_, name);
  if (entry.dtype == string_type) return add_string(name, entry, where);
  const auto type = std::find_if(std::begin(types), std::end(types),
                                 [&](const NumberedType& known) { return known.number == entry.dtype; });
  check(type != std::end(types), "{}: elements of type {} are not supported", where, entry.dtype);
  TensorEntry tensor{name, std::string(type->ours), entry.shape, {}};
  const int64_t expected = tensor_bytes(where, tensor.dtype, tensor.shape);
  if (entry.slices.empty()) {
    check(entry.size == expected, "{}: {} bytes, expected {} for {} [{}]", where, entry.size, expected,
          tensor.dtype, fmt::join(tensor.shape, ", "));
    tensor.data = bytes_of(entry, where);
    check(mask_crc(crc32c(text_of(tensor.data))) == entry.checksum, "{}: the checksum of its data is wrong",
          where);
  } else {
    tensor.data = join(name, tensor.dtype, entry, entries, where);
  }
  tensors_.push_back(std::move(tensor));
}

// The lengths of the strings, their checksum, and the strings.
void TensorFlowCheckpoint::add_string(const std::string& name, const Entry& entry, const std::string& where) {
  const std::string_view bytes = text_of(bytes_of(entry, where));
  const int64_t count = tensor_bytes(where, "U8", entry.shape);
  check(entry.slices.empty() && static_cast<uint64_t>(count) <= bytes.size(), "{}: {} strings in {} bytes",
        where, count, bytes.size());
  Front front(bytes, where);
  std::vector<uint64_t> lengths;
  std::string checked;  // what the checksums are of
  for (int64_t i = 0; i < count; ++i) {
    lengths.push_back(front.varint());
    append_little_endian(checked, lengths.back(), lengths.back() > 0xffffffff ? 8 : 4);
  }
  const std::string_view lengths_checksum = front.take(4);
  check(mask_crc(crc32c(checked)) == little_endian(lengths_checksum),
        "{}: the checksum of its lengths is wrong", where);
  uint32_t crc = crc32c(lengths_checksum, crc32c(checked));
  StringTensor tensor{name, entry.shape, {}};
  for (const uint64_t length : lengths) {
    tensor.values.emplace_back(front.take(length));
    crc = crc32c(tensor.values.back(), crc);
  }
  check(front.empty() && mask_crc(crc) == entry.checksum, "{}: the checksum of its data is wrong", where);
  strings_.push_back(std::move(tensor));
}

std::span<const std::byte> TensorFlowCheckpoint::join(const std::string& name, const std::string& dtype,
                                                      const Entry& entry, const Entries& entries,
                                                      const std::string& where) {
  const size_t rank = entry.shape.size();
  const auto element = static_cast<size_t>(tensor_bytes(where, dtype, {}));
  const int64_t expected = tensor_bytes(where, dtype, entry.shape);
  // First all sizes: no memory for a variable whose parts are not there.
  std::vector<const Entry*> parts;
  int64_t found = 0;
  for (const std::vector<Extent>& slice : entry.slices) {
    check(slice.size() == rank, "{}: a slice of {} dimensions, expected {}", where, slice.size(), rank);
    const auto part = entries.find(slice_key(name, slice));
    check(part != entries.end(), "{}: a slice is missing", where);
    check(part->second.dtype == entry.dtype, "{}: a slice has another type", where);
    int64_t size = static_cast<int64_t>(element);
    for (size_t d = 0; d < rank; ++d) {
      const int64_t length = slice[d].length < 0 ? entry.shape[d] : slice[d].length;
      check(slice[d].start >= 0 && length <= entry.shape[d] && slice[d].start <= entry.shape[d] - length,
            "{}: a slice of {} from {} in a dimension of {}", where, length, slice[d].start, entry.shape[d]);
      size *= length;
    }
    check(size == part->second.size, "{}: a slice has {} bytes, expected {}", where, part->second.size, size);
    found += size;
    parts.push_back(&part->second);
  }
  check(found == expected, "{}: its slices have {} bytes, expected {}", where, found, expected);

  std::string& whole = joined_[name];
  whole.resize(static_cast<size_t>(expected));
  for (size_t s = 0; s < parts.size(); ++s) {
    const auto bytes = bytes_of(*parts[s], where);
    check(mask_crc(crc32c(text_of(bytes))) == parts[s]->checksum, "{}: the checksum of a slice is wrong",
          where);
    // Row after row of the slice, along the last dimension.
    const std::vector<Extent>& slice = entry.slices[s];
    std::vector<int64_t> at(rank, 0);
    size_t from = 0;
    while (from < bytes.size()) {
      int64_t offset = 0;
      for (size_t d = 0; d < rank; ++d) offset = offset * entry.shape[d] + slice[d].start + at[d];
      const int64_t row = rank == 0                    ? 1
                          : slice[rank - 1].length < 0 ? entry.shape[rank - 1]
                                                       : slice[rank - 1].length;
      const size_t row_bytes = static_cast<size_t>(row) * element;
      std::memcpy(whole.data() + static_cast<size_t>(offset) * element, bytes.data() + from, row_bytes);
      from += row_bytes;
      for (size_t d = rank > 0 ? rank - 1 : 0; d-- > 0;) {
        const int64_t length = slice[d].length < 0 ? entry.shape[d] : slice[d].length;
        if (++at[d] < length) break;
        at[d] = 0;
      }
    }
  }
  return std::as_bytes(std::span(whole));
}

const TensorEntry* TensorFlowCheckpoint::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorEntry& tensor, std::string_view n) { return tensor.name < n; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

namespace {

// A block of a table without shared prefixes: every entry is a restart.
class BlockWriter {
 public:
  void add(std::string_view key, std::string_view value) {
    restarts_.push_back(static_cast<uint32_t>(out_.size()));
    protobuf::append_varint(out_, 0);
    protobuf::append_varint(out_, key.size());
    protobuf::append_varint(out_, value.size());
    out_ += key;
    out_ += value;
  }
  std::string finish() {
    if (restarts_.empty()) restarts_.push_back(0);
    for (const uint32_t restart : restarts_) append_little_endian(out_, restart, 4);
    append_little_endian(out_, restarts_.size(), 4);
    return out_;
  }

 private:
  std::string out_;
  std::vector<uint32_t> restarts_;
};

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

void write_tensorflow_checkpoint(const std::string& prefix, std::span<const TensorEntry> tensors) {
  std::vector<const TensorEntry*> order;
  for (const TensorEntry& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, [](const TensorEntry* tensor) { return std::string_view(tensor->name); });

  BlockWriter entries;
  protobuf::Writer version, header;
  version.varint(1, 1);
  header.varint(1, 1);  // one data file
  header.bytes(3, version.str());
  entries.add("", header.str());
  AtomicFile data(data_file(prefix, 0, 1));
  uint64_t offset = 0;
  std::string last_name;
  for (const TensorEntry* tensor : order) {
    const std::string where = fmt::format("{}: tensor '{}'", prefix, tensor->name);
    check(!tensor->name.empty() && tensor->name != last_name && tensor->name.size() <= longest_key,
          "{}: has no name, or another's, or one of more than {} bytes", where, longest_key);
    last_name = tensor->name;
    check_bytes(where, *tensor);
    const uint64_t bytes = tensor->data.size();
    const auto type = std::find_if(std::begin(types), std::end(types),
                                   [&](const NumberedType& known) { return known.ours == tensor->dtype; });
    protobuf::Writer shape, entry;
    for (const int64_t size : tensor->shape) {
      protobuf::Writer dim;
      if (size != 0) dim.varint(1, static_cast<uint64_t>(size));
      shape.bytes(2, dim.str());
    }
    entry.varint(1, static_cast<uint64_t>(type->number));
    entry.bytes(2, shape.str());
    if (offset != 0) entry.varint(4, offset);
    if (bytes != 0) entry.varint(5, bytes);
    entry.fixed32(6, mask_crc(crc32c(text_of(tensor->data))));
    entries.add(tensor->name, entry.str());
    data.write(tensor->data);
    offset += bytes;
  }

  std::string index;
  const std::string entries_handle = append_block(index, entries.finish());
  const std::string meta_handle = append_block(index, BlockWriter().finish());
  BlockWriter blocks;
  blocks.add(last_name + '\0', entries_handle);
  std::string footer = meta_handle + append_block(index, blocks.finish());
  footer.resize(handles_bytes, '\0');
  append_little_endian(footer, table_magic, 8);
  // The index last: it is what a checkpoint is opened by.
  data.commit();
  replace_file(prefix + ".index", index + footer);
}

}  // namespace gradus
