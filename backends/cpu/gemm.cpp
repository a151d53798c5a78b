#include "backends/cpu/gemm.h"

#include <omp.h>

#include <cstddef>
#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/cpu/parallel.h"
#include "backends/cpu/parts.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/simd.h"

namespace gradus::cpu {
namespace {

dnnl::memory::data_type data_type(DType type) {
  switch (type) {
    case DType::bfloat16:
      return dnnl::memory::data_type::bf16;
    case DType::int32:
      return dnnl::memory::data_type::s32;
    case DType::int8:
      return dnnl::memory::data_type::s8;
    case DType::uint8:
      return dnnl::memory::data_type::u8;
    default:
      return dnnl::memory::data_type::f32;
  }
}

// `step` is the distance of rows in memory, of columns where it is transposed.
dnnl::memory::desc matrix(int64_t rows, int64_t columns, int64_t step, bool transposed, DType type) {
  const dnnl::memory::dims strides = transposed ? dnnl::memory::dims{1, step} : dnnl::memory::dims{step, 1};
  return {{rows, columns}, data_type(type), strides};
}

// oneDNN 2 hands an alpha and a scale to every eltwise post-op, oneDNN 3 dropped the scale.
void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(algorithm, alpha, 0.0F);
#else
  ops.append_eltwise(1.0F, algorithm, alpha, 0.0F);
#endif
}

void append_activation(dnnl::post_ops& ops, Activation kind) {
  switch (kind) {
    case Activation::none:
      return;
    case Activation::gelu:
      return append_eltwise(ops, dnnl::algorithm::eltwise_gelu_erf, 0.0F);
    case Activation::gelu_tanh:
      return append_eltwise(ops, dnnl::algorithm::eltwise_gelu_tanh, 0.0F);
    case Activation::fast_gelu:
      return append_eltwise(ops, dnnl::algorithm::eltwise_swish, 1.702F);
    case Activation::relu:
      return append_eltwise(ops, dnnl::algorithm::eltwise_relu, 0.0F);
    case Activation::tanh:
      return append_eltwise(ops, dnnl::algorithm::eltwise_tanh, 0.0F);
  }
}

// A block of rows and columns of C: a product of its own, whose matrices lie in larger ones. Shared out by oneDNN itself,
// a product has other bits with another number of threads: it splits the sums over k, or orders them otherwise.
struct Part {
  Product product;
  int64_t a_step = 0;  // distances of rows in memory, of columns in a transposed operand
  int64_t b_step = 0;
  int64_t c_step = 0;

  friend auto operator<=>(const Part&, const Part&) = default;
};

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const Part& part) {
  const Product& p = part.product;
  const auto a = matrix(p.m, p.k, part.a_step, p.transpose_a, p.input);
  const DType b_type = p.input == DType::uint8 ? DType::int8 : p.input;
  const auto b = matrix(p.k, p.n, part.b_step, p.transpose_b, b_type);
  const auto c = matrix(p.m, p.n, part.c_step, false, p.output);
  const auto bias = p.bias ? matrix(1, p.n, p.n, false, DType::float32) : dnnl::memory::desc();
  dnnl::post_ops ops;
  if (p.accumulate) ops.append_sum(1.0F);
  append_activation(ops, p.activation);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(ops);
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  if (p.bias) return {engine, a, b, bias, c, attributes};
  return {engine, a, b, c, attributes};
#else
  if (p.bias) return {dnnl::matmul::desc(a, b, bias, c), attributes, engine};
  return {dnnl::matmul::desc(a, b, c), attributes, engine};
#endif
}

// C of a sum without terms, as the gradient of a weight is when there are no rows. oneDNN would divide by their number.
void sum_nothing(const Product& p, const float* bias, void* c) {
  check(bias == nullptr && p.activation == Activation::none,
        "a product [{}, 0] x [0, {}]: expected no bias and no activation", p.m, p.n);
  if (!p.accumulate) std::memset(c, 0, static_cast<size_t>(p.m * p.n) * size_of(p.output));
}

// Copies some columns of a matrix, `width` bytes of rows that lie `step` bytes apart, close together.
const std::byte* copy_columns(const std::byte* columns, int64_t rows, int64_t step, int64_t width) {
  thread_local Scratch scratch;
  auto* copy = reinterpret_cast<std::byte*>(scratch.floats(ceil_div(rows * width, sizeof(float))));
  for (int64_t i = 0; i < rows; ++i) {
    std::memcpy(copy + i * width, columns + i * step, static_cast<size_t>(width));
  }
  return copy;
}

// The distance of rows of a transposed copy: no power of two, whose rows would have the same places in the cache.
int64_t transposed_step(int64_t rows) { return round_up(rows, vector_lanes) + 16; }

// Copies some columns of a matrix, `width` numbers of rows that lie `step` numbers apart, as rows that lie transposed_step(rows)
// apart: by squares, and what is left at the edges one by one.
const std::byte* transpose_columns(const float* columns, int64_t rows, int64_t step, int64_t width) {
  thread_local Scratch scratch;
  const int64_t copy_step = transposed_step(rows);
  float* copy = scratch.floats(width * copy_step);
  for (int64_t row = 0; row < rows; row += vector_lanes) {
    for (int64_t column = 0; column < width; column += vector_lanes) {
      const float* from = columns + row * step + column;
      float* to = copy + column * copy_step + row;
      const int64_t height = std::min<int64_t>(vector_lanes, rows - row);
      const int64_t breadth = std::min<int64_t>(vector_lanes, width - column);
      if (height < vector_lanes || breadth < vector_lanes) {
        for (int64_t i = 0; i < height; ++i)
          for (int64_t j = 0; j < breadth; ++j) to[j * copy_step + i] = from[i * step + j];
        continue;
      }
      FloatVector square[vector_lanes];
      for (int64_t i = 0; i < vector_lanes; ++i) std::memcpy(&square[i], from + i * step, sizeof square[i]);
      transpose(square);
      for (int64_t i = 0; i < vector_lanes; ++i)
        std::memcpy(to + i * copy_step, &square[i], sizeof square[i]);
    }
  }
  return reinterpret_cast<const std::byte*>(copy);
}

// How a product is cut into parts: by its type and extents alone. The figures are those that were fast for the products
// of BERT (docs/DECISIONS.md): oneDNN packs the matrix on the right for each part anew, and leaves its fast path
// for some columns of a transposed matrix on the left, or a result in bfloat16 whose rows, of a part, do not lie close together.
struct Cut {
  enum class Copy : uint8_t { none, close, transposed };

  Blocks parts;
  Copy copy = Copy::none;  // of the transposed A's columns of a part

  explicit Cut(const Product& p) : parts{p.m, p.n} {
    auto& [rows, columns, down, across] = parts;
    if (!p.transpose_a || p.input == DType::float32) {
      // Columns are cut only where rows make few parts.
      down = shared_parts_of(rows, 96, 256);
      if (down == 1 || (down < 4 && p.input == DType::float32)) across = shared_parts_of(columns, 192, 2048);
      if (p.transpose_a) copy = Copy::transposed;
      return;
    }
    // Gradients of weights, which sum over the rows of a batch.
    if (p.k < 1024) copy = Copy::close;  // over more rows the fast path gains nothing
    down = ceil_div(rows, 384);
    if (copy == Copy::none) across = ceil_div(columns, 384);
    if (parts.count() == 1 && rows > 16) down = 2;
  }
};

// While it lives, oneDNN generates code for one thread and runs it on the one that calls.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

[[noreturn]] void fail_with(const dnnl::error& e, const Product& p) {
  fail("[oneDNN] product [{}, {}] x [{}, {}] in {}: {} (status {})", p.m, p.k, p.k, p.n, name_of(p.input),
       e.what(), static_cast<int>(e.status));
}

}  // namespace

// The code for a part. Each lane has a stream and arguments of its own, which are made once; a run sets the addresses.
struct Gemm::Code {
  struct Lane {
    dnnl::stream stream;
    std::unordered_map<int, dnnl::memory> arguments;
  };

  Code(const Part& part, const dnnl::matmul::primitive_desc& description)
      : product(part.product),
        primitive(description),
        descriptions{{DNNL_ARG_SRC, description.src_desc()},
                     {DNNL_ARG_WEIGHTS, description.weights_desc()},
                     {DNNL_ARG_DST, description.dst_desc()},
                     {DNNL_ARG_SCRATCHPAD, description.scratchpad_desc()}} {
    if (product.bias) descriptions.emplace_back(DNNL_ARG_BIAS, description.bias_desc());
  }
  int64_t scratch_bytes() const { return static_cast<int64_t>(descriptions[3].second.get_size()); }

  void execute(int64_t lane, const std::byte* a, const std::byte* b, const float* bias, std::byte* c) {
    thread_local Scratch scratch;
    auto& [stream, arguments] = lanes[static_cast<size_t>(lane)];
    const auto set = [&arguments = arguments](int argument, const void* data) {
      // oneDNN has no type for read-only memory.
      arguments.at(argument).set_data_handle(const_cast<void*>(data));
    };
    set(DNNL_ARG_SRC, a);
    set(DNNL_ARG_WEIGHTS, b);
    set(DNNL_ARG_DST, c);
    set(DNNL_ARG_SCRATCHPAD, scratch.floats(ceil_div(scratch_bytes(), sizeof(float))));
    if (bias != nullptr) set(DNNL_ARG_BIAS, bias);
    const OneThread one;
    primitive.execute(stream, arguments);
    stream.wait();
  }

  Product product;
  dnnl::matmul primitive;
  std::vector<std::pair<int, dnnl::memory::desc>> descriptions;
  std::vector<Lane> lanes;
};

struct Gemm::Cache {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::map<Part, Code> codes;
  std::vector<dnnl::stream> streams;  // one a lane

  // The code of a part, with arguments for all lanes.
  Code& find(const Part& part) {
    auto it = codes.find(part);
    if (it == codes.end()) {
      const OneThread one;
      it = codes.emplace(part, Code(part, describe(engine, part))).first;
    }
    Code& code = it->second;
    const auto lanes = static_cast<size_t>(max_threads());
    while (streams.size() < lanes) streams.emplace_back(engine);
    while (code.lanes.size() < lanes) {
      Code::Lane& lane = code.lanes.emplace_back(streams[code.lanes.size()]);
      for (const auto& [argument, description] : code.descriptions) {
        lane.arguments.emplace(argument, dnnl::memory(description, engine, nullptr));
      }
    }
    return code;
  }
};

Gemm::Gemm() : cache_(std::make_unique<Cache>()) {}
Gemm::~Gemm() = default;

void Gemm::run(const Product& product, const void* a, const void* b, const float* bias, void* c) try {
  const auto& [m, n, k, transpose_a, transpose_b, accumulate, with_bias, activation, input, output] = product;
  if (m == 0 || n == 0) return;
  if (k == 0) return sum_nothing(product, bias, c);
  const Cut cut(product);
  std::vector<Code*> codes;
  for (int64_t i = 0; i < cut.parts.count(); ++i) {
    const Blocks::Block block = cut.parts[i];
    Part part{product, transpose_a ? m : k, transpose_b ? k : n, n};
    part.product.m = block.height;
    if (cut.copy == Cut::Copy::close) part.a_step = part.product.m;
    if (cut.copy == Cut::Copy::transposed) {
      part.product.transpose_a = false;
      part.a_step = transposed_step(k);
    }
    part.product.n = block.width;
    codes.push_back(&cache_->find(part));
  }
  const auto size = static_cast<int64_t>(size_of(input));
  parallel_for_neighbours(cut.parts.count(), [&](int64_t i, int64_t lane) {
    const auto [row, column, height, width] = cut.parts[i];
    Code& code = *codes[static_cast<size_t>(i)];
    const std::byte* part_a = static_cast<const std::byte*>(a) + row * (transpose_a ? 1 : k) * size;
    if (cut.copy == Cut::Copy::close) part_a = copy_columns(part_a, k, m * size, height * size);
    if (cut.copy == Cut::Copy::transposed)
      part_a = transpose_columns(reinterpret_cast<const float*>(part_a), k, m, height);
    code.execute(lane, part_a, static_cast<const std::byte*>(b) + column * (transpose_b ? k : 1) * size,
                 with_bias ? bias + column : nullptr,
                 static_cast<std::byte*>(c) + (row * n + column) * static_cast<int64_t>(size_of(output)));
  });
} catch (const dnnl::error& e) {
  fail_with(e, product);
}

Gemm::Code& Gemm::prepare(const Product& product) try {
  const auto& p = product;
  return cache_->find({p, p.transpose_a ? p.m : p.k, p.transpose_b ? p.k : p.n, p.n});
} catch (const dnnl::error& e) {
  fail_with(e, product);
}

void Gemm::run_here(Code& code, int64_t lane, const void* a, const void* b, void* c) try {
  code.execute(lane, static_cast<const std::byte*>(a), static_cast<const std::byte*>(b), nullptr,
               static_cast<std::byte*>(c));
} catch (const dnnl::error& e) {
  fail_with(e, code.product);
}

namespace {

// Each instruction set is a bit more than those it contains.
bool uses(dnnl::cpu_isa instructions) {
  const auto bits = static_cast<unsigned>(instructions);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & bits) == bits;
}

}  // namespace

bool Gemm::has_tiles() { return uses(dnnl::cpu_isa::avx512_core_amx); }

bool Gemm::has_vnni() { return uses(dnnl::cpu_isa::avx512_core_vnni) || uses(dnnl::cpu_isa::avx2_vnni); }

std::string Gemm::version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace gradus::cpu
