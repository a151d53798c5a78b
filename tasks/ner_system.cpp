#include "tasks/ner_system.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tasks/checkpoint_directory.h"
#include "tasks/files.h"

namespace gradus {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* settings_key = "gradus_ner";

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
  return s;
} catch (const Json::exception& e) {
  fail("{}: \"{}\": {}", path, settings_key, e.what());
}

// The folder of a checkpoint that may be given as a folder or as the weights file in it.
std::filesystem::path folder_of(const std::string& path) {
  return std::filesystem::is_directory(path) ? std::filesystem::path(path)
                                             : std::filesystem::path(path).parent_path();
}

// A save folder stands for its best checkpoint, or else its newest.
std::string checkpoint_in(const std::string& path) {
  if (!std::filesystem::is_directory(path) || std::filesystem::exists(std::filesystem::path(path) / "config.json")) {
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
  for (int32_t id = 0; id < vocab.size(); ++id) {
    const std::string& token = vocab.token(id);
    if (token.starts_with('[')) continue;
    if (std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
  }
  return true;
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
  check(vocab_.size() <= config_.vocab_size,
        "the vocabulary has {} pieces, the model's embedding table {} rows", vocab_.size(),
        config_.vocab_size);
  tokenizer_.emplace(vocab_, rules_of(settings_.tokenizer), settings_.do_lower_case);
  model_.emplace(Scope(parameters_), config_, head());
}

void NerSystem::override_config(BertConfig& config, const NerOptions& options) {
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
  override_config(config, options);
  const std::string vocab_path =
      options.vocab_file_path.empty() ? (path / "vocab.txt").string() : options.vocab_file_path;
  LabelList labels(config.labels);
  auto system = std::unique_ptr<NerSystem>(new NerSystem(std::move(config), std::move(settings),
                                                         std::move(labels), Vocab::load(vocab_path), folder));
  system->trained_ = true;
  return system;
}

std::unique_ptr<NerSystem> NerSystem::create(const NerOptions& options, LabelList labels, bool characters,
                                             std::optional<Vocab> vocab) {
  const std::string& pretrained = options.load_pretrain_checkpoint_path;
  const std::filesystem::path folder = pretrained.empty() ? std::filesystem::path() : folder_of(pretrained);
  if (!options.vocab_file_path.empty()) vocab = Vocab::load(options.vocab_file_path);
  else if (!pretrained.empty()) vocab = Vocab::load((folder / "vocab.txt").string());
  check(vocab.has_value(), "no vocabulary: give --vocab_file_path");

  BertConfig config = pretrained.empty() ? config_from_scratch(options.model, *vocab)
                                         : read_bert_config((folder / "config.json").string());
  override_config(config, options);
  config.hidden_dropout_prob = config.attention_probs_dropout_prob = options.model.dropout;
  NerSettings settings;
  settings.use_crf = options.use_crf;
  settings.crf_constraints = options.crf_constraints;
  settings.lstm_layers = options.with_lstm ? options.lstm_layers : 0;
  settings.dropout = options.model.dropout;
  settings.label_protocol = options.label_protocol;
  settings.tokenizer = options.tokenizer;
  settings.do_lower_case = lower_cases(options, folder, *vocab);
  settings.characters = characters;
  return std::unique_ptr<NerSystem>(
      new NerSystem(std::move(config), settings, std::move(labels), std::move(*vocab), pretrained));
}

void NerSystem::allocate(Backend& backend, Parameters::Use use, DType compute_type, uint64_t seed) {
  parameters_.allocate(backend, use, compute_type);
  if (weights_.empty()) return parameters_.initialize_all(seed);
  // A tagger has all its weights; a pretrained model lacks the head.
  const std::vector<std::string> required =
      trained_ ? std::vector<std::string>{""} : std::vector<std::string>{"bert."};
  const LoadReport report = load_tensors(weights_, parameters_, required, seed);
  if (!report.missing.empty()) fmt::print("new in this model: {}\n", fmt::join(report.missing, ", "));
  if (!report.unused.empty()) fmt::print("unused in {}: {}\n", weights_, fmt::join(report.unused, ", "));
}

void NerSystem::save(const std::filesystem::path& folder) const {
  BertConfig config = config_;
  config.other_keys[settings_key] = to_text(settings_);
  write_bert_config((folder / "config.json").string(), config, "BertForTokenClassification");
  const Json tokenizer{{"tokenizer_class", "BertTokenizer"}, {"do_lower_case", settings_.do_lower_case}};
  replace_file(folder / "tokenizer_config.json", tokenizer.dump(2) + "\n");
  std::string pieces;
  for (int32_t id = 0; id < vocab_.size(); ++id) pieces += vocab_.token(id) + "\n";
  replace_file(folder / "vocab.txt", pieces);
  save_tensors(parameters_, (folder / "model.safetensors").string());
}

LabelProtocol NerSystem::protocol() const {
  if (settings_.label_protocol == "x_pieces") return LabelProtocol::x_pieces;
  if (settings_.label_protocol == "x_pieces_no_sep") return LabelProtocol::x_pieces_no_sep;
  return LabelProtocol::first_piece;
}

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
