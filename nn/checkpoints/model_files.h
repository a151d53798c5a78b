// Reading a model's tensors from a checkpoint of any format, and writing them in the Hugging Face layout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/checkpoints/model_tensors.h"
#include "nn/parameters.h"

namespace gradus {

struct LoadReport {
  std::vector<std::string> missing;  // tensors of the model that the files lack: they got initial values
  std::vector<std::string> unused;   // tensors of the files that the model has no place for
};

// What becomes of a stored head: classifier.*, crf.*, qa_outputs.*.
struct HeadRows {
  bool is_new = false;        // it is not read: the model's gets initial values
  std::vector<int64_t> rows;  // rows[i]: its label that is the model's label i; empty: all as they are
};

// Fills the parameters from `path`, a checkpoint as CheckpointFile takes it; what its tensors are called is in
// nn/checkpoints/checkpoint_names.h. A tensor the files lack gets its initial value under `seed` when its name starts with none
// of `required`. `head`: which of a stored head's rows are whose. Throws Error naming file and tensor when a shape
// differs (both are given), a type can't be converted, a value is infinite or not a number, or a required tensor is
// missing.
LoadReport load_tensors(const std::string& path, Parameters& parameters,
                        const std::vector<std::string>& required, uint64_t seed, const HeadRows& head = {});

// Throws the Errors about names and shapes that load_tensors would, of the same file, before any memory is allocated for
// the model: a broken configuration may ask for more than there is.
void check_tensors(const ModelTensors& file, const Parameters& parameters,
                   const std::vector<std::string>& required, const HeadRows& head = {});

// Writes all tensors, float32, as one safetensors file. The encoder's are named after `model_type`, which is "bert" or "nezha"
// (BertConfig::model_type). Throws Error when the file can't be written.
void save_tensors(const Parameters& parameters, const std::string& path, std::string_view model_type);

}  // namespace gradus
