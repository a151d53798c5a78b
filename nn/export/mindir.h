// MindIR files, MindSpore's form of a graph, written without generated code. Names and numbers of the fields are those of
// mind_ir.proto in MindSpore 2.10, whose mindspore.load() takes what is written here. Sizes are fixed, and what an operator is told
// beside its tensors, as an axis, is an input too: the value of a constant.
// https://github.com/mindspore-ai/mindspore/blob/master/mindspore/core/proto/mind_ir.proto
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/protobuf.h"
#include "nn/export/stored_tensor.h"

namespace gradus::mindir {

using Type = StoredType;
using Dims = std::vector<int64_t>;

// A constant, or a setting that an operator has by itself.
class Attribute {
 public:
  Attribute(std::string_view name, bool value);
  Attribute(std::string_view name, int64_t value);
  Attribute(std::string_view name, float value);
  Attribute(std::string_view name, const std::vector<int64_t>& values);  // a tuple
  Attribute(std::string_view name, const StoredTensor& tensor);          // with its bytes: for short ones

  const std::string& message() const { return message_.str(); }

 private:
  Attribute(std::string_view name, int kind);
  protobuf::Writer message_;
};

// An operator: those that MindSpore describes in its tables of operators are functions, and take their settings as inputs; the older
// ones are called classes here and have them as attributes.
enum class OperatorKind : uint8_t { of_class = 1, of_function = 2 };

class Graph {
 public:
  explicit Graph(std::string name) : name_(std::move(name)) {}

  void input(const std::string& name, Type type, const Dims& dims);
  void parameter(StoredTensor tensor);
  void output(const std::string& value, Type type, const Dims& dims);
  // A node that gives a constant: an attribute called "value".
  void constant(const std::string& name, const Attribute& value);
  // Nodes are added in an order in which they can be run. A node is called as its result.
  void node(const std::string& name, const std::string& op, OperatorKind kind,
            const std::vector<std::string>& inputs, const std::vector<Attribute>& attributes = {});
  // Calls what a node gives otherwise, here and where nodes take it.
  void rename(const std::string& from, const std::string& to);

  const std::vector<StoredTensor>& parameters() const { return parameters_; }
  // The name in the file: the graph's stands before those of inputs and parameters.
  std::string called(const std::string& name) const;
  // GraphProto without its parameters.
  std::string message() const;
  // The operators, as fields of ModelProto.
  std::string operators_message() const;

 private:
  struct Node {
    std::string name, op;
    std::vector<std::string> inputs;
    std::string value;  // of a constant, its attribute
  };
  void declare(protobuf::Writer& out, uint32_t field, const std::string& name, Type type,
               const Dims& dims) const;

  std::string name_;
  std::set<std::string> owned_;  // names of inputs and parameters
  std::vector<Node> nodes_;
  std::vector<StoredTensor> parameters_;
  // Each once, by its message without a name: what nodes call it, and that message.
  std::map<std::string, std::string> operators_;
  protobuf::Writer inputs_;
  struct Output {
    std::string name;
    Type type;
    Dims dims;
  };
  std::vector<Output> outputs_;
};

// The files of a model at `path`, NAME.mindir, as MindSpore would have them: that one, or, where parameters have more than 1 GiB or
// `external` is set, NAME_graph.mindir and NAME_variables/data_0 with the parameters.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& path, const Graph& graph,
                                            bool external);

// Writes them: both in the end, or none. Throws Error when one can't be written.
void write_model(const std::filesystem::path& path, const Graph& graph, const FileMetadata& metadata,
                 bool external);

}  // namespace gradus::mindir
