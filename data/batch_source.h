// Where batches come from, and a thread that makes them ahead.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/batcher.h"
#include "data/host_batch.h"

namespace gradus {

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  // Starts an epoch at its batch number `first`.
  virtual void begin(int64_t epoch, int64_t first) = 0;
  // The next batch of the epoch; false at its end.
  virtual bool next(HostBatch& batch) = 0;
  // Goes past the next batch without making it; false at the end.
  virtual bool skip() = 0;
  // Batches of an epoch.
  virtual int64_t count(int64_t epoch) = 0;
  // Examples of each epoch.
  virtual int64_t examples() const = 0;
  // What is to be said of all that was read so far, for the log; empty for nothing.
  virtual std::string remark() { return {}; }
};

// Makes a batch of examples by their numbers. It may be called from another thread.
using PackExamples = std::function<HostBatch(std::span<const int32_t> chosen)>;

// Batches of examples that are known by their numbers.
class ExampleBatches final : public BatchSource {
 public:
  // The batches of every epoch as make_batches() forms them.
  ExampleBatches(std::vector<int32_t> lengths, const BatchPlan& plan, PackExamples pack);
  // The same batches in every epoch: those to evaluate in.
  ExampleBatches(std::vector<std::vector<int32_t>> batches, PackExamples pack);

  void begin(int64_t epoch, int64_t first) override;
  bool next(HostBatch& batch) override;
  bool skip() override;
  int64_t count(int64_t epoch) override { return std::ssize(batches_of(epoch)); }
  int64_t examples() const override { return examples_; }

 private:
  const std::vector<std::vector<int32_t>>& batches_of(int64_t epoch);

  std::vector<int32_t> lengths_;
  BatchPlan plan_;
  PackExamples pack_;
  int64_t examples_ = 0;
  int64_t planned_ = -1;  // the epoch that batches_ are of
  std::vector<std::vector<int32_t>> batches_;
  bool is_fixed_ = false;
  size_t next_ = 0;
};

// Those batches of another source that one of several processes takes: they are dealt out in turn, so that what all have
// taken by then is what one process takes first.
class DealtBatches final : public BatchSource {
 public:
  DealtBatches(std::unique_ptr<BatchSource> source, int64_t rank, int64_t size);
  // `first` is a number among the batches of all, and of process 0.
  void begin(int64_t epoch, int64_t first) override;
  bool next(HostBatch& batch) override;
  bool skip() override;
  // Of all processes.
  int64_t count(int64_t epoch) override { return source_->count(epoch); }
  int64_t examples() const override { return source_->examples(); }
  std::string remark() override { return source_->remark(); }

 private:
  // Comes to the next batch of this process; false at the end.
  bool reach();

  std::unique_ptr<BatchSource> source_;
  int64_t rank_, size_;
  int64_t next_ = 0;  // of all, modulo size
};

// The batches of another source, made ahead by a thread so that a step doesn't wait for them.
class ReadAhead final : public BatchSource {
 public:
  // At most so many batches wait.
  explicit ReadAhead(std::unique_ptr<BatchSource> source, int64_t most_waiting = 3);
  ~ReadAhead() override;

  void begin(int64_t epoch, int64_t first) override;
  // Throws what making the batch threw, when its turn has come.
  bool next(HostBatch& batch) override;
  bool skip() override;
  // Ends reading ahead: begin() has to be called again.
  int64_t count(int64_t epoch) override;
  int64_t examples() const override;
  // It ends reading ahead too.
  std::string remark() override;
  // For how long next() has waited so far.
  double seconds_waited() const { return seconds_waited_; }

 private:
  struct Queue;

  std::unique_ptr<BatchSource> source_;
  int64_t most_waiting_;
  std::unique_ptr<Queue> queue_;  // of the epoch in progress
  double seconds_waited_ = 0;
};

}  // namespace gradus
