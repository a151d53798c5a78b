// A training run as numbers, and how they cut it into steps.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include "data/batch_source.h"
#include "nn/context.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"

namespace gradus {

struct TrainConfig {
  int64_t epochs = 1;
  int64_t max_steps = 0;  // when positive, ends the run there and is what the schedule counts
  int64_t batch_size = 32;
  int64_t batch_tokens = 0;
  bool shuffle = true;
  bool recompute = false;  // encoder layers keep their input alone and run again in the backward pass
  float label_smoothing = 0;
  int64_t accumulation_steps = 1;
  bool sums_every_batch = false;  // over processes, after each batch of a step; otherwise once
  uint64_t seed = 1;
  DType compute_type = DType::float32;
  bool tf32 = false;  // whether products of float32 were allowed to be in TF32, for a resumed run to know

  std::string freeze;     // parts that stay as they are, with commas between, for a resumed run to know
  float layer_decay = 1;  // likewise
  OptimizerConfig optimizer;
  float loss_scale = 1;  // at the start; it follows the gradients where optimizer.scaling has a window
  Schedule schedule;     // total_steps is set by the trainer, and warmup_steps where they are 0
  double warmup_proportion = 0.1;

  int64_t eval_steps = 0;               // 0: at the end of each epoch
  int64_t early_stopping_patience = 0;  // evaluations without a better score that end the run; 0: none do
  int64_t save_steps = 0;               // 0: at the end of each epoch
  std::filesystem::path save_path;      // empty: nothing is saved
  int64_t keep_checkpoints = 1;         // newest ones kept; `best` is kept besides
  int64_t average_checkpoints = 0;      // of which the mean is tried at the end; 0 and 1: none
  bool resume = false;                  // continue from the newest checkpoint in save_path
  bool overwrite = false;               // remove the checkpoints that are there
  std::filesystem::path log_dir;        // TensorBoard events; empty: none
  std::string trace;                    // file for a timeline; empty: none
  int64_t log_steps = 0;                // plain lines: 0 means by time
  std::FILE* log = stdout;              // for scores and what there is to say
};

// What a training step's forward passes know.
Context training_context(const TrainConfig& config, RandomStream random);

// How a run forms its batches. Sentences of all lengths share a batch: packed rows have no padding to save, batches of
// about the same number of tokens need the least memory, and each is a fair draw from the data.
BatchPlan batch_plan(const TrainConfig& config);

// Number of optimizer steps of a run over these batches.
int64_t count_steps(const TrainConfig& config, BatchSource& batches);

// Batches that a step adds up, over all processes.
int64_t step_batches(const TrainConfig& config);
// Steps that so many batches make, of `accumulation` each but the last.
int64_t steps_of(int64_t batches, int64_t accumulation);

}  // namespace gradus
