// Training runs of the reference implementation from real pretrained weights, to follow step by step. GRADUS_MINILM
// names the folder with the weights, a six-layer BERT (tests/fetch_minilm.sh gets it).
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "nn/context.h"
#include "nn/device_step.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "tests/files.h"
#include "tests/json.h"

namespace gradus {

// The folder with the weights; empty, with a message, where there is none.
inline std::string minilm() {
  const char* folder = std::getenv("GRADUS_MINILM");
  if (folder == nullptr || !std::filesystem::exists(std::filesystem::path(folder) / "config.json")) {
    MESSAGE("skipped: GRADUS_MINILM names no folder with a model");
    return {};
  }
  return folder;
}

// What the head `name` of a reference run starts from.
inline void fill_head(const Parameters& parameters, const std::string& name) {
  const Tensor head = parameters.value(parameters.find(name + ".weight"));
  std::vector<float> weight;
  for (int64_t i = 0; i < head.elements(); ++i) {
    weight.push_back(static_cast<float>(0.05 * std::sin(0.7 * static_cast<double>(i) + 0.3)));
  }
  head.copy_from_host(weight);
  parameters.value(parameters.find(name + ".bias")).fill_zero();
}

// The examples of a step, in file order.
inline std::vector<int32_t> batch_of_step(size_t step, int32_t size) {
  std::vector<int32_t> batch;
  for (int32_t i = 0; i < size; ++i) batch.push_back(static_cast<int32_t>(step) * size + i);
  return batch;
}

// Trains with AdamW and a linear schedule and compares the losses and the norms of the
// gradients with the reference's. `loss` gives a sum and what it is a mean over.
inline void follow_reference(
    const Json& reference, Parameters& parameters, double learning_rate, int64_t warmup_steps,
    const std::function<std::pair<Variable, double>(Context& context, size_t step)>& loss) {
  const auto losses = reference["losses"].get<std::vector<double>>();
  const auto norms = reference["grad_norm_before_clipping"].get<std::vector<double>>();
  REQUIRE(norms.size() == losses.size());
  Optimizer optimizer(parameters, {});
  DeviceStep device_step(parameters.backend());
  Schedule schedule;
  schedule.learning_rate = learning_rate;
  schedule.warmup_steps = warmup_steps;
  schedule.total_steps = static_cast<int64_t>(losses.size());
  double worst_loss = 0, worst_norm = 0;
  for (size_t step = 0; step < losses.size(); ++step) {
    Context context{true, DType::float32, device_step.random(1)};
    const auto [sum, weight] = loss(context, step);
    const auto factor = static_cast<float>(1 / weight);
    device_step.begin(static_cast<uint32_t>(step), schedule.at(static_cast<int64_t>(step)),
                      std::span(&factor, 1));
    device_step.backward(device_step.objective({sum}));
    parameters.check_all_reached();
    optimizer.step(device_step);
    const StepNumbers numbers = device_step.findings().wait();
    worst_loss = std::max(worst_loss, std::abs(static_cast<double>(numbers.loss) / losses[step] - 1));
    const auto norm = static_cast<double>(numbers.norm);
    worst_norm = std::max(worst_norm, std::abs(norm / norms[step] - 1));
  }
  MESSAGE(losses.size() << " steps, largest relative difference: losses " << worst_loss << ", gradient norms "
                        << worst_norm);
  CHECK(worst_loss <= 1e-3);
  CHECK(worst_norm <= 1e-3);
}

}  // namespace gradus
