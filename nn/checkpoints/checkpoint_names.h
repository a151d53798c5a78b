// What one tensor is called in the checkpoints of Hugging Face transformers, Google's BERT and the programs with a CRF
// built on it in TensorFlow, and mindspore-ai/models. Names inside Gradus are those of transformers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/checkpoints/checkpoint_file.h"

namespace gradus {

struct CommonName {
  std::string name;         // in transformers, with the leading "bert."; ours where those have no such tensor
  bool transposed = false;  // the tensor is [in, out], and [out, in] elsewhere
};

// The common name of a tensor in a checkpoint of the given format; nothing for one that belongs to no model we know.
// In safetensors files the leading "bert." may be missing or be "nezha.", LayerNorm's gamma and beta stand for weight and
// bias as in older files, and "module.", "_orig_mod." and "model." of programs that wrap a model may come first. In MindSpore's the prefix "bert." may be there twice, once or not at all.
std::optional<CommonName> common_name(CheckpointFormat format, std::string_view name);

// The name of a tensor in a format, from its common one; nothing where that framework's programs have no such tensor.
// `crf`: of a network with one; TensorFlow's program for these calls the classifier otherwise.
std::optional<CommonName> name_in(CheckpointFormat format, std::string_view common, bool crf = false);

// A common name as the safetensors files of a model type have it, "bert" or "nezha": that is what the encoder's begin with.
std::string named_after(std::string_view model_type, std::string_view common);

// Whether a tensor is no weight: moments, step counters and loss scales of a training, and what older transformers
// versions saved though it can be computed: the positions 0, 1, 2 ..., token types of zeros, NEZHA's sinusoids for each
// pair of tokens.
bool is_state_or_buffer(CheckpointFormat format, std::string_view name);

// The common names of all weights of an encoder, without those that not every model has: the pooler's, the table of
// positions, which NEZHA has no use for, and NEZHA's own tables.
std::vector<std::string> encoder_names(int64_t layers);
// The number of the encoder's layer that a common name belongs to, or -1.
int64_t layer_of(std::string_view common);

}  // namespace gradus
