// From windows of text with a question to the packed batch that the model reads.
#pragma once

#include <span>

#include "data/squad_features.h"
#include "nn/heads/squad.h"

namespace gradus {

// Packs the features that `chosen` names, in that order.
SquadBatch make_squad_batch(Backend& backend, std::span<const SquadFeature> features,
                            std::span<const int32_t> chosen);

}  // namespace gradus
