#include "tests/nn/exported_models.h"

#include <cmath>

#include "nn/export/bert_graph.h"
#include "nn/heads/classifier.h"
#include "nn/heads/pretraining.h"
#include "nn/heads/squad.h"

namespace gradus {

void check_encoders(const WriteExported& write) {
  for (const BertConfig& config :
       {config_of(RelativePositions::none), config_of(RelativePositions::trained),
        config_of(RelativePositions::sinusoid), config_of(RelativePositions::none, Activation::gelu_tanh),
        config_of(RelativePositions::none, Activation::fast_gelu),
        config_of(RelativePositions::none, Activation::relu)}) {
    CAPTURE(std::string(name_of(config.relative_positions)));
    CAPTURE(static_cast<int>(config.hidden_act));
    Allocated made;
    const BertEncoder encoder(Scope(made.parameters) / "bert", config);
    const BertPooler pooler(Scope(made.parameters) / "bert" / "pooler", config);
    made.allocate();
    const RunExported run =
        write(made.parameters, config, [&](GraphBuilder& graph) { build_encoder(graph, config, true); });
    for (const std::vector<int32_t>& lengths : batches) {
      const Texts texts(lengths);
      const Outputs found = run(texts);
      Context context;
      const Variable hidden = encoder.forward(context, texts.packed);
      check_close(texts.of_tokens(found.at("last_hidden_state"), false), hidden.value());
      const Variable first = gather_rows(hidden, tensor_of(naive_backend(), texts.first));
      check_close(found.at("pooler_output").values, pooler.forward(context, first).value());
    }
  }
}

void check_heads(const WriteExported& write) {
  const BertConfig config = config_of(RelativePositions::none);
  Allocated classes, spans, heads;
  ClassifierHeadConfig head;
  head.classes = 3;
  const ClassifierModel classifier(Scope(classes.parameters), config, head);
  const SquadModel squad(Scope(spans.parameters), config);
  const PretrainingModel pretrained(Scope(heads.parameters), config);
  for (Allocated* made : {&classes, &spans, &heads}) made->allocate();
  const RunExported of_classes =
      write(classes.parameters, config, [&](GraphBuilder& graph) { build_classifier(graph, config, 3); });
  const RunExported of_spans =
      write(spans.parameters, config, [&](GraphBuilder& graph) { build_squad(graph, config); });
  const RunExported of_heads =
      write(heads.parameters, config, [&](GraphBuilder& graph) { build_pretraining(graph, config); });
  for (const std::vector<int32_t>& lengths : batches) {
    const Texts texts(lengths);
    Backend& backend = naive_backend();
    const Tensor first = tensor_of(backend, texts.first), all = tensor_of(backend, texts.all);
    Context context;
    check_close(of_classes(texts).at("logits").values,
                classifier.logits(context, {texts.packed, first, {}, {}}).value());

    const Outputs found_spans = of_spans(texts);
    std::vector<double> both;
    const std::vector<double> start = texts.of_tokens(found_spans.at("start_logits"), false),
                              end = texts.of_tokens(found_spans.at("end_logits"), false);
    for (size_t i = 0; i < start.size(); ++i) both.insert(both.end(), {start[i], end[i]});
    check_close(both, squad.logits(context, {texts.packed, {}}).value());

    const Outputs found = of_heads(texts);
    const auto logits = pretrained.logits(context, {texts.packed, all, first, all, {}, {}});
    check_close(found.at("seq_relationship_logits").values, logits.random_next.value());
    // Ours are filled up to 64 with words of no chance.
    const std::vector<double> words = texts.of_tokens(found.at("prediction_logits"), false);
    REQUIRE(std::ssize(words) == std::ssize(texts.all) * config.vocab_size);
    const std::vector<float> ours = logits.words.value().to_host();
    const auto padded = static_cast<size_t>(logits.words.shape()[1]),
               width = static_cast<size_t>(config.vocab_size);
    for (size_t row = 0; row < texts.all.size(); ++row) {
      for (size_t word = 0; word < width; ++word)
        CHECK(std::abs(words[row * width + word] - static_cast<double>(ours[row * padded + word])) < 1e-4);
    }
  }
}

}  // namespace gradus
