// What processes that train one model together have to tell each other.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/tensor.h"

namespace gradus {

// Calls are made by all processes, in the same order, each by one thread. They throw Error when another process can't be
// reached any more.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;  // of this process, from 0
  virtual int size() const = 0;  // processes
  // Processes on this machine, and the number of this one among them, from 0.
  virtual int local_size() const { return 1; }
  virtual int local_rank() const { return 0; }

  // Tells whose tensors the sums are of, before the first of them: a device may have its own way (Backend::sums_over). Throws Error where
  // the devices can't be joined.
  virtual void join_devices(Backend&) {}
  // Begins to replace a tensor, float32, by the sum of those of all processes. Nobody may write to it until wait().
  virtual void begin_sum(const Tensor& tensor) = 0;
  // Ends all that was begun: what the process asks its backend for next may use the sums.
  virtual void wait() = 0;
  // Replaces numbers on the host by their sums, at once.
  virtual void sum(std::span<double> numbers) = 0;
  // Gives all processes the bytes of process 0.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  // Returns when all processes have come here.
  virtual void barrier() = 0;

  // Ends all processes, since this one can't go on.
  [[noreturn]] virtual void abandon(int status) { std::_Exit(status); }

  // A call and when it was worked on, for a timeline.
  struct Call {
    const char* name;
    size_t bytes;
    std::chrono::steady_clock::time_point begin, end;
  };
  // Calls are told from now on, by another thread.
  virtual void observe(std::function<void(const Call&)>) {}
};

// Sums of tensors that lie on devices, one device for each process. All processes make the same calls in the same order.
class DeviceSums {
 public:
  virtual ~DeviceSums() = default;
  // Begins to replace a tensor, float32, by the sum of those of all processes, once everything that the backend was called for before
  // has run. Nobody may write to it until end().
  virtual void begin(const Tensor& tensor) = 0;
  // Has everything that the backend is called for from now on run after these sums. The host does not wait for them.
  virtual void end() = 0;
  // What has gone wrong in a sum that may still be under way, so that who waits for it would wait forever; empty for nothing. Called
  // by any thread.
  virtual std::string error() const = 0;
};

// A process of its own.
class OneProcess final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void begin_sum(const Tensor&) override {}
  void wait() override {}
  void sum(std::span<double>) override {}
  void broadcast(std::span<std::byte>) override {}
  void barrier() override {}
};

// The processes that mpirun, or another launcher that Open MPI knows, has started together with this one; nothing when none
// has. When one of them has not been heard of for `timeout`, the others end, and one says which it was. Throws Error where the
// project was built without MPI.
std::unique_ptr<Communicator> join_processes(std::chrono::seconds timeout);
// The place that a launcher has given this process among several, joined or not; 0 where there are not several.
int launched_rank();
// Whether there are.
bool is_one_of_several();

}  // namespace gradus
