#include "tasks/log/timer.h"

#include <csignal>
#include <system_error>

namespace gradus {

Timer::Timer(Duration wait, std::function<Duration()> work) : work_(std::move(work)) {
  // A signal is for the program's first thread, which knows what to do about it.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this, wait] { run(wait); });
  } catch (const std::system_error&) {
    // Then there is none.
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Timer::~Timer() {
  {
    const std::lock_guard lock(guard_);
    ends_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Timer::run(Duration wait) {
  std::unique_lock lock(guard_);
  while (!changed_.wait_for(lock, wait, [this] { return ends_; })) {
    lock.unlock();
    wait = work_();
    lock.lock();
    if (wait <= Duration::zero()) return;
  }
}

}  // namespace gradus
