// The sizes and settings of a BERT model, read from and written to config.json.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.h"

namespace gradus {

// Names and defaults: Devlin et al. 2018, arXiv:1810.04805, and its reference implementation.
struct BertConfig {
  int64_t vocab_size = 0;  // no default: must be given
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  Activation hidden_act = Activation::gelu;
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  int64_t max_position_embeddings = 512;
  int64_t type_vocab_size = 2;
  double initializer_range = 0.02;  // standard deviation
  double layer_norm_eps = 1e-12;
  std::vector<std::string> labels;  // of a fine-tuned model, by id; otherwise empty
  // Why the file's labels can't be relied on, so that `labels` is empty; empty: nothing is wrong.
  std::string labels_problem;
  std::string architecture;                       // the first of 'architectures', for whoever wants to know
  std::map<std::string, std::string> other_keys;  // what else was in the file, as JSON text

  int64_t head_size() const { return hidden_size / num_attention_heads; }
  // Throws Error, naming `where` and the field, for sizes below 1 or above 2^31 - 1, more than 1000 layers, a
  // hidden_size that the heads don't divide, dropout outside [0, 1), and a negative or infinite range or
  // epsilon.
  void validate(std::string_view where) const;

  friend bool operator==(const BertConfig&, const BertConfig&) = default;
};

// Two ways to write the same file. In config.json of Hugging Face, "gelu" is the exact function; in
// bert_config.json of the reference implementation it is the tanh form, and type_vocab_size is 16 by default.
enum class BertConfigFormat { hugging_face, google };

// The activation that `name` means. Throws Error naming `where` and the names that are allowed.
Activation parse_activation(std::string_view name, BertConfigFormat format, std::string_view where);

// Parses and validates the JSON text of a configuration. Throws Error, naming `where` and the field, for
// values of the wrong type or out of range, a missing vocab_size, and settings that change what the model
// computes and that BertConfig can't express: another model_type, relative positions, a decoder. Labels that are not in
// order are no error: `labels_problem` tells.
BertConfig parse_bert_config(std::string_view text, std::string_view where, BertConfigFormat format);

// The same from a file. A file named bert_config.json is in Google's format unless it has a model_type.
BertConfig read_bert_config(const std::string& path);

// Writes a config.json that Hugging Face's classes load, such as `architecture` BertForTokenClassification,
// with the other keys that were read. Throws Error when the configuration is not valid, when a label occurs
// twice, and when the file can't be written.
void write_bert_config(const std::string& path, const BertConfig& config, const std::string& architecture);

}  // namespace gradus
