// Parts of a model by their names, which fine-tuning may treat each in its way.
//
// A part is a name of the tree, up to one of its dots: "embeddings", "encoder.layer.3", "classifier.bias". What is in front, "bert.", may be
// left out. The last word may be a range of numbers, both included: "encoder.layer.0-5".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nn/parameters.h"

namespace gradus {

// The tensors of a part, in their order. Throws Error naming the parts that there are when it has none, and on a range that goes down or
// beyond what there is.
std::vector<std::string> tensors_of(const Parameters& parameters, std::string_view part);

// Keeps these parts as they are: no gradient, no update. Before allocate. Throws Error as tensors_of() does, and when nothing
// would be left to train.
void freeze_parts(Parameters& parameters, const std::vector<std::string>& parts);

// Gives each layer of the encoder `factor` of the learning rate of the one above it, the embeddings that of the lowest, and the rest,
// pooler and heads, the whole (Howard & Ruder 2018, arXiv:1801.06146, section 3.2; for BERT Sun et al. 2019, arXiv:1905.05583, section
// 5.4.3): with L layers number l has factor^(L - l), the embeddings factor^(L + 1). Before an optimizer is made.
void decay_rates(Parameters& parameters, float factor);

}  // namespace gradus
