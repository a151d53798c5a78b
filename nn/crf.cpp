#include "nn/crf.h"

namespace gradus {
namespace {

constexpr float forbidden = -10000.0F;  // as strong as the BERT code's mask, and finite

std::vector<float> masked(const std::vector<bool>& allowed, int64_t scores) {
  check(std::ssize(allowed) == scores, "[crf] rules for {} scores, expected {}", allowed.size(), scores);
  std::vector<float> mask;
  for (const bool may : allowed) mask.push_back(may ? 0.0F : forbidden);
  return mask;
}

}  // namespace

Crf::Crf(const Scope& scope, int64_t tags) : tags_(tags) {
  transitions_ = scope.add("transitions", {tags, tags}, Init::uniform(0.1F));
  start_ = scope.add("start_transitions", {tags}, Init::uniform(0.1F));
  end_ = scope.add("end_transitions", {tags}, Init::uniform(0.1F));
}

void Crf::constrain(const TransitionRules& rules) {
  forbidden_transitions_ = masked(rules.transitions, tags_ * tags_);
  forbidden_start_ = masked(rules.start, tags_);
  forbidden_end_ = masked(rules.end, tags_);
}

Crf::Scores Crf::scores(Backend& backend) const {
  const auto with = [&](const Variable& scores, const std::vector<float>& mask) {
    return mask.empty() ? scores
                        : add(scores, Variable(Tensor::from(backend, scores.shape(), std::span(mask))));
  };
  return {with(transitions_, forbidden_transitions_), with(start_, forbidden_start_),
          with(end_, forbidden_end_)};
}

Variable Crf::loss(const Variable& emissions, const Tensor& tags, const Packing& packing,
                   float normalizer) const {
  const Scores s = scores(emissions.backend());
  return crf_nll(emissions, tags, packing, s.transitions, s.start, s.end, normalizer);
}

Tensor Crf::decode(const Tensor& emissions, const Packing& packing) const {
  Backend& backend = emissions.backend();
  const Scores s = scores(backend);
  for (const Variable& score : {s.transitions, s.start, s.end}) {
    check(backend.count_nonfinite(score.value()) == 0,
          "[crf] a transition's score is infinite, or not a number: the training of the model has diverged");
  }
  Tensor tags = Tensor::empty(backend, {emissions.shape()[0]}, DType::int32);
  backend.crf_viterbi(emissions, packing, s.transitions.value(), s.start.value(), s.end.value(), tags);
  return tags;
}

}  // namespace gradus
