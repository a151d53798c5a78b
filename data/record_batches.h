// Batches of records as they are read, for data that does not fit in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/batch_source.h"
#include "data/dataset_stream.h"

namespace gradus {

// Makes examples of records, and batches of these.
class RecordPacker {
 public:
  virtual ~RecordPacker() = default;
  // Takes the example of a record; false when the record is to be left out. Throws Error "<reader.where()>: ...".
  virtual bool add(const DatasetReader& reader, const DatasetRow& row) = 0;
  // The batch of the examples taken since the last call.
  virtual HostBatch pack() = 0;
};

// The same by two functions.
template <typename Example>
class ExamplePacker final : public RecordPacker {
 public:
  using Read = std::function<std::optional<Example>(const DatasetReader& reader, const DatasetRow& row)>;
  using Pack = std::function<HostBatch(std::span<const Example> examples, std::span<const int32_t> chosen)>;
  ExamplePacker(Read read, Pack pack) : read_(std::move(read)), pack_(std::move(pack)) {}

  bool add(const DatasetReader& reader, const DatasetRow& row) override {
    std::optional<Example> example = read_(reader, row);
    if (!example) return false;
    examples_.push_back(std::move(*example));
    return true;
  }
  HostBatch pack() override {
    HostBatch batch = pack_(examples_, numbers_below(std::ssize(examples_)));
    examples_.clear();
    return batch;
  }

 private:
  Read read_;
  Pack pack_;
  std::vector<Example> examples_;
};

// Batch b of an epoch has records b * batch_size and on of the stream's order, less those that are left out. Where that
// leaves none, the next record of the order that is not left out takes their place: every step has something to learn from.
class RecordBatches final : public BatchSource {
 public:
  // The stream may have been read before.
  RecordBatches(std::shared_ptr<DatasetStream> stream, int64_t batch_size,
                std::unique_ptr<RecordPacker> packer);

  void begin(int64_t epoch, int64_t first) override;
  bool next(HostBatch& batch) override;
  bool skip() override;
  int64_t count(int64_t epoch) override;
  int64_t examples() const override { return stream_->size(); }
  std::string remark() override;

 private:
  // Reads a record; false when it is left out.
  bool take();

  std::shared_ptr<DatasetStream> stream_;
  int64_t batch_size_;
  std::unique_ptr<RecordPacker> packer_;
  DatasetRow row_;
  int64_t position_ = 0;      // in the epoch, of the next batch's first record
  bool has_skipped_ = false;  // the stream is behind it
  int64_t read_ = 0, left_out_ = 0;
};

}  // namespace gradus
