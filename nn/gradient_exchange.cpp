#include "nn/gradient_exchange.h"

namespace gradus {

GradientExchange::GradientExchange(const Parameters& parameters, Communicator& communicator, int64_t least)
    : parameters_(parameters), communicator_(communicator), least_(least) {
  for (const Parameters::Place& place : parameters.places()) {
    if (place.trained) places_.emplace(place.node, begins_.size());
    begins_.push_back(place.offset);
  }
}

Completed GradientExchange::listener() {
  waits_for_.assign(begins_.size(), false);
  for (const auto& [node, place] : places_) waits_for_[place] = true;
  open_ = begins_.size();
  end_ = parameters_.gradients().elements();
  return [this](const Node& parameter) { complete(parameter); };
}

void GradientExchange::complete(const Node& parameter) {
  const auto found = places_.find(&parameter);
  check(found != places_.end(), "[gradients] a parameter of another model");
  waits_for_[found->second] = false;
  while (open_ > 0 && !waits_for_[open_ - 1]) --open_;
  const int64_t begin = open_ < begins_.size() ? begins_[open_] : end_;
  if (end_ - begin >= least_) hand_over(begin);
}

void GradientExchange::hand_over(int64_t begin) {
  communicator_.begin_sum(parameters_.gradients().slice(begin, end_));
  end_ = begin;
}

void GradientExchange::finish() {
  if (end_ > 0) hand_over(0);
  communicator_.wait();
}

}  // namespace gradus
