#include "nn/lstm.h"

#include "nn/layers.h"

namespace gradus {

BiLstm::BiLstm(const Scope& scope, int64_t input_size, int64_t units, int64_t layers, float dropout)
    : dropout_(dropout) {
  const Init init = Init::fan_in(units);
  for (int64_t i = 0; i < layers; ++i) {
    const int64_t inputs = i == 0 ? input_size : 2 * units;
    const auto both = [&](std::string_view kind, const Shape& each) {
      const std::string name = fmt::format("{}_l{}", kind, i);
      return scope.add_stacked({name, name + "_reverse"}, each, init);
    };
    layers_.push_back({both("weight_ih", {4 * units, inputs}), both("weight_hh", {4 * units, units}),
                       both("bias_ih", {4 * units}), both("bias_hh", {4 * units})});
  }
}

Variable BiLstm::forward(Context& context, const Variable& x, const Packing& packing) const {
  Variable y = x;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    if (i > 0) y = dropout(y, context.dropout(dropout_));
    // One input product serves all tokens and both directions; only the recurrence is left to go step by step.
    const Variable gates = Linear::apply(y, layer.weight_ih, add(layer.bias_ih, layer.bias_hh));
    y = lstm(gates, layer.weight_hh, packing);
  }
  return y;
}

}  // namespace gradus
