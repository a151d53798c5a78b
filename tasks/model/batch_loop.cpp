#include "tasks/model/batch_loop.h"

#include <optional>

#include "autograd/variable.h"

namespace gradus {
namespace {

// A batch whose results are on their way.
struct Pending {
  HostBatch batch;
  std::vector<std::unique_ptr<HostCopy>> results;
};

}  // namespace

void run_batches(Backend& backend, DType compute_type, std::vector<std::vector<int32_t>> batches,
                 PackExamples pack, const std::function<std::vector<Tensor>(Context&, const Batch&)>& forward,
                 const std::function<void(const HostBatch&, BatchResults)>& take) {
  const bool single = batches.size() == 1;  // as when one text is asked about: nothing to make ahead
  std::unique_ptr<BatchSource> source = std::make_unique<ExampleBatches>(std::move(batches), std::move(pack));
  if (!single) source = std::make_unique<ReadAhead>(std::move(source));
  source->begin(0, 0);
  const RecordingScope scope(RecordingScope::Mode::evaluate);
  std::optional<Pending> pending;
  const auto settle = [&] {
    if (!pending) return;
    if (!pending->results.empty()) pending->results.back()->wait();  // they arrive in their order
    take(pending->batch, pending->results);
  };
  for (HostBatch host; source->next(host);) {
    Pending begun{std::move(host), {}};
    Context context;
    context.compute_type = compute_type;
    for (const Tensor& result : forward(context, Batch(backend, begun.batch)))
      begun.results.push_back(backend.begin_copy_to_host(result));
    settle();
    pending = std::move(begun);
  }
  settle();
}

}  // namespace gradus
