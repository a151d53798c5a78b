// The sizes and settings of a BERT model, read from and written to config.json.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.h"

namespace gradus {

// What a model knows of the distance between two words: nothing but their places in the sequence, or a vector for each
// distance that is added to keys and values (Wei et al. 2019, arXiv:1909.00204, "NEZHA"). As the paper has them these are
// fixed sinusoids, the same in all layers; in MindSpore's model each layer trains a table.
enum class RelativePositions : uint8_t { none, trained, sinusoid };

// "none", "trained", "sinusoid".
std::string_view name_of(RelativePositions relative);
// The kind of that name. Throws Error naming `where` and the names that are allowed.
RelativePositions parse_relative_positions(std::string_view name, std::string_view where);
// The distance up to which each has a vector of its own in the published models: 16 trained, 64 of the sinusoids; else 0.
int64_t usual_max_relative_position(RelativePositions relative);

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
  RelativePositions relative_positions = RelativePositions::none;  // others have no table of positions
  int64_t max_relative_position = 0;  // words farther apart count as so far; 0 with none
  std::vector<std::string> labels;    // of a fine-tuned model, by id; otherwise empty
  // Why the file's labels can't be relied on, so that `labels` is empty; empty: nothing is wrong.
  std::string labels_problem;
  std::string architecture;  // the first of 'architectures', Bert* also where it is Nezha*
  std::map<std::string, std::string> other_keys;  // what else was in the file, as JSON text

  int64_t head_size() const { return hidden_size / num_attention_heads; }
  // What the names of the encoder's tensors begin with in transformers, which is also its model_type: "nezha" with sinusoids,
  // else "bert".
  std::string_view model_type() const;
  // Throws Error, naming `where` and the field, for sizes below 1 or above 2^31 - 1, more than 1000 layers, a
  // hidden_size that the heads don't divide, relative positions to a distance below 1 or above 65536, dropout outside
  // [0, 1), and a negative or infinite range or epsilon.
  void validate(std::string_view where) const;

  friend bool operator==(const BertConfig&, const BertConfig&) = default;
};

// Two ways to write the same file. In config.json of Hugging Face, "gelu" is the exact function; in
// bert_config.json of the reference implementation it is the tanh form, and type_vocab_size is 16 by default.
enum class BertConfigFormat { hugging_face, google };

// The activation that `name` means. Throws Error naming `where` and the names that are allowed.
Activation parse_activation(std::string_view name, BertConfigFormat format, std::string_view where);

// The name that config.json has for it.
std::string_view name_of(Activation activation);

// Parses and validates the JSON text of a configuration. Throws Error, naming `where` and the field, for
// values of the wrong type or out of range, a missing vocab_size, and settings that change what the model
// computes and that BertConfig can't express: another model_type than bert and nezha, a decoder. NEZHA's sinusoids are said by
// that model_type or "use_relative_position", a trained table by MindSpore's "use_relative_positions". Labels that are not
// in order are no error: `labels_problem` tells.
BertConfig parse_bert_config(std::string_view text, std::string_view where, BertConfigFormat format);

// The same from a file. A file named bert_config.json is in Google's format unless it has a model_type.
BertConfig read_bert_config(const std::string& path);

// Writes a config.json that Hugging Face's classes load, such as `architecture` BertForTokenClassification, which with
// sinusoids is NezhaForTokenClassification, with the other keys that were read. No class there has a trained table of
// relative positions: such a configuration has no model_type, so that none is taken for it. Throws Error when the
// configuration is not valid, when a label occurs twice, and when the file can't be written.
void write_bert_config(const std::string& path, const BertConfig& config, const std::string& architecture);

}  // namespace gradus
