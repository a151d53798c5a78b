#include "tasks/training/loss_scale.h"

#include <fmt/core.h>

#include <cmath>

#include "core/counted.h"

namespace gradus {
namespace {

// Every skipped step has its line up to the first of these numbers, then each one whose number is a multiple of the other.
constexpr int64_t told_at_first = 10, told_later = 100;

}  // namespace

std::string skipped_text(int64_t step, float scale, const StepNumbers& found) {
  const int64_t count = step - found.updates;  // of the whole run
  if (count > told_at_first && count % told_later != 0) return "";
  std::string text = fmt::format(
      "step {}: skipped, its {} not finite with a loss scale of {:.10g}: the next one has {:.10g}", step,
      std::isfinite(found.loss) ? "gradients are" : "loss is", scale, found.loss_scale);
  if (count >= told_at_first)
    text += fmt::format(" ({} steps were skipped so far; every {}th is told)", count, told_later);
  return text;
}

std::string halted_text(const StepNumbers& found, const LossScaling& scaling) {
  if (scaling.window == 0) return "";
  if (found.skipped_in_a_row < scaling.most_skipped) return "; the loss scale is 1 and can't be lowered";
  return fmt::format(
      "; the loss scale is {:.10g}, and {} in a row {} skipped, as many as --max_skipped_steps",
      found.loss_scale, counted(found.skipped_in_a_row, "step"),
      found.skipped_in_a_row == 1 ? "was" : "were");
}

}  // namespace gradus
