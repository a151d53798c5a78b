// Whether a new model begins with the head that is stored with a pretrained one, and which row is whose.
#pragma once

#include <string>
#include <vector>

#include "nn/checkpoints/model_files.h"
#include "nn/stored_labels.h"

namespace gradus {

// What the configuration of a pretrained model says of its head.
struct StoredHead {
  std::string architecture;  // the class of transformers it is of; empty: not said
  StoredLabels labels;
};

struct HeadChoice {
  HeadRows rows;
  std::string note;  // what the log should say; empty: there is no head, or nothing to say
};

// Chooses for a new model of `architecture` over the weights of `file`. A head of the same labels is taken, its rows in
// the order of `labels`, which are empty for answers and one for scores. Labels without names, LABEL_0 or none, are taken by
// number. Any other head is left where it is, and a new one begins.
HeadChoice choose_head(const StoredHead& stored, const ModelTensors& file, const std::string& architecture,
                       const std::vector<std::string>& labels);

}  // namespace gradus
