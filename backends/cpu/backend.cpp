#include "backends/cpu/backend.h"

#include <cstring>
#include <fstream>

#include "backends/cpu/gemm.h"
#include "backends/cpu/parallel.h"
#include "core/backend_module.h"

namespace gradus::cpu {
namespace {

constexpr std::string_view variant = GRADUS_CPU_VARIANT;  // the instructions this module was compiled for

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

std::string unsupported_int8() {
  // Whether products of int8 gain anything beside those of bfloat16 on AMX has not been measured.
  if (Gemm::has_tiles())
    return fmt::format("{} has AMX, where bfloat16 is fast and loses less: use --compute_type bf16",
                       processor_name());
  if (Gemm::has_vnni()) return "";
  return fmt::format("{} cannot compute in int8: it takes avx512_vnni or avx_vnni; use --compute_type fp32",
                     processor_name());
}

void clear(void* data, size_t bytes) {
  constexpr int64_t least = int64_t{1} << 20;  // of bytes, for a thread of its own
  parallel_for(static_cast<int64_t>(bytes), least, [&](int64_t begin, int64_t end) {
    std::memset(static_cast<char*>(data) + begin, 0, static_cast<size_t>(end - begin));
  });
}

}  // namespace

CpuBackend::CpuBackend() : gemm_(std::make_unique<Gemm>()) {}
CpuBackend::~CpuBackend() = default;

std::string CpuBackend::name() const { return "CPU"; }

std::string CpuBackend::description() const {
  return fmt::format("{}, {} kernels, oneDNN {}, {} threads", processor_name(), variant, Gemm::version(),
                     max_threads());
}

std::string CpuBackend::unsupported(DType dtype) const {
  if (dtype == DType::float32) return "";
  if (dtype == DType::int8) return unsupported_int8();
  if (dtype != DType::bfloat16) return fmt::format("the CPU backend cannot compute in {}", name_of(dtype));
#if defined(__x86_64__)
  // AMX processors have avx512_bf16 as well. Without either oneDNN would emulate, slower than float32.
  if (__builtin_cpu_supports("avx512bf16") && variant == "avx512") return "";
#endif
  return fmt::format(
      "{} with {} kernels cannot compute in bfloat16: it takes avx512_bf16 or AMX; use --compute_type fp32",
      processor_name(), variant);
}

int CpuBackend::set_threads(int threads) {
  threads_to_use =
      static_cast<int>(ThreadPool::instance().grow(threads > 0 ? threads : threads_of_machine()));
  return threads_to_use;
}

void* CpuBackend::allocate(size_t bytes) { return arena_.allocate(bytes).data; }

void* CpuBackend::allocate_zeroed(size_t bytes) {
  const Arena::Block block = arena_.allocate(bytes);
  clear(block.data, block.stale);
  return block.data;
}

void CpuBackend::deallocate(void* data, size_t bytes) noexcept { arena_.deallocate(data, bytes); }
MemoryUse CpuBackend::memory() const { return arena_.use(); }
void CpuBackend::reset_peak() { arena_.reset_peak(); }

void CpuBackend::copy_from_host(const void* source, const Tensor& target) {
  if (target.bytes() > 0) std::memcpy(target.raw(), source, target.bytes());
}
void CpuBackend::copy_to_host(const Tensor& source, void* target) {
  if (source.bytes() > 0) std::memcpy(target, source.raw(), source.bytes());
}
void CpuBackend::fill_zero(const FillZero& args) { clear(args.x.raw(), args.x.bytes()); }

}  // namespace gradus::cpu

GRADUS_BACKEND_MODULE(gradus::cpu::CpuBackend)
