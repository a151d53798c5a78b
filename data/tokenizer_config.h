// The settings of a WordPiece tokenizer as they lie beside its vocabulary: tokenizer_config.json,
// special_tokens_map.json, added_tokens.json and tokenizer.json of transformers 4 and 5. All that decides which pieces
// a text becomes is taken, or refused by name.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/basic_tokenizer.h"
#include "data/vocab.h"

namespace gradus {

class Json;

struct TokenizerConfig {
  std::optional<bool> do_lower_case;  // none: no file says it
  std::optional<bool> strip_accents;  // none: as do_lower_case
  bool tokenize_chinese_chars = true;
  SpecialTokens special;
  std::vector<AddedToken> added;                  // by id; without the special tokens as they usually are
  std::map<std::string, std::string> other_keys;  // of tokenizer_config.json, as JSON text: they cut no text

  TextRules text_rules(TokenizerRules rules) const {
    return {rules, do_lower_case.value_or(true), strip_accents, tokenize_chinese_chars};
  }
  // What decides the pieces and is not as usual, for messages: "do_lower_case true, strip_accents false". Two
  // configurations with equal texts give equal pieces.
  std::string str() const;
  // The most pieces of a sequence that the settings speak of.
  std::optional<int64_t> model_max_length() const;
};

// A vocabulary and the settings beside it.
struct StoredTokenizer {
  Vocab vocab;
  TokenizerConfig config;
  bool has_settings = false;  // there is a file with settings
  bool names_class = false;   // which names its tokenizer_class
  std::string path;           // of the file with the vocabulary
  std::vector<std::string>
      notes;  // what the user should be told: files that contradict each other, lines left out
};

// Reads the tokenizer in a folder, also one of the hub's cache (core/io/hub_folder.h), or that of a vocabulary file,
// vocab.txt or tokenizer.json, with the settings beside it. As in transformers, tokenizer.json's vocabulary comes before vocab.txt's, and tokenizer_config.json's settings
// before tokenizer.json's unless its tokenizer_class is PreTrainedTokenizerFast. Throws Error naming file and field for
// what is broken, missing, or asks for another tokenizer than BERT's.
StoredTokenizer read_tokenizer(const std::filesystem::path& path);
// Throws Error, naming `where`, unless that is the class of BERT's tokenizer or of one that is the same, or one that
// takes all from tokenizer.json.
void check_tokenizer_class(const std::string& name, std::string_view where);
// Whether read_tokenizer() finds a vocabulary there.
bool has_tokenizer(const std::filesystem::path& folder);

// The text of a vocab.txt: a piece a line, without the added tokens.
std::string vocab_text(const Vocab& vocab);
// What tokenizer_config.json says of a tokenizer: an object.
Json tokenizer_json(const Vocab& vocab, const TokenizerConfig& config);
// Writes vocab.txt and tokenizer_config.json, which transformers 4 and 5 open with the same pieces, into a folder.
// Throws Error when it can't.
void write_tokenizer(const std::filesystem::path& folder, const Vocab& vocab, const TokenizerConfig& config);

}  // namespace gradus
