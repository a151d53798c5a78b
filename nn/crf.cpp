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
  forbidden_ = {masked(rules.transitions, tags_ * tags_), masked(rules.start, tags_),
                masked(rules.end, tags_)};
  masks_ = {};
}

std::array<Variable, 3> Crf::scores(Backend& backend) const {
  std::array<Variable, 3> scores{transitions_, start_, end_};
  for (size_t i = 0; i < scores.size(); ++i) {
    if (forbidden_[i].empty()) continue;
    Tensor& mask = masks_[i];
    if (!mask || &mask.backend() != &backend)
      mask = Tensor::from(backend, scores[i].shape(), std::span<const float>(forbidden_[i]));
    scores[i] = add(scores[i], Variable(mask));
  }
  return scores;
}

Variable Crf::loss(const Variable& emissions, const Tensor& tags, const Packing& packing) const {
  const auto [transitions, start, end] = scores(emissions.backend());
  return crf_nll(emissions, tags, packing, transitions, start, end);
}

Tensor Crf::decode(const Tensor& emissions, const Packing& packing) const {
  Backend& backend = emissions.backend();
  const auto [transitions, start, end] = scores(backend);
  Tensor tags = Tensor::empty(backend, {emissions.shape()[0]}, DType::int32);
  backend.crf_viterbi({emissions, packing, {transitions.value(), start.value(), end.value()}, tags});
  return tags;
}

void Crf::check_finite() const {
  for (const Parameter& scores : {transitions_, start_, end_}) {
    check((*scores).value().count_nonfinite() == 0,
          "[crf] a transition's score is infinite, or not a number: the training of the model has diverged");
  }
}

}  // namespace gradus
