#include "tasks/training/trainer.h"

#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "nn/device_step.h"
#include "nn/gradient_exchange.h"
#include "tasks/log/event_writer.h"
#include "tasks/log/log.h"
#include "tasks/log/metrics_file.h"
#include "tasks/log/progress.h"
#include "tasks/model/checkpoint_directory.h"
#include "tasks/training/loss_scale.h"
#include "tasks/training/run_settings.h"
#include "tasks/training/stop_request.h"
#include "tasks/training/train_state.h"

namespace gradus {
namespace {

constexpr size_t recent_steps = 20;  // that the reported training loss is a mean of

int64_t steps_of(int64_t batches, int64_t accumulation) {
  return batches / accumulation + (batches % accumulation == 0 ? 0 : 1);
}

class Training {
 public:
  Training(Parameters& parameters, TrainTask& task, const TrainConfig& config)
      : parameters_(parameters),
        task_(task),
        config_(config),
        optimizer_(parameters, config.optimizer),
        device_step_(parameters.backend()),
        exchange_(parameters, communicator_),
        batches_(task.batches(parameters.backend(), config), config.accumulation_steps + 2) {
    config_.schedule.total_steps = count_steps(config, batches_);
    if (config.schedule.warmup_steps == 0)
      config_.schedule.warmup_steps =
          static_cast<int64_t>(config.warmup_proportion * static_cast<double>(config_.schedule.total_steps));
    check(batches_.examples() > 0, "there is no training example");
    state_.seed = config.seed;
    state_.examples = batches_.examples();
    state_.batch_size = config.batch_size;
    state_.batch_tokens = config.batch_tokens;
    state_.accumulation_steps = config.accumulation_steps;
    state_.shuffle = config.shuffle;
    state_.streamed = task.streams();
    state_.data_checksum = task.checksum();
    state_.evaluation_checksum = task.evaluation_checksum();
    state_.settings = run_settings(config_);
    state_.follows_scale = config.optimizer.scaling.window > 0;
    state_.numbers.loss_scale = config.loss_scale;
    device_step_.restore(state_.numbers);
    if (!config.save_path.empty()) checkpoints_.emplace(config.save_path, config.keep_checkpoints);
    check(!checkpoints_ || config.resume || checkpoints_->is_empty(),
          "'{}' holds checkpoints of an earlier run: --resume goes on with it; for a new run give another "
          "--save_finetune_checkpoint_path",
          config.save_path.string());
    if (config.resume) resume();
    else if (checkpoints_) checkpoints_->check_names(0, config_.schedule.total_steps);
    if (!config.log_dir.empty()) events_.emplace(config.log_dir.string());
  }

  TrainResult run() {
    Progress progress("train", config_.schedule.total_steps, config_.log_steps, stderr, config_.log);
    int64_t first_step = 0;  // of the epoch
    for (int64_t epoch = 0; !is_finished(); ++epoch) {
      const int64_t epoch_steps = steps_of(batches_.count(epoch), config_.accumulation_steps);
      if (state_.step < first_step + epoch_steps)
        batches_.begin(epoch, (state_.step - first_step) * config_.accumulation_steps);
      while (state_.step < first_step + epoch_steps && !is_finished()) {
        run_step(progress);
        finish_step(state_.step == first_step + epoch_steps, progress);
        if (!stop_.signal().empty() && !is_finished()) stop(progress);
      }
      result_.epochs =
          static_cast<double>(epoch) +
          std::min(1.0, static_cast<double>(state_.step - first_step) / static_cast<double>(epoch_steps));
      first_step += epoch_steps;
    }
    settle_timed(progress);
    progress.finish();
    result_.seconds_for_data = batches_.seconds_waited();
    if (const std::string remark = batches_.remark(); !remark.empty())
      print_log(config_.log, "training data: {}\n", remark);
    result_.steps = state_.step;
    result_.skipped_steps = state_.step - state_.numbers.updates;
    result_.stopped_early = has_stalled();
    if (best_) {
      result_.best_scores = best_->scores;
      result_.best_step = best_->step;
    }
    result_.history = state_.history;
    result_.schedule = config_.schedule;
    if (!state_.recent_losses.empty()) {
      result_.train_loss = std::accumulate(state_.recent_losses.begin(), state_.recent_losses.end(), 0.0) /
                           static_cast<double>(state_.recent_losses.size());
    }
    return result_;
  }

 private:
  // Whether evaluations have brought nothing better for so long that the run shall end.
  bool has_stalled() const {
    const int64_t patience = config_.early_stopping_patience;
    return patience > 0 && state_.evaluations_since_best >= patience;
  }
  bool is_finished() const { return state_.step >= config_.schedule.total_steps || has_stalled(); }

  void resume() {
    check(checkpoints_.has_value(), "--resume needs --save_finetune_checkpoint_path");
    const TrainState asked = state_;
    const auto newest = latest_checkpoint(config_.save_path);
    if (newest) {
      task_.continue_from(*newest);
      state_ = load_train_state(*newest, asked, optimizer_, parameters_, config_.log);
      first_step_of_process_ = state_.step;
      device_step_.restore(state_.numbers);
      print_log(config_.log, "resuming from {} at step {}\n", newest->string(), state_.step);
    } else {
      print_log(config_.log, "no checkpoint in {}: starting from the beginning\n",
                config_.save_path.string());
    }
    if (checkpoints_->has_best()) best_ = saved_evaluation(best_checkpoint(config_.save_path), asked);
    tell_best();
    checkpoints_->check_names(state_.step, config_.schedule.total_steps);
    if (newest) checkpoints_->make_latest(*newest);
    if (state_.step >= config_.schedule.total_steps)
      print_log(config_.log, "nothing is left to train: the run has {} steps\n",
                config_.schedule.total_steps);
    else if (has_stalled()) print_log(config_.log, "nothing is left to train: {}\n", stall_text());
  }

  // Says so where `best` holds another model than the one that this run knows as its best so far: the run was stopped
  // after it had found a better one and before it saved that, or somebody has removed the folder.
  void tell_best() const {
    const std::string folder = best_checkpoint(config_.save_path).string();
    if (best_ && best_->step != state_.best_step) {
      const auto& [name, value] = best_->scores.front();
      print_log(config_.log,
                "note: {} is the model of step {}, {} {:.2f}: it stays until there is a better one\n", folder,
                best_->step, name, value);
    } else if (!best_ && state_.best_step >= 0) {
      print_log(config_.log, "note: {}, of step {}, is gone: it is made anew at the next evaluation\n",
                folder, state_.best_step);
    }
  }

  std::string stall_text() const {
    return fmt::format("none of the last {} evaluations was better than that at step {}",
                       state_.evaluations_since_best, state_.best_step);
  }

  using Clock = std::chrono::steady_clock;

  // A step that was begun and whose findings the host has not seen yet. It looks at them when the next step is on its way.
  struct Pending {
    int64_t number;  // from 0
    std::vector<HostBatch> batches;
    std::vector<float> factors;  // of the sums that its losses are
    LearningRate rate;
    std::optional<DeviceStep::Findings> findings;
  };

  // Of the step that begins. What the pending one has found is not known yet: if it was skipped the schedule is where it was.
  LearningRate next_rate() const {
    const Schedule& schedule = config_.schedule;
    const int64_t updates = state_.numbers.updates;
    if (!pending_) return schedule.at(updates);
    return {schedule.at(updates + 1), schedule.at(updates)};
  }

  // One optimizer step over the next batches, whose gradients add up. It ends when everything has been asked for.
  void run_step(Progress& progress) {
    const Clock::time_point start = Clock::now();
    Pending step{state_.step, {}, {}, next_rate(), std::nullopt};
    std::vector<double> weights;
    for (HostBatch batch; std::ssize(step.batches) < config_.accumulation_steps && batches_.next(batch);) {
      if (step.batches.empty()) weights.resize(batch.weights.size());
      check(weights.size() == batch.weights.size(), "[training] batches of {} and {} losses in one step",
            weights.size(), batch.weights.size());
      for (size_t i = 0; i < weights.size(); ++i) weights[i] += batch.weights[i];
      step.batches.push_back(std::move(batch));
    }
    if (state_.step == first_step_of_process_) result_.seconds_to_first_step = process_age_seconds();
    communicator_.sum(weights);
    for (const double weight : weights)
      step.factors.push_back(static_cast<float>(weight > 0 ? 1 / weight : 0));
    device_step_.begin(static_cast<uint32_t>(step.number), step.rate, step.factors);
    for (size_t i = 0; i < step.batches.size(); ++i) {
      const bool completes = i + 1 == step.batches.size();
      device_step_.backward(forward(step, i), completes ? exchange_.listener() : Completed());
    }
    communicator_.begin_sum(device_step_.loss());
    exchange_.finish();
    if (state_.step == first_step_of_process_) parameters_.check_all_reached();
    optimizer_.step(device_step_);
    step.findings.emplace(device_step_.findings());
    ++state_.step;
    settle(progress);
    pending_.emplace(std::move(step));
    result_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
  }

  // The objective of one batch of a step.
  Variable forward(const Pending& step, size_t micro_step) {
    device_step_.begin_micro_step(static_cast<uint32_t>(micro_step));
    Context context{true, config_.compute_type, device_step_.random(config_.seed), config_.recompute};
    const std::vector<Variable> losses =
        task_.losses(context, Batch(parameters_.backend(), step.batches[micro_step]));
    check(losses.size() == step.factors.size(), "[training] {} losses, their batch has {} weights",
          losses.size(), step.factors.size());
    return device_step_.objective(losses);
  }

  // Looks at what the pending step has found, if there is one.
  void settle(Progress& progress) {
    if (!pending_) return;
    const StepNumbers numbers = pending_->findings->wait();
    if (numbers.halted != 0) explain(*pending_, numbers);
    record(*pending_, numbers, progress);
    pending_.reset();
  }

  // The same between steps.
  void settle_timed(Progress& progress) {
    const Clock::time_point start = Clock::now();
    settle(progress);
    result_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
  }

  // Runs a step again that was skipped, which repeats bit by bit since nothing has changed since, and stops at the op where
  // it went wrong.
  [[noreturn]] void explain(const Pending& step, const StepNumbers& numbers) {
    const std::string why_it_ends = halted_text(numbers, config_.optimizer.scaling);
    device_step_.begin(static_cast<uint32_t>(step.number), step.rate, step.factors);
    if (!std::isfinite(numbers.loss)) {
      try {
        const RecordingScope scope(RecordingScope::Mode::check_finite);
        for (size_t i = 0; i < step.batches.size(); ++i) forward(step, i);
      } catch (const Error& e) {
        fail("step {}: the loss is not finite; the first op at fault: {}{}", step.number + 1, e.what(),
             why_it_ends);
      }
      fail("step {}: the loss is not finite{}", step.number + 1, why_it_ends);
    }
    for (size_t i = 0; i < step.batches.size(); ++i) device_step_.backward(forward(step, i));
    for (const NamedTensor& tensor : parameters_.tensors()) {
      const int64_t bad = parameters_.gradient(tensor).count_nonfinite();
      if (bad > 0) {
        fail("step {}: {} values of the gradient of {} are infinite or not a number{}", step.number + 1, bad,
             tensor.name, why_it_ends);
      }
    }
    fail("step {}: the gradient norm is not finite{}", step.number + 1, why_it_ends);
  }

  void record(const Pending& step, const StepNumbers& numbers, Progress& progress) {
    int64_t tokens = 0;
    for (const HostBatch& batch : step.batches) {
      result_.examples += batch.examples;
      tokens += batch.tokens;
    }
    result_.tokens += tokens;
    const float scale = std::exchange(state_.numbers, numbers).loss_scale;
    const bool is_finite = std::isfinite(numbers.loss);  // or it was skipped
    const double loss = is_finite ? static_cast<double>(numbers.loss) : NAN;
    progress.update(step.number + 1, loss, tokens);
    if (numbers.skipped != 0) {
      const std::string text = skipped_text(step.number + 1, scale, numbers);
      if (!text.empty()) progress.print(text);
    }
    if (is_finite) state_.recent_losses.push_back(loss);
    if (state_.recent_losses.size() > recent_steps) state_.recent_losses.erase(state_.recent_losses.begin());
    const auto add_point = [&](StepCurve& curve, const char* event, float value) {
      curve.add(step.number, static_cast<double>(value));
      if (std::isfinite(value)) add_event(event, step.number + 1, static_cast<double>(value));
    };
    add_point(state_.history.losses, "train/loss", numbers.loss);
    add_point(state_.history.gradient_norms, "train/gradient_norm", numbers.norm);
    add_point(state_.history.learning_rates, "train/learning_rate", numbers.learning_rate);
    if (state_.follows_scale) add_point(state_.history.loss_scales, "train/loss_scale", scale);
  }

  // Adds a point to a curve for TensorBoard. When one can't be written the curves end there, the run does not.
  void add_event(const std::string& curve, int64_t step, double value) {
    if (!events_) return;
    try {
      events_->add_scalar(curve, step, value);
    } catch (const Error& e) {
      result_.lost_events = fmt::format("{}: the curves end before step {}", e.what(), step);
      print_log(config_.log, "warning: {}\n", result_.lost_events);
      events_.reset();
    }
  }

  // Saves what there is, unless that has just been done, and ends the run.
  [[noreturn]] void stop(Progress& progress) {
    settle_timed(progress);
    progress.finish();
    std::string what = "nothing is saved";
    if (checkpoints_) {
      if (saved_step_ != state_.step) {
        check_finite();
        save_checkpoint();
      }
      what = fmt::format("{} is saved, --resume goes on from there",
                         latest_checkpoint(config_.save_path).value_or(config_.save_path).string());
    }
    print_log(config_.log, "stopped by {} after step {} of {}: {}\n", stop_.signal(), state_.step,
              config_.schedule.total_steps, what);
    throw Stopped();
  }

  void finish_step(bool epoch_ends, Progress& progress) {
    const auto due = [&](int64_t every) { return every > 0 ? state_.step % every == 0 : epoch_ends; };
    const bool last = state_.step == config_.schedule.total_steps;
    const bool evaluates = due(config_.eval_steps) || last;
    // An early end, which saves too, comes of an evaluation.
    if (evaluates || (checkpoints_ && due(config_.save_steps))) {
      settle_timed(progress);
      check_finite();
    }
    if (evaluates) evaluate(progress);
    if (!last && has_stalled()) progress.print(fmt::format("stopping early: {}", stall_text()));
    if (checkpoints_ && (due(config_.save_steps) || is_finished())) save_checkpoint();
  }

  void evaluate(Progress& progress) {
    result_.scores = task_.evaluate();
    if (result_.scores.empty()) return;
    std::string line = fmt::format("step {}:", state_.step);
    for (const auto& [name, value] : result_.scores) {
      line += fmt::format(" {} {:.2f}", name, value);
      add_event("eval/" + name, state_.step, value);
    }
    progress.print(line);
    const std::string remark = task_.remark();
    if (!remark.empty()) progress.print(fmt::format("step {}: {}", state_.step, remark));
    state_.history.evaluations.push_back({state_.step, result_.scores});
    // A resumed run may score by another method than before: then the best is found anew.
    const bool comparable =
        state_.best_step >= 0 && result_.scores.front().first == state_.best_scores.front().first;
    ++state_.evaluations_since_best;
    if (!comparable || result_.scores.front().second > state_.best_scores.front().second) {
      state_.evaluations_since_best = 0;
      state_.best_scores = result_.scores;
      state_.best_step = state_.step;
    }
    keep_best();
  }

  // Makes `best` the present model unless what it holds is better. That may be of a later step: a run that was stopped
  // goes on from an earlier checkpoint, and comes by its best model again, to the same bits unless a setting was changed.
  void keep_best() {
    const auto& [name, score] = result_.scores.front();
    if (best_ && best_->scores.front().first == name) {
      const double kept = best_->scores.front().second;
      const bool is_same_again = score == kept && state_.step == best_->step;
      if (!(score > kept) && !is_same_again) return;
    }
    if (checkpoints_) {
      auto draft = checkpoints_->begin_best();
      save(draft);
    }
    best_ = {state_.step, result_.scores};
  }

  // Throws Error when an update has made a number that is none: the loss and the gradients it came from were finite,
  // and nothing else looks at the weights before the next step.
  void check_finite() const {
    const auto check_buffer = [&](const std::string& what, const Tensor& buffer) {
      if (buffer.count_nonfinite() == 0) return;
      for (const NamedTensor& tensor : parameters_.tensors()) {
        const int64_t bad = buffer.view(tensor.segment.offset, tensor.shape).count_nonfinite();
        if (bad == 0) continue;
        fail("step {}: {} values of {}{} are infinite or not a number after the update: it is not saved; {}",
             state_.step, bad, what, tensor.name, last_good());
      }
    };
    check_buffer("", parameters_.values());
    for (const Optimizer::State& state : optimizer_.states())
      check_buffer(fmt::format("the optimizer's {} of ", state.name), state.values);
  }

  std::string last_good() const {
    const auto newest = checkpoints_ ? latest_checkpoint(config_.save_path) : std::nullopt;
    return newest ? fmt::format("the last good checkpoint is {}", newest->string())
                  : "there is no checkpoint before";
  }

  void save_checkpoint() {
    auto draft = checkpoints_->begin(state_.step);
    save(draft);
    saved_step_ = state_.step;
  }

  void save(CheckpointDirectory::Draft& draft) {
    task_.save(draft.folder());
    save_train_state(draft.folder(), state_, optimizer_, parameters_);
    draft.commit();
  }

  Parameters& parameters_;
  TrainTask& task_;
  TrainConfig config_;
  Optimizer optimizer_;
  TrainState state_;
  TrainResult result_;
  std::optional<CheckpointDirectory> checkpoints_;
  std::optional<EventWriter> events_;
  std::optional<EvaluationPoint> best_;  // what the folder `best` holds
  DeviceStep device_step_;
  OneProcess communicator_;
  GradientExchange exchange_;
  ReadAhead batches_;
  std::optional<Pending> pending_;
  StopRequest stop_;
  int64_t saved_step_ = -1;  // of the last numbered checkpoint
  int64_t first_step_of_process_ = 0;
};

}  // namespace

bool TrainResult::ends_with_best() const {
  return best_step == steps &&
         (history.evaluations.empty() || history.evaluations.back().scores == best_scores);
}

BatchPlan batch_plan(const TrainConfig& config) {
  return {config.batch_size, config.batch_tokens, config.shuffle, false, config.seed};
}

int64_t count_steps(const TrainConfig& config, BatchSource& batches) {
  if (config.max_steps > 0) return config.max_steps;
  int64_t steps = 0;
  for (int64_t epoch = 0; epoch < config.epochs; ++epoch) {
    // Only a token budget makes the number of batches depend on the order of the examples.
    if (epoch == 0 || config.batch_tokens > 0) {
      const int64_t epoch_steps = steps_of(batches.count(epoch), config.accumulation_steps);
      if (config.batch_tokens <= 0) return epoch_steps * config.epochs;
      steps += epoch_steps;
    }
  }
  return steps;
}

TrainResult train(Parameters& parameters, TrainTask& task, const TrainConfig& config) {
  return Training(parameters, task, config).run();
}

}  // namespace gradus
