// Gradients are summed over processes while the backward pass still computes others.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/communicator.h"
#include "nn/parameters.h"

namespace gradus {

// Parameters lie in the flat buffer in the order in which the forward pass reads them, so that the backward pass completes them
// from the end, more or less. What is complete behind the last place handed over is handed over as one range once it has
// `least` elements: few calls, and the first of them early. Li et al. 2020, "PyTorch Distributed", section 3.2 (buckets).
class GradientExchange {
 public:
  // Keeps references.
  GradientExchange(const Parameters& parameters, Communicator& communicator,
                   int64_t least = int64_t{1} << 20);

  // To be given to the backward pass that completes the gradients of a step.
  Completed listener();
  // Hands over the rest, also of parameters that no backward pass has reached, and waits for all sums.
  void finish();

 private:
  void complete(const Node& parameter);
  void hand_over(int64_t begin);

  const Parameters& parameters_;
  Communicator& communicator_;
  int64_t least_;
  std::vector<int64_t> begins_;                     // of the parameters in the buffer, ascending
  std::unordered_map<const Node*, size_t> places_;  // of those that are trained
  std::vector<bool> waits_for_;                     // by place: trained, and not complete yet
  size_t open_ = 0;                                 // places before this one have not been looked at
  int64_t end_ = 0;                                 // from here on everything was handed over
};

}  // namespace gradus
