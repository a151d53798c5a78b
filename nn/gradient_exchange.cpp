#include "nn/gradient_exchange.h"

namespace gradus {

GradientExchange::GradientExchange(const Parameters& parameters, Communicator& communicator, int64_t first,
                                   int64_t others)
    : parameters_(parameters), communicator_(communicator) {
  const std::vector<Parameters::Place> places = parameters.places();
  int64_t end = parameters.gradients().elements();
  for (size_t i = places.size(); i-- > 0;) {
    if (places[i].trained) places_.emplace(places[i].node, i);
    const int64_t begin = i == 0 ? 0 : places[i].offset;
    if (i > 1 && end - begin < (ranges_.empty() ? first : others)) continue;
    ranges_.push_back({i, begin, end});
    end = begin;
  }
  waits_for_.resize(places.size());
}

Completed GradientExchange::listener() {
  waits_for_.assign(waits_for_.size(), false);
  for (const auto& [node, place] : places_) waits_for_[place] = true;
  open_ = waits_for_.size();
  return [this](const Node& parameter) { complete(parameter); };
}

void GradientExchange::complete(const Node& parameter) {
  const auto found = places_.find(&parameter);
  check(found != places_.end(), "[gradients] a parameter of another model");
  waits_for_[found->second] = false;
  while (open_ > 0 && !waits_for_[open_ - 1]) --open_;
  while (handed_over_ < ranges_.size() && ranges_[handed_over_].first_place >= open_) hand_over();
}

void GradientExchange::hand_over() {
  const Range& range = ranges_[handed_over_++];
  communicator_.begin_sum(parameters_.gradients().slice(range.begin, range.end));
}

void GradientExchange::finish(const Tensor& last) {
  while (handed_over_ < ranges_.size()) hand_over();
  if (last) communicator_.begin_sum(last);
  communicator_.wait();
  handed_over_ = 0;
}

}  // namespace gradus
