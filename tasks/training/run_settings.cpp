#include "tasks/training/run_settings.h"

#include <fmt/core.h>

namespace gradus {
namespace {

std::string name_of(Clip clip) {
  switch (clip) {
    case Clip::none:
      return "none";
    case Clip::global:
      return "global";
    case Clip::per_tensor:
      return "tensor";
  }
  return "";
}

}  // namespace

std::map<std::string, std::string> run_settings(const TrainConfig& config) {
  const Schedule& schedule = config.schedule;
  const OptimizerConfig& optimizer = config.optimizer;
  const LossScaling& scaling = optimizer.scaling;
  const bool follows_scale = scaling.window > 0;
  std::map<std::string, std::string> settings{
      {"optimizer", optimizer.name},
      {"schedule", schedule.shape},
      {"learning_rate", fmt::format("{}", schedule.learning_rate)},
      {"end_learning_rate", fmt::format("{}", schedule.end_learning_rate)},
      {"power", fmt::format("{}", schedule.power)},
      {"number of steps", fmt::format("{}", schedule.total_steps)},
      {"warm-up steps", fmt::format("{}", schedule.warmup_steps)},
      {"weight_decay", fmt::format("{}", optimizer.numbers.weight_decay)},
      {"adam_eps", fmt::format("{}", optimizer.numbers.eps)},
      {"max_grad_norm", fmt::format("{}", optimizer.max_grad_norm)},
      {"freeze", config.freeze},
      {"layer_decay", fmt::format("{}", config.layer_decay)},
      {"label_smoothing", fmt::format("{}", config.label_smoothing)},
      {"clip_type", name_of(optimizer.clipping())},
      {"enable_lossscale", follows_scale ? "true" : "false"},
      {"compute_type", fmt::format("{}{}", name_of(config.compute_type), config.tf32 ? " in TF32" : "")}};
  if (follows_scale) {
    settings["loss_scale_value"] = fmt::format("{:.10g}", config.loss_scale);
    settings["scale_factor"] = fmt::format("{:.10g}", scaling.factor);
    settings["scale_window"] = fmt::format("{}", scaling.window);
    settings["max_loss_scale"] = fmt::format("{:.10g}", scaling.most);
    settings["max_skipped_steps"] = fmt::format("{}", scaling.most_skipped);
  }
  return settings;
}

}  // namespace gradus
