// What the main programs of all tasks do alike.
#pragma once

#include <deque>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "tasks/log/metrics_file.h"
#include "tasks/output_lock.h"
#include "tasks/report/report.h"
#include "tasks/report/run_report.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

// What the command line or its configuration file gives an option, for a program that has to know before it reads its options; empty:
// nothing.
std::string early_setting(int argc, char** argv, const char* name);

// Joins the processes of --distribute (tasks/training/processes.h); all but the first end here where nothing is trained. Then
// makes and locks the folders in which a run writes files that belong together: the one it saves to and `results`
// (empty: none). Throws Error when another run writes to one of them.
std::deque<OutputFolder> begin_outputs(const FineTuneOptions& options, const std::string& results);

// Begins a run: prints the effective options, opens the device and tells what it is. Throws Error when the files to be
// written, or read, in the end can't be: better now than after hours.
Backend& begin_run(const Options& flags, const FineTuneOptions& options);

// Ends adding data to train on, and tells what they are, and where they are held when that is not in memory.
void end_training_data(FinishedRun& run, FineTuning& task, const std::string& description);

// Tells the memory plan, makes the weights and trains.
void run_training(FinishedRun& run, TaskSystem& system, FineTuning& task, RunMetrics& metrics);

// Makes the weights of a trained model, for a run that does not train. With --calibrate, has int8 leave some of them in float32 by what the
// evaluation scores, and stores the choice in the model's folder.
void load_weights(const FinishedRun& run, TaskSystem& system, Evaluation* evaluation = nullptr);

// Opens the text of --predict_data_file_path, or standard input, and hands it over with its name for messages.
void read_predict_data(const FineTuneOptions& options,
                       const std::function<void(std::istream&, const std::string&)>& use);

// Throws Error when result files can't be written to their folder, which begin_outputs() has made (empty: none): better
// now than after hours. In the folder that training saves to, which is tried when training begins, those that are no
// earlier run's would be replaced: this is an error too.
void check_results_folder(const FineTuneOptions& options, const std::string& folder,
                          const std::vector<std::string>& files);

// Scores as one line of JSON.
std::string to_json_line(const Scores& scores);

// What --do_eval ends with: the scores of the final weights, which training has scored already unless there was nothing left to train, go
// to `metrics` and to standard output, there with `text` or, as --json says, alone.
void tell_scores(const FinishedRun& run, Evaluation& evaluation, const std::string& text,
                 RunMetrics& metrics);

// Writes the page of --report, and tells so.
void save_report(const FineTuneOptions& options, const Report& report);

// Writes --metrics_file. Throws Error when a part of what the training, if there was one, should have written is lost.
void end_run(const FinishedRun& run, RunMetrics& metrics);

}  // namespace gradus
