// What backends/cuda/runtime.h asks for, on the emulated device.
#include "tests/emulator/device.h"
// The order matters: the stream is another one under it.
#include "backends/cuda/runtime.h"

namespace gradus::cuda {

Device open_device(int number) {
  check(number == 0, "[emulated device] there is no device {}", number);
  static int opened = 0;
  return {"the emulated device", fmt::format("device {}", ++opened), 8, 0, size_t{1} << 30,
          emulator::shared_limit};
}
int device_count() { return 1; }
void use_device(int) {}
size_t free_memory() { return emulator::free_memory; }
std::string runtime_version() { return "emulated"; }

std::unique_ptr<AddressRange> device_memory(const Device&) {
  // Host memory, whose zeros nobody may count on.
  class Memory final : public AddressRange {
   public:
    char* begin() const override { return range_->begin(); }
    size_t bytes() const override { return range_->bytes(); }
    void provide(size_t bytes) override {
      range_->provide(bytes);
      if (bytes > provided_) std::memset(begin() + provided_, 0xff, bytes - provided_);
      provided_ = std::max(provided_, bytes);
    }
    bool comes_clear() const override { return false; }
    // What a late stream still reads may have been let go.
    bool is_host_memory() const override { return !is_late_; }

   private:
    std::unique_ptr<AddressRange> range_ = host_memory();
    size_t provided_ = Arena::alignment;  // what lies before is a guard where an address sanitizer looks
    const bool is_late_ = emulator::streams_are_late;
  };
  return std::make_unique<Memory>();
}

Stream open_stream() { return {.queue = new emulator::Queue()}; }
void close_stream(const Stream& stream) { delete stream.queue; }
void wait_for(const Stream& stream) {
  check(!stream.queue->is_capturing(), "[emulated device] a wait within a capture");
  stream.queue->run(stream.queue->given());
}

PinnedMemory::PinnedMemory(size_t bytes) : data_(new std::byte[bytes]), bytes_(bytes) {}
PinnedMemory::~PinnedMemory() { delete[] data_; }

struct Event::State {
  emulator::Queue* queue = nullptr;
  size_t place = 0;
};
Event::Event() : state_(std::make_unique<State>()) {}
Event::~Event() = default;
void Event::record(const Stream& stream) {
  check(!stream.queue->is_capturing(), "[emulated device] an event is recorded within a capture");
  *state_ = {stream.queue, stream.queue->given()};
}
void Event::make_wait(const Stream& stream) const {
  if (state_->queue != nullptr) stream.queue->add([state = *state_] { state.queue->run(state.place); });
}
void Event::wait() const {
  if (state_->queue != nullptr) state_->queue->run(state_->place);
}

void begin_capture(const Stream& stream) {
  check(!stream.queue->is_capturing(), "[emulated device] the stream captures already");
  stream.queue->begin_capture();
}

std::unique_ptr<CapturedCalls> end_capture(const Stream& stream) {
  class Calls final : public CapturedCalls {
   public:
    explicit Calls(std::vector<std::function<void()>> calls) : calls_(std::move(calls)) {}
    // A device may free what it still runs.
    ~Calls() override {
      if (*under_way_ > 0) ++emulator::graphs_lost;
    }
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

    void replay(const Stream& stream) override {
      check(!stream.queue->is_capturing(), "[emulated device] a graph is replayed within a capture");
      ++*under_way_;
      for (const std::function<void()>& call : calls_) stream.queue->add(call);
      stream.queue->add([under_way = under_way_] { --*under_way; });
    }

   private:
    std::vector<std::function<void()>> calls_;
    std::shared_ptr<int> under_way_ = std::make_shared<int>(0);  // replays
  };
  return std::make_unique<Calls>(stream.queue->end_capture());
}

void copy_to_device(const Stream& stream, const std::byte* pinned, void* target, size_t bytes) {
  stream.queue->add([=] { std::memcpy(target, pinned, bytes); });
}
void copy_to_host(const Stream& stream, const void* source, std::byte* pinned, size_t bytes) {
  stream.queue->add([=] { std::memcpy(pinned, source, bytes); });
}

}  // namespace gradus::cuda
