// Runs the rungs of the ladders of kernels (docs/kernels/). On a GPU it prints the time of each, the median of several runs, and the
// rates that follow from its bytes and operations by arithmetic. On the emulated device, which has no speed, it prints what it counted.
#include <algorithm>
#include <cmath>
#include <memory>

#include "backends/cuda/runtime.h"
#include "tasks/options/arguments.h"
#include "tests/bench/kernels/ladder.h"
#ifdef GRADUS_EMULATED_DEVICE
#include "tests/emulator/emulated_backend.h"
#else
#include "backends/cuda/backend.h"
#endif

using namespace gradus;
using namespace gradus::ladder;

namespace {

struct Settings {
  std::string only, type = "bfloat16";
  int rows = 0, columns = 0, heads = 0, head_size = 64, runs = 20;
  int bandwidth = 0, tera_operations = 0;  // the device's peaks, GB/s and TFLOP/s
};

// The device, and a stream on it that runs what is measured.
struct Opened {
  std::unique_ptr<Backend> own;  // where there is no instance
  Backend* backend;
  cuda::Stream stream;
};

#ifdef GRADUS_EMULATED_DEVICE

constexpr bool is_small = true;  // the shapes that are the default

Opened open() {
  fmt::print("the emulated device: counted, not timed\n");
  return {nullptr, &emulated_backend(), {}};
}

void print_head() {
  fmt::print("{:<52}{:>12}{:>12}{:>9}{:>9}{:>10}{:>10}{:>10}{:>9}\n", "rung", "asked, B", "least, B",
             "launches", "threads", "barriers", "warp ops", "copied, B", "shared");
}

template <typename Problem>
void print_runs(const Opened& opened, const Settings&, const Rung<Problem>& rung, const Problem& problem) {
  emulator::counts = {};
  rung.run(opened.stream, problem);
  const emulator::Counts& counts = emulator::counts;
  const Traffic traffic = rung.traffic(problem);
  fmt::print("{:<52}{:>12.0f}{:>12.0f}{:>9}{:>9}{:>10}{:>10}{:>10}{:>9}\n", rung.name, traffic.asked,
             traffic.least, counts.launches, counts.threads, counts.barriers, counts.warp_operations,
             counts.copied_bytes, counts.shared_bytes);
}

#else

constexpr bool is_small = false;

Opened open() {
  const cuda::Device device = cuda::open_device(0);
  Opened opened{std::make_unique<cuda::CudaBackend>(), nullptr, cuda::open_stream()};
  opened.backend = opened.own.get();
  opened.stream.shared_limit = device.shared_limit;
  fmt::print("{}, compute capability {}.{}\n", device.name, device.major, device.minor);
  return opened;
}

void print_head() {
  fmt::print("{:<52}{:>12}{:>12}{:>11}{:>11}{:>8}{:>11}{:>8}\n", "rung", "asked, MB", "least, MB", "time, ms",
             "GB/s", "of peak", "TFLOP/s", "of peak");
}

// Two places in a stream's order, and the time between them.
class Clock {
 public:
  Clock() {
    for (cudaEvent_t& event : events_) cuda::check_status(cudaEventCreate(&event), "an event");
  }
  ~Clock() {
    for (const cudaEvent_t event : events_) cudaEventDestroy(event);
  }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  template <typename F>
  double seconds(const cuda::Stream& stream, F&& work) {
    cuda::check_status(cudaEventRecord(events_[0], stream.handle), "an event");
    work();
    cuda::check_status(cudaEventRecord(events_[1], stream.handle), "an event");
    cuda::check_status(cudaEventSynchronize(events_[1]), "a kernel");
    float milliseconds = 0;
    cuda::check_status(cudaEventElapsedTime(&milliseconds, events_[0], events_[1]),
                       "the time between events");
    return milliseconds * 1e-3;
  }

 private:
  cudaEvent_t events_[2] = {};
};

std::string share(double rate, int peak) {
  return peak > 0 ? fmt::format("{:.1f} %", 100 * rate / peak) : "-";
}

// The first runs are not counted: code is loaded and clocks rise in them.
template <typename Problem>
void print_runs(const Opened& opened, const Settings& settings, const Rung<Problem>& rung,
                const Problem& problem) {
  constexpr int warm_up = 3;
  Clock clock;
  std::vector<double> times;
  for (int i = 0; i < warm_up + settings.runs; ++i) {
    const double time = clock.seconds(opened.stream, [&] { rung.run(opened.stream, problem); });
    if (i >= warm_up) times.push_back(time);
  }
  std::ranges::sort(times);
  const double time = times[times.size() / 2];
  const Traffic traffic = rung.traffic(problem);
  const double bandwidth = traffic.least / time * 1e-9, operations = operations_of(problem) / time * 1e-12;
  fmt::print("{:<52}{:>12.1f}{:>12.1f}{:>11.4f}{:>11.1f}{:>8}{:>11}{:>8}\n", rung.name, traffic.asked * 1e-6,
             traffic.least * 1e-6, time * 1e3, bandwidth, share(bandwidth, settings.bandwidth),
             operations > 0 ? fmt::format("{:.2f}", operations) : "-",
             operations > 0 ? share(operations, settings.tera_operations) : "-");
  std::fflush(stdout);
}

#endif

std::vector<std::vector<float>> values_of(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<float>> values;
  for (const Tensor& tensor : tensors) values.push_back(tensor.to_host());
  return values;
}

// The largest difference of two results, in parts of the larger of 1 and the number; infinite where one is NaN.
double difference(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t k = 0; k < a[i].size(); ++k) {
      const double off = std::abs(a[i][k] - b[i][k]) / std::max(1.0F, std::abs(a[i][k]));
      worst = std::isnan(off) ? INFINITY : std::max(worst, off);
    }
  }
  return worst;
}

// Whether a rung has given other results than the first one of its ladder.
bool some_are_wrong = false;

// Each rung gets the same problem afresh, whose results have to be the first one's but for rounding. One that the problem is none for says so.
template <typename Problem, typename Make>
void climb(const Opened& opened, const Settings& settings, const char* name, const std::string& shape,
           const Ladder<Problem>& ladder, Make&& make) {
  if (!settings.only.empty() && settings.only != name) return;
  fmt::print("\n{} {} in {}\n", name, shape, settings.type);
  print_head();
  std::vector<std::vector<float>> first;
  for (const Rung<Problem>& rung : ladder) {
    try {
      const Problem problem = make(*opened.backend);
      Tensor::zeros(*opened.backend, {1})
          .to_host();  // waits until it is all there: the rungs' stream is another one
      rung.run(opened.stream, problem);
      if constexpr (!is_small) cuda::wait_for(opened.stream);
      const auto values = values_of(results_of(problem));
      if (first.empty()) first = values;
      const double off = difference(first, values);
      if (off < 0.05) {
        print_runs(opened, settings, rung, problem);
      } else {
        some_are_wrong = true;
        fmt::print("{:<52}wrong: its results are {:.3g} off those of the first rung\n", rung.name, off);
      }
    } catch (const Error& error) {
      fmt::print("{:<52}{}\n", rung.name, error.what());
    }
  }
}

int64_t or_else(int given, int64_t usual, int64_t when_small) {
  return given > 0 ? given : is_small ? when_small : usual;
}

void climb_all(const Opened& opened, const Settings& settings) {
  const DType type = settings.type == "float32" ? DType::float32 : DType::bfloat16;
  {
    const int64_t rows = or_else(settings.rows, 32768, 32), columns = or_else(settings.columns, 768, 768);
    climb(opened, settings, "layer_norm", fmt::format("[{}, {}]", rows, columns), layer_norm_ladder(),
          [&](Backend& backend) { return layer_norm_problem(backend, type, rows, columns); });
  }
  {
    const int64_t rows = or_else(settings.rows, 2048, 8), columns = or_else(settings.columns, 30528, 1024);
    climb(opened, settings, "cross_entropy", fmt::format("[{}, {}]", rows, columns), cross_entropy_ladder(),
          [&](Backend& backend) {
            CrossEntropyProblem problem = cross_entropy_problem(backend, type, rows, columns);
            put_in_place(problem);
            return problem;
          });
  }
  const int64_t sequences = or_else(settings.rows, 64, 1), length = or_else(settings.columns, 512, 96),
                heads = or_else(settings.heads, 12, 1);
  climb(opened, settings, "attention",
        fmt::format("{} sequences of {}, {} heads of {}", sequences, length, heads, settings.head_size),
        attention_ladder(), [&](Backend& backend) {
          return attention_problem(backend, type,
                                   std::vector<int64_t>(static_cast<size_t>(sequences), length), heads,
                                   settings.head_size);
        });
}

}  // namespace

int main(int argc, char** argv) try {
  Settings settings;
  Arguments arguments("kernel_bench", "Runs kernels from the plainest to the backend's own.",
                      "kernel_bench --ladder layer_norm --type bfloat16");
  arguments.add("--ladder", settings.only,
                "layer_norm, cross_entropy or attention; all of them unless given");
  arguments.add("--type", settings.type, "float32 or bfloat16");
  arguments.add("--rows", settings.rows,
                "number of rows, of sequences in attention; 0: as the device can take");
  arguments.add("--columns", settings.columns, "numbers of a row, length of a sequence; 0: BERT's");
  arguments.add("--heads", settings.heads, "heads of attention; 0: BERT's");
  arguments.add("--head_size", settings.head_size, "numbers of a head");
  arguments.add("--runs", settings.runs, "of which the median is printed");
  arguments.add("--bandwidth", settings.bandwidth,
                "the device's memory bandwidth in GB/s, to print shares of it");
  arguments.add("--tflops", settings.tera_operations,
                "what the device computes in TFLOP/s, to print shares of it");
  if (const std::optional<int> status = arguments.parse(argc, argv, 2)) return *status;
  check(settings.only.empty() || settings.only == "layer_norm" || settings.only == "cross_entropy" ||
            settings.only == "attention",
        "--ladder: '{}': expected layer_norm, cross_entropy or attention", settings.only);
  check(settings.type == "float32" || settings.type == "bfloat16",
        "--type: '{}': expected float32 or bfloat16", settings.type);
  check(settings.rows >= 0 && settings.columns >= 0 && settings.heads >= 0 && settings.head_size > 0 &&
            settings.runs > 0,
        "--rows, --columns and --heads: expected 0 or more, --head_size and --runs 1 or more");
  climb_all(open(), settings);
  return some_are_wrong ? 1 : 0;
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
