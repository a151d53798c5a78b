// What a run whose loss scale follows the gradients says of it.
#pragma once

#include <cstdint>
#include <string>

#include "core/kernels.h"

namespace gradus {

// What the log says of a skipped step, number `step` from 1, that was computed with this loss scale and left `found`; empty
// when so many were skipped before that not each of them is told.
std::string skipped_text(int64_t step, float scale, const StepNumbers& found);

// What is added to the reason why a run ends at a step that was skipped: why it did not go on with a lower loss scale. Empty
// where the loss scale does not follow the gradients.
std::string halted_text(const StepNumbers& found, const LossScaling& scaling);

}  // namespace gradus
