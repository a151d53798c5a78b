#include "tests/bench/raw_speed.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <dnnl.hpp>
#include <vector>

#include "core/error.h"

namespace gradus {

double median_seconds(const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  constexpr double enough = 1.0 / 3;
  call();
  std::vector<double> times;
  for (double total = 0; times.size() < 5 || total < enough; total += times.back()) {
    const auto start = Clock::now();
    call();
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  const auto middle = times.begin() + static_cast<int64_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

double copy_seconds(size_t bytes) {
  const std::vector<char> source(bytes, 1);
  std::vector<char> target(bytes);
  return median_seconds([&] {
#pragma omp parallel
    {
      const auto threads = static_cast<size_t>(omp_get_num_threads());
      const auto thread = static_cast<size_t>(omp_get_thread_num());
      const size_t begin = bytes * thread / threads;
      std::memcpy(target.data() + begin, source.data() + begin, bytes * (thread + 1) / threads - begin);
    }
  });
}

double matmul_seconds(int64_t m, int64_t k, int64_t n, DType dtype) try {
  const auto type = dtype == DType::bfloat16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
  const auto any = dnnl::memory::format_tag::any;
  const dnnl::memory::desc a({m, k}, type, any);
  const dnnl::memory::desc b({k, n}, type, any);
  const dnnl::memory::desc c({m, n}, type, any);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc description(engine, a, b, c);
#else
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), engine);
#endif
  const dnnl::matmul product(description);
  const auto zeros = [&](const dnnl::memory::desc& layout) {
    dnnl::memory memory(layout, engine);
    std::memset(memory.get_data_handle(), 0, layout.get_size());
    return memory;
  };
  const std::unordered_map<int, dnnl::memory> arguments{{DNNL_ARG_SRC, zeros(description.src_desc())},
                                                        {DNNL_ARG_WEIGHTS, zeros(description.weights_desc())},
                                                        {DNNL_ARG_DST, zeros(description.dst_desc())}};
  dnnl::stream stream(engine);
  return median_seconds([&] {
    product.execute(stream, arguments);
    stream.wait();
  });
} catch (const dnnl::error& error) {
  fail("[oneDNN] product in {}: {}", name_of(dtype), error.what());
}

}  // namespace gradus
