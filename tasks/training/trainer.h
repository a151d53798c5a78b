// The one training loop. A driver says what an example is and what its loss is; the trainer does the rest: batches,
// accumulation, optimizer and schedule, evaluation, checkpoints, resuming, progress and logs.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "data/batch_source.h"
#include "nn/context.h"
#include "nn/optimizer.h"
#include "nn/parameters.h"
#include "nn/schedule.h"
#include "tasks/metrics/scores.h"
#include "tasks/training/history.h"
#include "tasks/training/train_config.h"

namespace gradus {

// What a driver provides.
class TrainTask {
 public:
  virtual ~TrainTask() = default;

  // The training examples, formed into batches for a backend as the configuration says (batch_plan).
  virtual std::unique_ptr<BatchSource> batches(const Backend& backend, const TrainConfig& config) const = 0;
  // Whether they are records that are read as they are trained on.
  virtual bool streams() const { return false; }
  // Of everything that the training data say: a resumed run has to have the same.
  virtual uint32_t checksum() const = 0;
  // Of everything that the development data say, 0 without any: scores on others can't be compared.
  virtual uint32_t evaluation_checksum() const = 0;
  // What training makes smaller: sums, float32 [1], each a mean over what the batch has as its weight. With accumulation the
  // trainer adds the weights up over the whole step, so that the step's gradient is that of one large batch.
  virtual std::vector<Variable> losses(Context& context, const Batch& batch) = 0;
  // Scores on the development data; the first one is what `best` is chosen by, the larger the better. Empty without such data.
  virtual Scores evaluate() = 0;
  // What the log shall say of the last evaluation beside its scores; empty for nothing.
  virtual std::string remark() const { return {}; }
  // Writes everything that evaluation and prediction need into an existing folder.
  virtual void save(const std::filesystem::path& folder) const = 0;
  // Takes from a checkpoint that was saved so what training had found by then, the weights aside. Throws Error when it
  // holds another model than this task's.
  virtual void continue_from(const std::filesystem::path& checkpoint) = 0;
};

struct TrainResult {
  int64_t steps = 0;          // of the whole run, those before a resume included
  int64_t skipped_steps = 0;  // of these, because their gradients overflowed
  double epochs = 0;          // likewise; 0 when nothing was left to train
  double seconds = 0;         // of this process, evaluation and checkpoints excluded
  int64_t examples = 0;       // likewise, of all processes
  int64_t tokens = 0;
  double train_loss = 0;             // the loss at the end (final_loss())
  size_t train_loss_steps = 0;       // it is the mean of so many
  double seconds_to_first_step = 0;  // from the start of the program
  double seconds_for_data = 0;       // of `seconds`, those that a batch was waited for
  bool stopped_early = false;
  Scores scores;  // of the last evaluation
  Scores best_scores;
  int64_t best_step = -1;  // none without evaluation; with a folder to save to, what `best` in it holds
  // Whether the model that the run ended with is that one. A run that was resumed may end at the step of a better model
  // of before.
  bool ends_with_best() const;
  TrainHistory history;     // of the whole run
  Schedule schedule;        // as it was run
  std::string lost_events;  // why there are no more TensorBoard events; empty when all were written
};

// Runs the training, on all of processes() together: each takes batches in turn, and has the same weights after every step.
// Checkpoints are read, scores made and files written by the first alone. Throws Error when a loss is not finite and no loss
// scale is left to lower, naming the step and the first op at fault; when a trained parameter gets no gradient; when an update has
// made numbers that are none; and when a checkpoint can't be read
// or written. Throws Stopped where a signal asked for it (tasks/training/stop_request.h), after the step in progress was saved and the log
// was told. Whoever calls it has the OutputLock of the folder to save to.
TrainResult train(Parameters& parameters, TrainTask& task, const TrainConfig& config);

}  // namespace gradus
