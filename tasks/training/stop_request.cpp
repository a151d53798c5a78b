#include "tasks/training/stop_request.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iterator>

namespace gradus {
namespace {

std::atomic<int> received = 0;
static_assert(std::atomic<int>::is_always_lock_free);  // what a signal handler may use

// The second signal, of either kind, does what it does without us; SIGUSR1 is neither a first nor a second of these.
void note(int signal) {
  int before = 0;
  if (received.compare_exchange_strong(before, signal) || signal == SIGUSR1) return;
  if (before == SIGUSR1 && received.compare_exchange_strong(before, signal)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

StopRequest::StopRequest() : before_(), stack_before_() {
  received = 0;
  // What the system saves there has all registers, 11 KiB with AMX.
  stack_.resize(static_cast<size_t>(std::max(::sysconf(_SC_SIGSTKSZ), 1L << 16)));
  stack_t stack{};
  stack.ss_sp = stack_.data();
  stack.ss_size = stack_.size();
  ::sigaltstack(&stack, &stack_before_);
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  for (size_t i = 0; i < std::size(signals); ++i) {
    ::sigaction(signals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);
  }
}

StopRequest::~StopRequest() {
  for (size_t i = 0; i < std::size(signals); ++i) ::sigaction(signals[i], &before_[i], nullptr);
  ::sigaltstack(&stack_before_, nullptr);
}

std::string_view StopRequest::signal() const {
  switch (received) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return {};
  }
}

}  // namespace gradus
