// What a training step of an encoder keeps in memory.
#include <doctest/doctest.h>

#include "core/measuring_backend.h"
#include "tests/nn/tiny_bert.h"

using namespace gradus;

TEST_CASE(
    "with layers computed again a step keeps each layer's input, and of one layer what it takes to go back") {
  MeasuringBackend backend;
  BertConfig config = tiny_bert();
  config.num_hidden_layers = 6;
  config.hidden_size = 64;
  config.intermediate_size = 256;
  config.max_position_embeddings = 128;
  Parameters parameters;
  const BertEncoder model(Scope(parameters) / "bert", config);
  parameters.allocate(backend, Parameters::Use::training, DType::float32);
  const TokenBatch tokens = tiny_tokens(backend, std::vector<int32_t>(20, 100), 0);
  // In tensors of one number a token and hidden element.
  const auto kept = [&](bool recompute) {
    const size_t before = backend.memory().current;
    backend.reset_peak();
    Context context{true};
    context.recompute = recompute;
    const Variable y = model.forward(context, tokens);
    backward(y, y.value());
    return static_cast<double>(backend.memory().peak - before) / static_cast<double>(y.value().bytes());
  };
  // Inputs of six layers and what the embeddings' norm keeps; of the layer that is gone back through: query, key and value, the
  // attention's result, the sum before and the result of the first layer norm, the wide layer before its activation (4), its gradient
  // (4), the activated values again (4), the gradients of both summands of the second layer norm; and the test's y. Half a tensor for
  // statistics of rows.
  CHECK(kept(true) < 6 + 1 + 3 + 1 + 2 + 4 + 4 + 4 + 2 + 1 + 0.5);
  CHECK(kept(false) > 6 * (3 + 1 + 2 + 4 + 1));
}
