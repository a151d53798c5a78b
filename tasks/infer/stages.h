// The three stages of infer, the same for every task.
#pragma once

#include "tasks/infer/inference.h"
#include "tasks/log/metrics_file.h"

namespace gradus {

// Writes the data as files of inputs.
void run_preprocess(Inference& task, const InferOptions& infer, const FineTuneOptions& options);
// The tokens of a row of the inputs. Throws Error as InputFiles does.
int64_t input_length(Inference& task, const InferOptions& infer);

// Runs the model, which has its weights, on files of inputs: leaves those of results, the mean time of a batch and infer.log.
void run_inference(Inference& task, const InferOptions& infer, const FineTuneOptions& options,
                   const Backend& backend, RunMetrics& metrics);
// Scores files of results, prints that and leaves it in acc.log.
void run_postprocess(Inference& task, const InferOptions& infer, const FineTuneOptions& options,
                     RunMetrics& metrics);

}  // namespace gradus
