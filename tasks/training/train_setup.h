// From options to a training configuration, the same for all drivers.
#pragma once

#include "tasks/options/train_options.h"
#include "tasks/training/trainer.h"

namespace gradus {

// --optimizer adamw: bias correction, decay counted from the end of the warm-up, global-norm clipping.
// --optimizer AdamWeightDecay: what the BERT code does: no correction, decay counted from step 0, each tensor
// clipped on its own.
TrainConfig train_config(const TrainOptions& options, const DeviceOptions& device);

// The backend that --device_target names, with its threads set. Throws Error when it can't compute in the compute
// type.
Backend& open_backend(const DeviceOptions& device);

}  // namespace gradus
