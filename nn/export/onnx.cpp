#include "nn/export/onnx.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/io/files.h"
#include "core/version.h"

namespace gradus::onnx {
namespace {

// Fields of onnx.proto's messages.
namespace model {
constexpr uint32_t ir_version = 1, producer_name = 2, producer_version = 3, graph = 7, opset_import = 8,
                   metadata_props = 14;
}
namespace graph {
constexpr uint32_t node = 1, name = 2, initializer = 5, input = 11, output = 12, value_info = 13;
}
namespace node {
constexpr uint32_t input = 1, output = 2, name = 3, op_type = 4, attribute = 5;
}
namespace attribute {
constexpr uint32_t name = 1, f = 2, i = 3, s = 4, g = 6, ints = 8, type = 20;
enum Kind { float_kind = 1, int_kind = 2, string_kind = 3, graph_kind = 5, ints_kind = 7 };
}  // namespace attribute
namespace tensor {
constexpr uint32_t dims = 1, data_type = 2, name = 8, external_data = 13, data_location = 14;
}
constexpr uint32_t operator_set_version = 2, entry_key = 1, entry_value = 2;
constexpr uint32_t value_name = 1, value_type = 2, tensor_type = 1, element_type = 1, tensor_shape = 2;
constexpr uint32_t shape_dim = 1, dim_value = 1, dim_param = 2;

constexpr uint64_t ir_version_of_opset = 8;
// Where a tensor may begin in a file of its own, so that it can be mapped.
constexpr uint64_t page = 4096;
// Shorter ones, as constants are, stay in the model's file: readers look at them.
constexpr size_t least_external = 1024;

std::string pair_message(std::string_view key, std::string_view value) {
  protobuf::Writer out;
  out.bytes(entry_key, key);
  out.bytes(entry_value, value);
  return out.str();
}

// TensorProto but for the numbers.
protobuf::Writer described(const Initializer& tensor) {
  protobuf::Writer out;
  for (const int64_t dim : tensor.dims) out.varint(tensor::dims, static_cast<uint64_t>(dim));
  out.varint(tensor::data_type, static_cast<uint64_t>(tensor.type));
  out.bytes(tensor::name, tensor.name);
  return out;
}

PlacedTensor place_inside(const Initializer& tensor) {
  return gradus::place_inside(tensor, graph::initializer, described(tensor).str());
}

PlacedTensor place_outside(const Initializer& tensor, const std::string& location, uint64_t offset) {
  protobuf::Writer about = described(tensor);
  about.bytes(tensor::external_data, pair_message("location", location));
  about.bytes(tensor::external_data, pair_message("offset", std::to_string(offset)));
  about.bytes(tensor::external_data, pair_message("length", std::to_string(tensor.size())));
  about.varint(tensor::data_location, 1);
  return gradus::place_outside(tensor, graph::initializer, about.str(), offset);
}

std::string model_head(const FileMetadata& metadata) {
  protobuf::Writer head, operators;
  head.varint(model::ir_version, ir_version_of_opset);
  head.bytes(model::producer_name, "Gradus");
  head.bytes(model::producer_version, version());
  operators.varint(operator_set_version, opset);
  head.bytes(model::opset_import, operators.str());
  for (const auto& [key, value] : metadata) head.bytes(model::metadata_props, pair_message(key, value));
  return head.str();
}

}  // namespace

Attribute::Attribute(std::string_view name, int kind) {
  message_.bytes(attribute::name, name);
  message_.varint(attribute::type, static_cast<uint64_t>(kind));
}

Attribute::Attribute(std::string_view name, int64_t value)
    : Attribute(name, static_cast<int>(attribute::int_kind)) {
  message_.varint(attribute::i, static_cast<uint64_t>(value));
}

Attribute::Attribute(std::string_view name, float value)
    : Attribute(name, static_cast<int>(attribute::float_kind)) {
  message_.float32(attribute::f, value);
}

Attribute::Attribute(std::string_view name, std::string_view value)
    : Attribute(name, static_cast<int>(attribute::string_kind)) {
  message_.bytes(attribute::s, value);
}

Attribute::Attribute(std::string_view name, std::span<const int64_t> values)
    : Attribute(name, static_cast<int>(attribute::ints_kind)) {
  for (const int64_t value : values) message_.varint(attribute::ints, static_cast<uint64_t>(value));
}

Attribute::Attribute(std::string_view name, const Graph& body)
    : Attribute(name, static_cast<int>(attribute::graph_kind)) {
  message_.bytes(attribute::g, body.whole_message());
}

Initializer integers(std::string name, std::vector<int64_t> dims, std::vector<int64_t> numbers) {
  return {std::move(name), Type::int64, std::move(dims),
          [numbers = std::move(numbers)] { return bytes_of_numbers(numbers); }};
}

Initializer floats(std::string name, std::vector<int64_t> dims, std::vector<float> numbers) {
  return {std::move(name), Type::float32, std::move(dims),
          [numbers = std::move(numbers)] { return bytes_of_numbers(numbers); }};
}

void Graph::declare(protobuf::Writer& out, uint32_t field, const std::string& name, Type type,
                    const Axes& axes) {
  protobuf::Writer shape;
  for (const Axis& axis : axes) {
    protobuf::Writer dim;
    if (axis.name.empty()) dim.varint(dim_value, static_cast<uint64_t>(axis.size));
    else dim.bytes(dim_param, axis.name);
    shape.bytes(shape_dim, dim.str());
  }
  protobuf::Writer tensor, kind, value;
  tensor.varint(element_type, static_cast<uint64_t>(type));
  tensor.bytes(tensor_shape, shape.str());
  kind.bytes(tensor_type, tensor.str());
  value.bytes(value_name, name);
  value.bytes(value_type, kind.str());
  out.bytes(field, value.str());
}

void Graph::input(const std::string& name, Type type, const Axes& axes) {
  declare(ends_, graph::input, name, type, axes);
}

void Graph::output(const std::string& name, Type type, const Axes& axes) {
  declare(ends_, graph::output, name, type, axes);
}

void Graph::shape(const std::string& name, Type type, const Axes& axes) {
  declare(ends_, graph::value_info, name, type, axes);
}

void Graph::node(std::string_view op, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs, const std::vector<Attribute>& attributes) {
  nodes_.push_back({std::string(op), inputs, outputs, attributes});
}

void Graph::rename(const std::string& from, const std::string& to) {
  for (Node& node : nodes_) {
    std::ranges::replace(node.inputs, from, to);
    std::ranges::replace(node.outputs, from, to);
  }
}

std::string Graph::message() const {
  protobuf::Writer message;
  for (const Node& node : nodes_) {
    protobuf::Writer out;
    for (const std::string& input : node.inputs) out.bytes(node::input, input);
    for (const std::string& output : node.outputs) out.bytes(node::output, output);
    out.bytes(node::name, node.outputs.at(0));
    out.bytes(node::op_type, node.op);
    for (const Attribute& attribute : node.attributes) out.bytes(node::attribute, attribute.message());
    message.bytes(graph::node, out.str());
  }
  message.bytes(graph::name, name_);
  return message.str() + ends_.str();
}

std::string Graph::whole_message() const {
  std::string whole = message();
  for (const Initializer& tensor : initializers_) whole += place_inside(tensor).before + bytes_of(tensor);
  return whole;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path, const Graph& graph,
                                            const FileMetadata& metadata, bool external) {
  uint64_t size = model_head(metadata).size() + graph.message().size();
  for (const Initializer& tensor : graph.initializers()) size += place_inside(tensor).size();
  if (!external && size <= most_bytes) return {path};
  std::filesystem::path data = path;
  return {path, data += ".data"};
}

std::vector<std::filesystem::path> write_model(const std::filesystem::path& path, const Graph& graph,
                                               const FileMetadata& metadata, bool external) {
  const std::vector<std::filesystem::path> paths = files_of(path, graph, metadata, external);
  const std::string head = model_head(metadata), body = graph.message();
  std::vector<PlacedTensor> placed;
  uint64_t size = body.size(), end = 0;
  for (const Initializer& tensor : graph.initializers()) {
    if (paths.size() == 1 || tensor.size() < least_external) {
      placed.push_back(place_inside(tensor));
    } else {
      const uint64_t begin = (end + page - 1) / page * page;
      placed.push_back(place_outside(tensor, paths[1].filename().string(), begin));
      end = begin + tensor.size();
    }
    size += placed.back().size();
  }

  AtomicFile file(path);
  std::optional<AtomicFile> data;
  if (paths.size() > 1) data.emplace(paths[1]);
  file.write(head + key_of_bytes(model::graph, size) + body);
  write_placed(placed, file, data ? &*data : nullptr);
  if (!data) {
    file.commit();
    return paths;
  }
  AtomicFile* const both[] = {&file, &*data};
  commit_together(both);
  return paths;
}

}  // namespace gradus::onnx
