#include "nn/export/mindir.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/error.h"
#include "core/io/files.h"
#include "core/version.h"

namespace gradus::mindir {
namespace {

// Fields of mind_ir.proto's messages.
namespace model {
constexpr uint32_t ir_version = 1, producer_name = 2, producer_version = 3, model_version = 5, graph = 7,
                   little_endian = 10, primitives = 12, mind_ir_version = 13, user_info = 14;
}
namespace graph {
constexpr uint32_t node = 1, name = 2, parameter = 3, input = 5, output = 6;
}
namespace node {
constexpr uint32_t input = 1, output = 2, name = 3, op_type = 4, attribute = 5;
}
namespace primitive {
constexpr uint32_t name = 1, op_type = 2, attribute = 3, prim_type = 5;
}
namespace attribute {
constexpr uint32_t name = 1, f = 2, i = 3, ints = 10, tensors = 12, type = 16, values = 17;
enum Kind { float_kind = 1, int_kind = 7, bool_kind = 9, tensors_kind = 19, tuple_kind = 20 };
}  // namespace attribute
namespace tensor {
constexpr uint32_t dims = 1, data_type = 2, name = 7, raw_data = 9, external_data = 12, ref_key = 13;
}
namespace external {
constexpr uint32_t location = 1, offset = 2, length = 3;
}
constexpr uint32_t value_name = 1, value_tensor = 2, entry_key = 1, entry_value = 2;

constexpr uint64_t functions_as_operators = 3;  // mind_ir_version
// MindSpore's own bound for one file.
constexpr uint64_t most_bytes = uint64_t{1} << 30;
// A file of parameters begins with its byte order, 1 for little-endian, and each parameter where 64 bytes begin.
constexpr uint64_t alignment = 64;

// TensorProto of a type and shape.
protobuf::Writer described(Type type, const Dims& dims) {
  protobuf::Writer out;
  for (const int64_t dim : dims) out.varint(tensor::dims, static_cast<uint64_t>(dim));
  out.varint(tensor::data_type, static_cast<uint64_t>(type));
  return out;
}

// Of a parameter, but for the numbers.
protobuf::Writer described(const Graph& graph, const StoredTensor& parameter) {
  protobuf::Writer out = described(parameter.type, parameter.dims);
  out.bytes(tensor::name, graph.called(parameter.name));
  out.bytes(tensor::ref_key, parameter.name);
  return out;
}

PlacedTensor place_outside(const Graph& graph, const StoredTensor& parameter, const std::string& location,
                           uint64_t offset) {
  protobuf::Writer place, about = described(graph, parameter);
  place.bytes(external::location, location);
  place.varint(external::offset, offset);
  place.varint(external::length, parameter.size());
  about.bytes(tensor::external_data, place.str());
  return gradus::place_outside(parameter, graph::parameter, about.str(), offset);
}

std::string model_head(const FileMetadata& metadata) {
  protobuf::Writer head;
  head.bytes(model::ir_version, "1.1");
  head.bytes(model::producer_name, "Gradus");
  head.bytes(model::producer_version, version());
  head.bytes(model::model_version, "2.10.0");  // of MindSpore's operators
  head.varint(model::little_endian, 1);
  head.varint(model::mind_ir_version, functions_as_operators);
  for (const auto& [key, value] : metadata) {
    protobuf::Writer entry;
    entry.bytes(entry_key, key);
    entry.bytes(entry_value, value);
    head.bytes(model::user_info, entry.str());
  }
  return head.str();
}

uint64_t bytes_of_parameters(const Graph& graph) {
  const auto add = [](uint64_t sum, const StoredTensor& each) { return sum + each.size(); };
  return std::accumulate(graph.parameters().begin(), graph.parameters().end(), uint64_t{0}, add);
}

}  // namespace

Attribute::Attribute(std::string_view name, int kind) {
  message_.bytes(attribute::name, name);
  message_.varint(attribute::type, static_cast<uint64_t>(kind));
}

Attribute::Attribute(std::string_view name, bool value)
    : Attribute(name, static_cast<int>(attribute::bool_kind)) {
  message_.varint(attribute::i, value ? 1 : 0);
}

Attribute::Attribute(std::string_view name, int64_t value)
    : Attribute(name, static_cast<int>(attribute::int_kind)) {
  message_.varint(attribute::i, static_cast<uint64_t>(value));
}

Attribute::Attribute(std::string_view name, float value)
    : Attribute(name, static_cast<int>(attribute::float_kind)) {
  message_.float32(attribute::f, value);
}

Attribute::Attribute(std::string_view name, const std::vector<int64_t>& values)
    : Attribute(name, static_cast<int>(attribute::tuple_kind)) {
  for (const int64_t value : values) {
    protobuf::Writer one;
    one.varint(attribute::type, static_cast<uint64_t>(attribute::int_kind));
    one.varint(attribute::ints, static_cast<uint64_t>(value));
    message_.bytes(attribute::values, one.str());
  }
}

Attribute::Attribute(std::string_view name, const StoredTensor& tensor)
    : Attribute(name, static_cast<int>(attribute::tensors_kind)) {
  protobuf::Writer whole = described(tensor.type, tensor.dims);
  whole.bytes(tensor::name, tensor.name);
  whole.bytes(tensor::raw_data, bytes_of(tensor));
  message_.bytes(attribute::tensors, whole.str());
}

void Graph::declare(protobuf::Writer& out, uint32_t field, const std::string& name, Type type,
                    const Dims& dims) const {
  protobuf::Writer value;
  value.bytes(value_name, called(name));
  value.bytes(value_tensor, described(type, dims).str());
  out.bytes(field, value.str());
}

std::string Graph::called(const std::string& name) const {
  return owned_.contains(name) ? name_ + ":" + name : name;
}

void Graph::input(const std::string& name, Type type, const Dims& dims) {
  owned_.insert(name);
  declare(inputs_, graph::input, name, type, dims);
}

void Graph::parameter(StoredTensor tensor) {
  owned_.insert(tensor.name);
  parameters_.push_back(std::move(tensor));
}

void Graph::output(const std::string& value, Type type, const Dims& dims) {
  outputs_.push_back({value, type, dims});
}

void Graph::constant(const std::string& name, const Attribute& value) {
  nodes_.push_back({name, "Constant", {}, value.message()});
}

void Graph::node(const std::string& name, const std::string& op, OperatorKind kind,
                 const std::vector<std::string>& inputs, const std::vector<Attribute>& attributes) {
  protobuf::Writer message;
  message.bytes(primitive::op_type, op);
  for (const Attribute& attribute : attributes) message.bytes(primitive::attribute, attribute.message());
  message.varint(primitive::prim_type, static_cast<uint64_t>(kind));
  const auto found =
      operators_.emplace(message.str(), op + ":" + std::to_string(operators_.size() + 1)).first;
  nodes_.push_back({name, "REF::" + found->second, inputs, {}});
}

void Graph::rename(const std::string& from, const std::string& to) {
  for (Node& node : nodes_) {
    std::ranges::replace(node.inputs, from, to);
    if (node.name == from) node.name = to;
  }
}

std::string Graph::message() const {
  protobuf::Writer message;
  for (const Node& node : nodes_) {
    protobuf::Writer out;
    for (const std::string& input : node.inputs) out.bytes(node::input, called(input));
    out.bytes(node::output, node.name);
    out.bytes(node::name, node.name);
    out.bytes(node::op_type, node.op);
    if (!node.value.empty()) out.bytes(node::attribute, node.value);
    message.bytes(graph::node, out.str());
  }
  message.bytes(graph::name, name_);
  protobuf::Writer outputs;
  for (const Output& output : outputs_)
    declare(outputs, graph::output, output.name, output.type, output.dims);
  return message.str() + inputs_.str() + outputs.str();
}

std::string Graph::operators_message() const {
  protobuf::Writer message;
  for (const auto& [about, name] : operators_) {
    protobuf::Writer named;
    named.bytes(primitive::name, name);
    message.bytes(model::primitives, named.str() + about);
  }
  return message.str();
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path, const Graph& graph,
                                            bool external) {
  if (!external && bytes_of_parameters(graph) <= most_bytes) return {path};
  const auto with = [&](const char* ending) { return path.parent_path() / (path.stem() += ending); };
  return {with("_graph.mindir"), with("_variables") / "data_0"};
}

void write_model(const std::filesystem::path& path, const Graph& graph, const FileMetadata& metadata,
                 bool external) {
  const std::vector<std::filesystem::path> paths = files_of(path, graph, external);
  const bool is_outside = paths.size() > 1;
  const std::string head = model_head(metadata) + graph.operators_message(), body = graph.message();
  std::vector<PlacedTensor> placed;
  uint64_t size = body.size(), end = alignment;
  for (const StoredTensor& parameter : graph.parameters()) {
    if (is_outside) {
      const std::string location = paths[1].lexically_relative(path.parent_path());
      placed.push_back(place_outside(graph, parameter, location, end));
      end = (end + parameter.size() + alignment - 1) / alignment * alignment;
    } else {
      placed.push_back(gradus::place_inside(parameter, graph::parameter, described(graph, parameter).str()));
    }
    size += placed.back().size();
  }

  if (is_outside) make_folder(paths[1].parent_path());
  AtomicFile file(paths[0]);
  std::optional<AtomicFile> data;
  if (is_outside) {
    data.emplace(paths[1]);
    data->write(std::string(1, '\1'));
  }
  file.write(head + key_of_bytes(model::graph, size) + body);
  write_placed(placed, file, data ? &*data : nullptr);
  if (!data) return file.commit();
  AtomicFile* const both[] = {&file, &*data};
  commit_together(both);
}

}  // namespace gradus::mindir
