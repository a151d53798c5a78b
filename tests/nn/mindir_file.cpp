#include "tests/nn/mindir_file.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/protobuf.h"

namespace gradus::mindir_file {
namespace {

using protobuf::Field;
using protobuf::Reader;

struct Primitive {
  std::string op;
  int64_t kind = 0;
  std::map<std::string, Attribute> attributes;
};

class Parser {
 public:
  explicit Parser(const std::filesystem::path& path) : folder_(path.parent_path()) {}

  Model model(const Reader& whole) {
    Model model;
    Reader reader = whole;
    for (Field field; reader.next(field);) {
      if (field.number == 10) model.little_endian = field.value == 1;
      if (field.number == 12) primitive(Reader(field, reader));
      if (field.number == 13) model.version = static_cast<int64_t>(field.value);
      if (field.number == 14) {
        std::string key, value;
        Reader entry(field, reader);
        for (Field part; entry.next(part);) (part.number == 1 ? key : value) = part.bytes;
        model.user_info[key] = value;
      }
    }
    // Operators may stand behind the graph that names them.
    reader = whole;
    for (Field field; reader.next(field);)
      if (field.number == 7) graph(Reader(field, reader), model);
    return model;
  }

 private:
  void primitive(Reader reader) {
    Primitive found;
    std::string name;
    for (Field field; reader.next(field);) {
      if (field.number == 1) name = field.bytes;
      if (field.number == 2) found.op = field.bytes;
      if (field.number == 3) found.attributes.insert(attribute(Reader(field, reader)));
      if (field.number == 5) found.kind = static_cast<int64_t>(field.value);
    }
    check(primitives_.emplace(name, found).second, "two operators are called {}", name);
  }

  void graph(const Reader& whole, Model& model) {
    Reader reader = whole;
    for (Field field; reader.next(field);)
      if (field.number == 2) prefix_ = std::string(field.bytes) + ":";
    reader = whole;
    for (Field field; reader.next(field);) {
      if (field.number == 1) model.nodes.push_back(node(Reader(field, reader)));
      if (field.number == 3) model.parameters.push_back(value(Reader(field, reader)));
      if (field.number == 5 || field.number == 6) {
        std::vector<Value>& ends = field.number == 5 ? model.inputs : model.outputs;
        Reader end(field, reader);
        Value found;
        std::string name;
        for (Field part; end.next(part);) {
          if (part.number == 1) name = plain(part.bytes);
          if (part.number == 2) found = value(Reader(part, end));
        }
        found.name = name;
        ends.push_back(found);
      }
    }
  }

  std::string plain(std::string_view name) const {
    return std::string(name.starts_with(prefix_) ? name.substr(prefix_.size()) : name);
  }

  Node node(Reader reader) {
    Node node;
    for (Field field; reader.next(field);) {
      if (field.number == 1) node.inputs.push_back(plain(field.bytes));
      if (field.number == 2) node.outputs.push_back(plain(field.bytes));
      if (field.number == 3) node.name = plain(field.bytes);
      if (field.number == 4) node.op = field.bytes;
      if (field.number == 5) node.attributes.insert(attribute(Reader(field, reader)));
    }
    if (!node.op.starts_with("REF::")) {
      check(node.op == "Constant", "{}: a node of type {}", node.name, node.op);
      return node;
    }
    const auto found = primitives_.find(node.op.substr(5));
    check(found != primitives_.end(), "{}: no operator is called {}", node.name, node.op);
    node.op = found->second.op;
    node.kind = found->second.kind;
    node.attributes = found->second.attributes;
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
      if (field.number == 12) {
        const Value found = value(Reader(field, reader));
        attribute.tensors.push_back({found.dims, onnx_file::numbers_of(found.bytes, found.type)});
      }
      if (field.number == 16) attribute.type = static_cast<int64_t>(field.value);
      if (field.number == 17) {
        Reader one(field, reader);
        for (Field part; one.next(part);)
          if (part.number == 10) attribute.integers.push_back(static_cast<int64_t>(part.value));
      }
    }
    return named;
  }

  Value value(Reader reader) {
    Value value;
    for (Field field; reader.next(field);) {
      if (field.number == 1) value.dims.push_back(static_cast<int64_t>(field.value));
      if (field.number == 2) value.type = static_cast<int64_t>(field.value);
      if (field.number == 7) value.name = plain(field.bytes);
      if (field.number == 9) value.bytes = field.bytes;
      if (field.number == 13) value.ref_key = field.bytes;
      if (field.number == 12) {
        std::string location;
        uint64_t length = 0;
        Reader place(field, reader);
        for (Field part; place.next(part);) {
          if (part.number == 1) location = part.bytes;
          if (part.number == 2) value.offset = part.value;
          if (part.number == 3) length = part.value;
        }
        value.bytes = MappedFile(folder_ / location, value.offset, length).text();
      }
    }
    return value;
  }

  std::filesystem::path folder_;
  std::map<std::string, Primitive> primitives_;
  std::string prefix_;
};

}  // namespace

const Node& Model::node(const std::string& name) const {
  const auto found = std::ranges::find(nodes, name, &Node::name);
  check(found != nodes.end(), "no node is called {}", name);
  return *found;
}

Model read(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, size_t{1} << 30);
  return Parser(path).model(Reader(bytes, path.native()));
}

}  // namespace gradus::mindir_file
