// tokenizer.json of the Rust `tokenizers`: a WordPiece vocabulary and its settings in one file, the only one that
// transformers 5 saves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/io/json.h"
#include "data/basic_tokenizer.h"
#include "data/vocab.h"

namespace gradus {

constexpr size_t max_tokenizer_bytes = 100'000'000;  // of a file of settings

class TokenizerJson {
 public:
  // Throws Error naming file and field for what is broken and for everything that is not as in BERT's tokenizer: a model
  // other than WordPiece with "##" and words of up to 100 characters, a normalizer other than BertNormalizer, a
  // pre-tokenizer other than BertPreTokenizer. How sequences are truncated and padded is not the file's to say.
  static TokenizerJson read(const std::string& path);

  const std::string& path() const { return path_; }
  const std::vector<std::string>& tokens() const { return tokens_; }  // by id, without added ones
  const std::vector<AddedToken>& added() const { return added_; }
  const Json& normalizer() const { return normalizer_; }
  // What the model and the template call the special tokens.
  const SpecialTokens& special() const { return special_; }
  // Throws Error unless sequences are put together as [CLS] A [SEP] and [CLS] A [SEP] B [SEP].
  void check_template(const SpecialTokens& special) const;

 private:
  void read_model(const Json& model);
  void read_template(const Json& processor);

  std::string path_;
  std::vector<std::string> tokens_;
  std::vector<AddedToken> added_;
  Json normalizer_;
  SpecialTokens special_;
  bool has_template_ = false;
  std::string single_, pair_;  // its sequences, "[CLS]:0 A:0 [SEP]:0"
};

// An added token from its name or from an object {"content": ...}, as the files of transformers have it, without its
// id. `special`: it is listed as such. `where` and `key` are for messages. Throws Error for anything else.
AddedToken added_token(const Json& value, std::string_view where, std::string_view key, bool special);
// The values in a list or an object, none in null; of another value itself.
std::vector<const Json*> values_of(const Json& value);
// The number in a text. Throws Error for anything but a whole number from 0.
int32_t added_id(std::string_view text, std::string_view where);

}  // namespace gradus
