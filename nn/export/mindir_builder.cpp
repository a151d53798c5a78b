#include "nn/export/mindir_builder.h"

#include <algorithm>
#include <numbers>
#include <numeric>

#include "core/error.h"
#include "core/joined.h"
#include "core/shape_text.h"

namespace gradus {

using mindir::Attribute;
using mindir::OperatorKind;

namespace {

// MindSpore's names of inputs that are called otherwise elsewhere.
const std::map<std::string, std::string> input_names{{"attention_mask", "input_mask"},
                                                     {"token_type_ids", "token_type_id"}};

// TypeId of mindspore/core, which Cast takes.
int64_t type_id(StoredType type) {
  switch (type) {
    case StoredType::float32:
      return 43;
    case StoredType::float16:
      return 42;
    case StoredType::bfloat16:
      return 45;
    case StoredType::int32:
      return 34;
    case StoredType::int64:
      return 35;
    case StoredType::boolean:
      return 30;
  }
  return 0;
}

int64_t product_of(std::span<const int64_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

MindIrBuilder::MindIrBuilder(std::string name, const ModelTensors& weights, DType type, int64_t batch,
                             int64_t sequence)
    : graph_(std::move(name)),
      weights_(weights),
      type_(stored_type(type)),
      batch_(batch),
      sequence_(sequence) {}

// --- values, nodes, constants ---

MindIrBuilder::Value MindIrBuilder::known(const Value& name, Type type, Dims dims) {
  check(values_.emplace(name, Known{type, std::move(dims)}).second, "[mindir] two values are called {}",
        name);
  return name;
}

MindIrBuilder::Value MindIrBuilder::node(const Value& name, const char* op, const std::vector<Value>& inputs,
                                         Type type, Dims dims) {
  graph_.node(name, op, OperatorKind::of_function, inputs);
  return known(name, type, std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::class_node(const Value& name, const char* op,
                                               const std::vector<Value>& inputs,
                                               const std::vector<Attribute>& attributes, Type type,
                                               Dims dims) {
  graph_.node(name, op, OperatorKind::of_class, inputs, attributes);
  return known(name, type, std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::same(const Value& name, const char* op,
                                         const std::vector<Value>& inputs) {
  return node(name, op, inputs, of(inputs.at(0)).type, of(inputs.at(0)).dims);
}

MindIrBuilder::Value MindIrBuilder::pairwise(const Value& name, const char* op, const Value& a,
                                             const Value& b) {
  const Dims &x = of(a).dims, &y = of(b).dims;
  Dims dims = x.size() < y.size() ? y : x;
  for (size_t back = 1; back <= std::min(x.size(), y.size()); ++back) {
    const int64_t of_a = x[x.size() - back], of_b = y[y.size() - back];
    check(of_a == of_b || of_a == 1 || of_b == 1, "[mindir] {}: {} and {} don't fit", name, shape_text(x),
          shape_text(y));
    dims[dims.size() - back] = std::max(of_a, of_b);
  }
  return node(name, op, {a, b}, of(a).type, std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::constant(const Value& name, const Attribute& value, Known known) {
  graph_.constant(name, value);
  return this->known(name, known.type, std::move(known.dims));
}

MindIrBuilder::Value MindIrBuilder::setting(int64_t number) {
  const Value name = fmt::format("int_{}", number);
  if (values_.contains(name)) return name;
  return constant(name, {"value", number}, {Type::int64, {}});
}

MindIrBuilder::Value MindIrBuilder::setting(bool yes) {
  const Value name = yes ? "true" : "false";
  if (values_.contains(name)) return name;
  return constant(name, {"value", yes}, {Type::boolean, {}});
}

MindIrBuilder::Value MindIrBuilder::setting(float number) {
  const Value name = fmt::format("float_{}", number);
  if (values_.contains(name)) return name;
  return constant(name, {"value", number}, {Type::float32, {}});
}

MindIrBuilder::Value MindIrBuilder::setting(const std::vector<int64_t>& numbers) {
  const Value name = "tuple_" + joined(numbers, "_").str();
  if (values_.contains(name)) return name;
  return constant(name, {"value", numbers}, {Type::int64, {}});
}

MindIrBuilder::Value MindIrBuilder::tensor(const Value& name, Type type, const Dims& dims,
                                           std::string bytes) {
  if (values_.contains(name)) return name;
  const StoredTensor stored{name, type, dims, [bytes = std::move(bytes)] { return bytes; }};
  return constant(name, {"value", stored}, {type, dims});
}

MindIrBuilder::Value MindIrBuilder::floats(const Value& name, const Dims& dims,
                                           const std::vector<float>& numbers) {
  return tensor(name, type_, dims, float_bytes(numbers, type_));
}

MindIrBuilder::Value MindIrBuilder::number(double number) {
  return floats(fmt::format("tensor{}_{}", static_cast<int>(type_), number), {},
                {static_cast<float>(number)});
}

MindIrBuilder::Value MindIrBuilder::zero() {
  return tensor("tensor_0", Type::int32, {}, bytes_of_numbers(std::vector<int32_t>{0}));
}

MindIrBuilder::Value MindIrBuilder::weight(const std::string& name) {
  if (values_.contains(name)) return name;
  return parameter(weights_.stored(name, type_));
}

MindIrBuilder::Value MindIrBuilder::parameter(StoredTensor tensor) {
  known(tensor.name, tensor.type, tensor.dims);
  const Value name = tensor.name;
  graph_.parameter(std::move(tensor));
  return name;
}

// --- ends ---

MindIrBuilder::Value MindIrBuilder::integers(const Value& name, const std::string& axis) {
  const auto found = input_names.find(name);
  const Value& called = found == input_names.end() ? name : found->second;
  // A text has fewer words than tokens, but how many is not known here.
  const Dims dims = axis.empty() ? Dims{batch_} : Dims{batch_, sequence_};
  graph_.input(called, Type::int32, dims);
  return known(called, Type::int32, dims);
}

MindIrBuilder::Value MindIrBuilder::output(const Value& name, const Value& x, const std::string& /*axis*/,
                                           int64_t /*size*/) {
  if (of(x).type == Type::float32) {
    const Known found = of(x);
    values_.erase(x);
    graph_.rename(x, name);
    known(name, found.type, found.dims);
  } else {
    cast(name, x, DType::float32);
  }
  graph_.output(name, Type::float32, of(name).dims);
  return name;
}

void MindIrBuilder::output_best_tags(const Value& name, const Value& /*emissions*/, const Value& /*lengths*/,
                                     const CrfNumbers& /*crf*/) {
  fail("[mindir] {}: the best tags of a CRF need a loop, and none is written into MINDIR files", name);
}

// --- layers ---

MindIrBuilder::Value MindIrBuilder::rows_of(const Value& name, const Value& table, const Value& rows,
                                            int64_t axis, int64_t batch_axes, Dims dims) {
  return node(name, "Gather", {table, rows, setting(axis), setting(batch_axes)}, of(table).type,
              std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::embedding(const Value& name, const std::string& table, const Value& ids) {
  const Value rows = weight(table);
  Dims dims = of(ids).dims;
  dims.push_back(of(rows).dims.at(1));
  return rows_of(name, rows, ids, 0, 0, std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::first_rows(const Value& name, const std::string& table,
                                               const Value& ids) {
  const Value rows = weight(table);
  const int64_t wanted = of(ids).dims.at(1), width = of(rows).dims.at(1);
  check(wanted <= of(rows).dims[0], "{}: {} has {} rows, fewer than a text's {} tokens", weights_.path(),
        table, of(rows).dims[0], wanted);
  const Value none = setting(int64_t{0});  // bits of axes to treat otherwise
  return node(
      name, "StridedSlice",
      {rows, setting({0, 0}), setting({wanted, width}), setting({1, 1}), none, none, none, none, none},
      of(rows).type, {wanted, width});
}

MindIrBuilder::Value MindIrBuilder::shaped(const Value& name, const Value& x, const Dims& dims) {
  return node(name, "Reshape", {x, setting(dims)}, of(x).type, dims);
}

MindIrBuilder::Value MindIrBuilder::linear(const Value& name, const std::string& layer, const Value& x) {
  return linear_by_table(name, layer + ".weight", layer + ".bias", x);
}

MindIrBuilder::Value MindIrBuilder::linear_by_table(const Value& name, const std::string& table,
                                                    const std::string& bias, const Value& x) {
  const Value matrix = weight(table), offset = weight(bias);
  Dims dims = of(x).dims;
  const int64_t inputs = dims.back(), outputs = of(matrix).dims.at(0), rows = product_of(dims) / inputs;
  const bool is_matrix = dims.size() == 2;
  const Value flat = is_matrix ? x : x + ".flat", result = is_matrix ? name : name + ".flat";
  if (!values_.contains(flat)) shaped(flat, x, {rows, inputs});
  const Value product = node(name + ".product", "MatMul", {flat, matrix, setting(false), setting(true)},
                             of(x).type, {rows, outputs});
  node(result, "BiasAdd", {product, offset, setting(int64_t{0})}, of(x).type, {rows, outputs});
  dims.back() = outputs;
  return is_matrix ? result : shaped(name, result, dims);
}

MindIrBuilder::Value MindIrBuilder::first_of_tuple(const Value& name, const Value& tuple, Type type,
                                                   Dims dims) {
  return class_node(name, "TupleGetItem", {tuple, setting(int64_t{0})}, {}, type, std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::layer_norm(const Value& name, const std::string& layer, const Value& x,
                                               double eps) {
  const Value last = setting(int64_t{-1});
  const Value all = same(
      name + ".and_moments", "LayerNorm",
      {x, weight(layer + ".weight"), weight(layer + ".bias"), last, last, setting(static_cast<float>(eps))});
  return first_of_tuple(name, all, of(x).type, of(x).dims);
}

// x / 2 (1 + erf(x / sqrt 2)), Hendrycks & Gimpel 2016, arXiv:1606.08415.
MindIrBuilder::Value MindIrBuilder::gelu(const Value& name, const Value& x) {
  const Value scaled = divide(name + ".scaled", x, std::numbers::sqrt2);
  const Value share = same(name + ".share", "Add", {same(name + ".erf", "Erf", {scaled}), number(1.0)});
  return same(name, "Mul", {same(name + ".doubled", "Mul", {x, share}), number(0.5)});
}

MindIrBuilder::Value MindIrBuilder::activation(const Value& name, const Value& x, Activation kind) {
  switch (kind) {
    case Activation::none:
      return x;
    case Activation::relu:
      return same(name, "ReLU", {x});
    case Activation::tanh:
      return same(name, "Tanh", {x});
    case Activation::gelu:
      return gelu(name, x);
    case Activation::gelu_tanh:
      return same(name, "GeLU", {x});
    case Activation::fast_gelu:
      break;
  }
  return same(name, "FastGeLU", {x});
}

// --- arithmetic ---

MindIrBuilder::Value MindIrBuilder::add(const Value& name, const Value& a, const Value& b) {
  return pairwise(name, "Add", a, b);
}

MindIrBuilder::Value MindIrBuilder::divide(const Value& name, const Value& x, double divisor) {
  return same(name, "RealDiv", {x, number(divisor)});
}

MindIrBuilder::Value MindIrBuilder::softmax(const Value& name, const Value& x) {
  return same(name, "Softmax", {x, setting(std::vector<int64_t>{-1})});
}

MindIrBuilder::Value MindIrBuilder::product(const Value& name, const Value& a, const Value& b) {
  const Dims x = of(a).dims, y = of(b).dims;
  const size_t axes = x.size();
  const auto result = [&](const Value& name, const Value& a, const Value& b, Dims dims) {
    return node(name, "BatchMatMul", {a, b, setting(false), setting(false)}, of(a).type, std::move(dims));
  };
  Dims dims = x;
  dims.back() = y.back();
  if (std::equal(x.begin(), x.end() - 2, y.begin(), y.end() - 2)) return result(name, a, b, dims);
  // On processors this operator repeats nothing. The rows of what meets the same matrix are laid one below the other.
  check(axes == 4 && y.size() == 4 && x[0] == y[0] && y[1] == 1, "[mindir] {}: {} and {} don't fit", name,
        shape_text(x), shape_text(y));
  const int64_t rows = x[1] * x[2];
  const Value tall = shaped(name + ".tall", a, {x[0], rows, x[3]});
  const Value flat = shaped(name + ".matrices", b, {y[0], y[2], y[3]});
  return shaped(name, result(name + ".flat", tall, flat, {x[0], rows, y[3]}), dims);
}

MindIrBuilder::Value MindIrBuilder::as_type(const Value& name, const Value& x, Type type) {
  return node(name, "Cast", {x, setting(type_id(type))}, type, of(x).dims);
}

MindIrBuilder::Value MindIrBuilder::cast(const Value& name, const Value& x, DType type) {
  return of(x).type == stored_type(type) ? x : as_type(name, x, stored_type(type));
}

// --- shapes ---

MindIrBuilder::Value MindIrBuilder::transpose(const Value& name, const Value& x,
                                              const std::vector<int64_t>& order) {
  Dims dims;
  for (const int64_t axis : order) dims.push_back(of(x).dims.at(static_cast<size_t>(axis)));
  return node(name, "Transpose", {x, setting(order)}, of(x).type, std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::reshape(const Value& name, const Value& x,
                                            const std::vector<int64_t>& shape) {
  Dims dims = shape;
  for (size_t axis = 0; axis < dims.size(); ++axis)
    if (dims[axis] == 0) dims[axis] = of(x).dims.at(axis);
  return shaped(name, x, dims);
}

MindIrBuilder::Value MindIrBuilder::unsqueeze(const Value& name, const Value& x, int64_t axis) {
  Dims dims = of(x).dims;
  dims.insert(dims.begin() + axis, 1);
  return node(name, "ExpandDims", {x, setting(axis)}, of(x).type, std::move(dims));
}

MindIrBuilder::Value MindIrBuilder::at(const Value& name, const Value& x, int64_t axis, int64_t number) {
  Dims begin(of(x).dims.size(), 0), end = of(x).dims, left = of(x).dims;
  const auto here = static_cast<size_t>(axis);
  begin[here] = number;
  end[here] = number + 1;
  left.erase(left.begin() + axis);
  const Value none = setting(int64_t{0});
  return node(name, "StridedSlice",
              {x, setting(begin), setting(end), setting(Dims(begin.size(), 1)), none, none, none, none,
               setting(int64_t{1} << axis)},  // the axis that goes
              of(x).type, std::move(left));
}

MindIrBuilder::Value MindIrBuilder::gather(const Value& name, const Value& x, const Value& rows) {
  const Value some = same(rows + ".some", "Maximum", {rows, zero()});
  const Dims &values = of(x).dims, &wanted = of(rows).dims;
  return rows_of(name, x, some, 1, 1, {wanted.at(0), wanted.at(1), values.at(2)});
}

MindIrBuilder::Value MindIrBuilder::count(const Value& name, const Value& integers) {
  const Value there =
      node(integers + ".there", "GreaterEqual", {integers, zero()}, Type::boolean, of(integers).dims);
  const Value ones = as_type(integers + ".ones", there, Type::int32);
  return node(name, "ReduceSum", {ones, setting(std::vector<int64_t>{1}), setting(false), setting(false)},
              Type::int32, {of(integers).dims.at(0)});
}

// --- attention ---

MindIrBuilder::Value MindIrBuilder::mask_scores(const Value& name, const Value& mask) {
  const Dims& dims = of(mask).dims;
  const Value wide = shaped(mask + ".wide", mask, {dims.at(0), 1, 1, dims.at(1)});
  const Value one = number(1.0), present = as_type(mask + ".float", wide, type_);
  const Value absent = pairwise(mask + ".absent", "Sub", one, present);
  return same(name, "Mul", {absent, number(masked_score)});
}

MindIrBuilder::Value MindIrBuilder::relative_positions(const Value& name, const std::string& table,
                                                       const std::vector<float>& numbers, int64_t farthest,
                                                       const Value& ids) {
  const int64_t tokens = of(ids).dims.at(1), places = 2 * farthest + 1;
  // The row of each pair of tokens, the same for all tables.
  std::vector<int32_t> rows;
  for (int64_t query = 0; query < tokens; ++query) {
    for (int64_t key = 0; key < tokens; ++key)
      rows.push_back(static_cast<int32_t>(std::clamp(key - query, -farthest, farthest) + farthest));
  }
  const Value relative = tensor(ids + ".relative", Type::int32, {tokens, tokens}, bytes_of_numbers(rows));
  const Value vectors = table.empty()
                            ? floats(name + ".table", {places, std::ssize(numbers) / places}, numbers)
                            : weight(table);
  return rows_of(name, vectors, relative, 0, 0, {tokens, tokens, of(vectors).dims.at(1)});
}

// --- LSTM ---

MindIrBuilder::Value MindIrBuilder::lstm_direction(const Value& name, const std::string& lstm,
                                                   const std::string& suffix, const Value& x, int64_t units) {
  const std::string ih = lstm + ".weight_ih" + suffix, hh = lstm + ".weight_hh" + suffix;
  const int64_t inputs = of(x).dims.at(2), texts = of(x).dims.at(1);
  for (const auto& [part, columns] : {std::pair{ih, inputs}, {hh, units}}) {
    const Dims& shape = weights_.find(part).shape;
    check(shape == Dims({4 * units, columns}), "{}: {} is {}, expected [{}, {}]", weights_.path(), part,
          shape_text(shape), 4 * units, columns);
  }
  // All of a direction in one list, gates in the order of ours, with the sum of the biases.
  const auto numbers = [weights = weights_, type = type_, ih, hh, bias_ih = lstm + ".bias_ih" + suffix,
                        bias_hh = lstm + ".bias_hh" + suffix] {
    std::vector<float> all = weights.read(ih), bias = weights.read(bias_ih);
    const std::vector<float> own = weights.read(hh), second = weights.read(bias_hh);
    std::transform(bias.begin(), bias.end(), second.begin(), bias.begin(), std::plus<>());
    all.insert(all.end(), own.begin(), own.end());
    all.insert(all.end(), bias.begin(), bias.end());
    return float_bytes(all, type);
  };
  const Value all =
      parameter({lstm + ".weights" + suffix, type_, {4 * units * (inputs + units + 1), 1, 1}, numbers});
  const Dims state{1, texts, units};
  const Value begin =
      floats(fmt::format("state_{}", units), state, std::vector<float>(static_cast<size_t>(texts * units)));
  const Dims dims{of(x).dims[0], texts, units};
  const Value states = class_node(name + ".states", "LSTM", {x, begin, begin, all},
                                  {{"input_size", inputs},
                                   {"hidden_size", units},
                                   {"num_layers", int64_t{1}},
                                   {"has_bias", true},
                                   {"bidirectional", false},
                                   {"dropout", 0.0F},
                                   {"proj_size", int64_t{0}}},
                                  of(x).type, dims);
  return first_of_tuple(name, states, of(x).type, dims);
}

MindIrBuilder::Value MindIrBuilder::reverse(const Value& name, const Value& x, const Value& lengths) {
  return class_node(name, "ReverseSequence", {x, lengths},
                    {{"seq_dim", int64_t{0}}, {"batch_dim", int64_t{1}}}, of(x).type, of(x).dims);
}

MindIrBuilder::Value MindIrBuilder::concat(const Value& name, const Value& a, const Value& b) {
  Dims dims = of(a).dims;
  dims.at(2) += of(b).dims.at(2);
  const Value both = class_node(name + ".both", "MakeTuple", {a, b}, {}, of(a).type, dims);
  return node(name, "Concat", {both, setting(int64_t{2})}, of(a).type, dims);
}

}  // namespace gradus
