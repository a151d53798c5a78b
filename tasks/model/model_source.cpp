#include "tasks/model/model_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "core/io/checked_json.h"
#include "core/io/hub_folder.h"
#include "core/joined.h"
#include "nn/checkpoints/checkpoint_file.h"
#include "nn/checkpoints/model_tensors.h"
#include "tasks/model/checkpoint_directory.h"
#include "tasks/training/train_state.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

// The folder of a checkpoint that may be given as a folder, as a file in it or as what its files' names begin with.
fs::path folder_of(const std::string& path) {
  check(fs::exists(path) || fs::exists(path + ".index"),
        "cannot read '{}': expected a folder with a model, or its weights", path);
  return fs::is_directory(path) ? fs::path(path) : fs::path(path).parent_path();
}

// What no file states of MindSpore's model: its layer norm has an epsilon of its own, and a model with NEZHA's tables is
// one.
void take_mindspores(const ModelTensors& file, BertConfig& config) {
  config.layer_norm_eps = 1e-7;
  const ModelTensors::Tensor* table =
      file.find("bert.encoder.layer.0.attention.self.relative_positions.weight");
  if (table == nullptr || config.relative_positions != RelativePositions::none) return;
  config.relative_positions = RelativePositions::trained;
  config.max_relative_position = table->shape.empty() ? 0 : table->shape[0] / 2;
}

BertConfig config_of_options(const ModelOptions& model, int64_t vocab_size) {
  BertConfig config;
  config.vocab_size = vocab_size;
  config.hidden_size = model.hidden_size;
  config.num_hidden_layers = model.num_hidden_layers;
  config.num_attention_heads = model.num_attention_heads;
  config.intermediate_size = model.intermediate_size;
  config.max_position_embeddings = model.max_position_embeddings;
  config.relative_positions = parse_relative_positions(model.relative_positions, "--relative_positions");
  config.max_relative_position = model.max_relative_position;
  return config;
}

// Of weights with no configuration beside them, for which the options give one, as MindSpore's files of settings do: the
// sizes of the tables are the weights' own.
BertConfig config_of_weights(const std::string& pretrained, const ModelOptions& model) {
  const ModelTensors file(pretrained);
  const auto rows = [&](const char* name) {
    const ModelTensors::Tensor* table = file.find(name);
    check(table != nullptr && !table->shape.empty(), "{}: no tensor '{}', which every BERT has", pretrained,
          name);
    return table->shape[0];
  };
  BertConfig config = config_of_options(model, rows("bert.embeddings.word_embeddings.weight"));
  config.type_vocab_size = rows("bert.embeddings.token_type_embeddings.weight");
  if (file.names() == CheckpointFormat::mindspore) take_mindspores(file, config);
  return config;
}

// The configuration of a pretrained model: config.json, or Google's bert_config.json, or that of the options.
BertConfig pretrained_config(const std::string& pretrained, const fs::path& folder,
                             const ModelOptions& model) {
  const fs::path path = folder / "config.json", googles = folder / "bert_config.json";
  const bool is_googles = !fs::exists(path) && fs::exists(googles);
  if (!fs::exists(path) && !is_googles && model.has_shape()) return config_of_weights(pretrained, model);
  BertConfig config = read_bert_config((is_googles ? googles : path).string());
  if (is_googles && CheckpointFile(pretrained).names() == CheckpointFormat::mindspore)
    take_mindspores(ModelTensors(pretrained), config);
  return config;
}

// A save folder stands for its best checkpoint, or else its newest; a folder of the hub's cache for its snapshot.
std::string checkpoint_in(const std::string& given) {
  const std::string path = hub_snapshot(given);
  const bool is_model =
      fs::exists(fs::path(path) / "config.json") || fs::exists(fs::path(path) / "bert_config.json");
  if (!fs::is_directory(path) || is_model) return path;
  const fs::path best = best_checkpoint(path);
  std::error_code error;
  const fs::file_status status = fs::status(best, error);
  check(status.type() != fs::file_type::none, "cannot read '{}': {}", best.string(), error.message());
  if (fs::exists(status)) return best.string();
  const auto newest = latest_checkpoint(path);
  check(newest.has_value(), "{}: no config.json, and no checkpoint either", path);
  return newest->string();
}

// Tells a configuration from another one that gets its name.
std::string version_of(const std::string& config) {
  struct stat status {};
  if (::stat(config.c_str(), &status) != 0) return "";
  return fmt::format("{}:{}:{}.{}", status.st_dev, status.st_ino, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

// The number of ids that mean something else in `asked` than in the model's own vocabulary. What that keeps free,
// "[unused1]" and so on, may be given a meaning.
int64_t different_pieces(const Vocab& asked, const Vocab& own) {
  int64_t different = 0;
  for (int32_t id = 0; id < own.size(); ++id) {
    const std::string& piece = own.token(id);
    if (!piece.starts_with("[unused") && (id >= asked.size() || asked.token(id) != piece)) ++different;
  }
  return different;
}

// Decides for a new model what the files leave open, and notes what is unusual.
void settle(StoredTokenizer& stored, const FineTuneOptions& options) {
  choose_lower_case(stored, options.do_lower_case);
  const std::string rules = stored.config.str();
  if (rules.find(',') != std::string::npos)
    stored.notes.push_back(fmt::format("tokenizer of {}: {}", stored.path, rules));
  if (const auto longest = stored.config.model_max_length(); longest && *longest < options.seq_length)
    stored.notes.push_back(fmt::format(
        "the settings beside {} speak of {} pieces at most (model_max_length), --seq_length is {}",
        stored.path, *longest, options.seq_length));
}

// The tokenizer that --vocab_file_path names, over the one in the model's folder. With other pieces than the model has
// learned there it would take every text for another one. A list of pieces alone leaves the settings, and the words that
// were added, as they are in the folder.
StoredTokenizer asked_tokenizer(const std::string& path, const fs::path& folder, bool trained) {
  StoredTokenizer asked = read_tokenizer(path);
  if (!has_tokenizer(folder)) return asked;
  StoredTokenizer own = read_tokenizer(folder);
  if (!asked.has_settings) {
    std::vector<std::string> tokens;
    for (int32_t id = 0; id < asked.vocab.size(); ++id) tokens.push_back(asked.vocab.token(id));
    for (int32_t id = own.vocab.word_pieces(); id < own.vocab.size(); ++id)
      tokens.push_back(own.vocab.token(id));
    const auto added = static_cast<size_t>(own.vocab.size() - own.vocab.word_pieces());
    asked.vocab = Vocab(std::move(tokens), path, own.config.special, added);
    asked.config = own.config;
  }
  const int64_t different = different_pieces(asked.vocab, own.vocab);
  check(different == 0,
        "--vocab_file_path {}: {} of the {} pieces in {} are others here: the model knows those", path,
        different, own.vocab.size(), own.path);
  if (!asked.config.do_lower_case) asked.config.do_lower_case = own.config.do_lower_case;
  if (!own.config.do_lower_case) own.config.do_lower_case = asked.config.do_lower_case;
  const std::string asked_text = asked.config.str(), own_text = own.config.str();
  check(!trained || asked_text == own_text,
        "--vocab_file_path {}: the settings beside it say {}, the model's text was cut with {} ({})", path,
        asked_text, own_text, own.path);
  if (asked_text != own_text)
    asked.notes.push_back(fmt::format("the settings beside {} count, {}: those of {} are others, {}", path,
                                      asked_text, own.path, own_text));
  return asked;
}

// The tokenizer to use: that of the options, or else the one in the model's folder. Pieces without a row in the
// embedding table are an error; rows without a piece are not: published tables are padded.
StoredTokenizer load_tokenizer(const FineTuneOptions& options, const fs::path& folder,
                               const BertConfig& config, bool trained) {
  StoredTokenizer stored = options.vocab_file_path.empty()
                               ? read_tokenizer(folder)
                               : asked_tokenizer(options.vocab_file_path, folder, trained);
  const Vocab& vocab = stored.vocab;
  check(vocab.size() <= config.vocab_size,
        "{}: the vocabulary has {} pieces{}, the model's embedding table {} rows", stored.path, vocab.size(),
        vocab.word_pieces() < vocab.size()
            ? fmt::format(", {} of them added tokens", vocab.size() - vocab.word_pieces())
            : "",
        config.vocab_size);
  if (const auto found = config.other_keys.find("tokenizer_class");
      found != config.other_keys.end() && !stored.names_class && found->second != "null") {
    const std::string path = (folder / "config.json").string();
    const Json name = parse_json(found->second, path);
    check_tokenizer_class(name.is_string() ? name.text() : json_text(name), path);
  }
  return stored;
}

// Takes the positions that the options ask for. A trained model stays with its own: other ones would make another of it.
void override_positions(BertConfig& config, const ModelOptions& options, const std::string& model,
                        bool trained) {
  if (options.relative_positions != "auto") {
    const RelativePositions asked =
        parse_relative_positions(options.relative_positions, "--relative_positions");
    const bool same = asked == config.relative_positions;
    check(same || !trained, "--relative_positions {}: the model in '{}' has {}", name_of(asked), model,
          name_of(config.relative_positions));
    config.relative_positions = asked;
    if (!same) config.max_relative_position = usual_max_relative_position(asked);
  }
  const int64_t farthest = options.max_relative_position;
  if (farthest == 0 || farthest == config.max_relative_position) return;
  check(config.relative_positions != RelativePositions::none,
        "--max_relative_position {}: the model in '{}' has no relative positions", farthest, model);
  check(!trained, "--max_relative_position {}: the model in '{}' has {}", farthest, model,
        config.max_relative_position);
  config.max_relative_position = farthest;
}

// Takes --hidden_act and --layer_norm_eps; throws Error when another option is not as in the configuration of `model`.
void override_config(BertConfig& config, const ModelOptions& options, const std::string& model) {
  const auto same = [&](const char* name, int64_t asked, int64_t found) {
    check(asked == 0 || asked == found, "--{} {}: the model in '{}' has {}", name, asked, model, found);
  };
  same("hidden_size", options.hidden_size, config.hidden_size);
  same("num_hidden_layers", options.num_hidden_layers, config.num_hidden_layers);
  same("num_attention_heads", options.num_attention_heads, config.num_attention_heads);
  same("intermediate_size", options.intermediate_size, config.intermediate_size);
  same("max_position_embeddings", options.max_position_embeddings, config.max_position_embeddings);
  if (options.hidden_act != "auto")
    config.hidden_act = parse_activation(options.hidden_act, BertConfigFormat::hugging_face, "--hidden_act");
  if (options.layer_norm_eps > 0) config.layer_norm_eps = options.layer_norm_eps;
}

TaskSettings parse_settings(const JsonField& saved) {
  const JsonField dropout = saved.at("dropout"), tokenizer = saved.at("tokenizer");
  TaskSettings s;
  s.dropout = dropout.number();
  s.tokenizer = tokenizer.text();
  dropout.check(s.dropout >= 0 && s.dropout < 1, "a number from 0 to below 1");
  tokenizer.check(s.tokenizer == "hf" || s.tokenizer == "google", "hf or google");
  if (const std::optional<JsonField> keeps = saved.find(int8_keeps_key)) {
    s.int8_keeps.emplace();
    for (const JsonField& name : keeps->items()) s.int8_keeps->push_back(name.text());
  }
  return s;
}

void set_dropout(ModelSource& source, double dropout) {
  source.settings.dropout = source.config.hidden_dropout_prob = source.config.attention_probs_dropout_prob =
      dropout;
}

}  // namespace

Json saved_settings(const BertConfig& config, const TaskKind& kind, const std::string& where) {
  const auto found = config.other_keys.find(kind.settings_key);
  check(found != config.other_keys.end(),
        "{}: no \"{}\": this is not a {} trained by {}; --do_train with --load_pretrain_checkpoint_path "
        "makes one "
        "of a model's weights",
        where, kind.settings_key, kind.noun, kind.program);
  return parse_json(found->second, where);
}

const TaskKind* find_kind_of_trained(const std::string& path, std::initializer_list<const TaskKind*> kinds) {
  const fs::path where = folder_of(checkpoint_in(path)) / "config.json";
  if (!fs::exists(where)) return nullptr;
  const BertConfig config = read_bert_config(where.string());
  const auto found = std::ranges::find_if(
      kinds, [&](const TaskKind* kind) { return config.other_keys.contains(kind->settings_key); });
  return found == kinds.end() ? nullptr : *found;
}

const TaskKind& kind_of_trained(const std::string& path, std::initializer_list<const TaskKind*> kinds) {
  if (const TaskKind* kind = find_kind_of_trained(path, kinds)) return *kind;
  const std::string where = (folder_of(checkpoint_in(path)) / "config.json").string();
  std::vector<std::string> programs;
  for (const TaskKind* kind : kinds) programs.emplace_back(kind->program);
  fail("{}: this is no model that was trained by one of {}", where, joined(programs, ", "));
}

std::string settings_place(const TaskKind& kind, const std::string& where) {
  return fmt::format("{}: \"{}\"", where, kind.settings_key);
}

Json ModelSource::task_settings(const TaskKind& kind) const { return saved_settings(config, kind, where); }

void ModelSource::save_int8_keeps(const TaskKind& kind, const std::vector<std::string>& names) const {
  Json json = read_json(where);
  json[kind.settings_key][int8_keeps_key] = names;
  check_unchanged();
  replace_file(where, json_text(sorted(json), 2) + "\n");
}

Json ModelSource::common_settings() const {
  return {{"dropout", settings.dropout},
          {"tokenizer", settings.tokenizer},
          {"do_lower_case", *tokenizer.do_lower_case}};
}

ModelSource ModelSource::of_trained(const FineTuneOptions& options, const TaskKind& kind) {
  const std::string weights = checkpoint_in(options.load_finetune_checkpoint_path);
  const fs::path folder = folder_of(weights);
  const std::string where = (folder / "config.json").string();
  std::string version = version_of(where);
  BertConfig config = read_bert_config(where);
  const Json json = saved_settings(config, kind, where);
  const JsonField saved(json, settings_place(kind, where));
  const TaskSettings settings = parse_settings(saved);
  const bool do_lower_case = saved.at("do_lower_case").boolean();
  override_config(config, options.model, weights);
  override_positions(config, options.model, weights, true);
  options.check_fixed("tokenizer", options.tokenizer, settings.tokenizer, kind.noun, weights);
  if (options.do_lower_case != "auto") {
    options.check_fixed("do_lower_case", options.do_lower_case == "true", do_lower_case, kind.noun, weights);
  }
  StoredTokenizer stored = load_tokenizer(options, folder, config, true);
  if (!stored.config.do_lower_case) stored.config.do_lower_case = do_lower_case;
  check(stored.config.do_lower_case == do_lower_case,
        "{}: 'do_lower_case' is {}, the settings beside {} say {}", where, do_lower_case, stored.path,
        *stored.config.do_lower_case);
  check(config.labels_problem.empty(), "{}: {}", where, config.labels_problem);
  config.architecture.clear();
  const bool has_weights = options.exported_file.empty();
  ModelSource source{std::move(config),
                     settings,
                     std::move(stored.vocab),
                     std::move(stored.config),
                     has_weights ? weights : "",
                     true,
                     where,
                     has_weights ? trained_steps(folder) : 0,
                     std::move(version),
                     {},
                     std::move(stored.notes)};
  if (options.given.contains("dropout")) set_dropout(source, options.model.dropout);
  return source;
}

ModelSource ModelSource::of_new(const FineTuneOptions& options, std::optional<Vocab> vocab) {
  const std::string& given = options.load_pretrain_checkpoint_path;
  const std::string pretrained = given.empty() ? "" : checkpoint_in(given);
  const fs::path folder = pretrained.empty() ? fs::path() : folder_of(pretrained);
  std::optional<StoredTokenizer> stored;
  BertConfig config;
  if (pretrained.empty()) {
    if (!options.vocab_file_path.empty()) stored = read_tokenizer(options.vocab_file_path);
    else if (vocab) stored = StoredTokenizer{std::move(*vocab), {}, false, false, "the vocabulary", {}};
    check(stored.has_value(), "no vocabulary: give --vocab_file_path");
    config = config_of_options(options.model, stored->vocab.size());
  } else {
    config = pretrained_config(pretrained, folder, options.model);
    // What another task has said of its head is not true of the new one.
    std::erase_if(config.other_keys, [](const auto& entry) {
      return entry.first.starts_with("gradus_") || entry.first == "problem_type";
    });
    stored = load_tokenizer(options, folder, config, false);
  }
  settle(*stored, options);
  override_config(config, options.model, pretrained);
  override_positions(config, options.model, pretrained, false);
  TaskSettings settings;
  settings.tokenizer = options.tokenizer;
  StoredHead head{std::exchange(config.architecture, ""),
                  {std::exchange(config.labels, {}), std::exchange(config.labels_problem, "")}};
  ModelSource source{std::move(config),
                     settings,
                     std::move(stored->vocab),
                     std::move(stored->config),
                     pretrained,
                     false,
                     "",
                     0,
                     "",
                     std::move(head),
                     std::move(stored->notes)};
  set_dropout(source, options.model.dropout);
  return source;
}

void ModelSource::take_as_trained() {
  trained = true;
  const fs::path folder = folder_of(weights);
  if (has_train_state(folder)) steps = trained_steps(folder);
}

void ModelSource::check_unchanged() const {
  check(!trained || version_of(where) == version,
        "'{}' was replaced while it was read: a run that trains saves there; try again",
        fs::path(where).parent_path().string());
}

}  // namespace gradus
