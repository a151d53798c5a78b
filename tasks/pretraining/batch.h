// Batches of examples to pretrain on.
#pragma once

#include <array>
#include <span>

#include "data/host_batch.h"
#include "data/pretraining_records.h"
#include "nn/heads/pretraining.h"

namespace gradus {

// Of an example everything but its tokens and masked words: where the second text begins, and what it is.
std::array<int32_t, 2> pair_numbers(const PretrainingExample& example);

// A batch of the chosen examples for a backend. Its weights are the numbers of masked words and of examples.
HostBatch pack_pretraining(const Backend& backend, std::span<const PretrainingExample> examples,
                           std::span<const int32_t> chosen);
PretrainingBatch pretraining_batch(const Batch& batch);

}  // namespace gradus
