#include "backends/cuda/backend.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "backends/cuda/device.h"
#include "backends/cuda/device_sums.h"
#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"

namespace gradus::cuda {

// --- transfers --------------------------------------------------------------------------------------------

Transfers::Piece& Transfers::next_piece() {
  std::unique_ptr<Piece>& piece = pieces_[next_++ % pieces_.size()];
  if (piece == nullptr) piece = std::make_unique<Piece>(piece_bytes);
  piece->done.wait();
  return *piece;
}

void Transfers::upload(const void* source, void* target, size_t bytes) {
  for (size_t begin = 0; begin < bytes; begin += piece_bytes) {
    const size_t size = std::min(piece_bytes, bytes - begin);
    Piece& piece = next_piece();
    std::memcpy(piece.memory.data(), static_cast<const std::byte*>(source) + begin, size);
    copy_to_device(stream_, piece.memory.data(), static_cast<std::byte*>(target) + begin, size);
    piece.done.record(stream_);
  }
}

// The next piece is on its way while one is copied on.
void Transfers::download(const void* source, void* target, size_t bytes) {
  Piece* before = nullptr;
  size_t begin_before = 0, size_before = 0;
  const auto finish = [&] {
    if (before == nullptr) return;
    before->done.wait();
    std::memcpy(static_cast<std::byte*>(target) + begin_before, before->memory.data(), size_before);
  };
  for (size_t begin = 0; begin < bytes; begin += piece_bytes) {
    const size_t size = std::min(piece_bytes, bytes - begin);
    Piece& piece = next_piece();
    copy_to_host(stream_, static_cast<const std::byte*>(source) + begin, piece.memory.data(), size);
    piece.done.record(stream_);
    finish();
    before = &piece;
    begin_before = begin;
    size_before = size;
  }
  finish();
}

class Transfers::Download final : public HostCopy {
 public:
  Download(std::unique_ptr<Piece> piece, size_t bytes,
           std::shared_ptr<std::vector<std::unique_ptr<Piece>>> kept)
      : piece_(std::move(piece)), bytes_(bytes), kept_(std::move(kept)) {}
  // Given back while the copy may still be under way: who takes it next waits for that.
  ~Download() override { kept_->push_back(std::move(piece_)); }
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  std::span<const std::byte> wait() override {
    piece_->done.wait();
    return {piece_->memory.data(), bytes_};
  }

 private:
  std::unique_ptr<Piece> piece_;
  size_t bytes_;
  std::shared_ptr<std::vector<std::unique_ptr<Piece>>> kept_;
};

std::unique_ptr<HostCopy> Transfers::begin_download(const void* source, size_t bytes) {
  std::unique_ptr<Piece> piece;
  const size_t wanted = std::bit_ceil(std::max<size_t>(bytes, 4096));
  const auto fits = [&](const std::unique_ptr<Piece>& kept) { return kept->memory.bytes() == wanted; };
  if (const auto found = std::ranges::find_if(*kept_, fits); found != kept_->end()) {
    piece = std::move(*found);
    kept_->erase(found);
    piece->done.wait();
  } else {
    piece = std::make_unique<Piece>(wanted);
  }
  if (bytes > 0) copy_to_host(stream_, source, piece->memory.data(), bytes);
  piece->done.record(stream_);
  return std::make_unique<Download>(std::move(piece), bytes, kept_);
}

// --- the device -------------------------------------------------------------------------------------------

struct CudaBackend::Opened {
  Device device;
  // Tensors; and those of work that graphs are made of: what is let go there may be written to again by a graph, so nothing else may
  // take it.
  Arena arena, graph_arena;
  bool in_graph_work = false, captures = false;
  bool has_let_go = false;  // of memory in `arena` in there
  size_t peak = 0;          // bytes, of both together
  Stream stream = open_stream();
  Arena::Block workspace;
  Products products;
  Transfers transfers{stream};

  explicit Opened(int number)
      : device(open_device(number)),
        arena(device_memory(device)),
        graph_arena(device_memory(device), false),
        workspace(arena.allocate(workspace_bytes(device.major) + workspace_alignment)),
        products({aligned(workspace.data), workspace_bytes(device.major)}) {
    stream.shared_limit = device.shared_limit;
    stream.products = &products;
  }
  ~Opened() { close_stream(stream); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  size_t in_use() const { return arena.use().current + graph_arena.use().current; }
  Arena::Block allocate(size_t bytes) {
    const Arena::Block block = (in_graph_work ? graph_arena : arena).allocate(bytes);
    peak = std::max(peak, in_use());
    return block;
  }
  void deallocate(void* data, size_t bytes) noexcept {
    const bool is_of_graphs = graph_arena.owns(data);
    if (in_graph_work && !is_of_graphs) has_let_go = true;
    (is_of_graphs ? graph_arena : arena).deallocate(data, bytes);
  }
  void check_may_copy() const {
    check(!captures, "[CUDA] a copy from or to the host within work that a graph is made of");
  }

 private:
  static constexpr size_t workspace_alignment = 256;
  static void* aligned(void* data) {
    const auto address = reinterpret_cast<uintptr_t>(data);
    return static_cast<std::byte*>(data) + (workspace_alignment - address % workspace_alignment);
  }
};

CudaBackend::CudaBackend() = default;
CudaBackend::~CudaBackend() = default;

CudaBackend::Opened& CudaBackend::opened() const {
  if (opened_ == nullptr) opened_ = std::make_unique<Opened>(number_);
  return *opened_;
}

void CudaBackend::set_device(int64_t number) {
  check(opened_ == nullptr || number == number_, "[CUDA] device {} is in use: device {} can't take its place",
        number_, number);
  check(number >= 0 && number <= std::numeric_limits<int>::max(), "[CUDA] there is no device {}", number);
  if (opened_ == nullptr) opened_ = std::make_unique<Opened>(static_cast<int>(number));
  number_ = static_cast<int>(number);
}

void CudaBackend::allow_tf32(bool allowed) { opened().products.allow_tf32(allowed); }

std::string CudaBackend::description() const {
  const Device& device = opened().device;
  return fmt::format("device {}, {} (compute capability {}.{}, {} of {} MiB free), CUDA {}, {}", number_,
                     device.name, device.major, device.minor, cuda::free_memory() >> 20, device.memory >> 20,
                     runtime_version(), Products::version());
}

std::string CudaBackend::unsupported(DType dtype) const {
  if (dtype == DType::float32 || dtype == DType::bfloat16 || dtype == DType::float16) return "";
  return fmt::format("the CUDA backend cannot compute in {}", name_of(dtype));
}

namespace {

// Up to a multiple of an eighth of the power of two below it, of `least` where that is more.
int64_t up_to_eighths(int64_t number, uint64_t least) {
  const auto whole = static_cast<uint64_t>(std::max<int64_t>(number, 1));
  const auto step = static_cast<int64_t>(std::max<uint64_t>(std::bit_floor(whole) / 8, least));
  return ceil_div(number, step) * step;
}

}  // namespace

int64_t CudaBackend::padded_rows(int64_t rows) const { return up_to_eighths(rows, 16); }
int64_t CudaBackend::padded_length(int64_t length) const { return up_to_eighths(length, 32); }

// --- memory -----------------------------------------------------------------------------------------------

void* CudaBackend::allocate(size_t bytes) { return opened().allocate(bytes).data; }

void* CudaBackend::allocate_zeroed(size_t bytes) {
  const Arena::Block block = opened().allocate(bytes);
  clear(opened().stream, block.data, block.stale);
  return block.data;
}

void CudaBackend::deallocate(void* data, size_t bytes) noexcept { opened_->deallocate(data, bytes); }
MemoryUse CudaBackend::memory() const { return {opened().in_use(), opened().peak}; }
std::optional<size_t> CudaBackend::free_memory() const {
  return cuda::free_memory() + opened().arena.spare() + opened().graph_arena.spare();
}
void CudaBackend::reset_peak() { opened().peak = opened().in_use(); }

void CudaBackend::copy_from_host(const void* source, const Tensor& target) {
  opened().check_may_copy();
  opened().transfers.upload(source, target.raw(), target.bytes());
}
void CudaBackend::copy_to_host(const Tensor& source, void* target) {
  opened().check_may_copy();
  opened().transfers.download(source.raw(), target, source.bytes());
}
std::unique_ptr<HostCopy> CudaBackend::begin_copy_to_host(const Tensor& source) {
  opened().check_may_copy();
  return opened().transfers.begin_download(source.raw(), source.bytes());
}

std::unique_ptr<DeviceSums> CudaBackend::sums_over(Communicator& processes) {
  return join_by_nccl(opened().stream, opened().device.id, processes);
}

// --- graphs -----------------------------------------------------------------------------------------------

class CudaBackend::Graph final : public KernelGraph {
 public:
  Graph(const Stream& stream, std::unique_ptr<CapturedCalls> calls)
      : stream_(stream), calls_(std::move(calls)) {}
  // The device may still be running it.
  ~Graph() override {
    try {
      wait_for(stream_);
    } catch (const Error&) {  // whoever waits next hears of it too
    }
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void replay() override { calls_->replay(stream_); }

 private:
  const Stream& stream_;
  std::unique_ptr<CapturedCalls> calls_;
};

void CudaBackend::call_with_graph_memory(const std::function<void()>& work, bool captures) {
  Opened& device = opened();
  check(!device.in_graph_work, "[CUDA] work that a graph is made of within another");
  const auto set = [&](bool is_in) {
    device.in_graph_work = is_in;
    device.captures = is_in && captures;
    device.products.seal(device.captures);
  };
  set(true);
  device.has_let_go = false;
  try {
    work();
  } catch (...) {
    set(false);
    throw;
  }
  set(false);
  check(!device.has_let_go, "[CUDA] memory from before was let go within work that a graph is made of");
}

void CudaBackend::warm_up(const std::function<void()>& work) { call_with_graph_memory(work, false); }

std::unique_ptr<KernelGraph> CudaBackend::capture(const std::function<void()>& work) {
  const Stream& stream = opened().stream;
  begin_capture(stream);
  try {
    call_with_graph_memory(work, true);
  } catch (...) {
    try {
      end_capture(stream);
    } catch (const Error&) {  // of what went wrong first the caller hears
    }
    throw;
  }
  return std::make_unique<Graph>(stream, end_capture(stream));
}

#define GRADUS_PUT_INTO_STREAM(function, Arguments) \
  void CudaBackend::function(const Arguments& args) { gradus::cuda::function(opened().stream, args); }
GRADUS_KERNELS(GRADUS_PUT_INTO_STREAM)

}  // namespace gradus::cuda
