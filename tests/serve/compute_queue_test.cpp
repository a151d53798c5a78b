// The queue before the device: what shares a batch, who waits for whom, and what an error touches.
#include "tasks/serve/compute_queue.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <set>

#include "core/joined.h"
#include "tests/files.h"

using namespace gradus;

namespace {

struct FakeWork : TextWork {
  explicit FakeWork(std::string name, int64_t length = 10) : name(std::move(name)) { tokens = length; }
  std::string name;
  bool computed = false;
};

// Notes its batches, and computes when it is let.
class FakeModel final : public TextModel {
 public:
  ModelTask task() const override { return ModelTask::tag; }
  RequestKind kind() const override { return RequestKind::texts; }
  std::unique_ptr<TextWork> prepare(TextQuery query, int64_t /*most_tokens*/) const override {
    return std::make_unique<FakeWork>(query.text);
  }
  void compute(std::span<TextWork* const> works) const override {
    std::string names;
    bool bad = false;
    for (TextWork* const work : works) {
      auto& fake = static_cast<FakeWork&>(*work);
      names += fake.name;
      bad = bad || fake.name == "!";
    }
    begun.fetch_add(1);
    begun.notify_all();
    allowed.acquire();
    batches.push_back(names);
    if (bad) fail("bad text among {}", works.size());
    for (TextWork* const work : works) static_cast<FakeWork&>(*work).computed = true;
  }
  Json result(const TextWork& work) const override { return static_cast<const FakeWork&>(work).name; }

  void wait_until_begun(int count) const {
    for (int now = begun; now < count; now = begun) begun.wait(now);
  }

  mutable std::atomic<int> begun = 0;
  mutable std::counting_semaphore<> allowed{0};
  mutable std::vector<std::string> batches;  // names of the texts in each
};

std::vector<std::unique_ptr<TextWork>> works_of(const std::vector<std::string>& names, int64_t tokens = 10) {
  std::vector<std::unique_ptr<TextWork>> works;
  for (const std::string& name : names) works.push_back(std::make_unique<FakeWork>(name, tokens));
  return works;
}

// A request that waits in a thread of its own.
class Request {
 public:
  Request(ComputeQueue& queue, const FakeModel& model, const std::vector<std::string>& names,
          int64_t tokens = 10)
      : works_(works_of(names, tokens)), timing_(std::async(std::launch::async, [this, &queue, &model] {
          return queue.compute(model, works_);
        })) {}
  ComputeQueue::Timing wait() {
    const ComputeQueue::Timing timing = timing_.get();
    for (const auto& work : works_) CHECK(static_cast<FakeWork&>(*work).computed);
    return timing;
  }
  std::string error() {
    return error_of([&] { timing_.get(); });
  }

 private:
  std::vector<std::unique_ptr<TextWork>> works_;
  std::future<ComputeQueue::Timing> timing_;
};

// Lets threads that were started come to where they wait.
void wait_a_little() { std::this_thread::sleep_for(std::chrono::milliseconds(100)); }

}  // namespace

TEST_CASE("compute queue: what waits while a batch is computed is the next batch") {
  const FakeModel model;
  ComputeQueue queue({.batch_tokens = 50, .texts = 100});
  Request first(queue, model, {"a"});
  model.wait_until_begun(1);
  Request b(queue, model, {"b"});
  wait_a_little();
  Request c(queue, model, {"c"});
  wait_a_little();
  model.allowed.release(2);
  first.wait();
  const ComputeQueue::Timing timing = c.wait();
  b.wait();
  CHECK(model.batches == std::vector<std::string>{"a", "bc"});
  CHECK(timing.queued > 0.05);
  CHECK(timing.computed < timing.queued);
}

TEST_CASE("compute queue: a batch has so many tokens, or one text, and requests take turns in it") {
  const FakeModel model;
  ComputeQueue queue({.batch_tokens = 40, .texts = 100});
  Request first(queue, model, {"."});
  model.wait_until_begun(1);
  Request list(queue, model, {"1", "2", "3", "4", "5", "6"});
  wait_a_little();
  Request one(queue, model, {"a"});
  wait_a_little();
  Request large(queue, model, {"L"}, 1000);
  wait_a_little();
  model.allowed.release(100);
  first.wait();
  list.wait();
  one.wait();
  large.wait();
  // One text of the list, the single one; the large one does not fit, so it begins the next batch, alone.
  CHECK(model.batches == std::vector<std::string>{".", "1a", "L", "2345", "6"});
}

TEST_CASE("compute queue: models take turns, a batch is of one") {
  const FakeModel model, other;
  ComputeQueue queue({.batch_tokens = 20, .texts = 100});
  Request first(queue, model, {"."});
  model.wait_until_begun(1);
  Request a(queue, model, {"1", "2", "3", "4"});
  wait_a_little();
  Request b(queue, other, {"a", "b", "c"});
  wait_a_little();
  other.allowed.release(100);
  model.allowed.release(2);
  model.wait_until_begun(3);  // the second batch of four texts
  CHECK(other.begun == 1);    // has let the other one's first go before
  model.allowed.release(100);
  first.wait();
  a.wait();
  b.wait();
  CHECK(model.batches == std::vector<std::string>{".", "12", "34"});
  CHECK(other.batches == std::vector<std::string>{"ab", "c"});
}

TEST_CASE("compute queue: a text at fault takes its own request along alone") {
  const FakeModel model;
  model.allowed.release(100);
  ComputeQueue queue({});
  model.allowed.acquire();
  FakeModel gate;
  Request first(queue, gate, {"."});
  gate.wait_until_begun(1);
  Request good(queue, model, {"a", "b"});
  Request bad(queue, model, {"c", "!"});
  wait_a_little();
  gate.allowed.release();
  first.wait();
  good.wait();
  CHECK(bad.error() == "bad text among 1");
}

TEST_CASE("compute queue: places are limited, and given back") {
  ComputeQueue queue({.batch_tokens = 1, .texts = 3});
  {
    const auto two = queue.take_places(2);
    CHECK(two.has_value());
    CHECK_FALSE(queue.take_places(2).has_value());
    CHECK(queue.take_places(1).has_value());
    CHECK(queue.waiting() == 2);
    CHECK(queue.seconds_left() > 0);
  }
  CHECK(queue.waiting() == 0);
  CHECK(queue.take_places(3).has_value());
}

TEST_CASE("compute queue: what waits when it ends is computed") {
  const FakeModel model;
  auto queue = std::make_unique<ComputeQueue>(ComputeQueue::Limits{});
  Request a(*queue, model, {"a"});
  model.wait_until_begun(1);
  Request b(*queue, model, {"b"});
  wait_a_little();
  model.allowed.release(2);
  queue.reset();
  a.wait();
  b.wait();
  CHECK(model.batches == std::vector<std::string>{"a", "b"});
}

TEST_CASE("compute queue: many threads, every text is computed once") {
  const FakeModel model;
  model.allowed.release(1 << 20);
  std::atomic<int64_t> told = 0;
  {
    ComputeQueue queue({.batch_tokens = 70, .texts = 1 << 20},
                       [&](const ComputeQueue::Batch& batch) { told += batch.texts; });
    std::vector<std::thread> threads;
    for (int t = 0; t < 16; ++t)
      threads.emplace_back([&queue, &model] {
        for (int i = 0; i < 100; ++i) {
          const auto works = works_of(std::vector<std::string>(static_cast<size_t>(i % 7), "x"));
          queue.compute(model, works);
          for (const auto& work : works)
            if (!static_cast<FakeWork&>(*work).computed) std::terminate();
        }
      });
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(told == 16 * (100 / 7 * 21 + 1));
  int64_t texts = 0;
  for (const std::string& batch : model.batches) texts += std::ssize(batch);
  CHECK(texts == told);
}
