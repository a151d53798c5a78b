#include "nn/crf.h"

namespace gradus {
namespace {

constexpr float forbidden = -10000.0F;  // as strong as the BERT code's mask, and finite

}  // namespace

std::vector<float> score_masks(const std::vector<bool>& allowed) {
  std::vector<float> masks;
  for (const bool may : allowed) masks.push_back(may ? 0.0F : forbidden);
  return masks;
}

Crf::Crf(const Scope& scope, int64_t tags) : tags_(tags) {
  transitions_ = scope.add("transitions", {tags, tags}, Init::uniform(0.1F));
  start_ = scope.add("start_transitions", {tags}, Init::uniform(0.1F));
  end_ = scope.add("end_transitions", {tags}, Init::uniform(0.1F));
  const auto nothing_forbidden = [&](const Shape& shape) {
    return scope.add_constant(shape, std::vector<float>(static_cast<size_t>(shape.elements())));
  };
  masks_ = {nothing_forbidden({tags, tags}), nothing_forbidden({tags}), nothing_forbidden({tags})};
}

void Crf::constrain(const TransitionRules& rules) {
  const auto tags = static_cast<size_t>(tags_);
  check(rules.transitions.size() == tags * tags && rules.start.size() == tags && rules.end.size() == tags,
        "[crf] rules for {} transitions, {} starts and {} ends, expected those of {} tags",
        rules.transitions.size(), rules.start.size(), rules.end.size(), tags_);
  masks_[0].set(score_masks(rules.transitions));
  masks_[1].set(score_masks(rules.start));
  masks_[2].set(score_masks(rules.end));
  is_constrained_ = true;
}

std::array<Variable, 3> Crf::scores() const {
  if (!is_constrained_) return {transitions_, start_, end_};
  return {add(transitions_, masks_[0]), add(start_, masks_[1]), add(end_, masks_[2])};
}

Variable Crf::loss(const Variable& emissions, const Tensor& tags, const Packing& packing) const {
  const auto [transitions, start, end] = scores();
  return crf_nll(emissions, tags, packing, transitions, start, end);
}

Tensor Crf::decode(const Tensor& emissions, const Packing& packing) const {
  Backend& backend = emissions.backend();
  const auto [transitions, start, end] = scores();
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
