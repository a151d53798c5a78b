// The one loop of evaluation and prediction.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "data/batch_source.h"
#include "nn/context.h"

namespace gradus {

// What a batch gives, float32 or int32 tensors, as it arrives on the host.
using BatchResults = std::span<const std::unique_ptr<HostCopy>>;

// Packs the batches ahead, runs `forward` over each without recording, and hands what it gives to `take`, which is called
// when the next batch is on its way.
void run_batches(Backend& backend, DType compute_type, std::vector<std::vector<int32_t>> batches,
                 PackExamples pack, const std::function<std::vector<Tensor>(Context&, const Batch&)>& forward,
                 const std::function<void(const HostBatch&, BatchResults)>& take);

}  // namespace gradus
