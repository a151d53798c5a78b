#include "nn/checkpoints/checkpoint_names.h"

#include <algorithm>
#include <array>
#include <span>

namespace gradus {
namespace {

enum class Place : uint8_t {
  encoder,  // in every model
  part,     // of the encoder, but not in every model
  head
};

// A row for each tensor; "#" stands for the number of a layer. An empty name: that framework has none.
struct Row {
  std::string_view hugging_face;
  std::string_view tensorflow;
  std::string_view mindspore;  // after "bert.bert.", or "bert." for a head
  bool transposed = false;     // in TensorFlow
  Place place = Place::encoder;
};

constexpr auto rows = std::to_array<Row>({
    {"bert.embeddings.word_embeddings.weight", "bert/embeddings/word_embeddings",
     "bert_embedding_lookup.embedding_table"},
    {"bert.embeddings.token_type_embeddings.weight", "bert/embeddings/token_type_embeddings",
     "bert_embedding_postprocessor.token_type_embedding.embedding_table"},
    {"bert.embeddings.position_embeddings.weight", "bert/embeddings/position_embeddings",
     "bert_embedding_postprocessor.full_position_embedding.embedding_table", false, Place::part},
    {"bert.embeddings.LayerNorm.weight", "bert/embeddings/LayerNorm/gamma",
     "bert_embedding_postprocessor.layernorm.gamma"},
    {"bert.embeddings.LayerNorm.bias", "bert/embeddings/LayerNorm/beta",
     "bert_embedding_postprocessor.layernorm.beta"},
    {"bert.encoder.layer.#.attention.self.query.weight", "bert/encoder/layer_#/attention/self/query/kernel",
     "bert_encoder.layers.#.attention.attention.query_layer.weight", true},
    {"bert.encoder.layer.#.attention.self.query.bias", "bert/encoder/layer_#/attention/self/query/bias",
     "bert_encoder.layers.#.attention.attention.query_layer.bias"},
    {"bert.encoder.layer.#.attention.self.key.weight", "bert/encoder/layer_#/attention/self/key/kernel",
     "bert_encoder.layers.#.attention.attention.key_layer.weight", true},
    {"bert.encoder.layer.#.attention.self.key.bias", "bert/encoder/layer_#/attention/self/key/bias",
     "bert_encoder.layers.#.attention.attention.key_layer.bias"},
    {"bert.encoder.layer.#.attention.self.value.weight", "bert/encoder/layer_#/attention/self/value/kernel",
     "bert_encoder.layers.#.attention.attention.value_layer.weight", true},
    {"bert.encoder.layer.#.attention.self.value.bias", "bert/encoder/layer_#/attention/self/value/bias",
     "bert_encoder.layers.#.attention.attention.value_layer.bias"},
    {"bert.encoder.layer.#.attention.output.dense.weight",
     "bert/encoder/layer_#/attention/output/dense/kernel",
     "bert_encoder.layers.#.attention.output.dense.weight", true},
    {"bert.encoder.layer.#.attention.output.dense.bias", "bert/encoder/layer_#/attention/output/dense/bias",
     "bert_encoder.layers.#.attention.output.dense.bias"},
    {"bert.encoder.layer.#.attention.output.LayerNorm.weight",
     "bert/encoder/layer_#/attention/output/LayerNorm/gamma",
     "bert_encoder.layers.#.attention.output.layernorm.gamma"},
    {"bert.encoder.layer.#.attention.output.LayerNorm.bias",
     "bert/encoder/layer_#/attention/output/LayerNorm/beta",
     "bert_encoder.layers.#.attention.output.layernorm.beta"},
    {"bert.encoder.layer.#.intermediate.dense.weight", "bert/encoder/layer_#/intermediate/dense/kernel",
     "bert_encoder.layers.#.intermediate.weight", true},
    {"bert.encoder.layer.#.intermediate.dense.bias", "bert/encoder/layer_#/intermediate/dense/bias",
     "bert_encoder.layers.#.intermediate.bias"},
    {"bert.encoder.layer.#.output.dense.weight", "bert/encoder/layer_#/output/dense/kernel",
     "bert_encoder.layers.#.output.dense.weight", true},
    {"bert.encoder.layer.#.output.dense.bias", "bert/encoder/layer_#/output/dense/bias",
     "bert_encoder.layers.#.output.dense.bias"},
    {"bert.encoder.layer.#.output.LayerNorm.weight", "bert/encoder/layer_#/output/LayerNorm/gamma",
     "bert_encoder.layers.#.output.layernorm.gamma"},
    {"bert.encoder.layer.#.output.LayerNorm.bias", "bert/encoder/layer_#/output/LayerNorm/beta",
     "bert_encoder.layers.#.output.layernorm.beta"},
    // NEZHA's table of relative positions, [33, head size], trained, one for the keys and values of a layer. Only
    // MindSpore's programs have it: the first name is ours. Transformers' NEZHA computes its table.
    {"bert.encoder.layer.#.attention.self.relative_positions.weight", "",
     "bert_encoder.layers.#.attention.attention._generate_relative_positions_embeddings.embeddings_table",
     false, Place::part},
    {"bert.pooler.dense.weight", "bert/pooler/dense/kernel", "dense.weight", true, Place::part},
    {"bert.pooler.dense.bias", "bert/pooler/dense/bias", "dense.bias", false, Place::part},
    {"cls.predictions.transform.dense.weight", "cls/predictions/transform/dense/kernel", "cls1.dense.weight",
     true, Place::head},
    {"cls.predictions.transform.dense.bias", "cls/predictions/transform/dense/bias", "cls1.dense.bias", false,
     Place::head},
    {"cls.predictions.transform.LayerNorm.weight", "cls/predictions/transform/LayerNorm/gamma",
     "cls1.layernorm.gamma", false, Place::head},
    {"cls.predictions.transform.LayerNorm.bias", "cls/predictions/transform/LayerNorm/beta",
     "cls1.layernorm.beta", false, Place::head},
    {"cls.predictions.bias", "cls/predictions/output_bias", "cls1.output_bias", false, Place::head},
    {"cls.seq_relationship.weight", "cls/seq_relationship/output_weights", "cls2.dense.weight", false,
     Place::head},
    {"cls.seq_relationship.bias", "cls/seq_relationship/output_bias", "cls2.dense.bias", false, Place::head},
    {"classifier.weight", "output_weights", "dense_1.weight", false, Place::head},
    {"classifier.bias", "output_bias", "dense_1.bias", false, Place::head},
    {"qa_outputs.weight", "cls/squad/output_weights", "dense1.weight", false, Place::head},
    {"qa_outputs.bias", "cls/squad/output_bias", "dense1.bias", false, Place::head},
    // The LSTM has PyTorch's names in MindSpore too. Of its names in TensorFlow nothing is known here.
    {"lstm.weight_ih_l#", "", "lstm.weight_ih_l#", false, Place::head},
    {"lstm.weight_hh_l#", "", "lstm.weight_hh_l#", false, Place::head},
    {"lstm.bias_ih_l#", "", "lstm.bias_ih_l#", false, Place::head},
    {"lstm.bias_hh_l#", "", "lstm.bias_hh_l#", false, Place::head},
    {"lstm.weight_ih_l#_reverse", "", "lstm.weight_ih_l#_reverse", false, Place::head},
    {"lstm.weight_hh_l#_reverse", "", "lstm.weight_hh_l#_reverse", false, Place::head},
    {"lstm.bias_ih_l#_reverse", "", "lstm.bias_ih_l#_reverse", false, Place::head},
    {"lstm.bias_hh_l#_reverse", "", "lstm.bias_hh_l#_reverse", false, Place::head},
});

// Networks with a CRF in TensorFlow: macanv/BERT-BiLSTM-CRF-NER, whose scores of the tags are tanh of the classifier's
// output. It scores no first and no last tag. MindSpore has one matrix for all of it (nn/checkpoints/model_tensors.h).
constexpr auto crf_rows = std::to_array<Row>({
    {"classifier.weight", "project/logits/W", "", true, Place::head},
    {"classifier.bias", "project/logits/b", "", false, Place::head},
    {"crf.transitions", "crf_loss/transitions", "", false, Place::head},
});

// Other names that files have for a tensor, and the ones above. Of kyzhouhzau/BERT-NER only the CRF's is known.
constexpr auto other_names = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"crf_loss/transition", "crf_loss/transitions"},
    {"bert_embedding_postprocessor.embedding_table",
     "bert_embedding_postprocessor.token_type_embedding.embedding_table"},
    {"bert_embedding_postprocessor.full_position_embeddings",
     "bert_embedding_postprocessor.full_position_embedding.embedding_table"},
});

std::string_view field(const Row& row, CheckpointFormat format) {
  switch (format) {
    case CheckpointFormat::tensorflow:
      return row.tensorflow;
    case CheckpointFormat::mindspore:
      return row.mindspore;
    case CheckpointFormat::safetensors:
    case CheckpointFormat::pytorch:
      break;
  }
  return row.hugging_face;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether a name has the form of a pattern; `layer` receives the digits that stand where the pattern has "#".
bool matches(std::string_view name, std::string_view pattern, std::string_view& layer) {
  const size_t at = pattern.find('#');
  if (at == std::string_view::npos) return name == pattern;
  const std::string_view before = pattern.substr(0, at), after = pattern.substr(at + 1);
  if (name.size() <= before.size() + after.size() || !name.starts_with(before) || !name.ends_with(after))
    return false;
  layer = name.substr(before.size(), name.size() - before.size() - after.size());
  return std::all_of(layer.begin(), layer.end(), is_digit);
}

std::string with_layer(std::string_view pattern, std::string_view layer) {
  std::string name(pattern);
  if (const size_t at = name.find('#'); at != std::string::npos) name.replace(at, 1, layer);
  return name;
}

const Row* find_in(std::span<const Row> table, CheckpointFormat format, std::string_view name,
                   std::string_view& layer) {
  for (const Row& row : table) {
    if (!field(row, format).empty() && matches(name, field(row, format), layer)) return &row;
  }
  return nullptr;
}

// The row of the name in the column of the format, and the layer. Rows of a network with a CRF come first or last.
const Row* find_row(CheckpointFormat format, std::string_view name, std::string_view& layer,
                    bool crf = false) {
  const std::span<const Row> first = crf ? std::span<const Row>(crf_rows) : rows,
                             second = crf ? std::span<const Row>(rows) : crf_rows;
  const Row* row = find_in(first, format, name, layer);
  return row != nullptr ? row : find_in(second, format, name, layer);
}

std::string without_prefix(std::string_view name) {
  while (name.starts_with("bert.")) name.remove_prefix(5);
  return std::string(name);
}

// The name in the table of one that files have, too.
std::string present(const std::string& name) {
  for (const auto& [other, row_name] : other_names) {
    if (name == other) return std::string(row_name);
  }
  return name;
}

// Without what programs that wrap a model put before its names: several processes, a compiler, Lightning.
std::string_view unwrapped(std::string_view name) {
  constexpr auto prefixes = std::to_array<std::string_view>({"module.", "_orig_mod.", "model."});
  bool again = true;  // they may follow each other in any order
  while (again) {
    again = false;
    for (const std::string_view prefix : prefixes) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      again = true;
    }
  }
  return name;
}

// "gamma" and "beta" of old files as "weight" and "bias".
std::string modern(std::string_view name) {
  std::string text(name);
  if (text.find("LayerNorm") == std::string::npos) return text;
  for (const auto& [from, to] : {std::pair{".gamma", ".weight"}, {".beta", ".bias"}}) {
    if (text.ends_with(from)) text.replace(text.rfind('.'), std::string::npos, to);
  }
  return text;
}

}  // namespace

std::optional<CommonName> common_name(CheckpointFormat format, std::string_view name) {
  std::string_view layer;
  if (format == CheckpointFormat::safetensors) {
    std::string plain = modern(unwrapped(name));
    if (plain.starts_with("nezha.")) plain.replace(0, 5, "bert");
    const std::string prefixed = "bert." + plain;
    const Row* row = find_row(format, prefixed, layer);
    return CommonName{row != nullptr ? prefixed : plain};
  }
  const std::string text =
      present(format == CheckpointFormat::mindspore ? without_prefix(name) : std::string(name));
  if (const Row* row = find_row(format, text, layer))
    return CommonName{with_layer(row->hugging_face, layer),
                      format == CheckpointFormat::tensorflow && row->transposed};
  return std::nullopt;
}

std::optional<CommonName> name_in(CheckpointFormat format, std::string_view common, bool crf) {
  if (format == CheckpointFormat::safetensors) return CommonName{std::string(common)};
  std::string_view layer;
  const Row* row =
      find_row(CheckpointFormat::safetensors, common, layer, crf && format == CheckpointFormat::tensorflow);
  if (row == nullptr || field(*row, format).empty()) return std::nullopt;
  const std::string name = with_layer(field(*row, format), layer);
  if (format == CheckpointFormat::tensorflow) return CommonName{name, row->transposed};
  return CommonName{(row->place == Place::head ? "bert." : "bert.bert.") + name};
}

std::string named_after(std::string_view model_type, std::string_view common) {
  constexpr std::string_view encoder = "bert.";
  if (!common.starts_with(encoder)) return std::string(common);
  return std::string(model_type) + "." + std::string(common.substr(encoder.size()));
}

bool is_state_or_buffer(CheckpointFormat format, std::string_view name) {
  if (format == CheckpointFormat::tensorflow) {
    return name == "global_step" || name.ends_with("/adam_m") || name.ends_with("/adam_v");
  }
  if (format == CheckpointFormat::safetensors)
    return name.ends_with("embeddings.position_ids") || name.ends_with("embeddings.token_type_ids") ||
           name.ends_with("relative_positions_encoding.positions_encoding");
  constexpr auto prefixes =
      std::to_array<std::string_view>({"moment1.", "moment2.", "vhat.", "adam_m.", "adam_v.", "lamb_m.",
                                       "lamb_v.", "moments.", "accu_grads."});
  constexpr auto counters = std::to_array<std::string_view>(
      {"global_step", "learning_rate", "loss_scale", "scale_sense", "current_iterator_step",
       "last_overflow_iterator_step", "epoch_num", "step_num", "local_step", "accu_overflow", "accu_loss",
       "total_num", "start_num", "end_num"});
  return std::ranges::find(counters, name) != counters.end() ||
         std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return name.starts_with(prefix); });
}

std::vector<std::string> encoder_names(int64_t layers) {
  std::vector<std::string> names;
  for (const Row& row : rows) {
    if (row.place != Place::encoder) continue;
    const bool in_layers = row.hugging_face.find('#') != std::string_view::npos;
    for (int64_t layer = 0; layer < (in_layers ? layers : 1); ++layer)
      names.push_back(with_layer(row.hugging_face, std::to_string(layer)));
  }
  return names;
}

int64_t layer_of(std::string_view common) {
  std::string_view layer;
  const Row* row = find_row(CheckpointFormat::safetensors, common, layer);
  if (row == nullptr || row->place == Place::head || row->hugging_face.find('#') == std::string_view::npos ||
      layer.size() > 4)
    return -1;
  return std::stol(std::string(layer));
}

}  // namespace gradus
