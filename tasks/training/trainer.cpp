#include "tasks/training/trainer.h"

#include <chrono>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "core/counted.h"
#include "nn/device_step.h"
#include "tasks/log/event_writer.h"
#include "tasks/log/log.h"
#include "tasks/log/metrics_file.h"
#include "tasks/log/progress.h"
#include "tasks/model/checkpoint_directory.h"
#include "tasks/training/checkpoint_mean.h"
#include "tasks/training/loss_scale.h"
#include "tasks/training/processes.h"
#include "tasks/training/run_settings.h"
#include "tasks/training/step_gradients.h"
#include "tasks/training/stop_request.h"
#include "tasks/training/train_state.h"

namespace gradus {
namespace {

class Training {
 public:
  Training(Parameters& parameters, TrainTask& task, const TrainConfig& config)
      : parameters_(parameters),
        task_(task),
        config_(config),
        optimizer_(parameters, config.optimizer),
        device_step_(parameters.backend()),
        gradients_(parameters, task, config_, communicator_, device_step_, trace()),
        batches_(std::make_unique<DealtBatches>(task.batches(parameters.backend(), config),
                                                communicator_.rank(), communicator_.size()),
                 config.accumulation_steps + 2) {
    config_.schedule.total_steps = count_steps(config, batches_);
    if (config.schedule.warmup_steps == 0)
      config_.schedule.warmup_steps =
          static_cast<int64_t>(config.warmup_proportion * static_cast<double>(config_.schedule.total_steps));
    check(batches_.examples() > 0, "there is no training example");
    state_.seed = config.seed;
    state_.examples = batches_.examples();
    state_.batch_size = config.batch_size;
    state_.batch_tokens = config.batch_tokens;
    state_.accumulation_steps = step_batches(config_);
    state_.shuffle = config.shuffle;
    state_.streamed = task.streams();
    state_.data_checksum = task.checksum();
    state_.evaluation_checksum = task.evaluation_checksum();
    state_.settings = run_settings(config_);
    state_.follows_scale = config.optimizer.scaling.window > 0;
    state_.numbers.loss_scale = config.loss_scale;
    device_step_.restore(state_.numbers);
    // Before a checkpoint changes what the first one knows.
    check_same(communicator_, checksum_of(state_), "the training data or the options");
    if (leads()) begin_run();
    share_start();
  }

  TrainResult run() {
    Progress progress("train", config_.schedule.total_steps, config_.log_steps, stderr, config_.log);
    int64_t first_step = 0;  // of the epoch
    for (int64_t epoch = 0; !is_finished(); ++epoch) {
      const int64_t epoch_steps = steps_of(batches_.count(epoch), step_batches(config_));
      if (state_.step < first_step + epoch_steps)
        batches_.begin(epoch, (state_.step - first_step) * step_batches(config_));
      while (state_.step < first_step + epoch_steps && !is_finished()) {
        run_step(progress);
        finish_step(state_.step == first_step + epoch_steps, progress);
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
    end_trace();
    try_average();
    result_.steps = state_.step;
    result_.skipped_steps = state_.step - state_.numbers.updates;
    result_.stopped_early = has_stalled();
    if (best_) {
      result_.best_scores = best_->scores;
      result_.best_step = best_->step;
    }
    result_.history = state_.history;
    result_.schedule = config_.schedule;
    result_.train_loss = final_loss(state_.recent_losses);
    result_.train_loss_steps = state_.recent_losses.size();
    return result_;
  }

 private:
  // What the first process does before the first step: it alone has the folders of the run.
  void begin_run() {
    if (!config_.save_path.empty()) checkpoints_.emplace(config_.save_path, config_.keep_checkpoints);
    if (checkpoints_ && config_.overwrite) checkpoints_->clear();
    check(!checkpoints_ || config_.resume || checkpoints_->is_empty(),
          "'{}' holds checkpoints of an earlier run: --resume goes on with it; for a new run give another "
          "--save_finetune_checkpoint_path, or --overwrite_output_dir, which removes them",
          config_.save_path.string());
    if (config_.resume) resume();
    else if (checkpoints_) checkpoints_->check_names(0, config_.schedule.total_steps);
    if (!config_.log_dir.empty()) events_.emplace(config_.log_dir.string());
  }

  // Gives all processes what the first one begins with.
  void share_start() {
    if (communicator_.size() == 1) return;
    struct {
      int64_t step;
      int64_t evaluations_since_best;
      StepNumbers numbers;
    } start{state_.step, state_.evaluations_since_best, state_.numbers};
    communicator_.broadcast(std::as_writable_bytes(std::span(&start, 1)));
    first_step_of_process_ = state_.step = start.step;
    state_.evaluations_since_best = start.evaluations_since_best;
    state_.numbers = start.numbers;
    device_step_.restore(state_.numbers);
    broadcast(communicator_, parameters_.values());
    for (const Optimizer::State& state : optimizer_.states()) broadcast(communicator_, state.values);
    parameters_.refresh_copy();
    print_log(config_.log, "training on {} processes: {} batches a step\n", communicator_.size(),
              step_batches(config_));
    if (!trace_) return;
    communicator_.observe([trace = trace_](const Communicator::Call& call) {
      trace->add("communication", call.name, call.begin, call.end, call.bytes);
    });
    communicator_.barrier();
    trace_->start_clock();
  }

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
      print_log(config_.log, "nothing is left to train: the run has {}\n",
                counted(config_.schedule.total_steps, "step"));
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
    return fmt::format("{} better than that at step {}",
                       state_.evaluations_since_best == 1 ? "the last evaluation was no"
                                                          : fmt::format("none of the last {} evaluations was",
                                                                        state_.evaluations_since_best),
                       state_.best_step);
  }

  using Clock = std::chrono::steady_clock;

  // A step that was begun and whose findings the host has not seen yet. It looks at them when the next step is on its way.
  struct Pending {
    StepBatches step;
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

  void begin(const Pending& next) {
    device_step_.begin(static_cast<uint32_t>(next.step.number), next.rate, next.step.loss_factors());
  }

  // One optimizer step over the next batches, whose gradients add up. It ends when everything has been asked for.
  void run_step(Progress& progress) {
    const Clock::time_point start = Clock::now();
    Pending now{gradients_.next(state_.step, batches_, !stop_.signal().empty()), next_rate(), std::nullopt};
    const StepBatches& step = now.step;
    if (step.sums.stops > 0) stop(progress);
    const bool is_first = state_.step == first_step_of_process_;
    if (is_first) result_.seconds_to_first_step = process_age_seconds();
    begin(now);
    gradients_.compute(step);
    if (is_first && !step.batches.empty()) parameters_.check_all_reached();
    {
      const Trace::Span span(trace(), "update");
      optimizer_.step(device_step_);
    }
    now.findings.emplace(device_step_.findings());
    ++state_.step;
    settle(progress);
    pending_.emplace(std::move(now));
    result_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
  }

  // Looks at what the pending step has found, if there is one.
  void settle(Progress& progress) {
    if (!pending_) return;
    const StepNumbers numbers = pending_->findings->wait();
    if (numbers.halted != 0) {
      begin(*pending_);
      gradients_.explain(pending_->step, numbers, halted_text(numbers, config_.optimizer.scaling));
    }
    record(pending_->step, numbers, progress);
    pending_.reset();
  }

  // The same between steps.
  void settle_timed(Progress& progress) {
    const Clock::time_point start = Clock::now();
    settle(progress);
    result_.seconds += std::chrono::duration<double>(Clock::now() - start).count();
  }

  void record(const StepBatches& step, const StepNumbers& numbers, Progress& progress) {
    const auto tokens = static_cast<int64_t>(step.sums.tokens);
    result_.examples += static_cast<int64_t>(step.sums.examples);
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
    if (state_.recent_losses.size() > final_loss_steps)
      state_.recent_losses.erase(state_.recent_losses.begin());
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
    end_trace();
    std::string what = "nothing is saved";
    if (checkpoints_) {
      if (saved_step_ != state_.step && state_.step > first_step_of_process_) {
        check_finite();
        save_checkpoint();
      }
      if (const auto newest = latest_checkpoint(config_.save_path))
        what = fmt::format("{} is saved, --resume goes on from there", newest->string());
    }
    const std::string_view signal = stop_.signal();
    print_log(config_.log, "stopped by {} after step {} of {}: {}\n",
              signal.empty() ? "a signal to another process" : signal, state_.step,
              config_.schedule.total_steps, what);
    throw Stopped();
  }

  void finish_step(bool epoch_ends, Progress& progress) {
    const auto due = [&](int64_t every) { return every > 0 ? state_.step % every == 0 : epoch_ends; };
    const bool last = state_.step == config_.schedule.total_steps;
    const bool evaluates = due(config_.eval_steps) || last;
    // An early end, which saves too, comes of an evaluation.
    if (evaluates || (!config_.save_path.empty() && due(config_.save_steps))) {
      settle_timed(progress);
      check_same(communicator_, parameters_.values(), fmt::format("step {}: the weights", state_.step));
      if (leads()) check_finite();
    }
    if (evaluates) {
      if (leads()) evaluate(progress);
      communicator_.broadcast(std::as_writable_bytes(std::span(&state_.evaluations_since_best, 1)));
    }
    if (!last && has_stalled()) progress.print(fmt::format("stopping early: {}", stall_text()));
    if (checkpoints_ && (due(config_.save_steps) || is_finished())) save_checkpoint();
  }

  void evaluate(Progress& progress) {
    const Trace::Span span(trace(), "evaluate");
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
    if (!comparable || result_.scores.front().second > state_.best_scores.front().second) note_best();
    keep_best();
  }

  // The run knows no better scores than those of its last evaluation.
  void note_best() {
    state_.evaluations_since_best = 0;
    state_.best_scores = result_.scores;
    state_.best_step = state_.step;
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
    replace_best();
  }

  void replace_best() {
    save_best();
    best_ = {state_.step, result_.scores};
  }

  // A model to be used: no run goes on from it, so that it needs no state of the optimizer, twice its own size.
  void save_best() {
    if (!checkpoints_) return;
    auto draft = checkpoints_->begin_best();
    save(draft, nullptr);
  }

  // Tries the mean of the last checkpoints' weights as a model, which is `best` where it is scored higher, and where nothing is scored.
  // Otherwise the model stays that of the last step.
  void try_average() {
    if (config_.average_checkpoints <= 1 || !checkpoints_ || !leads()) return;
    const std::vector<int64_t> steps =
        last_steps(config_.save_path, config_.average_checkpoints, state_.step);
    if (steps.size() < 2) {
      print_log(config_.log, "note: --average_checkpoints {}: there is one checkpoint, and no mean\n",
                config_.average_checkpoints);
      return;
    }
    load_mean(config_.save_path, steps, parameters_);
    const Scores scores = task_.evaluate();
    const std::string what = fmt::format("the mean of the {} checkpoints from step {} to {}", steps.size(),
                                         steps.front(), steps.back());
    if (scores.empty()) {
      save_best();
      print_log(config_.log, "{} is {}\n", what, best_checkpoint(config_.save_path).string());
      return;
    }
    const auto& [name, score] = scores.front();
    const bool better =
        !best_ || best_->scores.front().first != name || score >= best_->scores.front().second;
    print_log(
        config_.log, "{}: {} {:.2f}{}\n", what, name, score,
        better ? ": it is the best" : fmt::format(", the best has {:.2f}", best_->scores.front().second));
    if (!better) {
      load_mean(config_.save_path, {steps.back()}, parameters_);
      result_.scores = task_.evaluate();  // whoever asks for scores again gets those of these weights
      return;
    }
    result_.scores = scores;
    state_.history.evaluations.push_back({state_.step, scores});
    note_best();
    replace_best();
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
    const Trace::Span span(trace(), "save");
    auto draft = checkpoints_->begin(state_.step);
    save(draft, &optimizer_);
    saved_step_ = state_.step;
  }

  void save(CheckpointDirectory::Draft& draft, const Optimizer* optimizer) {
    task_.save(draft.folder());
    save_train_state(draft.folder(), state_, optimizer, parameters_);
    draft.commit();
  }

  void end_trace() {
    if (!trace_) return;
    communicator_.observe({});
    trace_->save();
    print_log(config_.log, "timeline: {}\n", config_.trace);
  }

  Trace* trace() const { return trace_.get(); }
  std::shared_ptr<Trace> make_trace() const {
    return config_.trace.empty() ? nullptr : std::make_shared<Trace>(config_.trace, communicator_.rank());
  }

  Parameters& parameters_;
  TrainTask& task_;
  TrainConfig config_;
  Communicator& communicator_ = processes();
  std::shared_ptr<Trace> trace_ = make_trace();
  Optimizer optimizer_;
  TrainState state_;
  TrainResult result_;
  std::optional<CheckpointDirectory> checkpoints_;
  std::optional<EventWriter> events_;
  std::optional<EvaluationPoint> best_;  // what the folder `best` holds
  DeviceStep device_step_;
  StepGradients gradients_;
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

TrainResult train(Parameters& parameters, TrainTask& task, const TrainConfig& config) {
  return Training(parameters, task, config).run();
}

}  // namespace gradus
