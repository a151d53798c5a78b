// The gradients of a step: over the batches that it adds up, on all processes that train together.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/communicator.h"
#include "nn/device_step.h"
#include "nn/gradient_exchange.h"
#include "tasks/log/trace.h"
#include "tasks/model/batch_graphs.h"
#include "tasks/training/trainer.h"

namespace gradus {

// What all processes have to know of a step before it begins, as sums over them.
struct StepSums {
  std::array<double, StepNumbers::max_losses> weights{};  // of the losses
  double batches = 0;
  double examples = 0;
  double tokens = 0;
  double stops = 0;  // processes that were asked to stop
};

struct StepBatches {
  int64_t number = 0;              // of the step, from 0
  std::vector<HostBatch> batches;  // of this process: number i of them is number i * size + rank of the step
  StepSums sums;

  // Of the sums that its losses are, which makes means of them.
  std::array<float, StepNumbers::max_losses> loss_factors() const;
};

class StepGradients {
 public:
  // Keeps references. `trace` may be null.
  StepGradients(Parameters& parameters, TrainTask& task, const TrainConfig& config,
                Communicator& communicator, DeviceStep& device_step, Trace* trace);

  // The batches of a step, and of other processes what there is to know. `stops`: whether this one was asked to stop.
  StepBatches next(int64_t number, BatchSource& source, bool stops);
  // Adds up the gradients in the parameters, the same in all processes when it is done. `device_step` has been begun.
  void compute(const StepBatches& step);
  // Computes a step again that was skipped and begun anew, which repeats bit by bit since nothing has changed since, and throws
  // Error naming the op where it goes wrong, or the parameter. `numbers`: what it found. `why`: ends the message.
  [[noreturn]] void explain(const StepBatches& step, const StepNumbers& numbers, const std::string& why);

 private:
  void add_up(const StepBatches& step);
  void add_up_every_batch(const StepBatches& step);
  // Tells the device which batch of the step comes now.
  void begin(size_t batch);
  // The objective of the batch that was begun.
  Variable forward(const Batch& batch);
  void add_gradients(const Batch& batch, const Completed& completed);
  // Begins a batch and adds up its gradients.
  void backward(const StepBatches& step, size_t batch, const Completed& completed);
  // Calls `work` with the memory that graphs of a step have, where there are such: what a step takes is there already.
  void in_step_memory(const std::function<void()>& work);

  Parameters& parameters_;
  TrainTask& task_;
  const TrainConfig& config_;
  Communicator& communicator_;
  DeviceStep& device_step_;
  Trace* trace_;
  GradientExchange exchange_;
  // Of forward and backward. Not where other processes hear of gradients meanwhile.
  BatchGraphs graphs_;
};

}  // namespace gradus
