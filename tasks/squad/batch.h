// Batches of windows for the model that answers questions.
#pragma once

#include <span>

#include "data/squad_features.h"
#include "nn/heads/squad.h"
#include "tasks/model/token_packer.h"

namespace gradus {

// Packs the chosen windows for `backend`; the loss is a mean over the first and the last token of each answer. Throws Error
// on an answer outside its window.
HostBatch pack_squad(const Backend& backend, std::span<const SquadFeature> features,
                     std::span<const int32_t> chosen);

SquadBatch squad_batch(const Batch& batch);

}  // namespace gradus
