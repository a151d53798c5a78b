// The encoder asked for some rows of its output.
#include <doctest/doctest.h>
#include <cmath>

#include "core/joined.h"
#include "tests/gradcheck.h"
#include "tests/nn/tiny_bert.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::load;

namespace {

const std::vector<int32_t> lengths{5, 1, 9};
constexpr int64_t unused = 2;

struct Encoder {
  explicit Encoder(Backend& backend)
      : model(Scope(parameters) / "bert", tiny_bert()), tokens(tiny_tokens(backend, lengths, unused)) {
    parameters.allocate(backend, Parameters::Use::training, DType::float32);
    parameters.initialize_all(3);
  }
  Parameters parameters;
  BertEncoder model;
  TokenBatch tokens;
};

// Some function of the rows with a different slope at each element.
Variable objective(const Variable& x, const Tensor& labels) { return cross_entropy(x, labels); }

}  // namespace

TEST_CASE("the rows asked for are those of the whole output, and so are all gradients") {
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    for (const std::vector<int32_t>& numbers :
         {std::vector<int32_t>{0, 5, 6}, {14, 3, 6, -1, 0, -1}, {-1, 2}}) {
      CAPTURE(joined(numbers, " ").str());
      Encoder encoder(*backend);
      const Tensor rows = tensor_of(*backend, numbers);
      std::vector<int32_t> classes;
      for (size_t i = 0; i < numbers.size(); ++i)
        classes.push_back(numbers[i] < 0 ? -100 : static_cast<int32_t>(i));
      const Tensor labels = tensor_of(*backend, classes);
      const auto outcome = [&](bool few) {
        Context context{true};
        const Variable y = few ? encoder.model.forward(context, encoder.tokens, rows)
                               : gather_rows(encoder.model.forward(context, encoder.tokens), rows);
        encoder.parameters.gradients().fill_zero();
        backward(objective(y, labels));
        return std::pair(load(y.value()), load(encoder.parameters.gradients()));
      };
      const auto [few, few_gradients] = outcome(true);
      const auto [all, all_gradients] = outcome(false);
      REQUIRE(few.rows() == static_cast<int64_t>(numbers.size()));
      for (int64_t r = 0; r < few.rows(); ++r) {
        for (int64_t h = 0; h < few.columns(); ++h) {
          CHECK(std::isfinite(few(r, h)));
          if (numbers[static_cast<size_t>(r)] >= 0) CHECK(std::abs(few(r, h) - all(r, h)) <= 1e-6);
        }
      }
      const Distance gradients = distance(few_gradients, all_gradients);
      CHECK_MESSAGE(gradients.within(2e-6, 1e-6), "gradients: off by ", gradients.difference, " of ",
                    gradients.norm);
      const RecordingScope scope(RecordingScope::Mode::evaluate);
      Context context;
      const auto evaluated = load(encoder.model.forward(context, encoder.tokens, rows).value());
      CHECK(distance(evaluated, few).within(1e-6, 1e-6));
    }
  }
}

TEST_CASE("fewer rows take less memory") {
  Backend& backend = find_backend("CPU");
  Encoder encoder(backend);
  const auto recorded = [&](const Tensor& rows) {
    Context context{true};
    const size_t before = backend.memory().current;
    const Variable y = encoder.model.forward(context, encoder.tokens, rows);
    return backend.memory().current - before;
  };
  CHECK(recorded(tensor_of(backend, std::vector<int32_t>{0, 5, 6})) < recorded({}));
}

TEST_CASE(
    "evaluation in 16 bits holds the encoder's weights in no other type, and gives the same bits as a copy "
    "of them") {
  for (Backend* backend : backends_under_test()) {
    if (!backend->unsupported(DType::bfloat16).empty()) continue;
    INFO(backend->description());
    const auto output = [&](Parameters::Use use, size_t& bytes) {
      const size_t before = backend->memory().current;
      Parameters parameters;
      const BertEncoder model(Scope(parameters) / "bert", tiny_bert());
      parameters.allocate(*backend, use, DType::bfloat16);
      bytes = backend->memory().current - before;
      parameters.initialize_all(3);
      const TokenBatch tokens = tiny_tokens(*backend, lengths, unused);
      const RecordingScope scope(RecordingScope::Mode::evaluate);
      Context context{.compute_type = DType::bfloat16};
      std::vector<std::vector<float>> results{model.forward(context, tokens).value().to_host()};
      for (const NamedTensor& tensor : parameters.tensors()) {
        const Tensor value = parameters.value(tensor);
        const bool is_matrix = tensor.shape.rank() == 2;
        CHECK(value.shape() == tensor.shape);
        CHECK(value.dtype() ==
              (use == Parameters::Use::evaluation && is_matrix ? DType::bfloat16 : DType::float32));
      }
      return results;
    };
    size_t evaluated_bytes = 0, trained_bytes = 0;
    const auto evaluated = output(Parameters::Use::evaluation, evaluated_bytes);
    CHECK(evaluated == output(Parameters::Use::training, trained_bytes));
    // Values, gradients and the copy are 10 bytes a number; the vectors, a small part, stay in float32.
    CHECK(evaluated_bytes < trained_bytes / 4);
  }
}
