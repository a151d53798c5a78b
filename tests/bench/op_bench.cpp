// Times every op of the op table at realistic shapes on one backend, forward and backward, next to the
// machine's own speed. GFLOP/s counts the arithmetic of the formula, and twice that for a backward; GB/s
// counts every tensor that has to be read or written once; tensors that fit the cache move faster than the
// raw copy, which does not.
#include <omp.h>

#include "tasks/options/arguments.h"
#include "tests/bench/raw_speed.h"
#include "tests/naive_backend.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::Matrix;

namespace {

std::string rates(double seconds, double flops, double bytes) {
  return fmt::format("{:10.3f} ms {:>7} GFLOP/s {:7.2f} GB/s", seconds * 1e3,
                     flops > 0 ? fmt::format("{:.1f}", flops / seconds * 1e-9) : "-", bytes / seconds * 1e-9);
}

void print_line(std::string_view op, std::string_view label, std::string_view type,
                const std::string& rates) {
  fmt::print("{:<24}{:<48}{:<10}{}\n", op, label, type, rates);
  std::fflush(stdout);
}

void print_raw_speed() {
  constexpr size_t copied = size_t{256} << 20;
  print_line("raw copy", "256 MiB", "", rates(copy_seconds(copied), 0, 2.0 * copied));
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const auto& [m, k, n] : {std::array<int64_t, 3>{640, 384, 1536}, {4096, 768, 3072}}) {
      const std::string label = fmt::format("[{}, {}] to {}", m, k, n);
      try {
        const auto elements = static_cast<double>(m * k + k * n + m * n);
        print_line("raw oneDNN matmul", label, name_of(dtype),
                   rates(matmul_seconds(m, k, n, dtype), 2.0 * static_cast<double>(m * k * n),
                         elements * static_cast<double>(size_of(dtype))));
      } catch (const Error& error) {
        print_line("raw oneDNN matmul", label, name_of(dtype), error.what());
      }
    }
  }
}

// The inputs as in training: parameters with their gradients and bfloat16 copies, activations as results of
// others.
std::vector<Variable> training_inputs(const OpCase& op_case, Backend& backend, DType dtype) {
  std::vector<Variable> inputs;
  const std::vector<Matrix> values = input_values(op_case, dtype);
  for (size_t i = 0; i < values.size(); ++i) {
    const Input& input = op_case.inputs[i];
    const Tensor value = Tensor::empty(backend, input.shape);
    const Tensor copy = Tensor::empty(backend, input.shape, DType::bfloat16);
    store(values[i], value);
    store(values[i], copy);
    const Variable leaf = Variable::parameter(value, Tensor::zeros(backend, input.shape), copy);
    inputs.push_back(input.role == Role::activation ? cast(identity(leaf), dtype) : leaf);
  }
  return inputs;
}

double input_bytes(const OpCase& op_case, DType dtype) {
  if (op_case.elements_read > 0) return op_case.elements_read * static_cast<double>(size_of(dtype));
  double bytes = 0;
  for (const Input& input : op_case.inputs) {
    bytes += static_cast<double>(input.shape.elements()) *
             static_cast<double>(input.role == Role::vector ? sizeof(float) : size_of(dtype));
  }
  return bytes;
}

double gradient_bytes(const OpCase& op_case, DType dtype) {
  if (op_case.elements_read > 0) return op_case.elements_read * sizeof(float);
  double bytes = 0;
  for (const Input& input : op_case.inputs) {
    bytes += static_cast<double>(input.shape.elements()) *
             static_cast<double>(input.role == Role::activation ? size_of(dtype) : sizeof(float));
  }
  return bytes;
}

void time_case(const Op& op, const OpCase& op_case, Backend& backend, DType dtype) {
  const std::vector<Variable> inputs = training_inputs(op_case, backend, dtype);
  if (!op.has_gradient) {
    const RecordingScope scope(RecordingScope::Mode::evaluate);
    const Tensor y = op_case.call(inputs, dtype).value();
    const double forward = median_seconds([&] { (void)op_case.call(inputs, dtype); });
    print_line(op.name, op_case.label, name_of(dtype),
               rates(forward, op_case.flops, input_bytes(op_case, dtype) + static_cast<double>(y.bytes())));
    return;
  }
  const double forward = median_seconds([&] { (void)op_case.call(inputs, dtype); });
  const Variable y = op_case.call(inputs, dtype);
  const Tensor dy = Tensor::empty(backend, y.shape(), y.dtype());
  backend.cast({y.value(), {dy}});
  Node& node = *y.node();
  const double backward = median_seconds([&] {
    for (const auto& input : node.inputs) {
      if (input && input->op != "parameter") input->gradient = Tensor();
    }
    Grads grads(backend, node.op, node.inputs);
    node.backward(dy, grads);
  });
  const double bytes_in = input_bytes(op_case, dtype);
  const auto bytes_out = static_cast<double>(dy.bytes());
  print_line(op.name, op_case.label, name_of(dtype),
             rates(forward, op_case.flops, bytes_in + bytes_out) + "   backward" +
                 rates(backward, 2 * op_case.flops, bytes_in + bytes_out + gradient_bytes(op_case, dtype)));
}

}  // namespace

int main(int argc, char** argv) try {
  std::string device = "CPU";
  std::string only;
  int threads = 0;
  Arguments arguments("op_bench", "Times the operators on one backend.",
                      "op_bench --op attention --threads 1");
  arguments.add("--device_target", device, "name of the backend or of its module, or 'naive'");
  arguments.add("--op", only, "time this operator only");
  arguments.add("--threads", threads, "number of threads; 0: as the backend chooses");
  if (const std::optional<int> status = arguments.parse(argc, argv, 2)) return *status;

  Backend& backend = device == "naive" ? naive_backend() : find_backend(device);
  if (threads > 0) {
    backend.set_threads(threads);
    omp_set_num_threads(threads);  // for the raw speeds
  }
  fmt::print("{}\n", backend.description());
  if (only.empty()) print_raw_speed();
  for (const Op& op : op_table()) {
    if (!only.empty() && only != op.name) continue;
    for (const DType dtype : dtypes_of(op, backend)) {
      for (const OpCase& op_case : op.benchmarks) time_case(op, op_case, backend, dtype);
    }
  }
  return 0;
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
