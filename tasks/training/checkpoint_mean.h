// The mean of the weights of several checkpoints of one run, which is often a better model than each of them (Izmailov et al. 2018,
// arXiv:1803.05407).
#pragma once

#include <filesystem>
#include <vector>

#include "nn/parameters.h"

namespace gradus {

// The steps of the last checkpoints in a save folder up to a step, `count` of them or as many as there are.
std::vector<int64_t> last_steps(const std::filesystem::path& root, int64_t count, int64_t step);

// Gives the parameters, allocated for training, the mean of what the checkpoints of these steps hold, at least one. Throws Error when one
// of them can't be read, or is another model's.
void load_mean(const std::filesystem::path& root, const std::vector<int64_t>& steps, Parameters& parameters);

}  // namespace gradus
