// What a task has of its own in the three stages of infer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tasks/classifier/system.h"
#include "tasks/infer/batch_files.h"
#include "tasks/infer/options.h"
#include "tasks/metrics/scores.h"
#include "tasks/ner/system.h"
#include "tasks/squad/system.h"

namespace gradus {

// What results are worth.
struct Judgement {
  Scores scores;
  std::string text;  // what the reference program prints
  std::string data;  // what was scored, for the log
};

class Inference {
 public:
  virtual ~Inference() = default;
  virtual TaskSystem& system() = 0;
  virtual InputForm form() const = 0;

  // The data as rows of inputs (batch_files.h), in the order of the data, for --stage preprocess.
  virtual std::vector<DatasetRow> read_rows() = 0;
  // Throws Error naming the file and the row when a row is nothing that the model takes.
  virtual void check_rows(InputBatch& batch) const = 0;
  // The outputs of the model for the rows of a batch, each as the bytes of its file.
  virtual std::vector<std::string> infer(InputBatch& batch) = 0;
  // Scores results, whoever has made them.
  virtual Judgement judge(const InputFiles& inputs, const ResultFiles& results) = 0;
};

// Keep references to all but the system, which is read by now.
std::unique_ptr<Inference> make_ner_inference(Backend& backend, const InferOptions& infer,
                                              const NerOptions& options, std::unique_ptr<NerSystem> system);
std::unique_ptr<Inference> make_classifier_inference(Backend& backend, const InferOptions& infer,
                                                     const ClassifierOptions& options,
                                                     std::unique_ptr<ClassifierSystem> system);
std::unique_ptr<Inference> make_squad_inference(Backend& backend, const InferOptions& infer,
                                                const SquadDriverOptions& options,
                                                std::unique_ptr<SquadSystem> system);

// The rows of records as they are. `columns`: those of the tokens, the label, and what else says whether a row counts.
std::vector<DatasetRow> read_record_rows(const FineTuneOptions& options, std::vector<DatasetColumn> columns);

}  // namespace gradus
