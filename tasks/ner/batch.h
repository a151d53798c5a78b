// Batches of sentences for the tagger.
#pragma once

#include <span>
#include <vector>

#include "data/ner_features.h"
#include "nn/heads/ner.h"
#include "tasks/model/token_packer.h"

namespace gradus {

// Packs the chosen examples for `backend`; the loss is a mean over their labelled words.
HostBatch pack_ner(const Backend& backend, std::span<const NerExample> examples,
                   std::span<const int32_t> chosen);

NerBatch ner_batch(const Batch& batch);

}  // namespace gradus
