// The device, and what the host asks of it beside launches. runtime.cu asks CUDA; the emulated device has its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "backends/cuda/stream.h"
#include "core/arena.h"

namespace gradus::cuda {

struct Device {
  std::string name;
  std::string id;            // of this one among all there are anywhere
  int major = 0, minor = 0;  // compute capability
  size_t memory = 0;         // bytes
  size_t shared_limit = 0;   // bytes of shared memory that a block may have
};

// Opens a device, by its number among those that CUDA_VISIBLE_DEVICES leaves. Throws Error that says what is missing, and what was
// found: a driver, a new enough one, a device of that number, or one of compute capability 8.0.
Device open_device(int number);
// Devices that CUDA_VISIBLE_DEVICES leaves; 0 where none can be used, of which open_device says why.
int device_count();
// Has the calling thread's calls go to that device.
void use_device(int number);
// Bytes of the current device that nobody has taken.
size_t free_memory();
std::string runtime_version();

// The current device's memory.
std::unique_ptr<AddressRange> device_memory(const Device& device);

Stream open_stream();
void close_stream(const Stream& stream);
// Waits until all that the stream was given has run. Throws Error when something went wrong in there.
void wait_for(const Stream& stream);

// Host memory that the device copies from and to by itself.
class PinnedMemory {
 public:
  explicit PinnedMemory(size_t bytes);
  ~PinnedMemory();
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_;
};

// A place in a stream's order.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(const Stream& stream);
  // Waits until the device has come to where it was recorded last; at once where it never was.
  void wait() const;
  // The same for another stream: what it is given from now on runs after that. The host goes on.
  void make_wait(const Stream& stream) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Kernels, and memory set to zero, that a stream was given while it captured.
class CapturedCalls {
 public:
  virtual ~CapturedCalls() = default;
  // Gives the stream all of them again.
  virtual void replay(const Stream& stream) = 0;
};

// From here on the stream keeps what it is given instead of running it. What may not be captured, as waiting for the stream, is an Error,
// at once or at the end.
void begin_capture(const Stream& stream);
// Ends that, also after something went wrong, and gives what was kept. Throws Error where the capture has failed.
std::unique_ptr<CapturedCalls> end_capture(const Stream& stream);

// Copies in the stream's order; `pinned` lies in PinnedMemory, and stays as it is until the device has come there.
void copy_to_device(const Stream& stream, const std::byte* pinned, void* target, size_t bytes);
void copy_to_host(const Stream& stream, const void* source, std::byte* pinned, size_t bytes);

}  // namespace gradus::cuda
