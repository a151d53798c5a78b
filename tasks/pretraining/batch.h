// Batches of examples to pretrain on.
#pragma once

#include <span>

#include "data/host_batch.h"
#include "data/pretraining_records.h"
#include "nn/heads/pretraining.h"

namespace gradus {

// A batch of the chosen examples for a backend. Its weights are the numbers of masked words and of examples.
HostBatch pack_pretraining(const Backend& backend, std::span<const PretrainingExample> examples,
                           std::span<const int32_t> chosen);
PretrainingBatch pretraining_batch(const Batch& batch);

}  // namespace gradus
