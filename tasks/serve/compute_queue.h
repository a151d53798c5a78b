// The texts of many clients, computed in batches by the one thread that has the device.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "tasks/text_model.h"

namespace gradus {

// A batch begins as soon as the device is free, with what waits then: nobody waits for others to come. It is of one model; models
// take turns, and so do the requests of a model, text by text, so that a short one does not wait for a list of a thousand.
class ComputeQueue {
 public:
  struct Limits {
    int64_t batch_tokens = 2048;  // of a batch; one text at least
    int64_t texts = 4096;         // that have a place, and are not computed yet
  };
  // A batch that was computed, told by the thread that did it.
  struct Batch {
    const TextModel* model;
    int64_t texts, tokens;
    double seconds;
  };

  explicit ComputeQueue(Limits limits, std::function<void(const Batch&)> told = {});
  // Computes what waits.
  ~ComputeQueue();
  ComputeQueue(const ComputeQueue&) = delete;
  ComputeQueue& operator=(const ComputeQueue&) = delete;

  // Places for texts, taken before their tokens are made so that a client that is refused has cost nothing.
  class Places {
   public:
    Places(Places&& other) noexcept : queue_(other.queue_), count_(std::exchange(other.count_, 0)) {}
    Places& operator=(Places&&) = delete;
    ~Places();

   private:
    friend class ComputeQueue;
    Places(ComputeQueue& queue, int64_t count) : queue_(queue), count_(count) {}
    ComputeQueue& queue_;
    int64_t count_;
  };
  // Nothing where so many more don't fit.
  std::optional<Places> take_places(int64_t count);

  // In seconds: computed is what the batches took that had one of the texts, queued the rest of the time until all were done.
  struct Timing {
    double queued = 0, computed = 0;
  };
  // Has texts computed, and waits for that. Any thread may call it. A text for which the model gives anything but numbers makes this
  // throw Error, and harms no other request.
  Timing compute(const TextModel& model, std::span<const std::unique_ptr<TextWork>> works);

  int64_t waiting() const;  // texts that have a place
  // In how many seconds the texts that have a place will have been computed, by what the last ones took.
  double seconds_left() const;

 private:
  struct Job;
  // Texts of one model, and whose they are.
  struct Chosen {
    const TextModel* model = nullptr;
    std::vector<TextWork*> works;
    std::vector<std::shared_ptr<Job>> jobs;
    int64_t tokens = 0;
  };

  void run();
  Chosen choose();
  void compute(const Chosen& chosen);

  Limits limits_;
  std::function<void(const Batch&)> told_;
  mutable std::mutex guard_;
  std::condition_variable changed_;
  // Jobs with texts that are in no batch yet, by model, which take turns.
  std::deque<std::pair<const TextModel*, std::deque<std::shared_ptr<Job>>>> models_;
  int64_t places_ = 0;
  double text_seconds_ = 0.01;  // a moving mean
  bool stopped_ = false;
  std::thread thread_;  // last: it starts when all else is there
};

}  // namespace gradus
