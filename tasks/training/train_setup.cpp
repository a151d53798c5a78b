#include "tasks/training/train_setup.h"

#include <cstdlib>

#include "tasks/log/log.h"
#include "tasks/training/processes.h"

namespace gradus {

TrainConfig train_config(const TrainOptions& options, const DeviceOptions& device) {
  TrainConfig config;
  config.epochs = options.epoch_num;
  config.max_steps = options.max_steps;
  config.batch_size = options.train_batch_size;
  config.batch_tokens = options.train_batch_tokens;
  config.shuffle = options.train_data_shuffle;
  config.accumulation_steps = options.gradient_accumulation_steps;
  config.seed = static_cast<uint64_t>(device.seed);
  config.compute_type = device.dtype();
  config.tf32 = device.tf32;

  config.recompute = options.recompute;
  config.label_smoothing = static_cast<float>(options.label_smoothing);
  config.freeze = options.freeze;
  config.layer_decay = static_cast<float>(options.layer_decay);

  const OptimizerRow& row = find_optimizer(options.optimizer);
  config.optimizer.name = row.name;
  config.optimizer.numbers = {static_cast<float>(options.adam_beta1), static_cast<float>(options.adam_beta2),
                              static_cast<float>(options.adam_eps), static_cast<float>(options.weight_decay)};
  config.optimizer.max_grad_norm = static_cast<float>(options.max_grad_norm);
  if (options.clip_type != "auto")
    config.optimizer.clip = options.clip_type == "global" ? Clip::global : Clip::per_tensor;
  if (options.enable_lossscale) {
    config.loss_scale = static_cast<float>(options.loss_scale_value);
    config.optimizer.scaling = {.factor = static_cast<float>(options.scale_factor),
                                .window = static_cast<int32_t>(options.scale_window),
                                .most = static_cast<float>(options.max_loss_scale),
                                .most_skipped = static_cast<int32_t>(options.max_skipped_steps)};
  }
  config.schedule.warmup = row.warmup;
  config.schedule.shape = options.schedule;
  config.schedule.learning_rate = options.learning_rate;
  config.schedule.end_learning_rate = options.end_learning_rate;
  config.schedule.power = options.power;
  config.warmup_proportion = options.warmup_proportion;
  config.schedule.warmup_steps = options.warmup_steps;

  config.eval_steps = options.eval_steps;
  config.early_stopping_patience = options.early_stopping_patience;
  config.save_steps = options.save_checkpoint_steps;
  config.save_path = options.save_finetune_checkpoint_path;
  config.keep_checkpoints = options.keep_checkpoints;
  config.average_checkpoints = options.average_checkpoints;
  config.resume = options.resume;
  config.overwrite = options.overwrite_output_dir;
  config.log_dir = options.log_dir;
  config.log_steps = options.log_steps;
  config.sums_every_batch = !options.allreduce_post_accumulation;
  config.trace = options.trace;
  return config;
}

Backend& open_backend(const DeviceOptions& device) {
  Backend& backend = find_backend(device.device_target);
  // Processes on one machine take its devices in turn, unless their launcher shows each its own.
  const int64_t others = backend.devices() > 1 ? processes().local_rank() : 0;
  try {
    backend.set_device(device.device_id + others);
  } catch (const Error& e) {
    fail("--device_target {} --device_id {}{}: {}", device.device_target, device.device_id,
         others > 0 ? fmt::format(", and {} further as process {} on this machine", others, others) : "",
         e.what());
  }
  int threads = backend.set_threads(static_cast<int>(device.threads));
  if (device.threads == 0 && std::getenv("OMP_NUM_THREADS") == nullptr)
    threads = backend.set_threads(threads_of_process(threads));
  if (threads < device.threads) {
    print_log(stderr, "warning: --threads {}: the system gives {} (OMP_THREAD_LIMIT or the like is set)\n",
              device.threads, threads);
  }
  check(!device.tf32 || device.dtype() == DType::float32, "--tf32: it is for --compute_type fp32, not {}",
        device.compute_type);
  try {
    backend.allow_tf32(device.tf32);
  } catch (const Error& e) {
    fail("--tf32: {}", e.what());
  }
  const std::string reason = backend.unsupported(device.dtype());
  check(reason.empty(), "--compute_type {}: {}", device.compute_type, reason);
  return backend;
}

}  // namespace gradus
