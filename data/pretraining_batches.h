// Batches to pretrain on that are made of text as it is trained on.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "data/batch_source.h"
#include "data/pretraining_instances.h"
#include "data/pretraining_records.h"

namespace gradus {

// Every epoch goes through the text once, with other pairs and other words masked than before (Liu et al. 2019,
// arXiv:1907.11692, section 4.1). What an epoch has is a function of the seed and its number. The text lies in memory, and the
// examples of the epoch in progress beside it.
class PretrainingTextBatches final : public BatchSource {
 public:
  using Pack = std::function<HostBatch(std::span<const PretrainingExample> examples)>;
  // The vocabulary must outlive it. `options.dupe_factor` does not count: epochs do.
  PretrainingTextBatches(std::shared_ptr<const PretrainingDocuments> documents, const Vocab& vocab,
                         const PretrainingOptions& options, int64_t batch_size, uint64_t seed, Pack pack);

  void begin(int64_t epoch, int64_t first) override;
  bool next(HostBatch& batch) override;
  bool skip() override;
  int64_t count(int64_t epoch) override;
  // Documents: how many examples are made of them differs.
  int64_t examples() const override { return documents_->size(); }

 private:
  void make(int64_t epoch);

  std::shared_ptr<const PretrainingDocuments> documents_;
  const Vocab& vocab_;
  PretrainingOptions options_;
  int64_t batch_size_;
  uint64_t seed_;
  Pack pack_;
  int64_t epoch_ = -1;  // that instances_ are of
  std::unique_ptr<const PretrainingInstances> instances_;
  int64_t next_ = 0;
};

// An example on its own.
PretrainingExample example_of(const PretrainingInstance& instance);

}  // namespace gradus
