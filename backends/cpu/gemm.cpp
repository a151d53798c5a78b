#include "backends/cpu/gemm.h"

#include <cstring>
#include <dnnl.hpp>
#include <map>
#include <unordered_map>
#include <utility>

namespace gradus::cpu {
namespace {

dnnl::memory::data_type data_type(DType type) {
  return type == DType::bfloat16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

dnnl::memory::desc matrix(int64_t rows, int64_t columns, bool transposed, DType type) {
  const dnnl::memory::dims strides =
      transposed ? dnnl::memory::dims{1, rows} : dnnl::memory::dims{columns, 1};
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

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const Product& p) {
  const auto a = matrix(p.m, p.k, p.transpose_a, p.input);
  const auto b = matrix(p.k, p.n, p.transpose_b, p.input);
  const auto c = matrix(p.m, p.n, false, p.output);
  const auto bias = p.bias ? matrix(1, p.n, false, DType::float32) : dnnl::memory::desc();
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

}  // namespace

struct Gemm::Cache {
  using Arguments = std::unordered_map<int, dnnl::memory>;

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  // One scratchpad for all products: they run one after the other.
  dnnl::memory scratchpad;

  // The arguments are made once; a run sets the addresses.
  struct Entry {
    dnnl::matmul primitive;
    Arguments arguments;
  };
  std::map<Product, Entry> entries;

  Entry& find(const Product& product) {
    if (const auto it = entries.find(product); it != entries.end()) return it->second;
    const auto description = describe(engine, product);
    const auto needed = description.scratchpad_desc();
    if (!scratchpad || scratchpad.get_desc().get_size() < needed.get_size()) scratchpad = {needed, engine};
    const auto unset = [&](const dnnl::memory::desc& d) { return dnnl::memory(d, engine, nullptr); };
    Arguments arguments{{DNNL_ARG_SRC, unset(description.src_desc())},
                        {DNNL_ARG_WEIGHTS, unset(description.weights_desc())},
                        {DNNL_ARG_DST, unset(description.dst_desc())},
                        {DNNL_ARG_SCRATCHPAD, unset(needed)}};
    if (product.bias) arguments.emplace(DNNL_ARG_BIAS, unset(description.bias_desc()));
    return entries.emplace(product, Entry{dnnl::matmul(description), std::move(arguments)}).first->second;
  }
};

Gemm::Gemm() : cache_(std::make_unique<Cache>()) {}
Gemm::~Gemm() = default;

void Gemm::run(const Product& product, const void* a, const void* b, const float* bias, void* c) try {
  if (product.m == 0 || product.n == 0) return;
  if (product.k == 0) return sum_nothing(product, bias, c);
  Cache& cache = *cache_;
  auto& [primitive, arguments] = cache.find(product);
  const auto set = [&arguments](int argument, const void* data) {
    // oneDNN has no type for read-only memory.
    arguments.at(argument).set_data_handle(const_cast<void*>(data));
  };
  set(DNNL_ARG_SRC, a);
  set(DNNL_ARG_WEIGHTS, b);
  set(DNNL_ARG_DST, c);
  set(DNNL_ARG_SCRATCHPAD, cache.scratchpad.get_data_handle());
  if (product.bias) set(DNNL_ARG_BIAS, bias);
  primitive.execute(cache.stream, arguments);
  cache.stream.wait();
} catch (const dnnl::error& e) {
  fail("[oneDNN] product [{}, {}] x [{}, {}] in {}: {} (status {})", product.m, product.k, product.k,
       product.n, name_of(product.input), e.what(), static_cast<int>(e.status));
}

std::string Gemm::version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace gradus::cpu
