#include "nn/crf.h"

#include <algorithm>

namespace gradus {
namespace {

constexpr float forbidden = -10000.0F;  // as strong as the BERT code's mask, and finite

struct Tag {
  char letter;
  std::string_view type;
};

Tag parse(std::string_view name) {
  if (name.size() > 1 && (name[1] == '-' || name[1] == '_')) return {name[0], name.substr(2)};
  return {'O', {}};
}

bool continues(char letter) { return letter == 'I' || letter == 'M' || letter == 'E' || letter == 'L'; }
bool opens(char letter) { return letter == 'B' || letter == 'I' || letter == 'M'; }

}  // namespace

bool transition_allowed(const std::string& previous, const std::string& next, bool closed) {
  const Tag from = parse(previous);
  const Tag to = parse(next);
  if (continues(to.letter)) return opens(from.letter) && from.type == to.type;
  return !closed || !opens(from.letter);
}

bool closes_spans(const std::vector<std::string>& tags) {
  return std::any_of(tags.begin(), tags.end(), [](const std::string& tag) {
    return std::string_view("ESLU").find(parse(tag).letter) != std::string_view::npos;
  });
}

Crf::Crf(const Scope& scope, const std::vector<std::string>& tags, bool constrained) {
  const auto count = static_cast<int64_t>(tags.size());
  transitions_ = scope.add("transitions", {count, count}, Init::uniform(0.1F));
  start_ = scope.add("start_transitions", {count}, Init::uniform(0.1F));
  end_ = scope.add("end_transitions", {count}, Init::uniform(0.1F));
  if (!constrained) return;
  const bool closed = closes_spans(tags);
  const auto score = [&](const std::string& from, const std::string& to) {
    return transition_allowed(from, to, closed) ? 0.0F : forbidden;
  };
  for (const std::string& tag : tags) {
    forbidden_start_.push_back(score("", tag));
    forbidden_end_.push_back(score(tag, ""));
    for (const std::string& next : tags) forbidden_transitions_.push_back(score(tag, next));
  }
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
