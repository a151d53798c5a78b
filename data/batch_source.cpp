#include "data/batch_source.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace gradus {

ExampleBatches::ExampleBatches(std::vector<int32_t> lengths, const BatchPlan& plan, PackExamples pack)
    : lengths_(std::move(lengths)), plan_(plan), pack_(std::move(pack)), examples_(std::ssize(lengths_)) {}

ExampleBatches::ExampleBatches(std::vector<std::vector<int32_t>> batches, PackExamples pack)
    : pack_(std::move(pack)), batches_(std::move(batches)), is_fixed_(true) {
  for (const std::vector<int32_t>& batch : batches_) examples_ += std::ssize(batch);
}

const std::vector<std::vector<int32_t>>& ExampleBatches::batches_of(int64_t epoch) {
  if (!is_fixed_ && planned_ != epoch) {
    batches_ = make_batches(lengths_, plan_, static_cast<uint32_t>(epoch));
    planned_ = epoch;
  }
  return batches_;
}

void ExampleBatches::begin(int64_t epoch, int64_t first) {
  check(first >= 0 && first <= count(epoch), "[batches] batch {} of {}", first, count(epoch));
  next_ = static_cast<size_t>(first);
}

bool ExampleBatches::next(HostBatch& batch) {
  if (next_ == batches_.size()) return false;
  batch = pack_(batches_[next_++]);
  return true;
}

bool ExampleBatches::skip() {
  if (next_ == batches_.size()) return false;
  ++next_;
  return true;
}

DealtBatches::DealtBatches(std::unique_ptr<BatchSource> source, int64_t rank, int64_t size)
    : source_(std::move(source)), rank_(rank), size_(size) {}

void DealtBatches::begin(int64_t epoch, int64_t first) {
  check(first % size_ == 0, "[batches] batch {} is not process 0's of {}", first, size_);
  source_->begin(epoch, first);
  next_ = 0;
}

bool DealtBatches::reach() {
  for (; next_ != rank_; next_ = (next_ + 1) % size_) {
    if (!source_->skip()) return false;
  }
  next_ = (next_ + 1) % size_;
  return true;
}

bool DealtBatches::next(HostBatch& batch) { return reach() && source_->next(batch); }
bool DealtBatches::skip() { return reach() && source_->skip(); }

// What the thread and its reader share.
struct ReadAhead::Queue {
  Queue(BatchSource& source, int64_t most) : source(source), most(most), thread([this] { run(); }) {}
  ~Queue() {
    {
      const std::lock_guard lock(guard);
      stopped = true;
    }
    changed.notify_all();
    thread.join();
  }

  void run() {
    for (bool more = true; more;) {
      HostBatch batch;
      std::exception_ptr thrown;
      try {
        more = source.next(batch);
      } catch (...) {
        thrown = std::current_exception();
        more = false;
      }
      std::unique_lock lock(guard);
      changed.wait(lock, [&] { return stopped || std::ssize(ready) < most; });
      if (stopped) return;
      if (more) ready.push_back(std::move(batch));
      error = thrown;
      finished = !more;
      lock.unlock();
      changed.notify_all();
    }
  }

  BatchSource& source;
  int64_t most;
  std::mutex guard;
  std::condition_variable changed;
  std::deque<HostBatch> ready;
  std::exception_ptr error;  // of the batch behind these
  bool stopped = false, finished = false;
  std::thread thread;  // last: it starts when all else is there
};

ReadAhead::ReadAhead(std::unique_ptr<BatchSource> source, int64_t most_waiting)
    : source_(std::move(source)), most_waiting_(most_waiting) {}
ReadAhead::~ReadAhead() = default;

void ReadAhead::begin(int64_t epoch, int64_t first) {
  queue_.reset();
  source_->begin(epoch, first);
  queue_ = std::make_unique<Queue>(*source_, most_waiting_);
}

bool ReadAhead::next(HostBatch& batch) {
  check(queue_ != nullptr, "[batches] next() before begin()");
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(queue_->guard);
  queue_->changed.wait(lock, [&] { return !queue_->ready.empty() || queue_->finished; });
  seconds_waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (queue_->ready.empty()) {
    if (queue_->error) std::rethrow_exception(queue_->error);
    return false;
  }
  batch = std::move(queue_->ready.front());
  queue_->ready.pop_front();
  lock.unlock();
  queue_->changed.notify_all();
  return true;
}

bool ReadAhead::skip() {
  HostBatch batch;
  return next(batch);
}

int64_t ReadAhead::count(int64_t epoch) {
  queue_.reset();  // the thread uses the source as well
  return source_->count(epoch);
}

std::string ReadAhead::remark() {
  queue_.reset();
  return source_->remark();
}

int64_t ReadAhead::examples() const { return source_->examples(); }

}  // namespace gradus
