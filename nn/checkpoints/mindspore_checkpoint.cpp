#include "nn/checkpoints/mindspore_checkpoint.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/io/bytes.h"
#include "core/io/file_kind.h"
#include "core/io/protobuf.h"

namespace gradus {
namespace {

using protobuf::Field;
using protobuf::Reader;
using protobuf::Wire;

struct NamedType {
  std::string_view mindspore;
  std::string_view ours;
};

constexpr NamedType types[] = {{"Int8", "I8"},      {"UInt8", "U8"},    {"Int16", "I16"},   {"UInt16", "U16"},
                               {"Int32", "I32"},    {"UInt32", "U32"},  {"Int64", "I64"},   {"UInt64", "U64"},
                               {"Float16", "F16"},  {"Float32", "F32"}, {"Float64", "F64"}, {"Bool", "BOOL"},
                               {"BFloat16", "BF16"}};

constexpr std::string_view checksum_mark = "crc_num";
constexpr size_t checksum_bytes = 17;  // the mark and a number of ten bytes

uint32_t crc32_of(std::string_view bytes, uLong crc = ::crc32(0, nullptr, 0)) {
  while (!bytes.empty()) {
    const std::string_view some = bytes.substr(0, 1U << 30);
    crc = ::crc32(crc, reinterpret_cast<const Bytef*>(some.data()), static_cast<uInt>(some.size()));
    bytes.remove_prefix(some.size());
  }
  return static_cast<uint32_t>(crc);
}

std::string checksum_trailer(uint32_t crc) {
  std::string trailer(checksum_mark);
  trailer.append(6, '\0');
  append_big_endian(trailer, crc, 4);
  return trailer;
}

// UTF-32 as it lies in the file, as UTF-8. Throws Error on what is no character.
std::string utf8_of(std::string_view utf32, const std::string& where) {
  check(utf32.size() % 4 == 0, "{}: a text of {} bytes, expected four for each character", where,
        utf32.size());
  std::string text;
  for (size_t i = 0; i < utf32.size(); i += 4) {
    uint32_t c = 0;
    for (int b = 3; b >= 0; --b) c = c << 8 | static_cast<uint8_t>(utf32[i + static_cast<size_t>(b)]);
    check(c < 0x110000 && (c < 0xd800 || c > 0xdfff), "{}: {:#x} is no character", where, c);
    const auto tail = [&](int shift) { text += static_cast<char>(0x80U | ((c >> shift) & 0x3fU)); };
    if (c < 0x80) {
      text += static_cast<char>(c);
    } else if (c < 0x800) {
      text += static_cast<char>(0xc0U | c >> 6);
      tail(0);
    } else if (c < 0x10000) {
      text += static_cast<char>(0xe0U | c >> 12);
      tail(6);
      tail(0);
    } else {
      text += static_cast<char>(0xf0U | c >> 18);
      tail(12);
      tail(6);
      tail(0);
    }
  }
  return text;
}

}  // namespace

// One Value of the file: a tensor, or some of its bytes.
struct MindSporeCheckpoint::Part {
  std::string name;
  std::vector<int64_t> dims;
  std::string_view type;
  std::string_view bytes;
};

MindSporeCheckpoint::MindSporeCheckpoint(const std::string& path) : path_(path), file_(path) {
  std::string_view message = file_.text();
  check_file_kind(message, path_, "a MindSpore checkpoint");
  if (message.size() >= checksum_bytes &&
      message.substr(message.size() - checksum_bytes).starts_with(checksum_mark)) {
    const std::string_view stored = message.substr(message.size() - checksum_bytes);
    message.remove_suffix(checksum_bytes);
    const uint32_t found = crc32_of(message);
    check(stored == checksum_trailer(found), "{}: the checksum of the file is {:#x}, its end says {:#x}",
          path_, found, big_endian(stored.substr(stored.size() - 8)));
    has_checksum_ = true;
  }
  check(!message.empty(), "{}: an empty file, expected a MindSpore checkpoint", path_);

  Reader checkpoint(message, path_);
  for (Field value; checkpoint.next(value);) {
    if (value.number != 1) continue;
    Part part;
    std::optional<Field> tensor;
    Reader values(value, checkpoint);
    for (Field field; values.next(field);) {
      check(field.number != 3, "{}: tensor '{}' is a hash table, which is not supported", path_, part.name);
      if (field.number > 2) continue;
      values.expect(field, Wire::bytes);
      if (field.number == 1) part.name = field.bytes;
      else tensor = field;
    }
    check(!part.name.empty() && tensor.has_value(),
          "{}: byte {}: a value without {}: this is no MindSpore checkpoint", path_, value.offset,
          part.name.empty() ? "a name" : "a tensor");
    bool has_bytes = false;
    Reader tensors(*tensor, values);
    for (Field field; tensors.next(field);) {
      if (field.number == 1)
        tensors.each_varint(field, [&](uint64_t dim) { part.dims.push_back(static_cast<int64_t>(dim)); });
      if (field.number == 2 || field.number == 3) tensors.expect(field, Wire::bytes);
      if (field.number == 2) part.type = field.bytes;
      if (field.number == 3) part.bytes = field.bytes;
      has_bytes |= field.number == 3;
    }
    check(!part.type.empty() && has_bytes, "{}: tensor '{}' has no {}", path_, part.name,
          has_bytes ? "type" : "content");
    add(part);
  }
  complete();
}

// Throws Error unless the last tensor has all its bytes.
void MindSporeCheckpoint::complete() const {
  if (!tensors_.empty())
    check_bytes(fmt::format("{}: tensor '{}'", path_, tensors_.back().name), tensors_.back());
}

void MindSporeCheckpoint::add(const Part& part) {
  const std::string where = fmt::format("{}: tensor '{}'", path_, part.name);
  if (part.type == "str") {
    check(index_.emplace(part.name, tensors_.size()).second, "{}: occurs twice", where);
    strings_.push_back({part.name, {}, {utf8_of(part.bytes, where)}});
    return;
  }
  const auto type = std::find_if(std::begin(types), std::end(types),
                                 [&](const NamedType& known) { return known.mindspore == part.type; });
  check(type != std::end(types), "{}: elements of type '{}' are not supported", where, part.type);
  TensorEntry entry{part.name, std::string(type->ours), part.dims, std::as_bytes(std::span(part.bytes))};
  // A single value has no dimensions, in older files the dimension 0.
  const auto one = static_cast<uint64_t>(tensor_bytes(where, entry.dtype, {}));
  if (entry.shape == std::vector<int64_t>{0} && part.bytes.size() == one) entry.shape.clear();
  const int64_t whole = tensor_bytes(where, entry.dtype, entry.shape);

  if (!tensors_.empty() && tensors_.back().name == part.name) {
    TensorEntry& last = tensors_.back();
    const bool goes_on = last.dtype == entry.dtype && last.shape == entry.shape &&
                         last.data.size() + entry.data.size() <= static_cast<uint64_t>(whole) &&
                         last.data.size() < static_cast<uint64_t>(whole);
    check(goes_on, "{}: occurs twice", where);
    std::string& bytes = joined_[part.name];
    if (bytes.empty()) bytes.assign(reinterpret_cast<const char*>(last.data.data()), last.data.size());
    bytes += part.bytes;
    last.data = std::as_bytes(std::span(bytes));
    return;
  }
  complete();
  check(index_.emplace(part.name, tensors_.size()).second, "{}: occurs twice", where);
  tensors_.push_back(std::move(entry));
}

const TensorEntry* MindSporeCheckpoint::find(std::string_view name) const {
  const auto found = index_.find(name);
  // A string tensor's place is that of the tensor behind it.
  const bool there =
      found != index_.end() && found->second < tensors_.size() && tensors_[found->second].name == name;
  return there ? &tensors_[found->second] : nullptr;
}

void write_mindspore_checkpoint(const std::string& path, std::span<const TensorEntry> tensors,
                                const MindSporeOptions& options) {
  AtomicFile file(path);
  uLong crc = ::crc32(0, nullptr, 0);
  const auto write = [&](std::string_view bytes) {
    file.write(bytes);
    if (options.checksum) crc = crc32_of(bytes, crc);
  };
  std::set<std::string_view> names;
  for (const TensorEntry& tensor : tensors) {
    const std::string where = fmt::format("{}: tensor '{}'", path, tensor.name);
    check(!tensor.name.empty() && names.insert(tensor.name).second, "{}: has no name, or another's", where);
    check_bytes(where, tensor);
    const auto type = std::find_if(std::begin(types), std::end(types),
                                   [&](const NamedType& t) { return t.ours == tensor.dtype; });
    check(type != std::end(types), "{}: MindSpore has no type for {}", where, tensor.dtype);
    const auto element = static_cast<size_t>(tensor_bytes(where, tensor.dtype, {}));
    const size_t step = std::max(options.part_bytes / element, size_t{1}) * element;
    size_t begin = 0;
    do {
      const auto part = tensor.data.subspan(begin, std::min(step, tensor.data.size() - begin));
      // The lengths in front of the content are known without a copy of it: it is the last field of its messages.
      std::string head;
      for (const int64_t dim : tensor.shape) {
        head += '\x08';
        protobuf::append_varint(head, static_cast<uint64_t>(dim));
      }
      protobuf::Writer type_name;
      type_name.bytes(2, type->mindspore);
      head += type_name.str() + '\x1a';
      protobuf::append_varint(head, part.size());
      protobuf::Writer name;
      name.bytes(1, tensor.name);
      std::string value = name.str() + '\x12';
      protobuf::append_varint(value, head.size() + part.size());
      value += head;
      std::string key(1, '\x0a');
      protobuf::append_varint(key, value.size() + part.size());
      write(key + value);
      write({reinterpret_cast<const char*>(part.data()), part.size()});
      begin += step;
    } while (begin < tensor.data.size());
  }
  if (options.checksum) {
    file.write(checksum_trailer(static_cast<uint32_t>(crc)));
  }
  file.commit();
}

}  // namespace gradus
