// MindIR files read back, and said in ONNX's operators, which tests/nn/onnx_file.h runs: what an exported model gives can be checked
// where MindSpore is not installed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/nn/onnx_file.h"

namespace gradus::mindir_file {

// A constant, or a setting of an operator.
struct Attribute {
  int64_t type = 0;  // AttributeProto.AttributeType
  int64_t integer = 0;
  double number = 0;
  std::vector<int64_t> integers;  // of a tuple
  std::vector<onnx_file::Tensor> tensors;
};

// A constant has one attribute, "value", which is its own; those of other nodes are their operator's.
struct Node {
  std::string name, op;
  int64_t kind = 0;  // PrimitiveProto.PrimType
  std::vector<std::string> inputs, outputs;
  std::map<std::string, Attribute> attributes;
};

// An input, an output, or a parameter, which has bytes; names are without the graph's before them.
struct Value {
  std::string name, ref_key;
  int64_t type = 0;
  std::vector<int64_t> dims;
  std::string bytes;
  uint64_t offset = 0;  // in a file of their own
};

struct Model {
  int64_t version = 0;
  bool little_endian = false;
  std::map<std::string, std::string> user_info;
  std::vector<Node> nodes;
  std::vector<Value> inputs, outputs, parameters;

  const Node& node(const std::string& name) const;
};

// Reads a file, and the one that its parameters may lie in. Throws Error for what is not as the format has it.
Model read(const std::filesystem::path& path);

// Inputs have the names that they have in ONNX files. Throws Error naming the node for an operator or a form of one that it does not
// know, and for inputs that nobody has made before.
onnx_file::Graph as_onnx(const Model& model);

}  // namespace gradus::mindir_file
