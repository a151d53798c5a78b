// Rows of the op table for operators that look at no sequence.
#include <numeric>

#include "core/joined.h"
#include "tests/op_table/values.h"
#include "tests/reference.h"

namespace gradus::op_table_rows {
namespace {

constexpr Activation all_activations[] = {Activation::none,      Activation::gelu, Activation::gelu_tanh,
                                          Activation::fast_gelu, Activation::relu, Activation::tanh};
constexpr float eps = 1e-5F;

double count(const Shape& shape) { return static_cast<double>(shape.elements()); }

// --- point-wise --------------------------------------------------------------------------------------------

OpCase add_case(const Shape& shape) {
  return {.label = shape.str(),
          .inputs = {{"a", shape}, {"b", shape}},
          .call = [](const Inputs& x, DType) { return add(x[0], x[1]); },
          .reference = [](const Matrices& x) { return reference::add(x[0], x[1]); },
          .flops = count(shape)};
}

OpCase activation_case(const Shape& shape, Activation kind) {
  return {.label = fmt::format("{} kind {}", shape, static_cast<int>(kind)),
          .inputs = {{.name = "x", .shape = shape, .deviation = 2}},
          .call = [=](const Inputs& x, DType) { return activation(x[0], kind); },
          .reference = [=](const Matrices& x) { return reference::activation(x[0], kind); },
          .flops = 5 * count(shape)};
}

OpCase dropout_case(const Shape& shape, float probability) {
  const Dropout mask = reference_mask(probability);
  return {.label = fmt::format("{} p {}", shape, probability),
          .inputs = {{"x", shape}},
          .call = [=](const Inputs& x, DType) { return dropout(x[0], mask_on(x[0].backend(), probability)); },
          .reference = [=](const Matrices& x) { return reference::dropout(x[0], mask); },
          .flops = count(shape)};
}

// To the other type than that of the run.
OpCase cast_case(const Shape& shape) {
  return {.label = shape.str(),
          .inputs = {{"x", shape}},
          .call =
              [](const Inputs& x, DType dtype) {
                return cast(x[0], dtype == DType::float32 ? DType::bfloat16 : DType::float32);
              },
          .reference = [](const Matrices& x) { return x[0]; }};
}

// f(x) + x, of which the backward pass finds x alone.
OpCase recompute_case(const Shape& shape) {
  const auto composed = [](const Variable& x) { return add(activation(x, Activation::gelu), x); };
  return {.label = shape.str(),
          .inputs = {{"x", shape}},
          .call = [=](const Inputs& x, DType) { return recompute(composed, x[0]); },
          .reference =
              [](const Matrices& x) {
                return reference::add(reference::activation(x[0], Activation::gelu), x[0]);
              },
          .composition = [=](const Inputs& x, DType) { return composed(x[0]); },
          .flops = 6 * count(shape)};
}

// --- linear maps -------------------------------------------------------------------------------------------

struct LinearShape {
  int64_t tokens, inputs, outputs;
  bool bias = true;

  std::vector<Input> variables() const {
    const double deviation = 1 / std::sqrt(static_cast<double>(inputs));
    std::vector<Input> list{{"x", {tokens, inputs}}, {"w", {outputs, inputs}, Role::weight, 0, deviation}};
    if (bias) list.push_back({"b", {outputs}, Role::vector});
    return list;
  }
  // The bias among the inputs, or an empty one.
  template <typename T>
  T bias_of(const std::vector<T>& list) const {
    return bias ? list[2] : T();
  }
  double flops() const { return 2.0 * static_cast<double>(tokens * inputs * outputs); }
  std::string str() const {
    return fmt::format("[{}, {}] to {}{}", tokens, inputs, outputs, bias ? "" : " no bias");
  }
};

OpCase linear_case(const LinearShape& shape) {
  return {.label = shape.str(),
          .inputs = shape.variables(),
          .call = [=](const Inputs& x, DType) { return linear(x[0], x[1], shape.bias_of(x)); },
          .reference = [=](const Matrices& x) { return reference::linear(x[0], x[1], shape.bias_of(x)); },
          .flops = shape.flops()};
}

OpCase linear_activation_case(const LinearShape& shape, Activation kind) {
  return {
      .label = fmt::format("{} kind {}", shape.str(), static_cast<int>(kind)),
      .inputs = shape.variables(),
      .call = [=](const Inputs& x, DType) { return linear_activation(x[0], x[1], shape.bias_of(x), kind); },
      .reference = [=](const Matrices& x) { return reference::linear(x[0], x[1], shape.bias_of(x), kind); },
      .composition = [=](const Inputs& x,
                         DType) { return activation(linear(x[0], x[1], shape.bias_of(x)), kind); },
      .flops = shape.flops()};
}

// `once`: the weight of the first call is rounded, and is that of all others, as a model's is.
OpCase quantized_linear_case(const LinearShape& shape, Activation kind, bool once = false) {
  const auto kept = std::make_shared<QuantizedWeight>();
  return {.label = fmt::format("{} kind {}", shape.str(), static_cast<int>(kind)),
          .inputs = shape.variables(),
          .call =
              [=](const Inputs& x, DType) {
                if (!*kept || !once) *kept = QuantizedWeight::of(x[1].value());
                return quantized_linear(x[0], *kept, x[2], kind);
              },
          .reference = [=](const Matrices& x) { return reference::quantized_linear(x[0], x[1], x[2], kind); },
          .flops = shape.flops()};
}

OpCase activation_linear_case(const LinearShape& shape, Activation kind) {
  return {
      .label = fmt::format("{} kind {}", shape.str(), static_cast<int>(kind)),
      .inputs = shape.variables(),
      .call = [=](const Inputs& x, DType) { return activation_linear(x[0], kind, x[1], shape.bias_of(x)); },
      .reference =
          [=](const Matrices& x) {
            return reference::linear(reference::activation(x[0], kind), x[1], shape.bias_of(x));
          },
      .composition = [=](const Inputs& x,
                         DType) { return linear(activation(x[0], kind), x[1], shape.bias_of(x)); },
      .flops = shape.flops()};
}

// --- rows --------------------------------------------------------------------------------------------------

OpCase embedding_case(int64_t tokens, int64_t hidden, const std::vector<int32_t>& vocabularies) {
  OpCase result;
  result.label = fmt::format("[{}, {}] tables of {}", tokens, hidden, joined(vocabularies, ", "));
  std::vector<std::vector<int32_t>> ids;
  for (const int32_t vocabulary : vocabularies) {
    result.inputs.push_back({"table", {vocabulary, hidden}, Role::weight});
    ids.push_back(random_ints(tokens, 0, vocabulary));
  }
  result.call = [=](const Inputs& x, DType dtype) {
    std::vector<EmbeddingTable> tables;
    for (size_t i = 0; i < ids.size(); ++i) tables.push_back({x[i], int_tensor(x[i].backend(), ids[i])});
    return embedding(tables, dtype);
  };
  result.reference = [=](const Matrices& x) { return reference::embedding(x, ids); };
  result.elements_read = static_cast<double>(tokens * hidden) * static_cast<double>(vocabularies.size());
  result.flops = result.elements_read;
  return result;
}

// `absent` rows of -1 stand among the wanted ones.
OpCase gather_rows_case(const Shape& shape, int64_t wanted, int64_t absent = 0) {
  RandomSequence random(6, 1);
  std::vector<int32_t> rows(static_cast<size_t>(shape[0]));
  std::iota(rows.begin(), rows.end(), 0);
  random.shuffle(rows);
  rows.resize(static_cast<size_t>(wanted));
  rows.resize(static_cast<size_t>(wanted + absent), -1);
  if (absent > 0) random.shuffle(rows);
  return {.label = fmt::format("{} of {} and {} absent", wanted, shape, absent),
          .inputs = {{"x", shape}},
          .call = [=](const Inputs& x, DType) { return gather_rows(x[0], int_tensor(x[0].backend(), rows)); },
          .reference = [=](const Matrices& x) { return reference::gather_rows(x[0], rows); },
          .elements_read = static_cast<double>(wanted * shape[1])};
}

// --- normalisation -----------------------------------------------------------------------------------------

OpCase layer_norm_case(int64_t tokens, int64_t hidden) {
  return {.label = fmt::format("[{}, {}]", tokens, hidden),
          .inputs = {{.name = "x", .shape = {tokens, hidden}, .mean = 0.5, .deviation = 2},
                     {"gamma", {hidden}, Role::vector, 1, 0.3},
                     {"beta", {hidden}, Role::vector}},
          .call = [](const Inputs& x, DType) { return layer_norm(x[0], x[1], x[2], eps); },
          .reference = [](const Matrices& x) { return reference::layer_norm(x[0], x[1], x[2], eps).y; },
          .flops = 8.0 * static_cast<double>(tokens * hidden)};
}

OpCase dropout_add_layer_norm_case(int64_t tokens, int64_t hidden, float probability) {
  const Dropout mask = reference_mask(probability);
  return {.label = fmt::format("[{}, {}] p {}", tokens, hidden, probability),
          .inputs = {{"x", {tokens, hidden}},
                     {"residual", {tokens, hidden}},
                     {"gamma", {hidden}, Role::vector, 1, 0.3},
                     {"beta", {hidden}, Role::vector}},
          .call =
              [=](const Inputs& x, DType) {
                return dropout_add_layer_norm(x[0], x[1], mask_on(x[0].backend(), probability), x[2], x[3],
                                              eps);
              },
          .reference =
              [=](const Matrices& x) {
                const Matrix sum = reference::add(reference::dropout(x[0], mask), x[1]);
                return reference::layer_norm(sum, x[2], x[3], eps).y;
              },
          .composition =
              [=](const Inputs& x, DType) {
                return layer_norm(add(dropout(x[0], mask_on(x[0].backend(), probability)), x[1]), x[2], x[3],
                                  eps);
              },
          .flops = 10.0 * static_cast<double>(tokens * hidden)};
}

}  // namespace

std::vector<Op> pointwise_rows() {
  Op add{.name = "add", .cases = {add_case({1}), add_case({7, 5}), add_case({33, 130})}};
  add.large = {add_case({640, 384})};
  add.benchmarks = {add_case({4096, 768})};

  Op activation{.name = "activation"};
  for (const Activation kind : all_activations) {
    activation.cases.push_back(activation_case({7, 5}, kind));
    activation.cases.push_back(activation_case({9, 67}, kind));
  }
  for (const Activation kind : all_activations) activation.large.push_back(activation_case({643, 131}, kind));
  activation.benchmarks = {activation_case({4096, 3072}, Activation::gelu),
                           activation_case({4096, 3072}, Activation::gelu_tanh)};

  Op dropout{.name = "dropout",
             .cases = {dropout_case({5, 3}, 0.5F), dropout_case({9, 257}, 0.1F), dropout_case({300}, 0.3F)}};
  dropout.large = {dropout_case({643, 771}, 0.1F)};
  dropout.benchmarks = {dropout_case({4096, 768}, 0.1F)};

  Op cast{.name = "cast", .cases = {cast_case({3}), cast_case({11, 37})}};
  cast.large = {cast_case({643, 771})};
  cast.benchmarks = {cast_case({4096, 768})};
  cast.float32.forward = cast.bfloat16.forward;  // from either type to the other, so one end is bfloat16

  Op recompute{.name = "recompute", .cases = {recompute_case({1}), recompute_case({9, 67})}};
  recompute.large = {recompute_case({643, 131})};
  recompute.benchmarks = {recompute_case({4096, 768})};
  recompute.bfloat16 = {8e-3, 1e-2};  // rounded between the two
  return {add, activation, dropout, cast, recompute};
}

std::vector<Op> linear_rows() {
  Op linear{
      .name = "linear",
      .cases = {linear_case({1, 1, 1}), linear_case({3, 7, 5, false}), linear_case({130, 64, 48}),
                linear_case({37, 65, 9}), linear_case({101, 43, 419}), linear_case({5, 32, 7}),
                linear_case({31, 48, 70, false}), linear_case({0, 6, 4}), linear_case({0, 6, 4, false})}};
  Op linear_activation{.name = "linear_activation", .has_gradient = false};
  Op activation_linear{.name = "activation_linear"};
  for (const Activation kind : all_activations) {
    linear_activation.cases.push_back(linear_activation_case({6, 16, 11}, kind));
    activation_linear.cases.push_back(activation_linear_case({6, 16, 11}, kind));
  }
  activation_linear.cases.push_back(activation_linear_case({33, 129, 32, false}, Activation::gelu));
  // One sentence, some, many; sums over 2048 tokens, which libraries like to split; heads.
  linear.large = {linear_case({16, 384, 1536}),  linear_case({30, 768, 768}),  linear_case({640, 384, 384}),
                  linear_case({240, 768, 3072}), linear_case({2048, 128, 64}), linear_case({1024, 768, 9}),
                  linear_case({24, 64, 9000}),   linear_case({45, 384, 201})};
  linear_activation.large = {linear_activation_case({16, 384, 1536}, Activation::gelu)};
  activation_linear.large = {activation_linear_case({160, 1536, 384}, Activation::gelu)};
  linear.benchmarks = {linear_case({640, 384, 1536}), linear_case({4096, 768, 3072})};
  linear_activation.benchmarks = {linear_activation_case({640, 384, 1536}, Activation::gelu)};
  activation_linear.benchmarks = {activation_linear_case({640, 1536, 384}, Activation::gelu),
                                  activation_linear_case({4096, 3072, 768}, Activation::gelu)};
  Op quantized_linear{.name = "quantized_linear",
                      .cases = {quantized_linear_case({1, 1, 1}, Activation::none),
                                quantized_linear_case({33, 130, 51}, Activation::none),
                                quantized_linear_case({0, 6, 4}, Activation::none)},
                      .float32_only = true,
                      .in_int8 = true,
                      .has_gradient = false};
  for (const Activation kind : all_activations)
    quantized_linear.cases.push_back(quantized_linear_case({6, 16, 11}, kind));
  quantized_linear.large = {quantized_linear_case({16, 384, 1536}, Activation::gelu),
                            quantized_linear_case({650, 384, 384}, Activation::none),
                            quantized_linear_case({240, 768, 3072}, Activation::gelu)};
  quantized_linear.benchmarks = {quantized_linear_case({640, 384, 1536}, Activation::gelu, true),
                                 quantized_linear_case({4096, 768, 3072}, Activation::none, true)};
  // The activation between is rounded to bfloat16.
  linear_activation.bfloat16 = activation_linear.bfloat16 = {8e-3, 1e-2};
  return {linear, linear_activation, activation_linear, quantized_linear};
}

std::vector<Op> row_rows() {
  Op embedding{
      .name = "embedding",
      .cases = {embedding_case(1, 1, {1}), embedding_case(13, 7, {5}), embedding_case(40, 33, {50, 2, 64})}};
  embedding.large = {embedding_case(640, 384, {3000, 512, 2})};
  embedding.benchmarks = {embedding_case(4096, 768, {28996, 512, 2})};
  Op gather_rows{
      .name = "gather_rows",
      .cases = {gather_rows_case({1, 3}, 1), gather_rows_case({17, 9}, 6), gather_rows_case({40, 65}, 0),
                gather_rows_case({17, 9}, 6, 10), gather_rows_case({3, 70}, 0, 2)}};
  gather_rows.large = {gather_rows_case({640, 768}, 320)};
  gather_rows.benchmarks = {gather_rows_case({4096, 768}, 614)};
  return {embedding, gather_rows};
}

std::vector<Op> normalisation_rows() {
  Op layer_norm{.name = "layer_norm",
                .cases = {layer_norm_case(1, 2), layer_norm_case(7, 5), layer_norm_case(33, 130),
                          layer_norm_case(4, 768)}};
  layer_norm.large = {layer_norm_case(640, 384)};
  layer_norm.benchmarks = {layer_norm_case(4096, 768)};
  Op fused{.name = "dropout_add_layer_norm"};
  for (const float probability : {0.0F, 0.1F, 0.6F}) {
    fused.cases.push_back(dropout_add_layer_norm_case(7, 5, probability));
    fused.cases.push_back(dropout_add_layer_norm_case(33, 257, probability));
  }
  fused.large = {dropout_add_layer_norm_case(333, 768, 0.1F)};
  fused.benchmarks = {dropout_add_layer_norm_case(4096, 768, 0.0F),
                      dropout_add_layer_norm_case(4096, 768, 0.1F)};
  fused.bfloat16 = {8e-3, 1e-2};  // the sum is rounded to bfloat16
  return {layer_norm, fused};
}

}  // namespace gradus::op_table_rows
