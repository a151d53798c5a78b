// Gradients are summed over processes while the backward pass still computes others.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/communicator.h"
#include "nn/parameters.h"

namespace gradus {

// Parameters lie in the flat buffer in the order in which the forward pass reads them, so that the backward pass completes them
// from the end, more or less. The buffer is cut into ranges, of whole parameters, which are handed over from its end on, each
// when it is complete: a small one first, so that the sums begin early, then large ones, so that they are few, and the first
// parameter, which is the last to be complete, alone. Li et al. 2020, "PyTorch Distributed", section 3.2 (buckets). The ranges
// are the same in all processes, whatever these have to compute.
class GradientExchange {
 public:
  // Keeps references. `first` and `others`: how many numbers a range has at least.
  GradientExchange(const Parameters& parameters, Communicator& communicator, int64_t first = int64_t{1} << 18,
                   int64_t others = int64_t{8} << 18);

  // To be given to the backward pass that completes the gradients of a step.
  Completed listener();
  // Hands over the rest, also of parameters that no backward pass has reached, and `last` after it, and waits for all sums.
  void finish(const Tensor& last = {});

 private:
  void complete(const Node& parameter);
  void hand_over();

  const Parameters& parameters_;
  Communicator& communicator_;
  std::unordered_map<const Node*, size_t> places_;  // of those that are trained, in the order of the buffer
  struct Range {
    size_t first_place;
    int64_t begin, end;
  };
  std::vector<Range> ranges_;    // from the end of the buffer on
  size_t handed_over_ = 0;       // ranges of this step
  std::vector<bool> waits_for_;  // by place: trained, and not complete yet
  size_t open_ = 0;              // places before this one have not been looked at
};

}  // namespace gradus
