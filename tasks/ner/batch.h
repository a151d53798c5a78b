// From examples of named entity recognition to the packed batch that the model reads.
#pragma once

#include <span>
#include <vector>

#include "data/ner_features.h"
#include "nn/heads/ner.h"

namespace gradus {

// Packs the examples that `chosen` names, in that order. Labels of words that do not count become -100.
NerBatch make_ner_batch(Backend& backend, std::span<const NerExample> examples,
                        std::span<const int32_t> chosen);

}  // namespace gradus
