// From options to a training configuration, the same for all drivers.
#pragma once

#include "tasks/options/train_options.h"
#include "tasks/training/trainer.h"

namespace gradus {

// What sets the optimizers apart beside these options stands in optimizer_table().
TrainConfig train_config(const TrainOptions& options, const DeviceOptions& device);

// The backend that --device_target names, with its threads set. Throws Error when it can't compute in the compute
// type.
Backend& open_backend(const DeviceOptions& device);

}  // namespace gradus
