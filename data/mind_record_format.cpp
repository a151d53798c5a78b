#include "data/mind_record_format.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/error.h"
#include "core/io/json.h"

namespace gradus {

std::string_view name_of(MindRecordColumn::Type type) {
  constexpr std::array<std::string_view, 6> names{"int32", "int64", "float32", "float64", "string", "bytes"};
  return names[static_cast<size_t>(type)];
}

namespace mind_record {
namespace {

using Type = MindRecordColumn::Type;

constexpr std::array<Type, 6> all_types{Type::int32,   Type::int64,  Type::float32,
                                        Type::float64, Type::string, Type::bytes};

const Json& member(const Json& object, const char* name, std::string_view where) {
  check(object.is_object() && object.contains(name), "{}: the header has no \"{}\"", where, name);
  return object[name];
}

uint64_t count_of(const Json& object, const char* name, uint64_t least, uint64_t most,
                  std::string_view where) {
  const Json& value = member(object, name, where);
  const std::optional<int64_t> whole = value.whole();
  const bool good = whole && std::cmp_greater_equal(*whole, least) && std::cmp_less_equal(*whole, most);
  check(good, "{}: \"{}\" is {}, expected a whole number from {} to {}", where, name, json_text(value), least,
        most);
  return static_cast<uint64_t>(*whole);
}

std::string text_of(const Json& object, const char* name, std::string_view where) {
  const Json& value = member(object, name, where);
  check(value.is_string(), "{}: \"{}\" is {}, expected a string", where, name, json_text(value));
  return value.text();
}

const Json& list_of(const Json& object, const char* name, std::string_view where) {
  const Json& value = member(object, name, where);
  check(value.is_array(), "{}: \"{}\" is not a list", where, name);
  return value;
}

MindRecordColumn parse_column(const std::string& name, const Json& description, std::string_view where) {
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
  const Json& shape = list_of(description, "shape", where);
  check(!shape.empty(), "{}: column '{}' has an empty shape", where, name);
  for (const Json& dimension : shape.items()) {
    const std::optional<int64_t> extent = dimension.whole();
    check(extent && *extent != 0 && *extent >= -1,
          "{}: column '{}' has shape {}, expected numbers above 0, or -1 once", where, name,
          json_text(shape));
    column.shape.push_back(*extent);
  }
  return column;
}

Page parse_page(const Json& object, uint64_t number, uint64_t page_size, std::string_view where) {
  constexpr uint64_t any = std::numeric_limits<int64_t>::max();
  Page page;
  const std::string type = text_of(object, "page_type", where);
  check(type == "BLOB_DATA" || type == "RAW_DATA",
        "{}: page {} is of type '{}', expected BLOB_DATA or RAW_DATA", where, number, type);
  page.blob = type == "BLOB_DATA";
  const uint64_t id = count_of(object, "page_id", 0, any, where);
  check(id == number, "{}: page {} has the page_id {}", where, number, id);
  page.used = count_of(object, "page_size", 0, page_size, where);
  if (page.blob) {
    page.group = count_of(object, "page_type_id", 0, any, where);
    page.begin_row = count_of(object, "start_row_id", 0, any, where);
    page.end_row = count_of(object, "end_row_id", page.begin_row, any, where);
    return page;
  }
  for (const Json& group : list_of(object, "row_group_ids", where).items()) {
    page.groups.push_back(
        {count_of(group, "id", 0, any, where), count_of(group, "offset", 0, page.used, where)});
  }
  return page;
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
  const Json root = sorted(parse_json(text, where));
  Header header;
  header.version = text_of(root, "version", where);
  check(header.version == "2.0" || header.version == "3.0",
        "{}: MindRecord version '{}', expected 2.0 or 3.0", where, header.version);
  header.header_size = count_of(root, "header_size", smallest_header, largest_header, where);
  header.page_size = count_of(root, "page_size", smallest_page, largest_page, where);
  header.shard = count_of(root, "shard_id", 0, most_shards - 1, where);
  for (const Json& name : list_of(root, "shard_addresses", where).items()) {
    check(name.is_string(), "{}: \"shard_addresses\" has {}, expected names of files", where,
          json_text(name));
    const std::string& shard = name.text();
    const bool inside =
        !shard.empty() && shard != "." && shard != ".." && shard.find_first_of("/\\") == std::string::npos;
    check(inside, "{}: the shard '{}' is not a file of the same folder", where, shard);
    header.shards.push_back(shard);
  }
  check(!header.shards.empty() && header.shards.size() <= most_shards, "{}: {} shards, expected 1 to {}",
        where, header.shards.size(), most_shards);
  check(header.shard < header.shards.size(), "{}: this is shard {} of {}", where, header.shard,
        header.shards.size());

  const Json& schemas = list_of(root, "schema", where);
  check(schemas.size() == 1, "{}: {} schemas, expected one", where, schemas.size());
  const Json& fields = member(schemas[0], "schema", where);
  check(fields.is_object(), "{}: the schema is not an object", where);
  for (const auto& [name, description] : fields.members())
    header.columns.push_back(parse_column(name, description, where));
  check_columns(header.columns, where);
  if (schemas[0].contains("desc")) header.description = text_of(schemas[0], "desc", where);
  if (const Json& index = member(root, "index_fields", where); !index.is_null()) {
    for (const Json& field : list_of(root, "index_fields", where).items())
      header.index_fields.push_back(text_of(field, "index_field", where));
  }
  if (const Json& pages = member(root, "page", where); !pages.is_null()) {
    for (const Json& page : list_of(root, "page", where).items())
      header.pages.push_back(parse_page(page, header.pages.size(), header.page_size, where));
  }
  return header;
}

// The objects in a list name their members in the order of the alphabet.
std::string header_text(const Header& header) {
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
    root["index_fields"].push_back({{"index_field", name}, {"schema_id", 0}});
  root["page"] = nullptr;
  for (size_t i = 0; i < header.pages.size(); ++i) {
    const Page& page = header.pages[i];
    Json groups = Json::array();
    for (const auto& [id, offset] : page.groups) groups.push_back({{"id", id}, {"offset", offset}});
    if (groups.empty()) groups.push_back({{"id", 0}, {"offset", 0}});
    root["page"].push_back({{"end_row_id", page.end_row},
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
  return json_text(root);
}

}  // namespace mind_record
}  // namespace gradus
