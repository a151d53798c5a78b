#include "tasks/ner_system.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "nn/checkpoint_file.h"
#include "tasks/checkpoint_directory.h"

namespace gradus {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* settings_key = "gradus_ner";

constexpr std::array<LabelProtocol, 4> protocols{LabelProtocol::first_piece, LabelProtocol::x_pieces,
                                                 LabelProtocol::x_pieces_no_sep, LabelProtocol::all_pieces};

std::optional<LabelProtocol> protocol_of(const std::string& name) {
  for (const LabelProtocol protocol : protocols) {
    if (name == name_of(protocol)) return protocol;
  }
  return std::nullopt;
}

TokenizerRules rules_of(const std::string& name) {
  return name == "google" ? TokenizerRules::google : TokenizerRules::hf;
}

std::string to_text(const NerSettings& s) {
  return Json{{"use_crf", s.use_crf},
              {"crf_constraints", s.crf_constraints},
              {"lstm_layers", s.lstm_layers},
              {"dropout", s.dropout},
              {"label_protocol", s.label_protocol},
              {"tokenizer", s.tokenizer},
              {"do_lower_case", s.do_lower_case},
              {"characters", s.characters}}
      .dump();
}

NerSettings parse_settings(const BertConfig& config, const std::string& path) try {
  const auto found = config.other_keys.find(settings_key);
  check(found != config.other_keys.end(), "{}: no \"{}\": this is not a tagger trained by run_ner", path,
        settings_key);
  const Json json = Json::parse(found->second);
  NerSettings s;
  s.use_crf = json.at("use_crf");
  s.crf_constraints = json.at("crf_constraints");
  s.lstm_layers = json.at("lstm_layers");
  s.dropout = json.at("dropout");
  s.label_protocol = json.at("label_protocol");
  s.tokenizer = json.at("tokenizer");
  s.do_lower_case = json.at("do_lower_case");
  s.characters = json.at("characters");
  const auto expect = [&](bool good, const char* key, const std::string& expected) {
    check(good, "{}: \"{}\": '{}' is {}, expected {}", path, settings_key, key, json.at(key).dump(),
          expected);
  };
  expect(s.lstm_layers >= 0 && s.lstm_layers <= max_lstm_layers, "lstm_layers",
         fmt::format("0 to {}", max_lstm_layers));
  expect(s.dropout >= 0 && s.dropout < 1, "dropout", "a number from 0 to below 1");
  expect(protocol_of(s.label_protocol).has_value(), "label_protocol",
         "first_piece, x_pieces, x_pieces_no_sep or all_pieces");
  expect(s.tokenizer == "hf" || s.tokenizer == "google", "tokenizer", "hf or google");
  return s;
} catch (const Json::exception& e) {
  fail("{}: \"{}\": {}", path, settings_key, e.what());
}

// The folder of a checkpoint that may be given as a folder, as a file in it or as what its files' names begin with.
std::filesystem::path folder_of(const std::string& path) {
  check(std::filesystem::exists(path) || std::filesystem::exists(path + ".index"),
        "cannot read '{}': expected a folder with a model, or its weights", path);
  return std::filesystem::is_directory(path) ? std::filesystem::path(path)
                                             : std::filesystem::path(path).parent_path();
}

// The configuration of a pretrained model: config.json, or Google's bert_config.json. MindSpore's layer norm has an epsilon
// of its own, which no file states.
BertConfig pretrained_config(const std::string& pretrained, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json", googles = folder / "bert_config.json";
  const bool is_googles = !std::filesystem::exists(path) && std::filesystem::exists(googles);
  BertConfig config = read_bert_config((is_googles ? googles : path).string());
  if (is_googles && CheckpointFile(pretrained).names() == CheckpointFormat::mindspore)
    config.layer_norm_eps = 1e-7;
  return config;
}

// A save folder stands for its best checkpoint, or else its newest.
std::string checkpoint_in(const std::string& path) {
  if (!std::filesystem::is_directory(path) ||
      std::filesystem::exists(std::filesystem::path(path) / "config.json")) {
    return path;
  }
  const std::filesystem::path best = std::filesystem::path(path) / "best";
  if (std::filesystem::exists(best)) return best.string();
  const auto newest = latest_checkpoint(path);
  check(newest.has_value(), "{}: no config.json, and no checkpoint either", path);
  return newest->string();
}

// Whether the text is lower-cased: as asked for, or as the checkpoint's tokenizer_config.json says, or, without one,
// unless the vocabulary has pieces with capital letters.
bool lower_cases(const NerOptions& options, const std::filesystem::path& folder, const Vocab& vocab) {
  if (options.do_lower_case != "auto") return options.do_lower_case == "true";
  const std::filesystem::path path = folder / "tokenizer_config.json";
  if (!folder.empty() && std::filesystem::exists(path)) {
    const Json json = Json::parse(read_file(path), nullptr, false);
    check(!json.is_discarded(), "{}: not JSON", path.string());
    if (json.contains("do_lower_case") && json["do_lower_case"].is_boolean()) return json["do_lower_case"];
  }
  return !vocab.has_capitals();
}

std::string vocab_text(const Vocab& vocab) {
  std::string text;
  for (int32_t id = 0; id < vocab.size(); ++id) text += vocab.token(id) + "\n";
  return text;
}

BertConfig config_from_scratch(const ModelOptions& model, const Vocab& vocab) {
  BertConfig config;
  config.vocab_size = vocab.size();
  config.hidden_size = model.hidden_size;
  config.num_hidden_layers = model.num_hidden_layers;
  config.num_attention_heads = model.num_attention_heads;
  config.intermediate_size = model.intermediate_size;
  config.max_position_embeddings = model.max_position_embeddings;
  return config;
}

// The vocabulary to use: the file of the options, or else the one in the model's folder. Pieces without a row in the
// embedding table are an error; rows without a piece are not: published tables are padded.
Vocab load_vocab(const NerOptions& options, const std::filesystem::path& folder, const BertConfig& config) {
  const std::string path =
      options.vocab_file_path.empty() ? (folder / "vocab.txt").string() : options.vocab_file_path;
  Vocab vocab = Vocab::load(path);
  check(vocab.size() <= config.vocab_size,
        "{}: the vocabulary has {} pieces, the model's embedding table {} rows", path, vocab.size(),
        config.vocab_size);
  return vocab;
}

// Throws Error when an option was set to what a trained tagger can't be any more.
void check_settings(const NerOptions& options, const NerSettings& saved, const std::string& folder) {
  const auto same = [&](const char* name, const auto& wanted, const auto& found) {
    check(!options.given.contains(name) || wanted == found, "--{} {}: the tagger in '{}' has {}", name,
          wanted, folder, found);
  };
  same("use_crf", options.use_crf, saved.use_crf);
  same("crf_constraints", options.crf_constraints, saved.crf_constraints);
  same("with_lstm", options.with_lstm, saved.lstm_layers > 0);
  same("lstm_layers", options.lstm_layers, saved.lstm_layers);
  same("label_protocol", options.label_protocol, saved.label_protocol);
  same("tokenizer", options.tokenizer, saved.tokenizer);
  if (options.do_lower_case != "auto")
    same("do_lower_case", options.do_lower_case == "true", saved.do_lower_case);
}

}  // namespace

NerSystem::NerSystem(BertConfig config, NerSettings settings, LabelList labels, Vocab vocab,
                     std::string weights)
    : config_(std::move(config)),
      settings_(std::move(settings)),
      labels_(std::move(labels)),
      vocab_(std::move(vocab)),
      weights_(std::move(weights)) {
  config_.labels.clear();
  for (int32_t id = 0; id < labels_.size(); ++id) config_.labels.push_back(labels_.tag(id));
  config_.validate("the model");
  tokenizer_.emplace(vocab_, rules_of(settings_.tokenizer), settings_.do_lower_case);
  model_.emplace(Scope(parameters_), config_, head());
}

void NerSystem::override_config(BertConfig& config, const NerOptions& options, const std::string& model) {
  const auto same = [&](const char* name, int64_t asked, int64_t found) {
    check(asked == 0 || asked == found, "--{} {}: the model in '{}' has {}", name, asked, model, found);
  };
  same("hidden_size", options.model.hidden_size, config.hidden_size);
  same("num_hidden_layers", options.model.num_hidden_layers, config.num_hidden_layers);
  same("num_attention_heads", options.model.num_attention_heads, config.num_attention_heads);
  same("intermediate_size", options.model.intermediate_size, config.intermediate_size);
  same("max_position_embeddings", options.model.max_position_embeddings, config.max_position_embeddings);
  if (options.model.hidden_act != "auto") {
    config.hidden_act =
        parse_activation(options.model.hidden_act, BertConfigFormat::hugging_face, "--hidden_act");
  }
  if (options.model.layer_norm_eps > 0) config.layer_norm_eps = options.model.layer_norm_eps;
}

std::unique_ptr<NerSystem> NerSystem::load(const std::string& given, const NerOptions& options) {
  const std::string folder = checkpoint_in(given);
  const std::filesystem::path path = folder_of(folder);
  const std::string config_path = (path / "config.json").string();
  BertConfig config = read_bert_config(config_path);
  NerSettings settings = parse_settings(config, config_path);
  check(!config.labels.empty(), "{}: no id2label: this is not a trained tagger", config_path);
  override_config(config, options, folder);
  check_settings(options, settings, folder);
  if (options.given.contains("dropout")) {
    settings.dropout = config.hidden_dropout_prob = config.attention_probs_dropout_prob =
        options.model.dropout;
  }
  LabelList labels(config.labels);
  if (!options.label_file_path.empty()) {
    LabelList asked = LabelList::load(options.label_file_path);
    add_protocol_labels(*protocol_of(settings.label_protocol), asked);
    check(asked.tags() == labels.tags(), "{}: the labels {}, the tagger in '{}' has {}",
          options.label_file_path, fmt::join(asked.tags(), ", "), folder, fmt::join(labels.tags(), ", "));
  }
  Vocab vocab = load_vocab(options, path, config);
  auto system = std::unique_ptr<NerSystem>(
      new NerSystem(std::move(config), std::move(settings), std::move(labels), std::move(vocab), folder));
  system->trained_ = true;
  check_tensors(system->weights_, system->parameters_, system->required());
  return system;
}

std::unique_ptr<NerSystem> NerSystem::create(const NerOptions& options, LabelList labels,
                                             std::optional<Vocab> vocab) {
  const std::string& pretrained = options.load_pretrain_checkpoint_path;
  const std::filesystem::path folder = pretrained.empty() ? std::filesystem::path() : folder_of(pretrained);
  BertConfig config;
  if (pretrained.empty()) {
    if (!options.vocab_file_path.empty()) vocab = Vocab::load(options.vocab_file_path);
    check(vocab.has_value(), "no vocabulary: give --vocab_file_path");
    config = config_from_scratch(options.model, *vocab);
  } else {
    config = pretrained_config(pretrained, folder);
    vocab = load_vocab(options, folder, config);
  }
  override_config(config, options, pretrained);
  config.hidden_dropout_prob = config.attention_probs_dropout_prob = options.model.dropout;
  NerSettings settings;
  settings.use_crf = options.use_crf;
  settings.crf_constraints = options.crf_constraints;
  settings.lstm_layers = options.with_lstm ? options.lstm_layers : 0;
  settings.dropout = options.model.dropout;
  settings.label_protocol = options.label_protocol;
  settings.tokenizer = options.tokenizer;
  settings.do_lower_case = lower_cases(options, folder, *vocab);
  add_protocol_labels(*protocol_of(settings.label_protocol), labels);
  auto system = std::unique_ptr<NerSystem>(
      new NerSystem(std::move(config), settings, std::move(labels), std::move(*vocab), pretrained));
  if (!pretrained.empty()) check_tensors(pretrained, system->parameters_, system->required());
  return system;
}

// A tagger has all its weights; a pretrained model lacks the head.
std::vector<std::string> NerSystem::required() const { return {trained_ ? "" : "bert."}; }

void NerSystem::allocate(Backend& backend, Parameters::Use use, DType compute_type, uint64_t seed,
                         std::FILE* log) {
  parameters_.allocate(backend, use, compute_type);
  if (weights_.empty()) return parameters_.initialize_all(seed);
  const LoadReport report = load_tensors(weights_, parameters_, required(), seed);
  if (!report.missing.empty()) fmt::print(log, "new in this model: {}\n", fmt::join(report.missing, ", "));
  if (!report.unused.empty()) fmt::print(log, "unused in {}: {}\n", weights_, fmt::join(report.unused, ", "));
}

void NerSystem::check_continues(const std::filesystem::path& checkpoint) const {
  const std::string path = (checkpoint / "config.json").string();
  BertConfig saved = read_bert_config(path);
  check(saved.labels == config_.labels,
        "{}: the checkpoint has the tags {}, this run has {}: it can't be continued", path,
        fmt::join(saved.labels, ", "), fmt::join(config_.labels, ", "));
  const NerSettings settings = parse_settings(saved, path);
  check(settings == settings_, "{}: the checkpoint was made with {}, this run has {}: it can't be continued",
        path, to_text(settings), to_text(settings_));
  saved.other_keys = config_.other_keys;
  check(saved == config_, "{}: the checkpoint's model is not the one of this run: it can't be continued",
        path);
  const std::string vocab_path = (checkpoint / "vocab.txt").string();
  check(read_file(vocab_path) == vocab_text(vocab_),
        "{}: the checkpoint's vocabulary is not the one of this run: it can't be continued", vocab_path);
}

void NerSystem::save(const std::filesystem::path& folder) const {
  BertConfig config = config_;
  config.other_keys[settings_key] = to_text(settings_);
  write_bert_config((folder / "config.json").string(), config, "BertForTokenClassification");
  const Json tokenizer{{"tokenizer_class", "BertTokenizer"}, {"do_lower_case", settings_.do_lower_case}};
  replace_file(folder / "tokenizer_config.json", tokenizer.dump(2) + "\n");
  replace_file(folder / "vocab.txt", vocab_text(vocab_));
  save_tensors(parameters_, (folder / "model.safetensors").string());
}

LabelProtocol NerSystem::protocol() const { return *protocol_of(settings_.label_protocol); }

NerHeadConfig NerSystem::head() const {
  NerHeadConfig head;
  head.tags = config_.labels;
  head.use_crf = settings_.use_crf;
  head.crf_constraints = settings_.crf_constraints;
  head.lstm_layers = settings_.lstm_layers;
  head.dropout = static_cast<float>(settings_.dropout);
  return head;
}

}  // namespace gradus
