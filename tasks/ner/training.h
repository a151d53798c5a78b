// The training of a named-entity tagger, for the one training loop.
#pragma once

#include "data/ner_records.h"
#include "tasks/ner/evaluation.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class NerTraining final : public ExampleTraining<NerExample> {
 public:
  // Keeps a reference. `store` takes the examples.
  NerTraining(NerSystem& system, ExampleStore store)
      : ExampleTraining(system, std::move(store)), system_(system) {}

  // Scores by an evaluation; nothing is scored without. Keeps a reference.
  void score_by(NerEvaluation& evaluation);

  // Adds sentences, whose examples these are, to train on. Throws Error when tags follow each other as the constraints
  // of the system's CRF forbid.
  void add(const NerData& data, const NerExamples& examples);
  // Trains on records of at most `length` tokens in place of sentences. Throws Error likewise, when it comes to them.
  void stream_records(NerRecordStream records, int64_t length);
  // What was added.
  const NerCounts& counts() const { return counts_; }

  std::vector<Variable> losses(Context& context, const Batch& batch) override;
  Scores evaluate() override { return evaluation_ == nullptr ? Scores{} : evaluation_->run().scores; }

 private:
  NerExample example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const NerExample> examples,
                          std::span<const int32_t> chosen) const override;
  Losses network_in(Parameters& parameters) const override;

  NerSystem& system_;
  NerEvaluation* evaluation_ = nullptr;
  NerCounts counts_;
};

}  // namespace gradus
