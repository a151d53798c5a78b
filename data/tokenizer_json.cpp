#include "data/tokenizer_json.h"

#include <charconv>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/joined.h"

namespace gradus {
namespace {

constexpr size_t max_shown = 200;  // characters of a value in a message

std::string shown(const Json& value) {
  std::string text = json_text(value, -1, JsonStrings::ascii);
  if (text.size() > max_shown) text = text.substr(0, max_shown) + "...";
  return text;
}

// A part of the pipeline, out of a sequence of that one part.
const Json& only_part(const Json& part, const char* list) {
  const bool is_sequence = part.is_object() && part.contains(list) && part[list].is_array();
  return is_sequence && part[list].size() == 1 ? part[list][0] : part;
}

bool is_type(const Json& part, const char* type) {
  return part.is_object() && part.contains("type") && part["type"] == type;
}

}  // namespace

std::vector<const Json*> values_of(const Json& value) {
  std::vector<const Json*> values;
  if (value.is_array()) {
    for (const Json& item : value.items()) values.push_back(&item);
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.members()) values.push_back(&member);
  } else if (!value.is_null()) {
    values.push_back(&value);
  }
  return values;
}

AddedToken added_token(const Json& value, std::string_view where, std::string_view key, bool special) {
  AddedToken token;
  token.special = special;
  if (value.is_string()) {
    token.text = value.text();
  } else {
    check(value.is_object() && value.contains("content") && value["content"].is_string(),
          "{}: '{}' has {}: expected a token, or an object with its \"content\"", where, key, shown(value));
    token.text = value["content"].text();
  }
  const auto flag = [&](const char* name, bool usual) {
    if (!value.is_object() || !value.contains(name)) return usual;
    check(value[name].is_boolean(), "{}: '{}': '{}' of the token '{}' is {}: expected true or false", where,
          key, name, token.text, shown(value[name]));
    return value[name].boolean();
  };
  token.special = special || flag("special", false);
  token.normalized = flag("normalized", !token.special);
  token.single_word = flag("single_word", false);
  token.lstrip = flag("lstrip", false);
  token.rstrip = flag("rstrip", false);
  check(!token.text.empty(), "{}: '{}' has an empty token", where, key);
  return token;
}

int32_t added_id(std::string_view text, std::string_view where) {
  int32_t id = -1;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), id);
  check(result.ec == std::errc() && result.ptr == text.data() + text.size() && id >= 0,
        "{}: an added token has the number {}: expected a whole number from 0", where, text);
  return id;
}

TokenizerJson TokenizerJson::read(const std::string& path) {
  const Json root = read_json(path, max_tokenizer_bytes);
  check(root.is_object() && root.contains("model"), "{}: no 'model': expected a tokenizer of transformers",
        path);
  TokenizerJson result;
  result.path_ = path;
  result.read_model(root["model"]);
  const auto part = [&](const char* key, const char* list, const char* expected) -> const Json& {
    const Json& found = only_part(value_of(root, key), list);
    check(is_type(found, expected), "{}: '{}' is {}: expected {}, others are not supported", path, key,
          shown(found), expected);
    return found;
  };
  result.normalizer_ = part("normalizer", "normalizers", "BertNormalizer");
  const Json& normalizer = result.normalizer_;
  for (const char* key : {"clean_text", "handle_chinese_chars", "strip_accents", "lowercase"}) {
    const Json& value = value_of(normalizer, key);
    check(value.is_boolean() || (value.is_null() && std::string_view(key) == "strip_accents"),
          "{}: '{}' of the normalizer is {}: expected true or false", path, key, shown(value));
  }
  check(normalizer["clean_text"] == true, "{}: 'clean_text' of the normalizer is false: expected true", path);
  part("pre_tokenizer", "pretokenizers", "BertPreTokenizer");
  const Json& processor = only_part(value_of(root, "post_processor"), "processors");
  check(
      processor.is_null() || is_type(processor, "BertProcessing") || is_type(processor, "TemplateProcessing"),
      "{}: 'post_processor' is {}: expected TemplateProcessing, others are not supported", path,
      shown(processor));
  if (!processor.is_null()) result.read_template(processor);
  for (const Json* entry : values_of(value_of(root, "added_tokens"))) {
    AddedToken token = added_token(*entry, path, "added_tokens", false);
    token.id = added_id(entry->contains("id") ? json_text(entry->at("id")) : "", path);
    result.added_.push_back(std::move(token));
  }
  return result;
}

void TokenizerJson::read_model(const Json& model) {
  check(model.is_object(), "{}: 'model' is {}: expected an object", path_, shown(model));
  // Old files don't name the type; WordPiece alone has a prefix for what continues a word.
  const Json& type = value_of(model, "type");
  check(type == "WordPiece" || (type.is_null() && model.contains("continuing_subword_prefix")),
        "{}: the model's 'type' is {}: expected \"WordPiece\", other tokenizers are not supported", path_,
        shown(type));
  const auto expect = [&](const char* key, const Json& expected) {
    const Json& found = model.contains(key) ? model[key] : expected;
    check(found == expected, "{}: the model's '{}' is {}: expected {}, other tokenizers are not supported",
          path_, key, shown(found), json_text(expected));
  };
  expect("continuing_subword_prefix", "##");
  expect("max_input_chars_per_word", 100);
  if (model.contains("unk_token")) {
    check(model["unk_token"].is_string(), "{}: the model's 'unk_token' is {}: expected a token", path_,
          shown(model["unk_token"]));
    special_.unk = model["unk_token"].text();
  }
  const Json& vocab = value_of(model, "vocab");
  check(vocab.is_object(), "{}: the model's 'vocab' is of type {}: expected an object of tokens and numbers",
        path_, vocab.type_name());
  tokens_.resize(vocab.size());
  std::vector<bool> seen(vocab.size());
  for (const auto& [token, id] : vocab.members()) {
    const std::optional<int64_t> number = id.whole();
    if (!number || *number < 0 || *number >= std::ssize(seen) || seen[static_cast<size_t>(*number)])
      fail("{}: the token '{}' has the number {}: expected each from 0 to {} once", path_, token, shown(id),
           vocab.size() - 1);
    seen[id.get<size_t>()] = true;
    tokens_[id.get<size_t>()] = token;
  }
}

void TokenizerJson::read_template(const Json& processor) try {
  if (is_type(processor, "BertProcessing")) {
    special_.cls = processor["cls"][0].text();
    special_.sep = processor["sep"][0].text();
    return;
  }
  const auto text_of = [&](const char* key) {
    std::vector<std::string> parts;
    for (const Json* item : values_of(processor[key])) {
      const Json& part = item->at(item->contains("Sequence") ? "Sequence" : "SpecialToken");
      parts.push_back(fmt::format("{}:{}", part["id"].text(), part["type_id"].get<int>()));
    }
    return joined(parts, " ").str();
  };
  single_ = text_of("single");
  pair_ = text_of("pair");
  has_template_ = true;
  const auto name_of = [](const Json& item) { return item["SpecialToken"]["id"].text(); };
  const Json& single = processor["single"];
  if (single.size() == 3 && single[0].contains("SpecialToken") && single[2].contains("SpecialToken")) {
    special_.cls = name_of(single[0]);
    special_.sep = name_of(single[2]);
  }
} catch (const Error&) {
  fail("{}: 'post_processor' is {}: expected TemplateProcessing with 'single' and 'pair'", path_,
       shown(processor));
}

void TokenizerJson::check_template(const SpecialTokens& special) const {
  if (!has_template_) return;
  const std::string single = fmt::format("{}:0 A:0 {}:0", special.cls, special.sep);
  const std::string pair = fmt::format("{} B:1 {}:1", single, special.sep);
  check(single_ == single && pair_ == pair,
        "{}: 'post_processor' puts sequences together as \"{}\" and \"{}\": expected \"{}\" and \"{}\"",
        path_, single_, pair_, single, pair);
}

}  // namespace gradus
