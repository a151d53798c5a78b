// Which examples form which batch of an epoch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

struct BatchPlan {
  int64_t batch_size = 32;   // examples a batch; the last one of an epoch may be smaller
  int64_t batch_tokens = 0;  // when positive, at most this many tokens a batch instead (one example at least)
  bool shuffle = true;       // otherwise the examples keep their order
  bool group_lengths = false;  // batches of similar lengths, in random order
  uint64_t seed = 1;
};

// 0, 1, ... below `count`: all examples in their order.
std::vector<int32_t> numbers_below(int64_t count);

// The numbers below `count` in the order that an epoch shuffles them to.
std::vector<int32_t> shuffled_order(int64_t count, uint64_t seed, uint32_t epoch);

// The batches of epoch `epoch`, as indices into `lengths`: each example once. A function of its arguments alone, so
// a resumed run finds the same batches.
// Grouping sorts by length within chunks of 50 batches, so that lengths agree within a batch and a batch is still a
// random choice from a large pool.
std::vector<std::vector<int32_t>> make_batches(std::span<const int32_t> lengths, const BatchPlan& plan,
                                               uint32_t epoch);

// The batches to evaluate in: in the given order, or of similar lengths.
std::vector<std::vector<int32_t>> evaluation_batches(std::span<const int32_t> lengths, int64_t batch_size,
                                                     bool group_lengths);

}  // namespace gradus
