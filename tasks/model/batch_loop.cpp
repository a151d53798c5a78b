#include "tasks/model/batch_loop.h"

#include <optional>

#include "autograd/variable.h"
#include "tasks/log/phase.h"

namespace gradus {
namespace {

// A batch whose results are on their way.
struct Pending {
  HostBatch batch;
  std::vector<std::unique_ptr<HostCopy>> results;
};

}  // namespace

BatchLoop::BatchLoop(Backend& backend, DType compute_type, Forward forward)
    : backend_(backend),
      graphs_(std::make_shared<BatchGraphs>(backend,
                                            [compute_type, forward = std::move(forward)](const Batch& batch) {
                                              const RecordingScope scope(RecordingScope::Mode::evaluate);
                                              Context context;
                                              context.compute_type = activation_type(compute_type);
                                              return forward(context, batch);
                                            })) {}

void BatchLoop::run(std::vector<std::vector<int32_t>> batches, PackExamples pack,
                    const std::function<void(const HostBatch&, BatchResults)>& take) const {
  const int64_t count = std::ssize(batches);
  const bool single = count == 1;  // as when one text is asked about: nothing to make ahead
  std::unique_ptr<BatchSource> source = std::make_unique<ExampleBatches>(std::move(batches), std::move(pack));
  if (!single) source = std::make_unique<ReadAhead>(std::move(source));
  source->begin(0, 0);
  std::optional<Pending> pending;
  int64_t done = 0;
  const auto settle = [&] {
    if (!pending) return;
    if (!pending->results.empty()) pending->results.back()->wait();  // they arrive in their order
    take(pending->batch, pending->results);
    Phase::count(++done, count);
  };
  for (HostBatch host; source->next(host);) {
    Pending begun{std::move(host), {}};
    for (const Tensor& result : graphs_->run(begun.batch))
      begun.results.push_back(backend_.begin_copy_to_host(result));
    settle();
    pending = std::move(begun);
  }
  settle();
}

}  // namespace gradus
