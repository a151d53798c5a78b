#include "tasks/serve/compute_queue.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <future>
#include <set>

namespace gradus {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

// The texts of a request.
struct ComputeQueue::Job {
  explicit Job(std::span<const std::unique_ptr<TextWork>> works) : works(works), left(works.size()) {}

  std::span<const std::unique_ptr<TextWork>> works;
  size_t next = 0;  // the first that is in no batch yet
  size_t left;      // not computed
  double computed = 0;
  std::exception_ptr error;
  std::promise<void> done;
};

ComputeQueue::ComputeQueue(Limits limits, std::function<void(const Batch&)> told)
    : limits_(limits), told_(std::move(told)), thread_([this] { run(); }) {}

ComputeQueue::~ComputeQueue() {
  {
    const std::lock_guard lock(guard_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

ComputeQueue::Places::~Places() {
  if (count_ == 0) return;
  const std::lock_guard lock(queue_.guard_);
  queue_.places_ -= count_;
}

std::optional<ComputeQueue::Places> ComputeQueue::take_places(int64_t count) {
  const std::lock_guard lock(guard_);
  if (places_ + count > limits_.texts) return std::nullopt;
  places_ += count;
  return Places(*this, count);
}

int64_t ComputeQueue::waiting() const {
  const std::lock_guard lock(guard_);
  return places_;
}

double ComputeQueue::seconds_left() const {
  const std::lock_guard lock(guard_);
  return static_cast<double>(places_) * text_seconds_;
}

ComputeQueue::Timing ComputeQueue::compute(const TextModel& model,
                                           std::span<const std::unique_ptr<TextWork>> works) {
  if (works.empty()) return {};
  const Clock::time_point begin = Clock::now();
  const auto job = std::make_shared<Job>(works);
  std::future<void> done = job->done.get_future();
  {
    const std::lock_guard lock(guard_);
    auto found = std::ranges::find(models_, &model, [](const auto& entry) { return entry.first; });
    if (found == models_.end()) found = models_.insert(found, {&model, {}});
    found->second.push_back(job);
    // Under the lock: behind it the queue may be gone as soon as the texts are computed.
    changed_.notify_one();
  }
  done.get();
  return {std::max(0.0, seconds_since(begin) - job->computed), job->computed};
}

void ComputeQueue::run() {
  for (;;) {
    Chosen chosen;
    {
      std::unique_lock lock(guard_);
      changed_.wait(lock, [&] { return stopped_ || !models_.empty(); });
      if (models_.empty()) return;
      chosen = choose();
    }
    compute(chosen);
  }
}

ComputeQueue::Chosen ComputeQueue::choose() {
  auto [model, jobs] = std::move(models_.front());
  models_.pop_front();
  Chosen chosen;
  chosen.model = model;
  while (!jobs.empty()) {
    const std::shared_ptr<Job> job = jobs.front();
    TextWork* const work = job->works[job->next].get();
    if (!chosen.works.empty() && chosen.tokens + work->tokens > limits_.batch_tokens) break;
    chosen.tokens += work->tokens;
    chosen.works.push_back(work);
    chosen.jobs.push_back(job);
    jobs.pop_front();
    if (++job->next < job->works.size()) jobs.push_back(job);
  }
  if (!jobs.empty()) models_.emplace_back(model, std::move(jobs));
  return chosen;
}

void ComputeQueue::compute(const Chosen& chosen) {
  const Clock::time_point begin = Clock::now();
  try {
    chosen.model->compute(chosen.works);
  } catch (const std::exception&) {
    // One of the texts is at fault: which one, they tell one by one.
    for (size_t i = 0; i < chosen.works.size(); ++i) {
      try {
        chosen.model->compute(std::span(chosen.works).subspan(i, 1));
      } catch (const std::exception&) {
        chosen.jobs[i]->error = std::current_exception();
      }
    }
  }
  const double seconds = seconds_since(begin);
  const auto texts = std::ssize(chosen.works);
  if (told_) told_({chosen.model, texts, chosen.tokens, seconds});
  {
    const std::lock_guard lock(guard_);
    constexpr double weight = 0.1;
    text_seconds_ += weight * (seconds / static_cast<double>(texts) - text_seconds_);
  }
  // A request with several texts in the batch waited for it once.
  std::set<const Job*> counted;
  for (const std::shared_ptr<Job>& job : chosen.jobs) {
    if (counted.insert(job.get()).second) job->computed += seconds;
  }
  for (const std::shared_ptr<Job>& job : chosen.jobs) {
    if (--job->left > 0) continue;
    if (job->error) job->done.set_exception(job->error);
    else job->done.set_value();
  }
}

}  // namespace gradus
