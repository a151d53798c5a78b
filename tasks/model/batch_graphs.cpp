#include "tasks/model/batch_graphs.h"

#include <algorithm>

namespace gradus {

std::vector<Tensor> BatchGraphs::run(const HostBatch& host) {
  if (!backend_.captures()) return work_(Batch(backend_, host));
  ++batches_;
  Form& form = forms_[host.form()];
  form.last_used = batches_;
  if (form.graph != nullptr) {
    const Batch batch(form.block, host);
    ++replays_;
  } else if (!form.is_warm || !has_room()) {
    // A form that is seen once is not worth a graph. Memory that graphs share is warm then, and plans are made.
    std::vector<Tensor> results = call(host);
    form.is_warm = true;
    return results;
  } else {
    const Batch batch(backend_, host);
    form.graph = backend_.capture([&] { form.results = work_(batch); });
    form.block = batch.block();
    ++graphs_;
  }
  form.graph->replay();
  return form.results;
}

std::vector<Tensor> BatchGraphs::call(const HostBatch& host) {
  const Batch batch(backend_, host);
  std::vector<Tensor> results;
  backend_.warm_up([&] { results = work_(batch); });
  return results;
}

bool BatchGraphs::has_room() {
  if (graphs_ < most_graphs) return true;
  Form* oldest = nullptr;
  for (auto& [name, form] : forms_)
    if (form.graph != nullptr && (oldest == nullptr || form.last_used < oldest->last_used)) oldest = &form;
  if (batches_ - oldest->last_used < stale) return false;
  *oldest = {.is_warm = true, .last_used = oldest->last_used, .block = {}, .results = {}, .graph = nullptr};
  --graphs_;
  return true;
}

}  // namespace gradus
