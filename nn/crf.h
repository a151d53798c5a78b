// A linear-chain conditional random field over tag sequences. Lafferty et al. 2001; Lample et al. 2016,
// arXiv:1603.01360, section 2.2.
#pragma once

#include <string>
#include <vector>

#include "autograd/ops.h"
#include "nn/parameters.h"

namespace gradus {

// Scores of tag sequences: emissions, transitions from tag to tag, and the scores of starting and ending with a tag.
class Crf {
 public:
  // `tags` names the tags in id order. With `constrained`, transitions that break the tagging scheme (BIO, BIOES,
  // BILOU or BMES, by the letters in use: I-PER after O, say) score -10000, in training and decoding.
  Crf(const Scope& scope, const std::vector<std::string>& tags, bool constrained);

  // Negative log-likelihood of `tags`, summed, over `normalizer`.  emissions [R, K] float32; tags int32 [R].
  Variable loss(const Variable& emissions, const Tensor& tags, const Packing& packing,
                float normalizer) const;
  // The most likely tags, int32 [R]. Throws Error when a parameter is not finite: any tags would do then.
  Tensor decode(const Tensor& emissions, const Packing& packing) const;

 private:
  struct Scores {
    Variable transitions, start, end;
  };
  Scores scores(Backend& backend) const;

  Parameter transitions_, start_, end_;
  std::vector<float> forbidden_transitions_, forbidden_start_,
      forbidden_end_;  // 0 or -10000; empty: unconstrained
};

// Whether `next` may follow `previous` in a well-formed tag sequence; an empty name stands for the sequence's ends.
// Letters: O outside; B begins; I and M go on; E or L ends; S or U stands alone; the type follows a '-' or '_'. In BIO
// text an entity may end anywhere; in text with E, L, S or U tags (`closed`) it must be ended by E or L.
bool transition_allowed(const std::string& previous, const std::string& next, bool closed);

// Whether the tags mark the ends of entities: an E, L, S or U is among them.
bool closes_spans(const std::vector<std::string>& tags);

}  // namespace gradus
