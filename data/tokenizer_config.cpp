#include "data/tokenizer_config.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/io/files.h"
#include "core/io/hub_folder.h"
#include "core/joined.h"
#include "data/tokenizer_json.h"
#include "data/word_piece.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

struct SpecialKey {
  const char* key;  // in tokenizer_config.json
  std::string SpecialTokens::*token;
};
constexpr std::array<SpecialKey, 5> special_keys{{{"pad_token", &SpecialTokens::pad},
                                                  {"unk_token", &SpecialTokens::unk},
                                                  {"cls_token", &SpecialTokens::cls},
                                                  {"sep_token", &SpecialTokens::sep},
                                                  {"mask_token", &SpecialTokens::mask}}};

// BERT's own tokenizer and those that are it under another name; "Fast" at the end aside.
constexpr std::array<std::string_view, 4> bert_classes{"BertTokenizer", "DistilBertTokenizer",
                                                       "ElectraTokenizer", "MobileBertTokenizer"};
// Classes that take all from tokenizer.json.
constexpr std::array<std::string_view, 2> json_classes{"PreTrainedTokenizerFast", "TokenizersBackend"};

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Whether it is one of the tokens that every model needs.
bool is_named(const SpecialTokens& special, std::string_view token) {
  return std::ranges::any_of(special_keys,
                             [&](const SpecialKey& entry) { return special.*entry.token == token; });
}

// Reads the files of one folder.
class Reader {
 public:
  explicit Reader(const fs::path& path)
      : folder_(fs::is_directory(path) ? path : path.parent_path()),
        config_path_((folder_ / "tokenizer_config.json").string()) {
    const fs::path json_path = path.filename() == "tokenizer.json" ? path : folder_ / "tokenizer.json";
    if (fs::exists(json_path)) json_ = TokenizerJson::read(json_path.string());
    config_ = object_in("tokenizer_config.json");
    special_map_ = object_in("special_tokens_map.json");
    const bool is_folder = fs::is_directory(path);
    reads_text_ = !json_ || (!is_folder && path != json_path && fs::exists(path));
    if (reads_text_) vocab_path_ = (is_folder ? folder_ / "vocab.txt" : path).string();
    else vocab_path_ = json_path.string();
    if (!is_folder && !reads_text_ && path != json_path)
      note("{} is not there: {} counts", path.string(), json_->path());
  }

  StoredTokenizer read() {
    check_class();
    check_unsupported();
    TokenizerConfig config;
    read_rules(config);
    read_special(config.special);
    check_never_split(config.special);
    if (json_) json_->check_template(config.special);
    std::vector<std::string> tokens = vocabulary();
    const size_t pieces = tokens.size();
    collect_added(config.special);
    config.added = place_added(tokens);
    keep_others(config);
    const size_t added = tokens.size() - pieces;
    Vocab vocab(std::move(tokens), vocab_path_, config.special, added);
    const bool has_settings = json_ || !config_.is_null() || !special_map_.is_null() || !added_.empty();
    const bool names_class = !value_of(config_, "tokenizer_class").is_null();
    return {std::move(vocab), std::move(config), has_settings, names_class, vocab_path_, std::move(notes_)};
  }

 private:
  // The object in a file of the folder, null when there is no such file.
  Json object_in(const char* name) const {
    const fs::path path = folder_ / name;
    if (!fs::exists(path)) return {};
    Json json = read_json(path, max_tokenizer_bytes);
    check(json.is_object(), "{}: the JSON is of type {}, expected an object", path.string(),
          json.type_name());
    return json;
  }

  void check_class() {
    const Json& found = value_of(config_, "tokenizer_class");
    if (found.is_null()) return;
    check(found.is_string(), "{}: 'tokenizer_class' is {}: expected a name", config_path_, json_text(found));
    const std::string& name = found.text();
    check_tokenizer_class(name, config_path_);
    takes_json_ = is_one_of(json_classes, name);
    check(!takes_json_ || json_, "{}: 'tokenizer_class' is {}: it needs tokenizer.json, which is not there",
          config_path_, name);
  }

  // Throws Error for settings that change the pieces and can't be honoured.
  void check_unsupported() const {
    const auto expect = [&](const char* key, std::initializer_list<Json> allowed, const char* expected) {
      const Json& found = value_of(config_, key);
      check(found.is_null() || std::ranges::find(allowed, found) != allowed.end(),
            "{}: '{}' is {}: expected {}, other tokenizers are not supported", config_path_, key,
            json_text(found), expected);
    };
    expect("do_basic_tokenize", {true}, "true");
    expect("wordpieces_prefix", {"##"}, "\"##\"");
    expect("split_special_tokens", {false}, "false");
    expect("truncation_side", {"right"}, "\"right\"");
    check(value_of(value_of(config_, "auto_map"), "AutoTokenizer").is_null(),
          "{}: 'auto_map' names a tokenizer of its own code: expected BertTokenizer", config_path_);
  }

  // Special tokens are found in the text anyway; other words are looked for in another way than added tokens are.
  void check_never_split(const SpecialTokens& special) const {
    const Json& found = value_of(config_, "never_split");
    const auto is_special = [&](const Json& word) {
      return word.is_string() && is_named(special, word.text());
    };
    check(found.is_null() || (found.is_array() && std::ranges::all_of(found.items(), is_special)),
          "{}: 'never_split' is {}: expected nothing but special tokens; other words can be added tokens",
          config_path_, json_text(found));
  }

  // A setting of tokenizer_config.json that tokenizer.json may have as well. `usual` is what transformers takes when
  // tokenizer_config.json is silent.
  const Json& setting(const char* key, const char* json_key, const Json& usual) {
    const bool has = config_.contains(key);
    const Json& found = value_of(config_, key);
    if (has) {
      check(found.is_boolean() || (usual.is_null() && found.is_null()),
            "{}: '{}' is {}: expected true{} false", config_path_, key, json_text(found),
            usual.is_null() ? ", null or" : " or");
    }
    if (!json_) return found;
    const Json& other = value_of(json_->normalizer(), json_key);
    if (!has) {
      if (other != usual && !takes_json_)
        note(
            "{}: '{}' is {}, which counts, no tokenizer_config.json saying '{}'; transformers' BertTokenizer "
            "takes {} then",
            json_->path(), json_key, json_text(other), key, json_text(usual));
      return other;
    }
    const Json& taken = takes_json_ ? other : found;
    if (other != found)
      note("{}: '{}' is {}, {}: '{}' is {}: as in transformers, {} counts", config_path_, key,
           json_text(found), json_->path(), json_key, json_text(other), json_text(taken));
    return taken;
  }

  void read_rules(TokenizerConfig& config) {
    if (const Json& lower = setting("do_lower_case", "lowercase", true); !lower.is_null())
      config.do_lower_case = lower.boolean();
    if (const Json& strip = setting("strip_accents", "strip_accents", nullptr); !strip.is_null())
      config.strip_accents = strip.boolean();
    if (const Json& chinese = setting("tokenize_chinese_chars", "handle_chinese_chars", true);
        !chinese.is_null())
      config.tokenize_chinese_chars = chinese.boolean();
  }

  // Whether the tokens in special_tokens_map.json and added_tokens.json count.
  bool has_decoder() const { return !value_of(config_, "added_tokens_decoder").is_null(); }

  // What a file calls the tokens that every model needs; null where it doesn't say.
  const Json& named(const char* key) const {
    const bool is_mapped = !has_decoder() && !value_of(special_map_, key).is_null();
    return value_of(is_mapped ? special_map_ : config_, key);
  }

  void read_special(SpecialTokens& special) const {
    if (json_) special = json_->special();
    for (const auto& [key, token] : special_keys) {
      const Json& value = named(key);
      if (!value.is_null()) special.*token = added_token(value, config_path_, key, true).text;
    }
  }

  std::vector<std::string> vocabulary() {
    if (!reads_text_) {
      compare_texts(json_->tokens());
      return json_->tokens();
    }
    check(
        fs::exists(vocab_path_),
        "cannot open '{}': expected a vocabulary there, or tokenizer.json with a WordPiece model beside it{}",
        vocab_path_, other_vocabularies());
    VocabLines lines = read_vocab_lines(vocab_path_);
    if (lines.empty_at_end > 0)
      note("{}: {} empty {} at the end left out: no token stands there", vocab_path_, lines.empty_at_end,
           lines.empty_at_end == 1 ? "line" : "lines");
    return std::move(lines.tokens);
  }

  // Names what lies there of other kinds of tokenizers.
  std::string other_vocabularies() const {
    for (const char* name :
         {"vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model"}) {
      if (fs::exists(folder_ / name))
        return fmt::format("; {} there is of another kind of tokenizer, which is not supported", name);
    }
    return "";
  }

  void compare_texts(const std::vector<std::string>& tokens) {
    const fs::path path = folder_ / "vocab.txt";
    if (!fs::exists(path)) return;
    const std::vector<std::string> lines = read_vocab_lines(path.string()).tokens;
    size_t different = 0;
    for (size_t i = 0; i < std::max(lines.size(), tokens.size()); ++i)
      different += i >= lines.size() || i >= tokens.size() || lines[i] != tokens[i];
    if (different > 0)
      note("{}: {} of its {} pieces are not those of {}: as in transformers, the latter count", path.string(),
           different, lines.size(), json_->path());
  }

  // Of two entries of one token the first counts.
  void collect(AddedToken token) {
    const bool is_new = std::ranges::find(added_, token.text, &AddedToken::text) == added_.end();
    if (is_new) added_.push_back(std::move(token));
  }

  void collect_added(const SpecialTokens& special) {
    const Json& decoder = value_of(config_, "added_tokens_decoder");
    check(decoder.is_null() || decoder.is_object(),
          "{}: 'added_tokens_decoder' is of type {}, expected an object", config_path_, decoder.type_name());
    for (const auto& [id, value] : decoder.members()) {
      AddedToken token = added_token(value, config_path_, "added_tokens_decoder", false);
      token.id = added_id(id, config_path_);
      collect(std::move(token));
    }
    if (json_) {
      for (const AddedToken& token : json_->added()) collect(token);
    }
    const std::vector<AddedToken> listed = listed_special();
    if (!has_decoder()) collect_old_added(listed);
    for (const AddedToken& token : listed) collect(token);
    for (AddedToken& token : added_) token.special |= is_named(special, token.text);
    // What every tokenizer looks for anyway needs no entry.
    std::erase_if(added_, [&](const AddedToken& token) {
      return is_named(special, token.text) && token == AddedToken{token.text, token.id, true};
    });
  }

  // Tokens that the files list as special, under keys of their own or in lists.
  std::vector<AddedToken> listed_special() const {
    std::vector<AddedToken> tokens;
    for (const Json* object : {&special_map_, &config_}) {
      if (object == &special_map_ && has_decoder()) continue;
      for (const auto& [key, value] : object->members()) {
        if (key == "additional_special_tokens" || key == "extra_special_tokens") {
          for (const Json* entry : values_of(value))
            tokens.push_back(added_token(*entry, config_path_, key, true));
        } else if (key.ends_with("_token") && (value.is_string() || value.is_object())) {
          tokens.push_back(added_token(value, config_path_, key, true));
        }
      }
    }
    return tokens;
  }

  // added_tokens.json: names and ids.
  void collect_old_added(const std::vector<AddedToken>& listed) {
    const Json old = object_in("added_tokens.json");
    const std::string path = (folder_ / "added_tokens.json").string();
    for (const auto& [text, id] : old.members()) {
      const bool is_special = std::ranges::find(listed, text, &AddedToken::text) != listed.end();
      collect({text, added_id(json_text(id), path), is_special, !is_special});
    }
  }

  // The added tokens with their ids, those that the vocabulary lacks appended to it.
  std::vector<AddedToken> place_added(std::vector<std::string>& tokens) {
    if (added_.empty()) return {};
    std::map<std::string_view, int32_t> ids;
    for (size_t i = 0; i < tokens.size(); ++i) ids[tokens[i]] = static_cast<int32_t>(i);
    std::ranges::stable_sort(added_, {}, [](const AddedToken& t) { return static_cast<uint32_t>(t.id); });
    std::vector<std::string> appended;
    for (AddedToken& token : added_) {
      const auto found = ids.find(token.text);
      const auto next = static_cast<int32_t>(tokens.size() + appended.size());
      const int32_t expected = found == ids.end() ? next : found->second;
      check(token.id < 0 || token.id == expected,
            "{}: the added token '{}' has the number {}: expected {}, {}", folder_.string(), token.text,
            token.id, expected,
            found == ids.end() ? "the next one behind the vocabulary" : "that of the vocabulary");
      token.id = expected;
      if (found == ids.end()) appended.push_back(token.text);
    }
    tokens.insert(tokens.end(), appended.begin(), appended.end());
    std::ranges::sort(added_, {}, &AddedToken::id);
    return added_;
  }

  void keep_others(TokenizerConfig& config) const {
    constexpr std::array<std::string_view, 17> written_anew{"do_lower_case",
                                                            "strip_accents",
                                                            "tokenize_chinese_chars",
                                                            "tokenizer_class",
                                                            "pad_token",
                                                            "unk_token",
                                                            "cls_token",
                                                            "sep_token",
                                                            "mask_token",
                                                            "added_tokens_decoder",
                                                            "additional_special_tokens",
                                                            "extra_special_tokens",
                                                            "vocab_file",
                                                            "tokenizer_file",
                                                            "special_tokens_map_file",
                                                            "name_or_path",
                                                            "auto_map"};
    for (const auto& [key, value] : config_.members()) {
      if (!is_one_of(written_anew, key)) config.other_keys[key] = json_text(value);
    }
  }

  template <typename... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    notes_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  fs::path folder_;
  std::string config_path_;
  std::optional<TokenizerJson> json_;
  Json config_, special_map_;  // tokenizer_config.json, special_tokens_map.json; null when not there
  std::string vocab_path_;
  bool reads_text_ = false;  // the vocabulary is lines of text
  bool takes_json_ = false;  // tokenizer.json's settings count
  std::vector<AddedToken> added_;
  std::vector<std::string> notes_;
};

std::string describe(const AddedToken& token) {
  std::string text = fmt::format("{} ({}", token.text, token.id);
  if (token.single_word) text += ", single_word";
  if (token.normalized) text += ", normalized";
  return text + ")";
}

}  // namespace

std::string TokenizerConfig::str() const {
  const TextRules rules = text_rules(TokenizerRules::hf);
  std::string text = fmt::format("do_lower_case {}", rules.do_lower_case);
  if (rules.strips_accents() != rules.do_lower_case)
    text += fmt::format(", strip_accents {}", rules.strips_accents());
  if (!tokenize_chinese_chars) text += ", tokenize_chinese_chars false";
  const SpecialTokens usual;
  for (const auto& [key, token] : special_keys) {
    if (special.*token != usual.*token) text += fmt::format(", {} {}", key, special.*token);
  }
  std::vector<std::string> words;
  for (const AddedToken& token : added) words.push_back(describe(token));
  if (!words.empty()) text += fmt::format(", added tokens {}", joined(words, ", "));
  return text;
}

std::optional<int64_t> TokenizerConfig::model_max_length() const {
  const auto found = other_keys.find("model_max_length");
  if (found == other_keys.end()) return std::nullopt;
  const Json value = parse_json(found->second, "model_max_length");
  // transformers writes 1e30 when there is no limit.
  if (!value.is_number() || value.number() > 1e9) return std::nullopt;
  return static_cast<int64_t>(value.number());
}

void check_tokenizer_class(const std::string& name, std::string_view where) {
  const std::string_view base =
      name.ends_with("Fast") ? std::string_view(name).substr(0, name.size() - 4) : name;
  check(is_one_of(bert_classes, base) || is_one_of(json_classes, name),
        "{}: 'tokenizer_class' is {}: expected BertTokenizer, other tokenizers are not supported", where,
        name);
}

StoredTokenizer read_tokenizer(const fs::path& path) { return Reader(hub_snapshot(path.string())).read(); }

bool has_tokenizer(const fs::path& folder) {
  return fs::exists(folder / "vocab.txt") || fs::exists(folder / "tokenizer.json");
}

std::string vocab_text(const Vocab& vocab) {
  std::string text;
  for (int32_t id = 0; id < vocab.word_pieces(); ++id) text += vocab.token(id) + "\n";
  return text;
}

Json tokenizer_json(const Vocab& vocab, const TokenizerConfig& config) {
  Json root{{"tokenizer_class", "BertTokenizer"},
            {"do_lower_case", config.do_lower_case.value_or(true)},
            {"strip_accents", config.strip_accents ? Json(*config.strip_accents) : Json()},
            {"tokenize_chinese_chars", config.tokenize_chinese_chars}};
  for (const auto& [key, token] : special_keys) root[key] = config.special.*token;
  Json additional = Json::array(), decoder = Json::object();
  for (const AddedToken& token : tokens_in_text(vocab, TokenizerRules::hf, config.added)) {
    decoder[std::to_string(token.id)] = {
        {"content", token.text},  {"lstrip", token.lstrip},           {"normalized", token.normalized},
        {"rstrip", token.rstrip}, {"single_word", token.single_word}, {"special", token.special}};
    if (token.special && !is_named(config.special, token.text)) additional.push_back(token.text);
  }
  if (!config.added.empty()) root["added_tokens_decoder"] = decoder;
  if (!additional.empty()) root["additional_special_tokens"] = additional;
  for (const auto& [key, text] : config.other_keys) root[key] = parse_json(text, key);
  return root;
}

void write_tokenizer(const fs::path& folder, const Vocab& vocab, const TokenizerConfig& config) {
  replace_file(folder / "vocab.txt", vocab_text(vocab));
  replace_file(folder / "tokenizer_config.json", json_text(tokenizer_json(vocab, config), 2) + "\n");
}

}  // namespace gradus
