// The one loop of evaluation and prediction.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "data/batch_source.h"
#include "nn/context.h"
#include "tasks/model/batch_graphs.h"

namespace gradus {

// What a batch gives, float32 or int32 tensors, as it arrives on the host.
using BatchResults = std::span<const std::unique_ptr<HostCopy>>;

// What a model gives for batches. Each is a loop of its own, kept as long as its model is used: it knows the forms of batches that came before
// (batch_graphs.h).
class BatchLoop {
 public:
  // Without recording, and without dropout.
  using Forward = std::function<std::vector<Tensor>(Context&, const Batch&)>;
  BatchLoop(Backend& backend, DType compute_type, Forward forward);

  // Packs the batches ahead, runs `forward` over each, and hands what it gives to `take`, which is called when the next batch is on
  // its way. How many are done it tells the thread's Phase.
  void run(std::vector<std::vector<int32_t>> batches, PackExamples pack,
           const std::function<void(const HostBatch&, BatchResults)>& take) const;

 private:
  Backend& backend_;
  std::shared_ptr<BatchGraphs> graphs_;
};

}  // namespace gradus
