#include "nn/checkpoints/tensorflow_checkpoint.h"

#include <algorithm>

#include "core/error.h"
#include "core/io/bytes.h"
#include "core/io/crc32c.h"
#include "core/io/file_kind.h"
#include "core/io/protobuf.h"
#include "nn/checkpoints/sorted_table.h"
#include "nn/checkpoints/tensorflow_slices.h"

namespace gradus {

using protobuf::Field;
using protobuf::Reader;
using protobuf::Wire;

namespace {

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

// The number of data files.
int64_t parse_header(Reader message, const std::string& where) {
  int64_t shards = 0;
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
  return shards;
}

std::string data_file(const std::string& prefix, size_t number, size_t count) {
  return fmt::format("{}.data-{:05}-of-{:05}", prefix, number, count);
}

}  // namespace

// Where a tensor is, as the index says.
struct TensorFlowCheckpoint::Entry {
  int dtype = 0;
  std::vector<int64_t> shape;
  int64_t shard = 0, offset = 0, size = 0;
  uint32_t checksum = 0;
  std::vector<Slice> slices;

  static Entry parse(Reader message, const std::string& where) {
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
    return entry;
  }
};

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
  check_file_kind(mapped.text(), path, "the index of a TensorFlow checkpoint");
  Entries entries;
  bool has_header = false;
  read_sorted_table(mapped.text(), path, [&](const std::string& name, std::string_view value) {
    const std::string where =
        fmt::format("{}: {}", path, name.empty() ? "header" : fmt::format("tensor '{}'", name));
    if (name.empty()) {
      has_header = true;
      shards = parse_header(Reader(value, where), where);
    } else {
      entries.emplace(name, Entry::parse(Reader(value, where), where));
    }
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
    check(entry.size == expected, "{}: {} bytes, expected {} for {} {}", where, entry.size, expected,
          tensor.dtype, shape_text(tensor.shape));
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
  VarintReader front(bytes, where);
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
  const auto element = static_cast<size_t>(tensor_bytes(where, dtype, {}));
  const int64_t expected = tensor_bytes(where, dtype, entry.shape);
  // First all sizes: no memory for a variable whose parts are not there.
  std::vector<const Entry*> parts;
  int64_t found = 0;
  for (const Slice& slice : entry.slices) {
    const int64_t size = slice_elements(slice, entry.shape, where) * static_cast<int64_t>(element);
    const auto part = entries.find(slice_key(name, slice));
    check(part != entries.end(), "{}: a slice is missing", where);
    check(part->second.dtype == entry.dtype, "{}: a slice has another type", where);
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
    copy_slice(entry.slices[s], bytes, entry.shape, element, std::as_writable_bytes(std::span(whole)));
  }
  return std::as_bytes(std::span(whole));
}

const TensorEntry* TensorFlowCheckpoint::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorEntry& tensor, std::string_view n) { return tensor.name < n; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

void write_tensorflow_checkpoint(const std::string& prefix, std::span<const TensorEntry> tensors) {
  std::vector<const TensorEntry*> order;
  for (const TensorEntry& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, [](const TensorEntry* tensor) { return std::string_view(tensor->name); });

  SortedTableWriter index;
  protobuf::Writer version, header;
  version.varint(1, 1);
  header.varint(1, 1);  // one data file
  header.bytes(3, version.str());
  index.add("", header.str());
  AtomicFile data(data_file(prefix, 0, 1));
  uint64_t offset = 0;
  std::string last_name;
  for (const TensorEntry* tensor : order) {
    const std::string where = fmt::format("{}: tensor '{}'", prefix, tensor->name);
    check(!tensor->name.empty() && tensor->name != last_name && tensor->name.size() <= longest_table_key,
          "{}: has no name, or another's, or one of more than {} bytes", where, longest_table_key);
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
    index.add(tensor->name, entry.str());
    data.write(tensor->data);
    offset += bytes;
  }

  AtomicFile index_file(prefix + ".index");
  index_file.write(index.finish());
  // The index last: it is what a checkpoint is opened by.
  AtomicFile* const files[] = {&data, &index_file};
  commit_together(files);
}

}  // namespace gradus
