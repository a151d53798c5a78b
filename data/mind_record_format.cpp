#include "data/mind_record_format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/bytes.h"
#include "core/checked_json.h"
#include "core/error.h"

namespace gradus {

std::string_view name_of(MindRecordColumn::Type type) {
  constexpr std::array<std::string_view, 6> names{"int32", "int64", "float32", "float64", "string", "bytes"};
  return names[static_cast<size_t>(type)];
}

namespace mind_record {
namespace {

using nlohmann::json;
using Type = MindRecordColumn::Type;

constexpr std::array<Type, 6> all_types{Type::int32,   Type::int64,  Type::float32,
                                        Type::float64, Type::string, Type::bytes};

const json& member(const json& object, const char* name, std::string_view where) {
  check(object.is_object() && object.contains(name), "{}: the header has no \"{}\"", where, name);
  return object[name];
}

uint64_t count_of(const json& object, const char* name, uint64_t least, uint64_t most,
                  std::string_view where) {
  const json& value = member(object, name, where);
  const bool good =
      value.is_number_unsigned() && value.get<uint64_t>() >= least && value.get<uint64_t>() <= most;
  check(good, "{}: \"{}\" is {}, expected a whole number from {} to {}", where, name, value.dump(), least,
        most);
  return value.get<uint64_t>();
}

std::string text_of(const json& object, const char* name, std::string_view where) {
  const json& value = member(object, name, where);
  check(value.is_string(), "{}: \"{}\" is {}, expected a string", where, name, value.dump());
  return value.get<std::string>();
}

const json& list_of(const json& object, const char* name, std::string_view where) {
  const json& value = member(object, name, where);
  check(value.is_array(), "{}: \"{}\" is not a list", where, name);
  return value;
}

MindRecordColumn parse_column(const std::string& name, const json& description, std::string_view where) {
  MindRecordColumn column;
  column.name = name;
  const std::string type = text_of(description, "type", where);
  const auto found =
      std::find_if(all_types.begin(), all_types.end(), [&](Type t) { return name_of(t) == type; });
  check(found != all_types.end(),
        "{}: column '{}' is of type '{}', expected int32, int64, float32, float64, string or bytes", where,
        name, type);
  column.type = *found;
  if (!description.contains("shape")) return column;
  const json& shape = list_of(description, "shape", where);
  check(!shape.empty(), "{}: column '{}' has an empty shape", where, name);
  for (const json& dimension : shape) {
    check(dimension.is_number_integer() && dimension != 0 && dimension >= -1,
          "{}: column '{}' has shape {}, expected numbers above 0, or -1 once", where, name, shape.dump());
    column.shape.push_back(dimension.get<int64_t>());
  }
  return column;
}

Page parse_page(const json& object, uint64_t number, uint64_t page_size, std::string_view where) {
  constexpr uint64_t any = std::numeric_limits<int64_t>::max();
  Page page;
  const std::string type = text_of(object, "page_type", where);
  check(type == "BLOB_DATA" || type == "RAW_DATA",
        "{}: page {} is of type '{}', expected BLOB_DATA or RAW_DATA", where, number, type);
  page.blob = type == "BLOB_DATA";
  check(count_of(object, "page_id", 0, any, where) == number, "{}: page {} has the page_id {}", where, number,
        object["page_id"].dump());
  page.used = count_of(object, "page_size", 0, page_size, where);
  if (page.blob) {
    page.group = count_of(object, "page_type_id", 0, any, where);
    page.begin_row = count_of(object, "start_row_id", 0, any, where);
    page.end_row = count_of(object, "end_row_id", page.begin_row, any, where);
    return page;
  }
  for (const json& group : list_of(object, "row_group_ids", where)) {
    page.groups.push_back(
        {count_of(group, "id", 0, any, where), count_of(group, "offset", 0, page.used, where)});
  }
  return page;
}

// The bytes of a msgpack map, value after value.
class Msgpack {
 public:
  Msgpack(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where) {}

  struct Value {
    enum class Kind { integer, real, text } kind;
    int64_t integer = 0;
    double real = 0;
    std::string_view text;
  };

  uint64_t map_size() {
    const uint8_t tag = take_tag();
    if (tag >= 0x80 && tag <= 0x8f) return tag & 0x0fU;
    if (tag == 0xde) return number(2);
    if (tag == 0xdf) return number(4);
    fail("{}: the raw part begins with {:#04x}, expected a msgpack map", where_, tag);
  }

  Value value() {
    const uint8_t tag = take_tag();
    if (tag <= 0x7f) return integer(tag);
    if (tag >= 0xe0) return integer(static_cast<int8_t>(tag));
    if (tag >= 0xa0 && tag <= 0xbf) return text(tag & 0x1fU);
    switch (tag) {
      case 0xca:
        return real(std::bit_cast<float>(static_cast<uint32_t>(number(4))));
      case 0xcb:
        return real(std::bit_cast<double>(number(8)));
      case 0xcc:
        return integer(static_cast<int64_t>(number(1)));
      case 0xcd:
        return integer(static_cast<int64_t>(number(2)));
      case 0xce:
        return integer(static_cast<int64_t>(number(4)));
      case 0xcf: {
        const uint64_t large = number(8);
        check(large <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()), "{}: {} is above an int64",
              where_, large);
        return integer(static_cast<int64_t>(large));
      }
      case 0xd0:
        return integer(static_cast<int8_t>(number(1)));
      case 0xd1:
        return integer(static_cast<int16_t>(number(2)));
      case 0xd2:
        return integer(static_cast<int32_t>(number(4)));
      case 0xd3:
        return integer(static_cast<int64_t>(number(8)));
      case 0xd9:
        return text(number(1));
      case 0xda:
        return text(number(2));
      case 0xdb:
        return text(number(4));
      default:
        fail("{}: the raw part has a value of msgpack type {:#04x}, expected a number or a string", where_,
             tag);
    }
  }

 private:
  static Value integer(int64_t value) { return {Value::Kind::integer, value, 0, {}}; }
  static Value real(double value) { return {Value::Kind::real, 0, value, {}}; }
  Value text(uint64_t length) { return {Value::Kind::text, 0, 0, take(length)}; }

  std::string_view take(uint64_t length) {
    check(length <= rest_.size(), "{}: the raw part has {} bytes left where {} are needed", where_,
          rest_.size(), length);
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }
  uint8_t take_tag() { return static_cast<uint8_t>(take(1)[0]); }
  uint64_t number(size_t bytes) { return big_endian(take(bytes)); }

  std::string_view rest_;
  std::string_view where_;
};

template <typename Number>
Number parse_number(std::string_view text, std::string_view name, std::string_view where) {
  Number number{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  check(result.ec == std::errc() && result.ptr == text.data() + text.size(),
        "{}: column '{}' has '{}', expected a number", where, name, text);
  return number;
}

void convert(const MindRecordColumn& column, const Msgpack::Value& from, MindRecordValue& to,
             std::string_view where) {
  using Kind = Msgpack::Value::Kind;
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

void append_integer(std::string& out, int64_t value) {
  const auto put = [&](uint8_t tag, int bytes) {
    out += static_cast<char>(tag);
    append_big_endian(out, static_cast<uint64_t>(value), bytes);
  };
  if (value >= 0) {
    if (value < 0x80) out += static_cast<char>(value);
    else if (value <= 0xff) put(0xcc, 1);
    else if (value <= 0xffff) put(0xcd, 2);
    else if (value <= 0xffffffff) put(0xce, 4);
    else put(0xcf, 8);
  } else if (value >= -32) {
    out += static_cast<char>(value);
  } else if (value >= INT8_MIN) {
    put(0xd0, 1);
  } else if (value >= INT16_MIN) {
    put(0xd1, 2);
  } else if (value >= INT32_MIN) {
    put(0xd2, 4);
  } else {
    put(0xd3, 8);
  }
}

void append_real(std::string& out, double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) == value || std::isnan(value)) {
    out += '\xca';
    append_big_endian(out, std::bit_cast<uint32_t>(narrow), 4);
  } else {
    out += '\xcb';
    append_big_endian(out, std::bit_cast<uint64_t>(value), 8);
  }
}

void append_text(std::string& out, std::string_view text) {
  if (text.size() < 32) {
    out += static_cast<char>(0xa0U | text.size());
  } else {
    const int bytes = text.size() <= 0xff ? 1 : text.size() <= 0xffff ? 2 : 4;
    out += bytes == 1 ? '\xd9' : bytes == 2 ? '\xda' : '\xdb';
    append_big_endian(out, text.size(), bytes);
  }
  out += text;
}

// The smallest code of a width, 1 << code bytes, that holds the number.
int width_code(int64_t value) {
  if (value == static_cast<int8_t>(value)) return 0;
  if (value == static_cast<int16_t>(value)) return 1;
  return value == static_cast<int32_t>(value) ? 2 : 3;
}

}  // namespace

void check_columns(const std::vector<MindRecordColumn>& columns, std::string_view where) {
  check(!columns.empty(), "{}: the schema has no column", where);
  for (size_t i = 0; i < columns.size(); ++i) {
    const MindRecordColumn& column = columns[i];
    const bool named =
        !column.name.empty() && std::all_of(column.name.begin(), column.name.end(), [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        });
    check(named, "{}: a column is called '{}', expected letters of ASCII, digits and '_'", where,
          column.name);
    check(i == 0 || columns[i - 1].name < column.name,
          "{}: the columns '{}' and '{}' are not in order, or the same", where,
          columns[i - (i > 0 ? 1 : 0)].name, column.name);
    check(!column.is_array() || column.is_integer() || column.is_float(), "{}: column '{}' of {} has a shape",
          where, column.name, name_of(column.type));
    check(std::count(column.shape.begin(), column.shape.end(), -1) <= 1,
          "{}: column '{}' has -1 in its shape twice", where, column.name);
    int64_t elements = 1;
    for (const int64_t dimension : column.shape) {
      check(dimension == -1 || dimension > 0,
            "{}: column '{}' has dimension {}, expected one above 0, or -1 once", where, column.name,
            dimension);
      if (dimension > 0)
        check(!__builtin_mul_overflow(elements, dimension, &elements),
              "{}: column '{}' has too many elements", where, column.name);
    }
  }
}

Header parse_header(std::string_view text, std::string_view where) {
  const json root = parse_json(text, where);
  Header header;
  header.version = text_of(root, "version", where);
  check(header.version == "2.0" || header.version == "3.0",
        "{}: MindRecord version '{}', expected 2.0 or 3.0", where, header.version);
  header.header_size = count_of(root, "header_size", smallest_header, largest_header, where);
  header.page_size = count_of(root, "page_size", smallest_page, largest_page, where);
  header.shard = count_of(root, "shard_id", 0, most_shards - 1, where);
  for (const json& name : list_of(root, "shard_addresses", where)) {
    check(name.is_string(), "{}: \"shard_addresses\" has {}, expected names of files", where, name.dump());
    const auto& shard = name.get_ref<const std::string&>();
    const bool inside =
        !shard.empty() && shard != "." && shard != ".." && shard.find_first_of("/\\") == std::string::npos;
    check(inside, "{}: the shard '{}' is not a file of the same folder", where, shard);
    header.shards.push_back(shard);
  }
  check(!header.shards.empty() && header.shards.size() <= most_shards, "{}: {} shards, expected 1 to {}",
        where, header.shards.size(), most_shards);
  check(header.shard < header.shards.size(), "{}: this is shard {} of {}", where, header.shard,
        header.shards.size());

  const json& schemas = list_of(root, "schema", where);
  check(schemas.size() == 1, "{}: {} schemas, expected one", where, schemas.size());
  const json& fields = member(schemas[0], "schema", where);
  check(fields.is_object(), "{}: the schema is not an object", where);
  for (const auto& [name, description] : fields.items())
    header.columns.push_back(parse_column(name, description, where));
  std::sort(header.columns.begin(), header.columns.end(),
            [](const MindRecordColumn& a, const MindRecordColumn& b) { return a.name < b.name; });
  check_columns(header.columns, where);
  if (schemas[0].contains("desc")) header.description = text_of(schemas[0], "desc", where);
  if (const json& index = member(root, "index_fields", where); !index.is_null()) {
    for (const json& field : list_of(root, "index_fields", where))
      header.index_fields.push_back(text_of(field, "index_field", where));
  }
  if (const json& pages = member(root, "page", where); !pages.is_null()) {
    for (const json& page : list_of(root, "page", where))
      header.pages.push_back(parse_page(page, header.pages.size(), header.page_size, where));
  }
  return header;
}

std::string header_text(const Header& header) {
  using Json = nlohmann::ordered_json;  // the objects below name their members in the order of the alphabet
  Json schema = Json::object();
  Json blob_fields = Json::array();
  for (const MindRecordColumn& column : header.columns) {
    if (column.is_array()) schema[column.name]["shape"] = column.shape;
    schema[column.name]["type"] = name_of(column.type);
    if (column.is_blob()) blob_fields.push_back(column.name);
  }
  Json root;
  root["header_size"] = header.header_size;
  root["index_fields"] = nullptr;
  for (const std::string& name : header.index_fields)
    root["index_fields"].push_back(Json{{"index_field", name}, {"schema_id", 0}});
  root["page"] = nullptr;
  for (size_t i = 0; i < header.pages.size(); ++i) {
    const Page& page = header.pages[i];
    Json groups = Json::array();
    for (const auto& [id, offset] : page.groups) groups.push_back(Json{{"id", id}, {"offset", offset}});
    if (groups.empty()) groups.push_back(Json{{"id", 0}, {"offset", 0}});
    root["page"].push_back(Json{{"end_row_id", page.end_row},
                                {"page_id", i},
                                {"page_size", page.used},
                                {"page_type", page.blob ? "BLOB_DATA" : "RAW_DATA"},
                                {"page_type_id", page.group},
                                {"row_group_ids", groups},
                                {"shard_id", header.shard},
                                {"start_row_id", page.begin_row}});
  }
  root["page_size"] = header.page_size;
  root["compression_size"] = header.bytes_saved;
  root["schema"] =
      Json::array({Json{{"blob_fields", blob_fields}, {"desc", header.description}, {"schema", schema}}});
  root["shard_addresses"] = header.shards;
  root["shard_id"] = header.shard;
  root["statistics"] = nullptr;
  root["version"] = header.version;
  return root.dump();
}

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
    append_text(body, columns[i].name);
    if (columns[i].type == Type::string) append_text(body, row[i].bytes);
    else if (columns[i].is_float()) append_real(body, row[i].floats.at(0));
    else append_integer(body, row[i].ints.at(0));
  }
  if (count == 0) return "\x81\xa2id" + std::string(1, '\0');  // a map must be there: {"id": 0}
  std::string out;
  if (count < 16) {
    out += static_cast<char>(0x80U | count);
  } else {
    out += '\xde';
    append_big_endian(out, count, 2);
  }
  return out + body;
}

void read_raw_part(std::string_view bytes, const std::vector<MindRecordColumn>& columns, MindRecordRow& row,
                   std::string_view where) {
  Msgpack parts(bytes, where);
  const uint64_t size = parts.map_size();
  std::vector<bool> found(columns.size(), false);
  for (uint64_t i = 0; i < size; ++i) {
    const Msgpack::Value name = parts.value();
    check(name.kind == Msgpack::Value::Kind::text, "{}: a name in the raw part is not a string", where);
    const Msgpack::Value value = parts.value();
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

}  // namespace mind_record
}  // namespace gradus
