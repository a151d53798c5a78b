// Work that comes again for batch after batch. Where a backend captures calls, the host makes them twice for a form of batches,
// and from the third such batch on the device runs them by itself: a step of BERT is several hundred kernels, and to call them may take the
// host longer than a short batch takes the device.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/host_batch.h"

namespace gradus {

class BatchGraphs {
 public:
  // Calls kernels, which ones depending on the form of the batch alone (HostBatch::form), and gives tensors. It copies nothing from
  // the host or to it.
  using Work = std::function<std::vector<Tensor>(const Batch&)>;

  BatchGraphs(Backend& backend, Work work) : backend_(backend), work_(std::move(work)) {}

  // What the work gives for the batch. It has to be copied out (begin_copy_to_host) before the next call.
  std::vector<Tensor> run(const HostBatch& host);
  // Batches for which the host has made no call.
  int64_t replays() const { return replays_; }

 private:
  struct Form {
    bool is_warm = false;   // a batch of it has come before
    int64_t last_used = 0;  // the number of the batch, among all
    Tensor block;           // where a batch lies when the graph reads it
    std::vector<Tensor> results;
    std::unique_ptr<KernelGraph> graph;  // none yet
  };
  // Graphs take memory of the host and the device. When there are so many, one goes that was not used for `stale` batches; where all are
  // used, forms without one do without, since it costs more to capture a batch than to call it.
  static constexpr int64_t most_graphs = 128, stale = 8 * most_graphs;

  std::vector<Tensor> call(const HostBatch& host);
  // Whether there is room for another graph, which may have been made.
  bool has_room();

  Backend& backend_;
  Work work_;
  std::map<std::string, Form> forms_;
  int64_t batches_ = 0, replays_ = 0, graphs_ = 0;
};

}  // namespace gradus
