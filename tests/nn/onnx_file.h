// ONNX files read back and run, by the plainest loops and in double: what an exported model gives can be checked where there is no
// runtime for such files. It knows the operators that models here are made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::onnx_file {

// Numbers of any type, row by row.
struct Tensor {
  std::vector<int64_t> dims;
  std::vector<double> values;
};

struct Graph;

struct Attribute {
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<int64_t> integers;
  std::vector<Graph> graph;  // one, or none
};

struct Node {
  std::string name, op;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, Attribute> attributes;
};

// An input or output: sizes of axes are numbers or names.
struct Value {
  std::string name;
  int64_t type = 0;  // TensorProto.DataType
  std::vector<std::string> axes;
};

struct Graph {
  std::vector<Node> nodes;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, int64_t> types;  // of these
  std::vector<Value> inputs, outputs;
};

struct Model {
  int64_t opset = 0;
  Graph graph;
  std::map<std::string, std::string> metadata;
};

// Little-endian numbers of a TensorProto.DataType. Throws Error for one that is not known here.
std::vector<double> numbers_of(std::string_view bytes, int64_t type);

// Reads a file, and the one that its tensors may lie in. Throws Error for what it does not know.
Model read(const std::filesystem::path& path);

// The values of the graph's outputs. Throws Error naming the node for an operator that it does not know, for inputs that nobody has
// made before, and for shapes that don't fit.
std::map<std::string, Tensor> run(const Graph& graph, std::map<std::string, Tensor> inputs);

}  // namespace gradus::onnx_file
