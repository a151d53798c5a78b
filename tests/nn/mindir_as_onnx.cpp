// MindSpore's operators in ONNX's: https://www.mindspore.cn/docs/en/master/api_python/mindspore.ops.primitive.html
#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "core/error.h"
#include "tests/nn/mindir_file.h"

namespace gradus::mindir_file {
namespace {

using Names = std::vector<std::string>;

class Translation {
 public:
  explicit Translation(const Model& model) : model_(model) {
    static const std::map<std::string, std::string> called{{"input_mask", "attention_mask"},
                                                           {"token_type_id", "token_type_ids"}};
    for (const Value& input : model.inputs) {
      const auto found = called.find(input.name);
      const std::string name = found == called.end() ? input.name : found->second;
      onnx_.inputs.push_back({name, input.type, axes(input)});
      if (name != input.name) add(input.name, "Identity", {name});
      known_.insert(input.name);
    }
    for (const Value& parameter : model.parameters) {
      tensor(parameter.name, {parameter.dims, onnx_file::numbers_of(parameter.bytes, parameter.type)});
      known_.insert(parameter.name);
    }
    for (const Node& node : model.nodes) try {
        translate(node);
        known_.insert(node.name);
      } catch (const std::exception& error) {
        fail("{} ({}): {}", node.name, node.op, error.what());
      }
    for (const Value& output : model.outputs)
      onnx_.outputs.push_back({output.name, output.type, axes(output)});
  }

  onnx_file::Graph onnx() && { return std::move(onnx_); }

 private:
  static Names axes(const Value& value) {
    Names axes;
    for (const int64_t dim : value.dims) axes.push_back(std::to_string(dim));
    return axes;
  }

  void tensor(const std::string& name, onnx_file::Tensor value) {
    check(onnx_.tensors.emplace(name, std::move(value)).second, "two tensors are called {}", name);
  }
  std::string list(const std::string& name, const std::vector<int64_t>& values) {
    tensor(name, {{std::ssize(values)}, {values.begin(), values.end()}});
    return name;
  }
  std::string scalar(const std::string& name, double value) {
    tensor(name, {{}, {value}});
    return name;
  }
  std::string add(const std::string& name, const std::string& op, const Names& inputs,
                  std::map<std::string, onnx_file::Attribute> attributes = {}) {
    onnx_.nodes.push_back({name, op, inputs, {name}, std::move(attributes)});
    return name;
  }
  static onnx_file::Attribute number(int64_t value) { return {value, 0, {}, {}, {}}; }

  const Attribute& constant(const std::string& name) const {
    const Node& node = model_.node(name);
    check(node.op == "Constant", "{} is no constant", name);
    return node.attributes.at("value");
  }
  int64_t setting(const Node& node, size_t input) const { return constant(node.inputs.at(input)).integer; }
  std::vector<int64_t> tuple(const Node& node, size_t input) const {
    return constant(node.inputs.at(input)).integers;
  }
  static void expect(bool holds) { check(holds, "of a form that is not known here"); }

  void translate(const Node& node) {
    check(node.outputs == Names{node.name}, "a node is called as its result");
    for (const std::string& input : node.inputs) check(known_.contains(input), "{} is not there yet", input);
    if (node.op == "Constant") {
      const Attribute& value = node.attributes.at("value");
      if (!value.tensors.empty()) tensor(node.name, value.tensors.at(0));
      return;
    }
    static const std::map<std::string, std::string> same{
        {"Add", "Add"},   {"Sub", "Sub"},   {"Mul", "Mul"},   {"RealDiv", "Div"},
        {"Erf", "Erf"},   {"Tanh", "Tanh"}, {"ReLU", "Relu"}, {"GreaterEqual", "GreaterOrEqual"},
        {"Cast", "Cast"},
    };
    const Names& in = node.inputs;
    if (const auto found = same.find(node.op); found != same.end()) {
      add(node.name, found->second, node.op == "Cast" ? Names{in.at(0)} : in);
    } else if (node.op == "MatMul") {
      expect(setting(node, 2) == 0 && setting(node, 3) == 1);
      add(node.name + ".w", "Transpose", {in[1]}, {{"perm", {0, 0, {}, {1, 0}, {}}}});
      add(node.name, "MatMul", {in[0], node.name + ".w"});
    } else if (node.op == "BatchMatMul") {
      expect(setting(node, 2) == 0 && setting(node, 3) == 0);
      add(node.name, "MatMul", {in[0], in[1]});
    } else if (node.op == "BiasAdd") {
      add(node.name, "Add", {in[0], in[1]});
    } else if (node.op == "Maximum") {
      add(node.name, "Clip", {in[0], in[1], scalar(node.name + ".most", 1e9)});
    } else if (node.op == "Softmax") {
      expect(tuple(node, 1) == std::vector<int64_t>{-1});
      add(node.name, "Softmax", {in[0]});
    } else if (node.op == "LayerNorm") {
      expect(setting(node, 3) == -1 && setting(node, 4) == -1);
      add(node.name, "LayerNormalization", {in[0], in[1], in[2]},
          {{"epsilon", {0, constant(in.at(5)).number, {}, {}, {}}}});
    } else if (node.op == "TupleGetItem") {
      expect(setting(node, 1) == 0);
      add(node.name, "Identity", {in[0]});
    } else if (node.op == "GeLU") {
      gelu(node, 0.044715, 2 * std::sqrt(2 / std::numbers::pi));
    } else if (node.op == "FastGeLU") {
      gelu(node, 0, 1.702);
    } else {
      translate_shape(node);
    }
  }

  // x sigmoid(scale (x + cubic x^3)), of which tanh's form is one: (1 + tanh z) / 2 = sigmoid(2 z).
  void gelu(const Node& node, double cubic, double scale) {
    const std::string x = node.inputs.at(0), to = node.name + ".";
    const std::string cube = add(to + "cube", "Mul", {add(to + "square", "Mul", {x, x}), x});
    const std::string sum =
        add(to + "sum", "Add", {x, add(to + "cubic", "Mul", {cube, scalar(to + "factor", cubic)})});
    const std::string scaled = add(to + "scaled", "Mul", {sum, scalar(to + "scale", scale)});
    add(node.name, "Mul", {x, add(to + "share", "Sigmoid", {scaled})});
  }

  // Operators that move numbers, and count them.
  void translate_shape(const Node& node) {
    const Names& in = node.inputs;
    if (node.op == "Transpose") {
      add(node.name, "Transpose", {in[0]}, {{"perm", {0, 0, {}, tuple(node, 1), {}}}});
    } else if (node.op == "Reshape") {
      add(node.name, "Reshape", {in[0], list(node.name + ".shape", tuple(node, 1))});
    } else if (node.op == "ExpandDims") {
      add(node.name, "Unsqueeze", {in[0], list(node.name + ".axis", {setting(node, 1)})});
    } else if (node.op == "Gather" && setting(node, 3) == 0) {
      add(node.name, "Gather", {in[0], in[1]}, {{"axis", number(setting(node, 2))}});
    } else if (node.op == "Gather") {
      expect(setting(node, 2) == 1 && setting(node, 3) == 1);
      add(node.name + ".each", "Unsqueeze", {in[1], list(node.name + ".axis", {2})});
      add(node.name, "GatherND", {in[0], node.name + ".each"});
    } else if (node.op == "StridedSlice") {
      slice(node);
    } else if (node.op == "ReduceSum") {
      expect(setting(node, 2) == 0 && setting(node, 3) == 0);
      add(node.name, "ReduceSum", {in[0], list(node.name + ".axis", tuple(node, 1))},
          {{"keepdims", number(0)}});
    } else if (node.op == "MakeTuple") {
      return;
    } else if (node.op == "Concat") {
      add(node.name, "Concat", model_.node(in[0]).inputs, {{"axis", number(setting(node, 1))}});
    } else if (node.op == "ReverseSequence") {
      add(node.name, "ReverseSequence", {in[0], in[1]},
          {{"time_axis", number(node.attributes.at("seq_dim").integer)},
           {"batch_axis", number(node.attributes.at("batch_dim").integer)}});
    } else if (node.op == "LSTM") {
      lstm(node);
    } else {
      fail("an operator that is not known here");
    }
  }

  // The first rows of a table, or one of an axis, which goes.
  void slice(const Node& node) {
    const std::vector<int64_t> begin = tuple(node, 1), end = tuple(node, 2);
    expect(std::ranges::count(tuple(node, 3), 1) == std::ssize(begin));
    for (const size_t mask : {4, 5, 6, 7}) expect(setting(node, mask) == 0);
    const int64_t gone = setting(node, 8);
    if (gone == 0) {
      expect(std::ranges::count(begin, 0) == std::ssize(begin));
      add(node.name, "Slice",
          {node.inputs[0], list(node.name + ".begin", {0}), list(node.name + ".end", {end.at(0)}),
           list(node.name + ".axis", {0})});
      return;
    }
    size_t axis = 0;
    while ((gone >> axis) > 1) ++axis;
    expect(gone == int64_t{1} << axis && end.at(axis) == begin.at(axis) + 1);
    add(node.name, "Gather",
        {node.inputs[0], scalar(node.name + ".number", static_cast<double>(begin[axis]))},
        {{"axis", number(static_cast<int64_t>(axis))}});
  }

  // One list of all weights, gates input, forget, cell, output, becomes ONNX's three, whose gates are input, output, forget, cell.
  void lstm(const Node& node) {
    const int64_t inputs = node.attributes.at("input_size").integer,
                  units = node.attributes.at("hidden_size").integer;
    expect(node.attributes.at("num_layers").integer == 1 && node.attributes.at("has_bias").integer == 1 &&
           node.attributes.at("bidirectional").integer == 0);
    for (const size_t state : {1, 2})
      for (const double value : onnx_.tensors.at(node.inputs.at(state)).values) expect(value == 0);
    const std::vector<double>& all = onnx_.tensors.at(node.inputs.at(3)).values;
    check(std::ssize(all) == 4 * units * (inputs + units + 1), "{} weights", all.size());
    auto from = all.begin();
    const auto take = [&](const char* suffix, int64_t columns, const std::vector<int64_t>& dims,
                          int64_t zeros) {
      std::vector<double> values;
      for (const int64_t gate : {0, 3, 1, 2})
        values.insert(values.end(), from + gate * units * columns, from + (gate + 1) * units * columns);
      from += 4 * units * columns;
      values.insert(values.end(), static_cast<size_t>(zeros), 0.0);
      tensor(node.name + suffix, {dims, values});
      return node.name + suffix;
    };
    const std::string w = take(".w", inputs, {1, 4 * units, inputs}, 0),
                      r = take(".r", units, {1, 4 * units, units}, 0),
                      b = take(".b", 1, {1, 8 * units}, 4 * units);
    add(node.name + ".directions", "LSTM", {node.inputs[0], w, r, b}, {{"hidden_size", number(units)}});
    add(node.name, "Squeeze", {node.name + ".directions", list(node.name + ".axis", {1})});
  }

  const Model& model_;
  onnx_file::Graph onnx_;
  std::set<std::string> known_;
};

}  // namespace

onnx_file::Graph as_onnx(const Model& model) { return Translation(model).onnx(); }

}  // namespace gradus::mindir_file
