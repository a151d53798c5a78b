#include "data/record_batches.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/counted.h"

namespace gradus {

RecordBatches::RecordBatches(std::shared_ptr<DatasetStream> stream, int64_t batch_size,
                             std::unique_ptr<RecordPacker> packer)
    : stream_(std::move(stream)),
      batch_size_(std::min(batch_size, stream_->size())),
      packer_(std::move(packer)) {
  check(batch_size > 0, "[batches] batch size {}: expected 1 or more", batch_size);
}

int64_t RecordBatches::count(int64_t) { return (stream_->size() + batch_size_ - 1) / batch_size_; }

void RecordBatches::begin(int64_t epoch, int64_t first) {
  check(first >= 0 && first <= count(epoch), "[batches] batch {} of {}", first, count(epoch));
  position_ = std::min(first * batch_size_, stream_->size());
  stream_->begin(epoch, position_);
  has_skipped_ = false;
}

bool RecordBatches::take() {
  if (!stream_->next(row_)) fail("{}: the records end early", stream_->where());
  return packer_->add(*stream_, row_);
}

bool RecordBatches::next(HostBatch& batch) {
  const int64_t size = stream_->size(), end = std::min(position_ + batch_size_, size);
  if (position_ == size) return false;
  if (has_skipped_) stream_->seek(position_);
  has_skipped_ = false;
  int64_t taken = 0;
  for (int64_t i = position_; i < end; ++i) taken += take() ? 1 : 0;
  read_ += end - position_;
  left_out_ += end - position_ - taken;
  if (taken == 0) {
    for (int64_t i = end;; ++i) {
      check(i < end + size, "{}: no record has anything to learn from", stream_->where());
      if (i % size == 0) stream_->seek(0);
      if (take()) break;
    }
    stream_->seek(end);
  }
  position_ = end;
  batch = packer_->pack();
  return true;
}

bool RecordBatches::skip() {
  if (position_ == stream_->size()) return false;
  position_ = std::min(position_ + batch_size_, stream_->size());
  has_skipped_ = true;
  return true;
}

std::string RecordBatches::remark() {
  if (left_out_ == 0) return {};
  return fmt::format("{} of {} read had nothing to learn from: {} left out", left_out_,
                     counted(read_, "record"), left_out_ == 1 ? "it was" : "they were");
}

}  // namespace gradus
