// A linear-chain conditional random field over tag sequences. Lafferty et al. 2001; Lample et al. 2016,
// arXiv:1603.01360, section 2.2.
#pragma once

#include <array>
#include <vector>

#include "autograd/ops.h"
#include "nn/parameters.h"

namespace gradus {

// Which of K tags may follow which, begin a sequence and end one.
struct TransitionRules {
  std::vector<bool> start, end;   // [K]
  std::vector<bool> transitions;  // [K * K], a row for the tag before
};

// What is added to the scores of what may be, 0, and of what may not, -10000.
std::vector<float> score_masks(const std::vector<bool>& allowed);

// Scores of tag sequences: emissions, transitions from tag to tag, and the scores of starting and ending with a tag.
class Crf {
 public:
  Crf(const Scope& scope, int64_t tags);
  // From now on what the rules don't allow scores -10000, in training and decoding.
  void constrain(const TransitionRules& rules);

  // Negative log-likelihood of `tags`, summed.  emissions [R, K] float32; tags int32 [R].
  Variable loss(const Variable& emissions, const Tensor& tags, const Packing& packing) const;
  // The most likely tags, int32 [R].
  Tensor decode(const Tensor& emissions, const Packing& packing) const;
  // Throws Error when a parameter is not finite: any tags would do then. Waits for the device.
  void check_finite() const;

 private:
  // The scores of transitions, starts and ends.
  std::array<Variable, 3> scores() const;

  int64_t tags_;
  Parameter transitions_, start_, end_;
  std::array<Constant, 3> masks_;  // likewise: 0, or -10000 of what is forbidden
  bool is_constrained_ = false;
};

}  // namespace gradus
