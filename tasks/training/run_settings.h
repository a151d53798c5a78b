// The settings that a resumed run may have changed, on purpose or not.
#pragma once

#include <map>
#include <string>

#include "tasks/training/trainer.h"

namespace gradus {

// By name, for a checkpoint. The schedule is that of the run, with its steps.
std::map<std::string, std::string> run_settings(const TrainConfig& config);

}  // namespace gradus
