// From texts with a class or a score to the packed batch that the model reads.
#pragma once

#include <span>

#include "data/classification_features.h"
#include "nn/heads/classifier.h"

namespace gradus {

// Packs the examples that `chosen` names, in that order; row i of the model's output is that of chosen[i].
ClassifierBatch make_classifier_batch(Backend& backend, std::span<const ClassificationExample> examples,
                                      std::span<const int32_t> chosen);

}  // namespace gradus
