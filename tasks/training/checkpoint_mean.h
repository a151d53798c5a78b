// The mean of the weights of several checkpoints of one run, which is often a better model than each of them (Izmailov et al. 2018,
// arXiv:1803.05407).
#pragma once

#include <filesystem>
#include <vector>

#include "nn/parameters.h"

namespace gradus {

// Gives the parameters, allocated for training, the mean of what the folders hold, at least one. Throws Error when one of them can't be
// read, or is another model's.
void load_mean(const std::vector<std::filesystem::path>& folders, Parameters& parameters);

}  // namespace gradus
