#include "data/mind_record_values.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/io/bytes.h"
#include "data/msgpack.h"

namespace gradus::mind_record {
namespace {

using Type = MindRecordColumn::Type;

template <typename Number>
Number parse_number(std::string_view text, std::string_view name, std::string_view where) {
  Number number{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  check(result.ec == std::errc() && result.ptr == text.data() + text.size(),
        "{}: column '{}' has '{}', expected a number", where, name, text);
  return number;
}

void convert(const MindRecordColumn& column, const MsgpackValue& from, MindRecordValue& to,
             std::string_view where) {
  using Kind = MsgpackValue::Kind;
  if (column.type == Type::string) {
    check(from.kind == Kind::text, "{}: column '{}' has a number, expected a string", where, column.name);
    to.bytes = from.text;
  } else if (column.is_float()) {
    const double value = from.kind == Kind::text   ? parse_number<double>(from.text, column.name, where)
                         : from.kind == Kind::real ? from.real
                                                   : static_cast<double>(from.integer);
    to.floats.assign(1,
                     column.type == Type::float32 ? static_cast<double>(static_cast<float>(value)) : value);
  } else {
    int64_t value = from.integer;
    if (from.kind == Kind::text) value = parse_number<int64_t>(from.text, column.name, where);
    if (from.kind == Kind::real) {
      check(std::abs(from.real) < 9.2e18 && from.real == std::floor(from.real),
            "{}: column '{}' has {}, expected a whole number", where, column.name, from.real);
      value = static_cast<int64_t>(from.real);
    }
    check(column.type == Type::int64 || value == static_cast<int32_t>(value),
          "{}: column '{}' has {}, which no int32 is", where, column.name, value);
    to.ints.assign(1, value);
  }
}

// The smallest code of a width, 1 << code bytes, that holds the number.
int width_code(int64_t value) {
  if (value == static_cast<int8_t>(value)) return 0;
  if (value == static_cast<int16_t>(value)) return 1;
  return value == static_cast<int32_t>(value) ? 2 : 3;
}

}  // namespace

bool resolve_shape(const std::vector<int64_t>& column_shape, int64_t count, std::vector<int64_t>& shape) {
  int64_t known = 1;  // elements along the dimensions that are given
  for (const int64_t dimension : column_shape) known *= std::max<int64_t>(dimension, 1);
  bool open = false;
  shape = column_shape;
  for (int64_t& dimension : shape) {
    if (dimension > 0) continue;
    dimension = count / known;
    open = true;
  }
  return open ? count % known == 0 : count == known;
}

std::string pack_integers(const std::vector<int64_t>& values) {
  std::string out;
  append_big_endian(out, values.size(), 4);
  const size_t codes = out.size();
  out.append((values.size() + 3) / 4, '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    const int code = width_code(values[i]);
    out[codes + i / 4] =
        static_cast<char>(static_cast<uint8_t>(out[codes + i / 4]) | (code << (6 - 2 * (i % 4))));
    append_little_endian(out, static_cast<uint64_t>(values[i]), 1 << code);
  }
  return out;
}

void unpack_integers(std::string_view bytes, bool narrow, std::vector<int64_t>& values,
                     std::string_view where) {
  check(bytes.size() >= 4, "{}: {} bytes of packed integers, expected at least 4", where, bytes.size());
  const uint64_t count = big_endian(bytes.substr(0, 4));
  const uint64_t codes_size = (count + 3) / 4;
  // Each number takes a byte at least.
  check(bytes.size() - 4 >= codes_size && bytes.size() - 4 - codes_size >= count,
        "{}: {} packed integers in {} bytes", where, count, bytes.size());
  const auto* codes = reinterpret_cast<const uint8_t*>(bytes.data()) + 4;
  const auto* next = codes + codes_size;
  const auto* end = reinterpret_cast<const uint8_t*>(bytes.data()) + bytes.size();
  values.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const int code = (codes[i / 4] >> (6 - 2 * (i % 4))) & 3;
    const int width = 1 << code;
    check(end - next >= width, "{}: packed integer {} of {} is cut off", where, i, count);
    uint64_t value = 0;
    for (int b = 0; b < width; ++b) value |= uint64_t{next[b]} << (8 * b);
    next += width;
    const int unused = 64 - 8 * width;  // bits, filled with the sign
    values[i] = static_cast<int64_t>(value << unused) >> unused;
    check(!narrow || code < 3, "{}: packed integer {} has 8 bytes, expected an int32", where, i);
  }
  check(next == end, "{}: {} bytes behind the last packed integer", where, end - next);
}

void append_plain(const MindRecordColumn& column, const MindRecordValue& value, std::string& out) {
  for (const int64_t number : value.ints)
    append_little_endian(out, static_cast<uint64_t>(number), column.type == Type::int32 ? 4 : 8);
  for (const double number : value.floats) {
    if (column.type == Type::float32)
      append_little_endian(out, std::bit_cast<uint32_t>(static_cast<float>(number)), 4);
    else append_little_endian(out, std::bit_cast<uint64_t>(number), 8);
  }
}

void read_plain(const MindRecordColumn& column, std::string_view bytes, MindRecordValue& value,
                std::string_view where) {
  const size_t width = column.type == Type::int32 || column.type == Type::float32 ? 4 : 8;
  check(bytes.size() % width == 0, "{}: column '{}' of {} has {} bytes", where, column.name,
        name_of(column.type), bytes.size());
  const size_t count = bytes.size() / width;
  value.ints.clear();
  value.floats.clear();
  if (column.is_integer()) value.ints.reserve(count);
  else value.floats.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = little_endian(bytes.substr(i * width, width));
    switch (column.type) {
      case Type::int32:
        value.ints.push_back(static_cast<int32_t>(static_cast<uint32_t>(bits)));
        break;
      case Type::int64:
        value.ints.push_back(static_cast<int64_t>(bits));
        break;
      case Type::float32:
        value.floats.push_back(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits))));
        break;
      default:
        value.floats.push_back(std::bit_cast<double>(bits));
    }
  }
}

std::string raw_part(const std::vector<MindRecordColumn>& columns, const MindRecordRow& row) {
  std::string body;
  uint64_t count = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].is_blob()) continue;
    ++count;
    append_msgpack(body, columns[i].name);
    if (columns[i].type == Type::string) append_msgpack(body, row[i].bytes);
    else if (columns[i].is_float()) append_msgpack(body, row[i].floats.at(0));
    else append_msgpack(body, row[i].ints.at(0));
  }
  if (count == 0) return "\x81\xa2id" + std::string(1, '\0');  // a map must be there: {"id": 0}
  std::string out;
  append_msgpack_map(out, count);
  return out + body;
}

void read_raw_part(std::string_view bytes, const std::vector<MindRecordColumn>& columns, MindRecordRow& row,
                   std::string_view where) {
  MsgpackReader parts(bytes, where);
  const uint64_t size = parts.map_size();
  std::vector<bool> found(columns.size(), false);
  for (uint64_t i = 0; i < size; ++i) {
    const MsgpackValue name = parts.value();
    check(name.kind == MsgpackValue::Kind::text, "{}: a name in the raw part is not a string", where);
    const MsgpackValue value = parts.value();
    // Names are in the order of the columns; others than the schema's are dropped.
    const auto column =
        std::lower_bound(columns.begin(), columns.end(), name.text,
                         [](const MindRecordColumn& c, std::string_view n) { return c.name < n; });
    if (column == columns.end() || column->name != name.text || column->is_blob()) continue;
    const auto index = static_cast<size_t>(column - columns.begin());
    convert(*column, value, row[index], where);
    found[index] = true;
  }
  for (size_t i = 0; i < columns.size(); ++i)
    check(found[i] || columns[i].is_blob(), "{}: column '{}' is missing", where, columns[i].name);
}

}  // namespace gradus::mind_record
