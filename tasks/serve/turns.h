// A few of many threads at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace gradus {

// What a std::counting_semaphore does, and who waits sleeps. That of GCC first gives up the processor some times over and is given it
// back: on a busy machine each time is taken from those that compute.
class Turns {
 public:
  // So many at a time, one or more.
  explicit Turns(int64_t count) : free_(count) {}

  // A place among these, waited for, from here to the end of a scope.
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(turns) {
      std::unique_lock lock(turns_.guard_);
      turns_.freed_.wait(lock, [this] { return turns_.free_ > 0; });
      --turns_.free_;
    }
    ~Turn() {
      {
        const std::lock_guard lock(turns_.guard_);
        ++turns_.free_;
      }
      turns_.freed_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };

 private:
  std::mutex guard_;
  std::condition_variable freed_;
  int64_t free_;
};

}  // namespace gradus
