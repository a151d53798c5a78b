#include "nn/export/onnx_header.h"

#include <algorithm>

#include "core/error.h"
#include "core/io/files.h"

namespace gradus::onnx {
namespace {

using protobuf::Field;
using protobuf::Reader;
using protobuf::Wire;

std::string text_in(const Reader& reader, const Field& field) {
  reader.expect(field, Wire::bytes);
  return std::string(field.bytes);
}

std::pair<std::string, std::string> read_pair(Reader reader) {
  std::pair<std::string, std::string> pair;
  for (Field field; reader.next(field);) {
    if (field.number == 1) pair.first = text_in(reader, field);
    if (field.number == 2) pair.second = text_in(reader, field);
  }
  return pair;
}

Axis read_axis(Reader reader) {
  Axis axis;
  for (Field field; reader.next(field);) {
    if (field.number == 1) {
      reader.expect(field, Wire::varint);
      axis.size = static_cast<int64_t>(field.value);
      if (axis.size < 0 || axis.size > int64_t{1} << 31)
        reader.refuse(field, "an axis of no size that there is");
    }
    if (field.number == 2) axis.name = text_in(reader, field);
  }
  return axis;
}

// Calls f(field, reader) for the fields of that number.
template <typename F>
void each(Reader reader, uint32_t number, F&& f) {
  for (Field field; reader.next(field);)
    if (field.number == number) f(field, reader);
}

Header::Value read_value(Reader reader) {
  Header::Value value;
  for (Field field; reader.next(field);) {
    if (field.number == 1) value.name = text_in(reader, field);
    if (field.number != 2) continue;
    // type { tensor_type { shape { dim ... } } }
    each(Reader(field, reader), 1, [&](const Field& tensor, const Reader& type) {
      each(Reader(tensor, type), 2, [&](const Field& shape, const Reader& parts) {
        each(Reader(shape, parts), 1, [&](const Field& dim, const Reader& dims) {
          value.axes.push_back(read_axis(Reader(dim, dims)));
        });
      });
    });
  }
  return value;
}

}  // namespace

const Header::Value* Header::find(const std::vector<Value>& values, const std::string& name) {
  const auto found = std::ranges::find(values, name, &Value::name);
  return found == values.end() ? nullptr : &*found;
}

const std::string& Header::text(const std::string& key) const {
  const auto found = metadata.find(key);
  check(found != metadata.end(), "{}: no '{}' in its metadata: export of Gradus has not written this file",
        path, key);
  return found->second;
}

Header parse_header(std::string_view bytes, const std::string& path) {
  Header header;
  header.path = path;
  Reader reader(bytes, path);
  bool has_graph = false;
  for (Field field; reader.next(field);) {
    if (field.number == 14) header.metadata.insert(read_pair(Reader(field, reader)));
    if (field.number != 7) continue;
    has_graph = true;
    Reader graph(field, reader);
    for (Field part; graph.next(part);) {
      if (part.number == 11) header.inputs.push_back(read_value(Reader(part, graph)));
      if (part.number == 12) header.outputs.push_back(read_value(Reader(part, graph)));
    }
  }
  check(has_graph, "{}: no graph: this is no ONNX file", path);
  return header;
}

Header read_header(const std::string& path) {
  const MappedFile file(path);
  return parse_header(file.text(), path);
}

}  // namespace gradus::onnx
