// The training of a named-entity tagger, for the one training loop.
#pragma once

#include "data/ner_records.h"
#include "tasks/ner/system.h"
#include "tasks/training/fine_tuning.h"

namespace gradus {

class NerTraining final : public ExampleTraining<NerExample, NerSystem> {
 public:
  using ExampleTraining::ExampleTraining;

  // Adds sentences, whose examples these are, to train on. Throws Error when tags follow each other as the constraints
  // of the system's CRF forbid.
  void add(const NerData& data, const NerExamples& examples);
  // Trains on records of at most `length` tokens in place of sentences. Throws Error likewise, when it comes to them.
  void stream_records(NerRecordStream records, int64_t length);
  // What was added.
  const NerCounts& counts() const { return counts_; }

 private:
  NerExample example_of(const NumberLists& lists) const override;
  HostBatch pack_examples(const Backend& backend, std::span<const NerExample> examples,
                          std::span<const int32_t> chosen) const override;
  std::vector<Variable> losses_of(const NerModel& model, Context& context, const Batch& batch) const override;

  NerCounts counts_;
};

}  // namespace gradus
