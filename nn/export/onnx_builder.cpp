#include "nn/export/onnx_builder.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/export/onnx_viterbi.h"

namespace gradus {

using onnx::Attribute;
using onnx::Type;

namespace {

std::string text_of(double number) { return fmt::format("{}", number); }

}  // namespace

OnnxBuilder::OnnxBuilder(std::string name, const ModelTensors& weights, DType type, Sizes sizes)
    : graph_(std::move(name)), weights_(weights), type_(stored_type(type)), sizes_(sizes) {}

// --- values and numbers ---

OnnxBuilder::Value OnnxBuilder::known(const Value& name, Type type) {
  check(types_.emplace(name, type).second, "[onnx] two values are called {}", name);
  return name;
}

OnnxBuilder::Value OnnxBuilder::node_of(Type type, const Value& name, std::string_view op,
                                        const std::vector<Value>& inputs,
                                        const std::vector<Attribute>& attributes) {
  nodes_of({{name, type}}, op, inputs, attributes);
  return name;
}

OnnxBuilder::Value OnnxBuilder::node(const Value& name, std::string_view op, const std::vector<Value>& inputs,
                                     const std::vector<Attribute>& attributes) {
  return node_of(types_.at(inputs.at(0)), name, op, inputs, attributes);
}

void OnnxBuilder::nodes_of(const std::vector<std::pair<Value, Type>>& results, std::string_view op,
                           const std::vector<Value>& inputs, const std::vector<Attribute>& attributes) {
  std::vector<std::string> names;
  for (const auto& [name, type] : results) names.push_back(name.empty() ? name : known(name, type));
  graph_.node(op, inputs, names, attributes);
}

OnnxBuilder::Value OnnxBuilder::constant(const std::vector<int64_t>& numbers) {
  std::string name = "numbers";
  for (const int64_t number : numbers) name += fmt::format("_{}", number);
  if (types_.contains(name)) return name;
  graph_.initializer(onnx::integers(known(name, Type::int64), {std::ssize(numbers)}, numbers));
  return name;
}

OnnxBuilder::Value OnnxBuilder::constant(int64_t number) {
  const std::string name = fmt::format("number_{}", number);
  if (types_.contains(name)) return name;
  graph_.initializer(onnx::integers(known(name, Type::int64), {}, {number}));
  return name;
}

OnnxBuilder::Value OnnxBuilder::constant(double number) {
  const std::string kind = type_ == Type::float32 ? "" : type_ == Type::float16 ? "float16_" : "bfloat16_";
  const std::string name = "float_" + kind + text_of(number);
  if (!types_.contains(name))
    add_floats(name, {}, [number] { return std::vector{static_cast<float>(number)}; });
  return name;
}

OnnxBuilder::Value OnnxBuilder::constant(const Value& name, const std::vector<int64_t>& dims,
                                         std::vector<float> numbers) {
  add_floats(name, dims, [numbers = std::move(numbers)] { return numbers; });
  return name;
}

void OnnxBuilder::add_floats(const Value& name, const std::vector<int64_t>& dims,
                             std::function<std::vector<float>()> numbers) {
  graph_.initializer({known(name, type_), type_, dims,
                      [numbers = std::move(numbers), type = type_] { return float_bytes(numbers(), type); }});
}

OnnxBuilder::Value OnnxBuilder::weight(const std::string& name, Layout layout) {
  const Value value = layout == Layout::transposed ? name + ".T" : name;
  if (types_.contains(value)) return value;
  graph_.initializer(layout == Layout::transposed ? weights_.transposed(name, value, type_)
                                                  : weights_.stored(name, type_));
  return known(value, type_);
}

// --- ends ---

onnx::Axes OnnxBuilder::axes(const std::string& axis, int64_t size) const {
  const auto of = [](int64_t fixed, const std::string& name) {
    return fixed > 0 ? onnx::Axis{fixed} : onnx::Axis{0, name};
  };
  onnx::Axes axes{of(sizes_.batch, "batch")};
  if (!axis.empty()) axes.push_back(of(axis == "sequence" ? sizes_.sequence : 0, axis));
  if (size > 0) axes.push_back({size});
  return axes;
}

OnnxBuilder::Value OnnxBuilder::integers(const Value& name, const std::string& axis) {
  graph_.input(known(name, Type::int64), Type::int64, axes(axis, 0));
  return name;
}

OnnxBuilder::Value OnnxBuilder::rename(const Value& from, const Value& to) {
  const Type type = types_.at(from);
  types_.erase(from);
  graph_.rename(from, to);
  return known(to, type);
}

OnnxBuilder::Value OnnxBuilder::output(const Value& name, const Value& x, const std::string& axis,
                                       int64_t size) {
  if (types_.at(x) == Type::float32) rename(x, name);
  else cast(name, x, DType::float32);
  graph_.output(name, Type::float32, axes(axis, size));
  return name;
}

OnnxBuilder::Value OnnxBuilder::output_integers(const Value& name, const Value& x, const std::string& axis) {
  graph_.output(rename(x, name), Type::int64, axes(axis, 0));
  return name;
}

void OnnxBuilder::output_best_tags(const Value& name, const Value& emissions, const Value& lengths,
                                   const CrfNumbers& crf) {
  output_integers(name, add_viterbi(*this, "viterbi", emissions, lengths, crf), "words");
}

// --- layers ---

OnnxBuilder::Value OnnxBuilder::embedding(const Value& name, const std::string& table, const Value& ids) {
  return node(name, "Gather", {weight(table), ids});
}

OnnxBuilder::Value OnnxBuilder::columns(const Value& integers) {
  const Value name = integers + ".columns";
  if (types_.contains(name)) return name;
  return node_of(Type::int64, name, "Shape", {integers},
                 {Attribute("start", int64_t{1}), Attribute("end", int64_t{2})});
}

OnnxBuilder::Value OnnxBuilder::first_rows(const Value& name, const std::string& table, const Value& ids) {
  const Value first = constant(std::vector<int64_t>{0});
  node(name, "Slice", {weight(table), first, columns(ids), first});
  onnx::Axes shape = axes("sequence", weights_.find(table).shape.at(1));
  shape.erase(shape.begin());
  graph_.shape(name, types_.at(name), shape);
  return name;
}

OnnxBuilder::Value OnnxBuilder::linear(const Value& name, const std::string& layer, const Value& x) {
  const Value product = node(name + ".product", "MatMul", {x, weight(layer + ".weight", Layout::transposed)});
  return node(name, "Add", {product, weight(layer + ".bias")});
}

OnnxBuilder::Value OnnxBuilder::linear_by_table(const Value& name, const std::string& table,
                                                const std::string& bias, const Value& x) {
  const ModelTensors::Tensor& rows = weights_.find(table);
  // Gemm takes the table as it lies, so that the file has it once. It knows matrices alone.
  const Value flat = node(x + ".flat", "Reshape", {x, constant(std::vector<int64_t>{-1, rows.shape.at(1)})});
  const Value products =
      node(name + ".flat", "Gemm", {flat, weight(table), weight(bias)}, {Attribute("transB", int64_t{1})});
  const Value shape = node_of(Type::int64, x + ".shape", "Shape", {x},
                              {Attribute("start", int64_t{0}), Attribute("end", int64_t{2})});
  const Value whole = node(name + ".shape", "Concat", {shape, constant(std::vector<int64_t>{rows.shape[0]})},
                           {Attribute("axis", int64_t{0})});
  return node(name, "Reshape", {products, whole});
}

OnnxBuilder::Value OnnxBuilder::layer_norm(const Value& name, const std::string& layer, const Value& x,
                                           double eps) {
  return node(name, "LayerNormalization", {x, weight(layer + ".weight"), weight(layer + ".bias")},
              {Attribute("axis", int64_t{-1}), Attribute("epsilon", static_cast<float>(eps))});
}

// x / 2 (1 + erf(x / sqrt 2)), Hendrycks & Gimpel 2016, arXiv:1606.08415.
OnnxBuilder::Value OnnxBuilder::gelu(const Value& name, const Value& x) {
  const Value scaled = node(name + ".scaled", "Div", {x, constant(std::numbers::sqrt2)});
  const Value share = node(name + ".share", "Add", {node(name + ".erf", "Erf", {scaled}), constant(1.0)});
  return node(name, "Mul", {node(name + ".doubled", "Mul", {x, share}), constant(0.5)});
}

// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), section 2 there.
OnnxBuilder::Value OnnxBuilder::gelu_tanh(const Value& name, const Value& x) {
  const Value cube = node(name + ".cube", "Mul", {node(name + ".square", "Mul", {x, x}), x});
  const Value sum = node(name + ".sum", "Add", {x, node(name + ".cubic", "Mul", {cube, constant(0.044715)})});
  const Value tanh = node(name + ".tanh", "Tanh",
                          {node(name + ".inner", "Mul", {sum, constant(std::sqrt(2 / std::numbers::pi))})});
  const Value share = node(name + ".share", "Add", {tanh, constant(1.0)});
  return node(name, "Mul", {node(name + ".doubled", "Mul", {x, share}), constant(0.5)});
}

OnnxBuilder::Value OnnxBuilder::activation(const Value& name, const Value& x, Activation kind) {
  switch (kind) {
    case Activation::none:
      return node(name, "Identity", {x});
    case Activation::relu:
      return node(name, "Relu", {x});
    case Activation::tanh:
      return node(name, "Tanh", {x});
    case Activation::gelu:
      return gelu(name, x);
    case Activation::gelu_tanh:
      return gelu_tanh(name, x);
    case Activation::fast_gelu:
      break;
  }
  // As in core/kernels.h: x sigmoid(1.702 x).
  const Value share = node(name + ".share", "Sigmoid", {node(name + ".scaled", "Mul", {x, constant(1.702)})});
  return node(name, "Mul", {x, share});
}

// --- arithmetic ---

OnnxBuilder::Value OnnxBuilder::add(const Value& name, const Value& a, const Value& b) {
  return node(name, "Add", {a, b});
}

OnnxBuilder::Value OnnxBuilder::divide(const Value& name, const Value& x, double divisor) {
  return node(name, "Div", {x, constant(divisor)});
}

OnnxBuilder::Value OnnxBuilder::softmax(const Value& name, const Value& x) {
  return node(name, "Softmax", {x}, {Attribute("axis", int64_t{-1})});
}

OnnxBuilder::Value OnnxBuilder::product(const Value& name, const Value& a, const Value& b) {
  return node(name, "MatMul", {a, b});
}

OnnxBuilder::Value OnnxBuilder::cast(const Value& name, const Value& x, DType type) {
  const Type wanted = stored_type(type);
  if (types_.at(x) == wanted) return x;
  return node_of(wanted, name, "Cast", {x}, {Attribute("to", static_cast<int64_t>(wanted))});
}

// --- shapes ---

OnnxBuilder::Value OnnxBuilder::transpose(const Value& name, const Value& x,
                                          const std::vector<int64_t>& order) {
  return node(name, "Transpose", {x}, {Attribute("perm", order)});
}

OnnxBuilder::Value OnnxBuilder::reshape(const Value& name, const Value& x,
                                        const std::vector<int64_t>& shape) {
  return node(name, "Reshape", {x, constant(shape)});
}

OnnxBuilder::Value OnnxBuilder::unsqueeze(const Value& name, const Value& x, int64_t axis) {
  return node(name, "Unsqueeze", {x, constant(std::vector<int64_t>{axis})});
}

OnnxBuilder::Value OnnxBuilder::at(const Value& name, const Value& x, int64_t axis, int64_t number) {
  return node(name, "Gather", {x, constant(number)}, {Attribute("axis", axis)});
}

OnnxBuilder::Value OnnxBuilder::gather(const Value& name, const Value& x, const Value& rows) {
  return node(name, "GatherND", {x, unsqueeze(rows + ".each", rows, 2)},
              {Attribute("batch_dims", int64_t{1})});
}

OnnxBuilder::Value OnnxBuilder::count(const Value& name, const Value& integers) {
  const Value there =
      node_of(Type::boolean, integers + ".there", "GreaterOrEqual", {integers, constant(int64_t{0})});
  const Value ones = node_of(Type::int64, integers + ".ones", "Cast", {there},
                             {Attribute("to", static_cast<int64_t>(Type::int64))});
  return node(name, "ReduceSum", {ones, constant(std::vector<int64_t>{1})},
              {Attribute("keepdims", int64_t{0})});
}

// --- attention ---

OnnxBuilder::Value OnnxBuilder::mask_scores(const Value& name, const Value& mask) {
  const Value wide = unsqueeze(mask + ".rows", unsqueeze(mask + ".heads", mask, 1), 2);
  const Value number =
      node_of(type_, mask + ".float", "Cast", {wide}, {Attribute("to", static_cast<int64_t>(type_))});
  const Value absent = node(mask + ".absent", "Sub", {constant(1.0), number});
  return node(name, "Mul", {absent, constant(masked_score)});
}

OnnxBuilder::Value OnnxBuilder::relative_positions(const Value& name, const std::string& table,
                                                   const std::vector<float>& numbers, int64_t farthest,
                                                   const Value& ids) {
  // The row of each pair of tokens, the same for all tables.
  const Value rows = ids + ".relative";
  if (!types_.contains(rows)) {
    const Value end = node(ids + ".sequence", "Squeeze", {columns(ids), constant(std::vector<int64_t>{0})});
    const Value places = node(ids + ".places", "Range", {constant(int64_t{0}), end, constant(int64_t{1})});
    const Value distances =
        node(ids + ".distances", "Sub",
             {unsqueeze(ids + ".keys", places, 0), unsqueeze(ids + ".queries", places, 1)});
    const Value near = node(ids + ".near", "Clip", {distances, constant(-farthest), constant(farthest)});
    node(rows, "Add", {near, constant(farthest)});
    const onnx::Axis tokens = axes("sequence", 0).at(1);
    graph_.shape(rows, Type::int64, {tokens, tokens});
  }
  const Value vectors =
      table.empty()
          ? constant(name + ".table", {2 * farthest + 1, std::ssize(numbers) / (2 * farthest + 1)}, numbers)
          : weight(table);
  return node(name, "Gather", {vectors, rows});
}

// --- LSTM ---

std::vector<float> OnnxBuilder::lstm_weights(const std::string& weight, int64_t units) const {
  const std::vector<float> ours = weights_.read(weight);
  check(std::ssize(ours) % (4 * units) == 0, "{}: {} is not of {} units", weights_.path(), weight, units);
  const auto gate = std::ssize(ours) / 4;
  std::vector<float> theirs;
  // Ours are input, forget, cell, output; ONNX's input, output, forget, cell.
  for (const int number : {0, 3, 1, 2})
    theirs.insert(theirs.end(), ours.begin() + number * gate, ours.begin() + (number + 1) * gate);
  return theirs;
}

OnnxBuilder::Value OnnxBuilder::lstm_direction(const Value& name, const std::string& lstm,
                                               const std::string& suffix, const Value& x, int64_t units) {
  const auto called = [&](const char* kind) { return lstm + "." + kind + suffix; };
  const std::string ih = called("weight_ih"), hh = called("weight_hh"), biases = called("bias");
  const int64_t inputs = weights_.find(ih).shape.at(1);
  // One direction's, which ONNX counts by an axis.
  add_floats(ih, {1, 4 * units, inputs}, [this, ih, units] { return lstm_weights(ih, units); });
  add_floats(hh, {1, 4 * units, units}, [this, hh, units] { return lstm_weights(hh, units); });
  add_floats(biases, {1, 8 * units}, [this, from_inputs = called("bias_ih"), own = called("bias_hh"), units] {
    std::vector<float> both = lstm_weights(from_inputs, units);
    const std::vector<float> second = lstm_weights(own, units);
    both.insert(both.end(), second.begin(), second.end());
    return both;
  });
  node(name + ".states", "LSTM", {x, ih, hh, biases}, {Attribute("hidden_size", units)});
  return node(name, "Squeeze", {name + ".states", constant(std::vector<int64_t>{1})});
}

OnnxBuilder::Value OnnxBuilder::reverse(const Value& name, const Value& x, const Value& lengths) {
  return node(name, "ReverseSequence", {x, lengths},
              {Attribute("time_axis", int64_t{0}), Attribute("batch_axis", int64_t{1})});
}

OnnxBuilder::Value OnnxBuilder::concat(const Value& name, const Value& a, const Value& b) {
  return node(name, "Concat", {a, b}, {Attribute("axis", int64_t{2})});
}

}  // namespace gradus
