// How a step is cut so that it fits into the memory there is.
#pragma once

#include <cstdint>

#include "tasks/training/fine_tuning.h"

namespace gradus {

// Makes a step fit into `most_bytes`, together with what the process holds already, of the device's memory where it has its own: batches become smaller and more of them add
// up, so that a step has the same examples; where that would leave a batch with few tokens, encoder layers are computed again in
// the backward pass first, which takes a third more time. Changes batch_size or batch_tokens, accumulation_steps and recompute
// of `config`, alike in all processes, and tells config.log what became of them. Returns the plan. Throws Error saying what
// the least is when nothing fits.
MemoryPlan fit_memory(const FineTuning& task, const Backend& backend, TrainConfig& config,
                      int64_t most_bytes);

}  // namespace gradus
