// A stack of its own to run on, left in the middle of a function and entered again: a thread of the emulated device.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace gradus::emulator {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs `work` until it calls leave() or ends; what it throws is thrown here. Only a fiber that has ended, or is new, may be started.
  void start(std::function<void()> work);
  // Goes on behind its leave().
  void enter();
  // Back to whoever entered the fiber that runs.
  static void leave();
  bool has_ended() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus::emulator
