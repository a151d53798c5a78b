#include "nn/export/onnx_builder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "core/io/bytes.h"

namespace gradus {

using onnx::Attribute;
using onnx::Type;

namespace {

constexpr double masked = -10000;  // as strong as in BERT's reference implementation, and within 16 bits

std::string integer_bytes(const std::vector<int64_t>& numbers) {
  std::string bytes;
  for (const int64_t number : numbers) append_little_endian(bytes, static_cast<uint64_t>(number), 8);
  return bytes;
}

static_assert(std::endian::native == std::endian::little);

template <typename T>
std::string narrow_bytes(const std::vector<float>& numbers) {
  std::vector<uint16_t> narrow(numbers.size());
  std::ranges::transform(numbers, narrow.begin(), [](float number) { return T(number).bits; });
  return {reinterpret_cast<const char*>(narrow.data()), narrow.size() * sizeof(uint16_t)};
}

std::string float_bytes(const std::vector<float>& numbers, Type type) {
  if (type == Type::bfloat16) return narrow_bytes<bfloat16>(numbers);
  if (type == Type::float16) return narrow_bytes<float16>(numbers);
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

std::vector<float> transposed(const std::vector<float>& matrix, int64_t rows, int64_t columns) {
  constexpr int64_t tile = 32;  // rows and columns that a cache holds
  std::vector<float> result(matrix.size());
  for (int64_t first = 0; first < rows; first += tile) {
    for (int64_t column = 0; column < columns; ++column) {
      for (int64_t row = first; row < std::min(first + tile, rows); ++row)
        result[static_cast<size_t>(column * rows + row)] =
            matrix[static_cast<size_t>(row * columns + column)];
    }
  }
  return result;
}

std::string text_of(double number) { return fmt::format("{}", number); }

}  // namespace

OnnxBuilder::OnnxBuilder(std::string name, const ModelTensors& weights, DType type, Sizes sizes)
    : graph_(std::move(name)), weights_(&weights), type_(onnx::type_of(type)), sizes_(sizes) {}

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
  graph_.initializer({known(name, Type::int64), Type::int64, {std::ssize(numbers)}, [numbers] {
                        return integer_bytes(numbers);
                      }});
  return name;
}

OnnxBuilder::Value OnnxBuilder::constant(int64_t number) {
  const std::string name = fmt::format("number_{}", number);
  if (types_.contains(name)) return name;
  graph_.initializer(
      {known(name, Type::int64), Type::int64, {}, [number] { return integer_bytes({number}); }});
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

const ModelTensors::Tensor& OnnxBuilder::find(const std::string& weight) const {
  const ModelTensors::Tensor* found = weights_->find(weight);
  check(found != nullptr, "{}: no tensor is {}, which the model needs", weights_->path(), weight);
  return *found;
}

std::vector<float> OnnxBuilder::read(const std::string& weight) const {
  const ModelTensors::Tensor& found = find(weight);
  int64_t size = 1;
  for (const int64_t dim : found.shape) size *= dim;
  std::vector<float> numbers(static_cast<size_t>(size));
  weights_->read(found, numbers);
  return numbers;
}

OnnxBuilder::Value OnnxBuilder::weight(const std::string& name, Layout layout) {
  const Value value = layout == Layout::transposed ? name + ".T" : name;
  if (types_.contains(value)) return value;
  const ModelTensors::Tensor& found = find(name);
  if (layout == Layout::as_it_is) {
    add_floats(value, found.shape, [this, name] { return read(name); });
    return value;
  }
  check(found.shape.size() == 2, "{}: {} has {} axes, expected 2", weights_->path(), name,
        found.shape.size());
  const int64_t rows = found.shape[0], columns = found.shape[1];
  add_floats(value, {columns, rows},
             [this, name, rows, columns] { return transposed(read(name), rows, columns); });
  return value;
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

void OnnxBuilder::output(const Value& name, const Value& x, const std::string& axis, int64_t size) {
  node_of(Type::float32, name, types_.at(x) == Type::float32 ? "Identity" : "Cast", {x},
          types_.at(x) == Type::float32 ? std::vector<Attribute>{}
                                        : std::vector{Attribute("to", static_cast<int64_t>(Type::float32))});
  graph_.output(name, Type::float32, axes(axis, size));
}

void OnnxBuilder::output_integers(const Value& name, const Value& x, const std::string& axis) {
  node(name, "Identity", {x});
  graph_.output(name, Type::int64, axes(axis, 0));
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
  onnx::Axes shape = axes("sequence", find(table).shape.at(1));
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
  const ModelTensors::Tensor& rows = find(table);
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
  const Type wanted = onnx::type_of(type);
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
  return node(name, "Mul", {absent, constant(masked)});
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
  }
  const Value vectors =
      table.empty()
          ? constant(name + ".table", {2 * farthest + 1, std::ssize(numbers) / (2 * farthest + 1)}, numbers)
          : weight(table);
  return node(name, "Gather", {vectors, rows});
}

// --- LSTM ---

std::vector<float> OnnxBuilder::lstm_weights(const std::string& stem, int64_t units) const {
  std::vector<float> both;
  for (const char* direction : {"", "_reverse"}) {
    const std::vector<float> own = read(stem + direction);
    const auto gate = static_cast<std::ptrdiff_t>(own.size() / 4);
    check(std::ssize(own) % (4 * units) == 0, "{}: {} is not of {} units", weights_->path(), stem, units);
    // Ours are input, forget, cell, output; ONNX's input, output, forget, cell.
    for (const int number : {0, 3, 1, 2})
      both.insert(both.end(), own.begin() + number * gate, own.begin() + (number + 1) * gate);
  }
  return both;
}

OnnxBuilder::Value OnnxBuilder::lstm_layer(const Value& name, const std::string& lstm, int64_t number,
                                           const Value& x, const Value& lengths, int64_t units) {
  const auto stem = [&](const char* kind) { return fmt::format("{}.{}_l{}", lstm, kind, number); };
  const int64_t inputs = find(stem("weight_ih")).shape.at(1);
  const Value input_weights = stem("weight_ih") + ".both", own_weights = stem("weight_hh") + ".both",
              biases = stem("bias") + ".both";
  add_floats(input_weights, {2, 4 * units, inputs},
             [this, name = stem("weight_ih"), units] { return lstm_weights(name, units); });
  add_floats(own_weights, {2, 4 * units, units},
             [this, name = stem("weight_hh"), units] { return lstm_weights(name, units); });
  add_floats(biases, {2, 8 * units}, [this, ih = stem("bias_ih"), hh = stem("bias_hh"), units] {
    const std::vector<float> inputs = lstm_weights(ih, units), own = lstm_weights(hh, units);
    std::vector<float> both;
    for (const int64_t direction : {0, 1}) {
      for (const std::vector<float>* part : {&inputs, &own})
        both.insert(both.end(), part->begin() + direction * 4 * units,
                    part->begin() + (direction + 1) * 4 * units);
    }
    return both;
  });
  // [W, B, I] -> [W, 2, B, units] -> [W, B, 2 units].
  node(name + ".directions", "LSTM", {x, input_weights, own_weights, biases, lengths},
       {Attribute("hidden_size", units), Attribute("direction", "bidirectional")});
  const Value texts = transpose(name + ".texts", name + ".directions", {0, 2, 1, 3});
  return reshape(name, texts, {0, 0, 2 * units});
}

OnnxBuilder::Value OnnxBuilder::lstm(const Value& name, const std::string& lstm, const Value& x,
                                     const Value& lengths, int64_t layers, int64_t units) {
  const Value narrow = node_of(Type::int32, lengths + ".int32", "Cast", {lengths},
                               {Attribute("to", static_cast<int64_t>(Type::int32))});
  Value y = transpose(x + ".words_first", x, {1, 0, 2});
  for (int64_t i = 0; i < layers; ++i)
    y = lstm_layer(fmt::format("{}.{}", name, i), lstm, i, y, narrow, units);
  return transpose(name, y, {1, 0, 2});
}

}  // namespace gradus
