#include "tasks/training/fit_memory.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "tasks/log/log.h"
#include "tasks/log/metrics_file.h"
#include "tasks/training/processes.h"

namespace gradus {
namespace {

// Below so many examples, or tokens where batches are counted by these, products no longer use the processor well.
constexpr int64_t good_examples = 8;
constexpr int64_t good_tokens = 1024;

// What a backend takes beside the tensors: code that it generates, parts of matrices laid out for products. Of runs measured, 7
// to 26 MiB on two threads.
constexpr int64_t overhead = int64_t{32} << 20;

// A step's batches in `parts` each.
struct Cut {
  int64_t parts = 1;
  bool recompute = false;

  TrainConfig applied_to(TrainConfig config) const {
    (config.batch_tokens > 0 ? config.batch_tokens : config.batch_size) /= parts;
    config.accumulation_steps *= parts;
    config.recompute = config.recompute || recompute;
    return config;
  }
};

// Whole ones that a batch can be cut into, few first.
std::vector<int64_t> divisors_of(int64_t count) {
  std::vector<int64_t> divisors;
  for (int64_t i = 1; i <= count; ++i) {
    if (count % i == 0) divisors.push_back(i);
  }
  return divisors;
}

// All ways, the fastest first.
std::vector<Cut> cuts_of(const TrainConfig& config) {
  const bool by_tokens = config.batch_tokens > 0;
  const int64_t count = by_tokens ? config.batch_tokens : config.batch_size,
                good = by_tokens ? good_tokens : good_examples;
  std::vector<int64_t> parts;
  if (by_tokens)
    for (int64_t i = 1; i <= count; i *= 2) parts.push_back(i);
  else parts = divisors_of(count);
  std::vector<Cut> cuts;
  const auto add = [&](bool recompute, bool is_good) {
    for (const int64_t i : parts)
      if ((i == 1 || count / i >= good) == is_good) cuts.push_back({i, recompute});
  };
  if (!config.recompute) add(false, true);
  add(true, true);
  if (!config.recompute) add(false, false);
  add(true, false);
  return cuts;
}

}  // namespace

MemoryPlan fit_memory(const FineTuning& task, const Backend& backend, TrainConfig& config,
                      int64_t most_bytes) {
  const int64_t held =
      (backend.free_memory() ? static_cast<int64_t>(backend.memory().current) : resident_bytes()) + overhead;
  Cut cut;
  std::optional<MemoryPlan> plan;
  if (leads()) {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const Cut& next : cuts_of(config)) {
      const MemoryPlan found = task.plan_memory(backend, next.applied_to(config));
      least = std::min(least, held + found.bytes());
      if (held + found.bytes() > most_bytes) continue;
      cut = next;
      plan = found;
      break;
    }
    check(plan.has_value(),
          "--max_memory {}: training takes {} at least, with one example a batch and layers computed twice; "
          "{} of them are the program's own",
          most_bytes, mebibytes(least, 0), mebibytes(held, 0));
  }
  processes().broadcast(std::as_writable_bytes(std::span(&cut, 1)));
  config = cut.applied_to(config);
  const bool by_tokens = config.batch_tokens > 0;
  print_log(config.log, "memory of {}, {} for the program: {} {} of {} {} a step{}\n",
            mebibytes(most_bytes, 0), mebibytes(held, 0), config.accumulation_steps,
            config.accumulation_steps == 1 ? "batch" : "batches",
            by_tokens ? config.batch_tokens : config.batch_size, by_tokens ? "tokens" : "examples",
            config.recompute ? ", layers are computed again in the backward pass" : "");
  return plan ? *plan : task.plan_memory(backend, config);
}

}  // namespace gradus
