// What processes that train one model together have to tell each other.
#pragma once

#include <cstddef>
#include <span>

#include "core/tensor.h"

namespace gradus {

// Calls are made by all processes, in the same order. They throw Error when another process can't be reached any more.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;  // of this process, from 0
  virtual int size() const = 0;  // processes

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

}  // namespace gradus
