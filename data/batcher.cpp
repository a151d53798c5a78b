#include "data/batcher.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/random.h"

namespace gradus {
namespace {

constexpr uint32_t shuffle_purpose = 0x5f17;
constexpr int64_t pool_batches = 50;

// Cuts `order` into batches from the front.
void cut(std::span<const int32_t> order, std::span<const int32_t> lengths, const BatchPlan& plan,
         std::vector<std::vector<int32_t>>& batches) {
  std::vector<int32_t> batch;
  int64_t tokens = 0;
  for (const int32_t example : order) {
    const int64_t length = lengths[static_cast<size_t>(example)];
    const bool full = plan.batch_tokens > 0 ? tokens + length > plan.batch_tokens
                                            : static_cast<int64_t>(batch.size()) == plan.batch_size;
    if (full && !batch.empty()) {
      batches.push_back(std::move(batch));
      batch = {};
      tokens = 0;
    }
    batch.push_back(example);
    tokens += length;
  }
  if (!batch.empty()) batches.push_back(std::move(batch));
}

// Examples a pool holds before it is sorted.
size_t pool_size(std::span<const int32_t> lengths, const BatchPlan& plan) {
  const auto count = static_cast<int64_t>(lengths.size());
  int64_t batch = plan.batch_size;
  if (plan.batch_tokens > 0) {
    const int64_t total = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
    const int64_t mean = std::max<int64_t>(1, total / std::max<int64_t>(1, count));
    batch = std::max<int64_t>(1, plan.batch_tokens / mean);
  }
  return static_cast<size_t>(std::min(batch, count) * pool_batches);
}

}  // namespace

std::vector<int32_t> numbers_below(int64_t count) {
  std::vector<int32_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<int32_t> shuffled_order(int64_t count, uint64_t seed, uint32_t epoch) {
  std::vector<int32_t> order = numbers_below(count);
  RandomSequence(seed, shuffle_purpose, epoch).shuffle(order);  // as make_batches() begins
  return order;
}

std::vector<std::vector<int32_t>> make_batches(std::span<const int32_t> lengths, const BatchPlan& plan,
                                               uint32_t epoch) {
  check(plan.batch_size > 0, "[batches] batch size {}: expected 1 or more", plan.batch_size);
  RandomSequence random(plan.seed, shuffle_purpose, epoch);
  std::vector<int32_t> order = numbers_below(std::ssize(lengths));
  if (plan.shuffle) random.shuffle(order);

  std::vector<std::vector<int32_t>> batches;
  if (!plan.group_lengths) {
    cut(order, lengths, plan, batches);
    return batches;
  }
  const size_t pool = pool_size(lengths, plan);
  for (size_t begin = 0; begin < order.size(); begin += pool) {
    const std::span<int32_t> part(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                  std::min(pool, order.size() - begin));
    std::stable_sort(part.begin(), part.end(), [&](int32_t a, int32_t b) {
      return lengths[static_cast<size_t>(a)] < lengths[static_cast<size_t>(b)];
    });
    cut(part, lengths, plan, batches);
  }
  if (plan.shuffle) random.shuffle(batches);
  return batches;
}

std::vector<std::vector<int32_t>> evaluation_batches(std::span<const int32_t> lengths, int64_t batch_size,
                                                     bool group_lengths) {
  BatchPlan plan;
  plan.batch_size = batch_size;
  plan.shuffle = false;
  plan.group_lengths = group_lengths;
  return make_batches(lengths, plan, 0);
}

}  // namespace gradus
