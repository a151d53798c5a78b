#include "tests/nn/onnx_file.h"

#include <bit>
#include <memory>
#include <optional>

#include "core/dtype.h"
#include "core/io/bytes.h"
#include "core/io/files.h"
#include "core/io/protobuf.h"

namespace gradus::onnx_file {
namespace {

using protobuf::Field;
using protobuf::Reader;

double number_of(std::string_view bytes, int64_t type) {
  const uint64_t bits = little_endian(bytes);
  switch (type) {
    case 1:
      return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    case 6:
      return static_cast<int32_t>(bits);
    case 7:
      return static_cast<double>(static_cast<int64_t>(bits));
    case 10: {
      float16 half;
      half.bits = static_cast<uint16_t>(bits);
      return static_cast<double>(static_cast<float>(half));
    }
    case 16: {
      bfloat16 half;
      half.bits = static_cast<uint16_t>(bits);
      return static_cast<double>(static_cast<float>(half));
    }
    default:
      fail("tensors of type {} are not known here", type);
  }
}

size_t size_of(int64_t type) { return type == 7 ? 8 : type == 10 || type == 16 ? 2 : 4; }

class Parser {
 public:
  explicit Parser(const std::filesystem::path& path) : folder_(path.parent_path()) {}

  Model model(Reader reader) {
    Model model;
    for (Field field; reader.next(field);) {
      if (field.number == 7) model.graph = graph(Reader(field, reader));
      if (field.number == 8) {
        Reader set(field, reader);
        for (Field part; set.next(part);)
          if (part.number == 2) model.opset = static_cast<int64_t>(part.value);
      }
      if (field.number == 14) model.metadata.insert(pair(Reader(field, reader)));
    }
    return model;
  }

 private:
  static std::pair<std::string, std::string> pair(Reader reader) {
    std::pair<std::string, std::string> pair;
    for (Field field; reader.next(field);) (field.number == 1 ? pair.first : pair.second) = field.bytes;
    return pair;
  }

  Graph graph(Reader reader) {
    Graph graph;
    for (Field field; reader.next(field);) {
      if (field.number == 1) graph.nodes.push_back(node(Reader(field, reader)));
      if (field.number == 5) tensor(Reader(field, reader), graph);
      if (field.number == 11) graph.inputs.push_back(value(Reader(field, reader)));
      if (field.number == 12) graph.outputs.push_back(value(Reader(field, reader)));
    }
    return graph;
  }

  Node node(Reader reader) {
    Node node;
    for (Field field; reader.next(field);) {
      const std::string text(field.bytes);
      if (field.number == 1) node.inputs.push_back(text);
      if (field.number == 2) node.outputs.push_back(text);
      if (field.number == 3) node.name = text;
      if (field.number == 4) node.op = text;
      if (field.number == 5) node.attributes.insert(attribute(Reader(field, reader)));
    }
    return node;
  }

  std::pair<std::string, Attribute> attribute(Reader reader) {
    std::pair<std::string, Attribute> named;
    Attribute& attribute = named.second;
    for (Field field; reader.next(field);) {
      if (field.number == 1) named.first = field.bytes;
      if (field.number == 2)
        attribute.number = static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(field.value)));
      if (field.number == 3) attribute.integer = static_cast<int64_t>(field.value);
      if (field.number == 4) attribute.text = field.bytes;
      if (field.number == 6) attribute.graph.push_back(graph(Reader(field, reader)));
      if (field.number == 8)
        reader.each_varint(
            field, [&](uint64_t value) { attribute.integers.push_back(static_cast<int64_t>(value)); });
    }
    return named;
  }

  static Value value(Reader reader) {
    Value value;
    for (Field field; reader.next(field);) {
      if (field.number == 1) value.name = field.bytes;
      if (field.number != 2) continue;
      Reader type(field, reader);
      for (Field tensor; type.next(tensor);) {
        Reader parts(tensor, type);
        for (Field part; parts.next(part);) {
          if (part.number == 1) value.type = static_cast<int64_t>(part.value);
          if (part.number == 2) value.axes = axes(Reader(part, parts));
        }
      }
    }
    return value;
  }

  static std::vector<std::string> axes(Reader reader) {
    std::vector<std::string> axes;
    for (Field field; reader.next(field);) {
      Reader dim(field, reader);
      for (Field part; dim.next(part);)
        axes.push_back(part.number == 1 ? std::to_string(part.value) : std::string(part.bytes));
    }
    return axes;
  }

  void tensor(Reader reader, Graph& graph) {
    std::string name, bytes;
    std::map<std::string, std::string> outside;
    Tensor tensor;
    int64_t type = 0;
    for (Field field; reader.next(field);) {
      if (field.number == 1)
        reader.each_varint(field, [&](uint64_t dim) { tensor.dims.push_back(static_cast<int64_t>(dim)); });
      if (field.number == 2) type = static_cast<int64_t>(field.value);
      if (field.number == 8) name = field.bytes;
      if (field.number == 9) bytes = field.bytes;
      if (field.number == 13) outside.insert(pair(Reader(field, reader)));
    }
    if (!outside.empty()) {
      const uint64_t offset = std::stoull(outside.at("offset")), length = std::stoull(outside.at("length"));
      check(offset % 4096 == 0, "{} begins at {}: no page does", name, offset);
      bytes = MappedFile(folder_ / outside.at("location"), offset, length).text();
    }
    tensor.values = numbers_of(bytes, type);
    int64_t size = 1;
    for (const int64_t dim : tensor.dims) size *= dim;
    check(size == std::ssize(tensor.values), "{} has {} numbers, its shape {}", name, tensor.values.size(),
          size);
    check(graph.tensors.emplace(name, std::move(tensor)).second, "two tensors are called {}", name);
    graph.types[name] = type;
  }

  std::filesystem::path folder_;
};

}  // namespace

std::vector<double> numbers_of(std::string_view bytes, int64_t type) {
  std::vector<double> numbers;
  for (size_t at = 0; at < bytes.size(); at += size_of(type))
    numbers.push_back(number_of(bytes.substr(at, size_of(type)), type));
  return numbers;
}

Model read(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, size_t{1} << 30);
  return Parser(path).model(Reader(bytes, path.native()));
}

}  // namespace gradus::onnx_file
