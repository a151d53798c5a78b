// Rows of the op table for operators over packed sequences, and for losses.
#include "tests/op_table/values.h"
#include "tests/reference.h"

namespace gradus::op_table_rows {
namespace {

Matrix scalar(double value) {
  Matrix matrix(1, 1);
  matrix[0] = value;
  return matrix;
}

// --- sequences ---------------------------------------------------------------------------------------------

// With a table of relative positions up to the distance `farthest`, or without one where that is negative.
OpCase attention_case(const Lengths& lengths, int64_t heads, int64_t head_size, float probability,
                      int64_t farthest = -1) {
  const Dropout mask = reference_mask(probability);
  const int64_t hidden = heads * head_size, distances = 2 * farthest + 1;
  const bool is_relative = farthest >= 0;
  OpCase attention_case{
      .label = fmt::format("{} heads of {}, p {}, {}{}", heads, head_size, probability, lengths.str(),
                           is_relative ? fmt::format(", distances to {}", farthest) : ""),
      .inputs = {{"qkv", {lengths.rows(), 3 * hidden}}},
      .call =
          [=](const Inputs& x, DType) {
            Backend& backend = x[0].backend();
            return attention(x[0], lengths.packing(backend), heads, mask_on(backend, probability),
                             is_relative ? x[1] : Variable());
          },
      .reference =
          [=](const Matrices& x) {
            return reference::attention(x[0], lengths.sequences(), heads, mask, is_relative ? x[1] : Matrix())
                .context;
          },
      .flops = 4.0 * lengths.sum_of_squares() * static_cast<double>(hidden)};
  if (!is_relative) return attention_case;
  attention_case.inputs.push_back({"relative", {distances, head_size}, Role::vector});
  attention_case.flops += 4.0 * static_cast<double>(lengths.rows() * hidden * distances);
  return attention_case;
}

// Distances farther than any sequence has, and nearer; one alone; on both sides of the length from which products in
// bfloat16 go to AMX.
std::vector<OpCase> relative_attention_cases() {
  std::vector<OpCase> cases;
  for (const float probability : {0.0F, 0.25F}) {
    cases.push_back(attention_case({{1}, 0}, 1, 1, probability, 0));
    cases.push_back(attention_case({{1, 1}, 1}, 2, 5, probability, 3));
    cases.push_back(attention_case({{5, 1, 9}, 3}, 3, 7, probability, 2));
    cases.push_back(attention_case({{5, 1, 9}, 3}, 3, 7, probability, 20));
    cases.push_back(attention_case({{2, 70, 33}, 0}, 2, 16, probability, 16));
    cases.push_back(attention_case({{3, 34}, 0}, 1, 56, probability, 5));
    // Long ones take long to differentiate: with dropout, which has more to go wrong.
    if (probability == 0) continue;
    cases.push_back(attention_case({{140}, 5}, 1, 64, probability, 64));
    cases.push_back(attention_case({{65, 3, 64, 161}, 2}, 1, 64, probability, 16));
    cases.push_back(attention_case({{128, 103}, 0}, 2, 40, probability, 130));
  }
  return cases;
}

OpCase lstm_case(const Lengths& lengths, int64_t directions, int64_t units) {
  const double deviation = 1 / std::sqrt(static_cast<double>(units));
  const int64_t gates = directions * 4 * units;
  return {
      .label = fmt::format("{} x {} units, {}", directions, units, lengths.str()),
      .inputs = {{"gates_x", {lengths.rows(), gates}}, {"w_hh", {gates, units}, Role::vector, 0, deviation}},
      .call = [=](const Inputs& x, DType) { return lstm(x[0], x[1], lengths.packing(x[0].backend())); },
      .reference = [=](const Matrices& x) { return reference::lstm(x[0], x[1], lengths.sequences()).y; },
      .flops = 2.0 * static_cast<double>(lengths.rows() * gates * units)};
}

// --- losses ------------------------------------------------------------------------------------------------

enum class ClassWeights : uint8_t { none, different };

OpCase cross_entropy_case(int64_t rows, int64_t classes, int32_t lowest_label,
                          ClassWeights weighted = ClassWeights::none, float smoothing = 0) {
  const std::vector<int32_t> labels = random_ints(rows, lowest_label, static_cast<int32_t>(classes));
  Matrix weights;
  if (weighted == ClassWeights::different) {
    weights = Matrix(1, classes);
    for (int64_t k = 0; k < classes; ++k) weights[k] = static_cast<double>(k % 5) / 4;  // 0 among them
  }
  return {.label = fmt::format("[{}, {}] labels from {}{}{}", rows, classes, lowest_label,
                               weights ? ", weighted" : "", smoothing > 0 ? ", smooth" : ""),
          .inputs = {{.name = "logits", .shape = {rows, classes}, .deviation = 3}},
          .call =
              [=](const Inputs& x, DType) {
                Backend& backend = x[0].backend();
                return cross_entropy(x[0], int_tensor(backend, labels),
                                     weights ? float_tensor(backend, weights) : Tensor(), smoothing);
              },
          .reference =
              [=](const Matrices& x) {
                const auto exact_smoothing = static_cast<double>(smoothing);
                return scalar(reference::cross_entropy(x[0], labels, weights, exact_smoothing).loss);
              },
          .flops = 4.0 * static_cast<double>(rows * classes)};
}

OpCase linear_cross_entropy_case(int64_t rows, int64_t inputs, int64_t classes, int32_t lowest_label) {
  const std::vector<int32_t> labels = random_ints(rows, lowest_label, static_cast<int32_t>(classes));
  const double deviation = 2 / std::sqrt(static_cast<double>(inputs));
  return {.label = fmt::format("[{}, {}] to {} labels from {}", rows, inputs, classes, lowest_label),
          .inputs = {{"x", {rows, inputs}},
                     {"w", {classes, inputs}, Role::weight, 0, deviation},
                     {"b", {classes}, Role::vector}},
          .call =
              [=](const Inputs& x, DType) {
                return linear_cross_entropy(x[0], x[1], x[2], int_tensor(x[0].backend(), labels));
              },
          .reference =
              [=](const Matrices& x) {
                return scalar(reference::cross_entropy(reference::linear(x[0], x[1], x[2]), labels, {}).loss);
              },
          .composition =
              [=](const Inputs& x, DType) {
                return cross_entropy(linear(x[0], x[1], x[2]), int_tensor(x[0].backend(), labels));
              },
          .flops = 2.0 * static_cast<double>(rows * inputs * classes)};
}

// Of `rows` predictions the first `count` have a target.
OpCase squared_error_case(int64_t rows, int64_t count) {
  Matrix targets(1, count);
  for (int64_t i = 0; i < count; ++i) targets[i] = static_cast<double>(i % 6);
  return {.label = fmt::format("{} targets of {} rows", count, rows),
          .inputs = {{.name = "predictions", .shape = {rows, 1}, .deviation = 2}},
          .call = [=](const Inputs& x,
                      DType) { return squared_error(x[0], float_tensor(x[0].backend(), targets)); },
          .reference = [=](const Matrices& x) { return scalar(reference::squared_error(x[0], targets)); },
          .flops = 3.0 * static_cast<double>(count)};
}

// The first `count` of the rows have targets: 0 and 1, and some between.
OpCase sigmoid_cross_entropy_case(int64_t rows, int64_t classes, int64_t count) {
  Matrix targets(count, classes);
  for (int64_t i = 0; i < targets.size(); ++i)
    targets[i] = i % 7 == 3 ? 0.25 : static_cast<double>(i * i % 3 == 0);
  return {
      .label = fmt::format("[{}, {}], {} with targets", rows, classes, count),
      .inputs = {{.name = "logits", .shape = {rows, classes}, .deviation = 4}},
      .call =
          [=](const Inputs& x, DType) {
            const Tensor values = float_tensor(x[0].backend(), targets).reshape({count, classes});
            return sigmoid_cross_entropy(x[0], values);
          },
      .reference = [=](const Matrices& x) { return scalar(reference::sigmoid_cross_entropy(x[0], targets)); },
      .flops = 6.0 * static_cast<double>(count * classes)};
}

// Positions anywhere in their sequences; where `some_absent`, every third does not count.
OpCase span_cross_entropy_case(const Lengths& lengths, bool some_absent) {
  const auto count = static_cast<int64_t>(lengths.each.size());
  std::vector<int32_t> positions = random_ints(2 * count, 0, 1 << 20);
  for (size_t i = 0; i < positions.size(); ++i)
    positions[i] = some_absent && i % 3 == 2 ? -1 : positions[i] % lengths.each[i / 2];
  return {.label = fmt::format("{}{}", lengths.str(), some_absent ? ", some absent" : ""),
          .inputs = {{.name = "logits", .shape = {lengths.rows(), 2}, .deviation = 3}},
          .call =
              [=](const Inputs& x, DType) {
                Backend& backend = x[0].backend();
                return span_cross_entropy(x[0], lengths.packing(backend),
                                          int_tensor(backend, positions).reshape({count, 2}));
              },
          .reference =
              [=](const Matrices& x) {
                return scalar(reference::span_cross_entropy(x[0], lengths.sequences(), positions).loss);
              },
          .flops = 8.0 * static_cast<double>(lengths.rows())};
}

OpCase weighted_sum_case(int64_t count) {
  Matrix factors(1, count);
  for (int64_t i = 0; i < count; ++i) factors[i] = 0.5 * static_cast<double>(i) - 0.25;
  return {
      .label = fmt::format("of {}", count),
      .inputs = std::vector<Input>(static_cast<size_t>(count), {"loss", {1}, Role::vector}),
      .call = [=](const Inputs& x, DType) { return weighted_sum(x, float_tensor(x[0].backend(), factors)); },
      .reference =
          [=](const Matrices& x) {
            double sum = 0;
            for (int64_t i = 0; i < count; ++i) sum += x[static_cast<size_t>(i)][0] * factors[i];
            return scalar(sum);
          },
      .flops = 2.0 * static_cast<double>(count)};
}

OpCase crf_nll_case(const Lengths& lengths, int64_t tag_count) {
  const std::vector<int32_t> tags = random_ints(lengths.rows(), 0, static_cast<int32_t>(tag_count));
  return {.label = fmt::format("{} tags, {}", tag_count, lengths.str()),
          .inputs = {{.name = "emissions", .shape = {lengths.rows(), tag_count}, .deviation = 2},
                     {"transitions", {tag_count, tag_count}, Role::vector},
                     {"start", {tag_count}, Role::vector},
                     {"end", {tag_count}, Role::vector}},
          .call =
              [=](const Inputs& x, DType) {
                auto& backend = x[0].backend();
                return crf_nll(x[0], int_tensor(backend, tags), lengths.packing(backend), x[1], x[2], x[3]);
              },
          .reference =
              [=](const Matrices& x) {
                const reference::CrfScores scores{x[1], x[2], x[3]};
                return scalar(reference::crf_nll(x[0], tags, lengths.sequences(), scores).loss);
              },
          .flops = 4.0 * static_cast<double>(lengths.rows() * tag_count * tag_count)};
}

}  // namespace

std::vector<Op> sequence_rows() {
  Op attention{.name = "attention"};
  for (const float probability : {0.0F, 0.25F}) {
    attention.cases.push_back(attention_case({{1}, 0}, 1, 1, probability));
    attention.cases.push_back(attention_case({{5, 1, 9}, 3}, 3, 7, probability));
    attention.cases.push_back(attention_case({{2, 70, 33}, 0}, 2, 16, probability));
    attention.cases.push_back(attention_case({{140}, 5}, 1, 64, probability));
    // About the length from which products in bfloat16 go to AMX, with paddings of all kinds.
    attention.cases.push_back(attention_case({{65, 3, 64, 63, 161}, 2}, 1, 64, probability));
    attention.cases.push_back(attention_case({{128, 103, 102}, 0}, 2, 40, probability));
    // Heads of the sizes that the CUDA backend has tensor cores for, in few rows and in many.
    attention.cases.push_back(attention_case({{0, 5, 0, 9, 1}, 3}, 2, 32, probability));
    attention.cases.push_back(attention_case({{33, 2}, 1}, 1, 64, probability));
    attention.cases.push_back(attention_case({{20, 3}, 50}, 1, 32, probability));
    attention.cases.push_back(attention_case({{50, 130}, 2}, 1, 32, probability));
    // Larger ones, of which the tiles of a GPU's shared memory take more than every kernel may have.
    for (const int64_t size : {72, 100, 128})
      attention.cases.push_back(attention_case({{3, 34}, 0}, 1, size, probability));
    // Nothing but whole tiles of them.
    attention.cases.push_back(attention_case({{64, 32}, 0}, 1, 64, probability));
  }
  for (const OpCase& relative : relative_attention_cases()) attention.cases.push_back(relative);
  attention.large = {
      attention_case(sentences(32), 12, 32, 0.1F), attention_case({{200, 100}, 0}, 12, 64, 0.1F),
      attention_case(sentences(32), 12, 32, 0.1F, 64), attention_case({{200, 100}, 0}, 12, 64, 0.1F, 16)};
  const Lengths paragraphs{std::vector<int32_t>(32, 128), 0};
  attention.benchmarks = {attention_case(sentences(32), 12, 32, 0.1F),
                          attention_case(sentences(200), 12, 64, 0.1F),
                          attention_case({std::vector<int32_t>(8, 512), 0}, 12, 64, 0.1F),
                          attention_case({std::vector<int32_t>(8, 512), 0}, 12, 64, 0.0F),
                          attention_case(paragraphs, 12, 64, 0.1F),
                          attention_case(paragraphs, 12, 64, 0.1F, 16),
                          attention_case(paragraphs, 12, 64, 0.1F, 64)};
  attention.float32 = {2e-6, 5e-6};

  Op lstm{.name = "lstm", .float32_only = true};
  for (const int64_t directions : {1, 2}) {
    lstm.cases.push_back(lstm_case({{1}, 0}, directions, 1));
    lstm.cases.push_back(lstm_case({{4, 1, 6}, 2}, directions, 5));
    lstm.cases.push_back(lstm_case({{3, 17, 17, 8}, 0}, directions, 33));
    lstm.cases.push_back(lstm_case({{0, 2, 513, 0, 1}, 3}, directions, 3));
    lstm.cases.push_back(lstm_case({{3, 1, 4, 1, 5, 0, 2, 6, 5, 3, 5}, 1}, directions, 6));
  }
  lstm.large = {lstm_case(sentences(32), 2, 100)};
  lstm.benchmarks = {lstm_case(sentences(32), 2, 100), lstm_case(sentences(200), 2, 256)};
  lstm.float32 = {2e-6, 1e-5};
  return {attention, lstm};
}

std::vector<Op> loss_rows() {
  Op cross_entropy{
      .name = "cross_entropy",
      .cases = {cross_entropy_case(1, 2, 0), cross_entropy_case(11, 9, -2), cross_entropy_case(5, 1003, -1),
                cross_entropy_case(11, 9, -2, ClassWeights::different),
                cross_entropy_case(40, 33, 0, ClassWeights::different),
                cross_entropy_case(11, 9, -2, ClassWeights::none, 0.1F),
                cross_entropy_case(40, 33, 0, ClassWeights::different, 0.3F),
                cross_entropy_case(5, 1003, -1, ClassWeights::none, 0.2F)}};
  cross_entropy.float32 = {1e-6, 2e-6, 5e-7};
  cross_entropy.large = {cross_entropy_case(1024, 9, -1), cross_entropy_case(24, 9000, 0)};
  cross_entropy.benchmarks = {cross_entropy_case(4096, 9, -1), cross_entropy_case(614, 28996, 0)};
  Op linear_cross_entropy{
      .name = "linear_cross_entropy",
      .cases = {linear_cross_entropy_case(1, 3, 2, 0), linear_cross_entropy_case(13, 24, 67, -2),
                linear_cross_entropy_case(5, 16, 1003, 0)}};
  linear_cross_entropy.float32 = {1e-6, 2e-6, 5e-7};
  linear_cross_entropy.large = {linear_cross_entropy_case(48, 384, 3008, -1)};
  linear_cross_entropy.benchmarks = {linear_cross_entropy_case(640, 768, 21184, 0)};
  Op squared_error{.name = "squared_error",
                   .cases = {squared_error_case(1, 1), squared_error_case(7, 7), squared_error_case(16, 11),
                             squared_error_case(5, 0)},
                   .float32_only = true};
  squared_error.large = {squared_error_case(5000, 4000)};
  squared_error.benchmarks = {squared_error_case(32, 32)};
  Op sigmoid_cross_entropy{
      .name = "sigmoid_cross_entropy",
      .cases = {sigmoid_cross_entropy_case(1, 2, 1), sigmoid_cross_entropy_case(7, 5, 7),
                sigmoid_cross_entropy_case(16, 28, 11), sigmoid_cross_entropy_case(4, 3, 0)},
      .float32_only = true};
  sigmoid_cross_entropy.large = {sigmoid_cross_entropy_case(512, 28, 500)};
  sigmoid_cross_entropy.benchmarks = {sigmoid_cross_entropy_case(32, 28, 32)};
  Op span_cross_entropy{
      .name = "span_cross_entropy",
      .cases = {span_cross_entropy_case({{1}, 0}, false), span_cross_entropy_case({{4, 1, 6}, 2}, false),
                span_cross_entropy_case({{3, 40, 17, 384}, 5}, true)},
      .float32_only = true};
  span_cross_entropy.large = {span_cross_entropy_case({std::vector<int32_t>(12, 384), 0}, false)};
  span_cross_entropy.benchmarks = {span_cross_entropy_case({std::vector<int32_t>(12, 384), 0}, false)};
  span_cross_entropy.float32 = {1e-6, 2e-6, 5e-7};
  Op crf_nll{.name = "crf_nll",
             .cases = {crf_nll_case({{1}, 0}, 2), crf_nll_case({{4, 1, 6}, 2}, 5),
                       crf_nll_case({{3, 40, 17, 8}, 1}, 17), crf_nll_case({{0, 2, 513, 0, 1}, 3}, 3),
                       crf_nll_case({{4, 0, 2}, 1}, 1), crf_nll_case({{3, 1, 6}, 0}, 41),
                       crf_nll_case({{2, 5}, 0}, 131)},
             .float32_only = true};
  crf_nll.large = {crf_nll_case(sentences(32), 9)};
  crf_nll.benchmarks = {crf_nll_case(sentences(32), 9), crf_nll_case(sentences(200), 9)};
  crf_nll.float32 = {2e-6, 1e-5, 5e-7};
  Op weighted_sum{.name = "weighted_sum",
                  .cases = {weighted_sum_case(1), weighted_sum_case(2), weighted_sum_case(4)},
                  .float32_only = true};
  weighted_sum.large = {weighted_sum_case(1000)};
  weighted_sum.benchmarks = {weighted_sum_case(2)};
  return {cross_entropy, linear_cross_entropy, squared_error, sigmoid_cross_entropy, span_cross_entropy,
          crf_nll,       weighted_sum};
}

}  // namespace gradus::op_table_rows
