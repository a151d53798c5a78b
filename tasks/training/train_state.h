// What a checkpoint holds beside the model, so that a resumed run goes on to the same bits.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nn/optimizer.h"
#include "nn/parameters.h"
#include "tasks/metrics/scores.h"
#include "tasks/training/history.h"

namespace gradus {

// Random numbers and batches are functions of seed, epoch and step, so the step is all the position there is; the schedule's
// is the number of updates.
struct TrainState {
  int64_t step = 0;            // optimizer steps done, skipped ones included
  StepNumbers numbers;         // as the last step left them; what is kept of them is saved
  bool follows_scale = false;  // whether the loss scale follows the gradients
  // What the batches depend on; a run that differs in these can't continue this one.
  uint64_t seed = 0;
  int64_t examples = 0;
  int64_t batch_size = 0;
  int64_t batch_tokens = 0;
  int64_t accumulation_steps = 0;  // batches that a step adds up, over all processes
  bool shuffle = true;
  bool streamed = false;  // records, read as they are trained on
  uint32_t data_checksum = 0;
  // When this differs a run can go on, but the best scores are found anew.
  uint32_t evaluation_checksum = 0;
  // Settings that a continued run may have changed, by name: the log says which.
  std::map<std::string, std::string> settings;
  std::vector<double> recent_losses;
  Scores best_scores;
  int64_t best_step = -1;
  int64_t evaluations_since_best = 0;
  TrainHistory history;
};

// Of everything that processes which train together have to have alike.
uint32_t checksum_of(const TrainState& run);

// Writes trainer_state.json into an existing folder, and optimizer.safetensors where a run may go on from it. Throws Error when it
// can't.
void save_train_state(const std::filesystem::path& folder, const TrainState& state,
                      const Optimizer* optimizer, const Parameters& parameters);

// Whether a folder holds the state of a training of ours, whatever else it holds.
bool has_train_state(const std::filesystem::path& folder);

// The steps that the model in a folder was trained for; 0 when its state is not there.
int64_t trained_steps(const std::filesystem::path& folder);

// How the model in `folder`, a run's best so far, was scored; nothing when it was on other data than `run` scores on.
// Throws Error when the model is another run's.
std::optional<EvaluationPoint> saved_evaluation(const std::filesystem::path& folder, const TrainState& run);

// Reads them back, the parameters' values included, and tells `log` what is different now. Throws Error naming file,
// field and both values when the checkpoint belongs to another run (`expected` has the present run's settings) or
// another model, and when a number in it can't be what training left there, an infinite moment for example.
TrainState load_train_state(const std::filesystem::path& folder, const TrainState& expected,
                            Optimizer& optimizer, Parameters& parameters, std::FILE* log);

}  // namespace gradus
