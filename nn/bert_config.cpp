#include "nn/bert_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/io/files.h"
#include "nn/stored_labels.h"

namespace gradus {

namespace {

constexpr size_t max_file_bytes = 10'000'000;
// A broken file must not keep us building layers, or sinusoids, until memory runs out.
constexpr int64_t max_layers = 1000;
constexpr int64_t max_distance = 1 << 16;

// The first name of an activation is the one that is written.
struct ActivationName {
  std::string_view name;
  Activation activation;
};
constexpr std::array activation_names =
    std::to_array<ActivationName>({{"gelu", Activation::gelu},
                                   {"gelu_new", Activation::gelu_tanh},
                                   {"gelu_pytorch_tanh", Activation::gelu_tanh},
                                   {"gelu_fast", Activation::gelu_tanh},
                                   {"gelu_tanh", Activation::gelu_tanh},
                                   {"quick_gelu", Activation::fast_gelu},
                                   {"fast_gelu", Activation::fast_gelu},
                                   {"relu", Activation::relu},
                                   {"tanh", Activation::tanh},
                                   {"linear", Activation::none}});

// Calls visit(name, field) for every number of the configuration, for reading, checking and writing alike.
template <typename Config, typename Visit>
void visit_sizes(Config& config, Visit visit) {
  visit("vocab_size", config.vocab_size);
  visit("hidden_size", config.hidden_size);
  visit("num_hidden_layers", config.num_hidden_layers);
  visit("num_attention_heads", config.num_attention_heads);
  visit("intermediate_size", config.intermediate_size);
  visit("max_position_embeddings", config.max_position_embeddings);
  visit("type_vocab_size", config.type_vocab_size);
}
template <typename Config, typename Visit>
void visit_reals(Config& config, Visit visit) {
  visit("hidden_dropout_prob", config.hidden_dropout_prob);
  visit("attention_probs_dropout_prob", config.attention_probs_dropout_prob);
  visit("initializer_range", config.initializer_range);
  visit("layer_norm_eps", config.layer_norm_eps);
}

void refuse_other_models(const Json& root, std::string_view where) {
  const std::string model_type = root.contains("model_type") ? json_text(root["model_type"]) : "\"bert\"";
  check(model_type == "\"bert\"" || model_type == "\"nezha\"",
        "{}: 'model_type' is {}, expected \"bert\" or \"nezha\"", where, model_type);
  // Without these keys, and with these values, the model is the one of the paper.
  const std::array<std::pair<const char*, Json>, 3> expected{
      {{"position_embedding_type", "absolute"}, {"is_decoder", false}, {"add_cross_attention", false}}};
  for (const auto& [key, value] : expected) {
    const Json* found = root.find(key);
    check(found == nullptr || *found == value, "{}: '{}' is {}, expected {}: other models are not supported",
          where, key, found == nullptr ? "" : json_text(*found), json_text(value));
  }
}

bool flag(const Json& root, const char* key, std::string_view where) {
  const Json* value = root.find(key);
  check(value == nullptr || value->is_boolean(), "{}: '{}' is {}, expected true or false", where, key,
        value == nullptr ? "" : json_text(*value));
  return value != nullptr && value->boolean();
}

// A trained table is MindSpore's, whose key ends in "s". The sinusoids are NEZHA's own, and those of transformers, where the
// model has them whatever the key says.
RelativePositions relative_positions_of(const Json& root, std::string_view where) {
  const bool sinusoid = flag(root, "use_relative_position", where);
  if (flag(root, "use_relative_positions", where)) return RelativePositions::trained;
  const bool is_nezha = root.contains("model_type") && root["model_type"] == "nezha";
  return is_nezha || sinusoid ? RelativePositions::sinusoid : RelativePositions::none;
}

// The class of transformers for a model of that type.
std::string class_for(std::string_view model_type, const std::string& architecture) {
  constexpr std::string_view bert = "Bert", nezha = "Nezha";
  const std::string_view found = architecture.starts_with(nezha) ? nezha : bert;
  if (!architecture.starts_with(found)) return architecture;
  return std::string(model_type == "nezha" ? nezha : bert) + architecture.substr(found.size());
}

BertConfig config_from(const Json& root, std::string_view where, BertConfigFormat format) {
  check(root.is_object(), "{}: the JSON is of type {}, expected an object", where, root.type_name());
  refuse_other_models(root, where);
  BertConfig config;
  if (format == BertConfigFormat::google) config.type_vocab_size = 16;
  check(root.contains("vocab_size"), "{}: 'vocab_size' is missing", where);
  // Keys that are read, or written anew from the configuration: others describe other things than the model. The stored
  // type is that of the weights beside the file, which need not be those written later.
  std::set<std::string_view> taken{
      "model_type", "num_labels", "dtype", "torch_dtype", "use_relative_position", "use_relative_positions"};
  const auto take = [&](const char* key) -> const Json& {
    taken.insert(key);
    return value_of(root, key);
  };
  const auto take_size = [&](const char* key, int64_t& field) {
    if (!root.contains(key)) return;
    const Json& value = take(key);
    const std::optional<int64_t> number = value.whole();
    check(number && *number <= std::numeric_limits<int32_t>::max(),
          "{}: '{}' is {}, expected a whole number from 1 to {}", where, key, json_text(value),
          std::numeric_limits<int32_t>::max());
    field = *number;
  };
  visit_sizes(config, take_size);
  config.relative_positions = relative_positions_of(root, where);
  config.max_relative_position = usual_max_relative_position(config.relative_positions);
  if (config.relative_positions != RelativePositions::none)
    take_size("max_relative_position", config.max_relative_position);
  visit_reals(config, [&](const char* key, double& field) {
    if (!root.contains(key)) return;
    const Json& value = take(key);
    check(value.is_number(), "{}: '{}' is {}, expected a number", where, key, json_text(value));
    field = value.number();
  });
  const Json activation = root.contains("hidden_act") ? take("hidden_act") : Json("gelu");
  check(activation.is_string(), "{}: 'hidden_act' is {}, expected a name", where, json_text(activation));
  config.hidden_act = parse_activation(activation.text(), format, where);
  StoredLabels labels = read_stored_labels(take("id2label"), take("label2id"));
  config.labels = std::move(labels.names);
  config.labels_problem = std::move(labels.problem);
  if (const Json& names = take("architectures"); names.is_array() && !names.empty() && names[0].is_string())
    config.architecture = class_for("bert", names[0].text());
  for (const auto& [key, value] : root.members()) {
    if (!taken.contains(key)) config.other_keys[key] = json_text(value);
  }
  config.validate(where);
  return config;
}

}  // namespace

std::string_view name_of(RelativePositions relative) {
  switch (relative) {
    case RelativePositions::trained:
      return "trained";
    case RelativePositions::sinusoid:
      return "sinusoid";
    case RelativePositions::none:
      break;
  }
  return "none";
}

RelativePositions parse_relative_positions(std::string_view name, std::string_view where) {
  using enum RelativePositions;
  for (const RelativePositions relative : {none, trained, sinusoid})
    if (name == name_of(relative)) return relative;
  fail("{} is '{}', expected one of none, trained, sinusoid", where, name);
}

int64_t usual_max_relative_position(RelativePositions relative) {
  switch (relative) {
    case RelativePositions::trained:
      return 16;
    case RelativePositions::sinusoid:
      return 64;
    case RelativePositions::none:
      break;
  }
  return 0;
}

std::string_view BertConfig::model_type() const {
  return relative_positions == RelativePositions::sinusoid ? "nezha" : "bert";
}

void BertConfig::validate(std::string_view where) const {
  visit_sizes(*this, [&](const char* key, int64_t value) {
    check(value >= 1 && value <= std::numeric_limits<int32_t>::max(),
          "{}: '{}' is {}, expected a whole number from 1 to {}", where, key, value,
          std::numeric_limits<int32_t>::max());
  });
  check(num_hidden_layers <= max_layers, "{}: 'num_hidden_layers' is {}, expected at most {}", where,
        num_hidden_layers, max_layers);
  check(hidden_size % num_attention_heads == 0,
        "{}: 'hidden_size' is {}, expected a multiple of 'num_attention_heads', which is {}", where,
        hidden_size, num_attention_heads);
  const int64_t nearest = relative_positions == RelativePositions::none ? 0 : 1;
  check(max_relative_position >= nearest && max_relative_position <= nearest * max_distance,
        "{}: 'max_relative_position' is {}, expected {}", where, max_relative_position,
        nearest == 0 ? "0 without relative positions"
                     : fmt::format("a whole number from 1 to {}", max_distance));
  for (const auto& [key, value] : {std::pair("hidden_dropout_prob", hidden_dropout_prob),
                                   std::pair("attention_probs_dropout_prob", attention_probs_dropout_prob)}) {
    check(value >= 0 && value < 1, "{}: '{}' is {}, expected a number from 0 to below 1", where, key, value);
  }
  // Both are computed with as float32.
  check(initializer_range >= 0 && std::isfinite(static_cast<float>(initializer_range)),
        "{}: 'initializer_range' is {}, expected 0 or more, at most {}", where, initializer_range,
        std::numeric_limits<float>::max());
  check(layer_norm_eps >= std::numeric_limits<float>::min() &&
            std::isfinite(static_cast<float>(layer_norm_eps)),
        "{}: 'layer_norm_eps' is {}, expected a number from {} to {}", where, layer_norm_eps,
        std::numeric_limits<float>::min(), std::numeric_limits<float>::max());
}

std::string_view name_of(Activation activation) {
  return std::ranges::find(activation_names, activation, &ActivationName::activation)->name;
}

Activation parse_activation(std::string_view name, BertConfigFormat format, std::string_view where) {
  if (name == "gelu" && format == BertConfigFormat::google) return Activation::gelu_tanh;
  std::string allowed;
  for (const ActivationName& known : activation_names) {
    if (known.name == name) return known.activation;
    allowed.append(allowed.empty() ? "" : ", ").append(known.name);
  }
  fail("{}: 'hidden_act' is '{}', expected one of {}", where, name, allowed);
}

BertConfig parse_bert_config(std::string_view text, std::string_view where, BertConfigFormat format) {
  return config_from(sorted(parse_json(text, where)), where, format);
}

BertConfig read_bert_config(const std::string& path) {
  const Json root = sorted(read_json(path, max_file_bytes));
  const bool is_google =
      std::filesystem::path(path).filename() == "bert_config.json" && !root.contains("model_type");
  return config_from(root, path, is_google ? BertConfigFormat::google : BertConfigFormat::hugging_face);
}

void write_bert_config(const std::string& path, const BertConfig& config, const std::string& architecture) {
  config.validate(path);
  Json root = Json::object();
  for (const auto& [key, text] : config.other_keys) root[key] = parse_json(text, path + ": " + key);
  if (config.relative_positions == RelativePositions::trained) root["use_relative_positions"] = true;
  else root["model_type"] = config.model_type();
  if (config.relative_positions != RelativePositions::none)
    root["max_relative_position"] = config.max_relative_position;
  root["architectures"] = Json::array({class_for(config.model_type(), architecture)});
  visit_sizes(config, [&](const char* key, int64_t value) { root[key] = value; });
  visit_reals(config, [&](const char* key, double value) { root[key] = value; });
  root["hidden_act"] = name_of(config.hidden_act);
  for (size_t id = 0; id < config.labels.size(); ++id) {
    const std::string& label = config.labels[id];
    check(!root["label2id"].contains(label), "{}: label '{}' occurs twice", path, label);
    root["id2label"][std::to_string(id)] = label;
    root["label2id"][label] = id;
  }
  AtomicFile file(path);
  std::string text;
  try {
    text = json_text(sorted(root), 2) + "\n";
  } catch (const Error&) {
    fail("{}: a label is not UTF-8", path);
  }
  file.write(text);
  file.commit();
}

}  // namespace gradus
