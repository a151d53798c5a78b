#include "data/pretraining_batches.h"

#include <algorithm>

namespace gradus {
namespace {

// A seed for each epoch of each seed: neighbours have little in common.
uint64_t seed_of(uint64_t seed, int64_t epoch) {
  return seed ^ (static_cast<uint64_t>(epoch) + 1) * 0x9E3779B97F4A7C15U;
}

}  // namespace

PretrainingTextBatches::PretrainingTextBatches(std::shared_ptr<const PretrainingDocuments> documents,
                                               const Vocab& vocab, const PretrainingOptions& options,
                                               int64_t batch_size, uint64_t seed, Pack pack)
    : documents_(std::move(documents)),
      vocab_(vocab),
      options_(options),
      batch_size_(batch_size),
      seed_(seed),
      pack_(std::move(pack)) {
  check(batch_size > 0, "[batches] batch size {}: expected 1 or more", batch_size);
  options_.dupe_factor = 1;
}

void PretrainingTextBatches::make(int64_t epoch) {
  if (epoch == epoch_) return;
  instances_.reset();  // before there are others
  PythonRandom random(seed_of(seed_, epoch));
  instances_ = std::make_unique<PretrainingInstances>(*documents_, vocab_, options_, random);
  epoch_ = epoch;
}

int64_t PretrainingTextBatches::count(int64_t epoch) {
  make(epoch);
  return (instances_->size() + batch_size_ - 1) / batch_size_;
}

void PretrainingTextBatches::begin(int64_t epoch, int64_t first) {
  check(first >= 0 && first <= count(epoch), "[batches] batch {} of {}", first, count(epoch));
  next_ = std::min(first * batch_size_, instances_->size());
}

bool PretrainingTextBatches::next(HostBatch& batch) {
  const int64_t end = std::min(next_ + batch_size_, instances_->size());
  if (next_ == end) return false;
  std::vector<PretrainingExample> examples;
  for (; next_ < end; ++next_) examples.push_back(example_of((*instances_)[next_]));
  batch = pack_(examples);
  return true;
}

bool PretrainingTextBatches::skip() {
  if (next_ == instances_->size()) return false;
  next_ = std::min(next_ + batch_size_, instances_->size());
  return true;
}

PretrainingExample example_of(const PretrainingInstance& instance) {
  const auto copy = [](std::span<const int32_t> numbers) {
    return std::vector<int32_t>(numbers.begin(), numbers.end());
  };
  return {copy(instance.tokens), instance.first_length, instance.is_random_next ? 1 : 0,
          copy(instance.masked_positions), copy(instance.masked_ids)};
}

}  // namespace gradus
