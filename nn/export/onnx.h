// ONNX files, written without generated code: a graph of nodes over named values, the tensors it computes with, and what a
// reader should know beside. Names and numbers of the fields are those of onnx.proto; opset 17.
// https://github.com/onnx/onnx/blob/main/docs/IR.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/protobuf.h"
#include "nn/export/stored_tensor.h"

namespace gradus::onnx {

constexpr int64_t opset = 17;

using Type = StoredType;
using Initializer = StoredTensor;

// One axis of an input or output: of a fixed size, or, with a name, of any, the same wherever the name occurs.
struct Axis {
  int64_t size = 0;
  std::string name = {};
};
using Axes = std::vector<Axis>;

class Graph;

// A setting of a node.
class Attribute {
 public:
  Attribute(std::string_view name, int64_t value);
  Attribute(std::string_view name, float value);
  Attribute(std::string_view name, std::string_view value);
  Attribute(std::string_view name, const char* value) : Attribute(name, std::string_view(value)) {}
  Attribute(std::string_view name, std::span<const int64_t> values);
  // A graph that the node runs. It may use what its own inputs and tensors are alone: not all runtimes let it see the graph around it.
  Attribute(std::string_view name, const Graph& body);

  const std::string& message() const { return message_.str(); }

 private:
  Attribute(std::string_view name, int kind);
  protobuf::Writer message_;
};

Initializer integers(std::string name, std::vector<int64_t> dims, std::vector<int64_t> numbers);
Initializer floats(std::string name, std::vector<int64_t> dims, std::vector<float> numbers);

// A file's graph, or the body of a node that repeats it.
class Graph {
 public:
  explicit Graph(std::string name) : name_(std::move(name)) {}

  void input(const std::string& name, Type type, const Axes& axes);
  void output(const std::string& name, Type type, const Axes& axes);
  // The shape of a value between, where runtimes would not find it by themselves.
  void shape(const std::string& name, Type type, const Axes& axes);
  // Nodes are added in an order in which they can be run. A node is called as its first output.
  void node(std::string_view op, const std::vector<std::string>& inputs,
            const std::vector<std::string>& outputs, const std::vector<Attribute>& attributes = {});
  // Calls what a node gives otherwise, here and where nodes take it.
  void rename(const std::string& from, const std::string& to);
  void initializer(Initializer tensor) { initializers_.push_back(std::move(tensor)); }

  const std::vector<Initializer>& initializers() const { return initializers_; }
  // GraphProto without its initializers, and with them.
  std::string message() const;
  std::string whole_message() const;

 private:
  static void declare(protobuf::Writer& out, uint32_t field, const std::string& name, Type type,
                      const Axes& axes);

  struct Node {
    std::string op;
    std::vector<std::string> inputs, outputs;
    std::vector<Attribute> attributes;
  };

  std::string name_;
  std::vector<Node> nodes_;
  protobuf::Writer ends_;
  std::vector<Initializer> initializers_;
};

// Protocol buffers end at 2 GiB: the tensors of a larger model lie in a file of their own, `path` with ".data" behind.
constexpr uint64_t most_bytes = (uint64_t{1} << 31) - 1;

// The files of a model: `path`, and that of its tensors where all is too large or `external` is set. Tensors of less than 1 KiB stay
// with the graph.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& path, const Graph& graph,
                                            const FileMetadata& metadata, bool external);
// Writes them: both in the end, or none. Returns their paths. Throws Error when one can't be written.
std::vector<std::filesystem::path> write_model(const std::filesystem::path& path, const Graph& graph,
                                               const FileMetadata& metadata, bool external);

}  // namespace gradus::onnx
