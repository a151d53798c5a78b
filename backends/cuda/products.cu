#include "backends/cuda/products.h"

#ifndef GRADUS_EMULATED_DEVICE
#include <cublasLt.h>
#endif

#include <array>
#include <limits>
#include <map>
#include <tuple>

#include "backends/cuda/dispatch.h"

namespace gradus::cuda {
namespace {

// Also of what is promised to the library: no instruction takes more at once, and by promising no more where memory happens to lie
// better, a shape gets the same plan wherever its tensors are.
constexpr uint32_t most_alignment = 16;
constexpr int most_candidates = 8;

std::string text_of(const Product& p) {
  const char *const a = p.transpose_a ? "transposed " : "", *const b = p.transpose_b ? "transposed " : "";
  return fmt::format("{}[{}, {}] x {}[{}, {}]{}, {} to {}{}", a, p.m, p.k, b, p.k, p.n,
                     p.bias ? " + bias" : "", name_of(p.input), name_of(p.output),
                     p.accumulate ? ", accumulated" : "");
}

void check_status(cublasStatus_t status, const char* what, const Product& product) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail("[cuBLASLt] {} of {}: {}", what, text_of(product), cublasLtGetStatusName(status));
}

cudaDataType_t type_of(DType type) {
  if (type == DType::bfloat16) return CUDA_R_16BF;
  if (type == DType::float16) return CUDA_R_16F;
  check(type == DType::float32, "[cuBLASLt] no products of {}: expected a float", name_of(type));
  return CUDA_R_32F;
}

uint32_t alignment_of(const void* data) {
  uint32_t alignment = most_alignment;
  while (reinterpret_cast<uintptr_t>(data) % alignment != 0) alignment /= 2;
  return alignment;
}

}  // namespace

// Named, since Products keeps some of these.
namespace lt {

template <typename Handle, cublasStatus_t (*destroy)(Handle)>
struct Destroy {
  void operator()(Handle handle) const { static_cast<void>(destroy(handle)); }
};
template <typename Handle, cublasStatus_t (*destroy)(Handle)>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Handle, destroy>>;

using Library = Owned<cublasLtHandle_t, cublasLtDestroy>;
using Operation = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

struct Key {
  Product product;
  std::array<uint32_t, 3> alignments;  // of A, B and C
  bool tf32;

  friend bool operator<(const Key& x, const Key& y) {
    return std::tie(x.product, x.alignments, x.tf32) < std::tie(y.product, y.alignments, y.tf32);
  }
};

// The library's matrices are column-major, so it sees the transposes of ours: C^T = B^T A^T. Its A is our B, its B our A, and its C and D
// are our C, where a bias, which it adds to each column, adds to our rows.
struct Plan {
  Operation operation;
  Layout a, b, c;
  cublasLtMatmulAlgo_t algorithm{};
  bool exists = false;  // otherwise the library knows no way

  explicit Plan(const Key& key) {
    const Product& p = key.product;
    check(std::max({p.m, p.n, p.k}) <= std::numeric_limits<int32_t>::max(),
          "[cuBLASLt] a product of {}: each side may have 2^31 - 1 numbers", text_of(p));
    const bool tf32 = key.tf32 && p.input == DType::float32;
    cublasLtMatmulDesc_t made = nullptr;
    check_status(
        cublasLtMatmulDescCreate(&made, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "the description", p);
    operation.reset(made);
    set(CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, p);
    set(CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, p);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, p.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT, p);
    a = layout(p, p.input, p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n);
    b = layout(p, p.input, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k);
    c = layout(p, p.output, p.m, p.n);
  }

  template <typename T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value, const Product& product) {
    check_status(cublasLtMatmulDescSetAttribute(operation.get(), attribute, &value, sizeof value),
                 "the description", product);
  }

 private:
  // Of a row-major matrix.
  static Layout layout(const Product& product, DType type, int64_t rows, int64_t columns) {
    cublasLtMatrixLayout_t made = nullptr;
    check_status(cublasLtMatrixLayoutCreate(&made, type_of(type), static_cast<uint64_t>(columns),
                                            static_cast<uint64_t>(rows), columns),
                 "the layout", product);
    return Layout(made);
  }
};

}  // namespace lt

namespace {

lt::Preference preference_for(const lt::Key& key, uint64_t workspace) {
  cublasLtMatmulPreference_t made = nullptr;
  check_status(cublasLtMatmulPreferenceCreate(&made), "the preferences", key.product);
  lt::Preference preference(made);
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    check_status(cublasLtMatmulPreferenceSetAttribute(made, attribute, &value, sizeof value),
                 "the preferences", key.product);
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace);
  // Where a sum is split, its parts come together in float32 and in a step of their own, so in a fixed order. The other schemes add them up in
  // the type of the result, one of them as they come.
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key.alignments[1]);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key.alignments[0]);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key.alignments[2]);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key.alignments[2]);
  return preference;
}

// --- the plain product ---------------------------------------------------------------------------------

constexpr int tile = 16;

// An operand of a sum over p: element (i, p) lies at i * outer + p * inner.
template <typename T>
struct Strided {
  const T* data;
  int64_t outer, inner;
};

// A block takes 16 x 16 elements of C, a thread one of them. The operands come through shared memory, 16 x 16 of each at a time, so
// that each number of A is read n / 16 times and each of B m / 16 times.
// Reads b / 8 of a multiplication; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T, typename U, bool accumulate>
__global__ void __launch_bounds__(tile* tile)
    multiply_tiles(Strided<T> a, Strided<T> b, U* c, int64_t m, int64_t n, int64_t k) {
  GRADUS_SHARED(float, a_tile, tile* tile);
  GRADUS_SHARED(float, b_tile, tile* tile);
  const int row = static_cast<int>(threadIdx.x) / tile, column = static_cast<int>(threadIdx.x) % tile;
  const int64_t i = int64_t{blockIdx.x} * tile + row, j = int64_t{blockIdx.y} * tile + column;
  float sum = 0;
  for (int64_t first = 0; first < k; first += tile) {
    const int64_t a_p = first + column, b_p = first + row;
    a_tile[threadIdx.x] = i < m && a_p < k ? widen(a.data[i * a.outer + a_p * a.inner]) : 0.0F;
    b_tile[threadIdx.x] = j < n && b_p < k ? widen(b.data[j * b.outer + b_p * b.inner]) : 0.0F;
    __syncthreads();
    for (int p = 0; p < tile; ++p) sum += a_tile[row * tile + p] * b_tile[p * tile + column];
    __syncthreads();  // before the tiles are written again
  }
  if (i < m && j < n) store<accumulate>(c + i * n + j, Pack<float, 1>{{sum}});
}

template <typename T>
void multiply_plainly(const Stream& stream, const Product& p, const Operands& operands) {
  const Strided<T> a{static_cast<const T*>(operands.a), p.transpose_a ? 1 : p.k, p.transpose_a ? p.m : 1},
      b{static_cast<const T*>(operands.b), p.transpose_b ? p.k : 1, p.transpose_b ? 1 : p.n};
  dispatch_type(p.output, "product", [&](auto type) {
    using U = decltype(type);
    dispatch_bool(p.accumulate, [&](auto accumulate) {
      launch(
          stream,
          {dim3{blocks_for(p.m, tile).x, blocks_for(p.n, tile).x}, dim3{static_cast<unsigned>(tile * tile)}},
          multiply_tiles<T, U, decltype(accumulate)::value>, a, b, static_cast<U*>(operands.c), p.m, p.n,
          p.k);
    });
  });
}

}  // namespace

struct Products::State {
  lt::Library library;
  Workspace workspace;
  bool tf32 = false, is_sealed = false;
  std::map<lt::Key, lt::Plan> plans;

  // Null when the library knows no way, and when there is nothing to multiply.
  lt::Plan* plan_of(const Product& product, const Operands& operands) {
    if (std::min({product.m, product.n, product.k}) == 0) return nullptr;
    const lt::Key key{
        product, {alignment_of(operands.a), alignment_of(operands.b), alignment_of(operands.c)}, tf32};
    const auto found = plans.find(key);
    lt::Plan& plan = found != plans.end() ? found->second : choose(key);
    return plan.exists ? &plan : nullptr;
  }

 private:
  lt::Plan& choose(const lt::Key& key) {
    const Product& product = key.product;
    check(!is_sealed, "[cuBLASLt] {} has no plan, and none may be chosen while a graph is captured",
          text_of(product));
    lt::Plan plan(key);
    // The library looks at the alignment of the bias, which may not be there yet: an address that is a multiple of 16, and no more.
    if (product.bias)
      plan.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER,
               static_cast<const void*>(static_cast<const std::byte*>(workspace.data) + most_alignment),
               product);
    const lt::Preference preference = preference_for(key, workspace.bytes);
    std::array<cublasLtMatmulHeuristicResult_t, most_candidates> candidates{};
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        library.get(), plan.operation.get(), plan.a.get(), plan.b.get(), plan.c.get(), plan.c.get(),
        preference.get(), most_candidates, candidates.data(), &count);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) check_status(status, "the choice of a plan", product);
    else count = 0;
    // The first is the fastest by the library's estimate.
    for (int i = 0; i < count && !plan.exists; ++i) {
      const cublasLtMatmulHeuristicResult_t& candidate = candidates[static_cast<size_t>(i)];
      plan.exists = candidate.state == CUBLAS_STATUS_SUCCESS;
      plan.algorithm = candidate.algo;
    }
    return plans.emplace(key, std::move(plan)).first->second;
  }
};

Products::Products(const Workspace& workspace) : state_(std::make_unique<State>()) {
  check(reinterpret_cast<uintptr_t>(workspace.data) % 256 == 0 && workspace.data != nullptr,
        "[cuBLASLt] the workspace lies at no multiple of 256 bytes");
  state_->workspace = workspace;
  cublasLtHandle_t made = nullptr;
  const cublasStatus_t status = cublasLtCreate(&made);
  check(status == CUBLAS_STATUS_SUCCESS, "[cuBLASLt] the library does not start: {}",
        cublasLtGetStatusName(status));
  state_->library.reset(made);
}

Products::~Products() = default;

void Products::allow_tf32(bool allowed) { state_->tf32 = allowed; }

void Products::seal(bool sealed) { state_->is_sealed = sealed; }

bool Products::choose(const Product& product, const Operands& operands) {
  return state_->plan_of(product, operands) != nullptr;
}

bool Products::run(const Stream& stream, const Product& product, const Operands& operands) {
  lt::Plan* const plan = state_->plan_of(product, operands);
  if (plan == nullptr) return false;
  if (product.bias) {
    if (!is_aligned(operands.bias))
      fail("[cuBLASLt] the bias of {} lies at no multiple of 16 bytes", text_of(product));
    plan->set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, operands.bias, product);
  }
  const float alpha = 1, beta = product.accumulate ? 1.0F : 0.0F;
  check_status(
      cublasLtMatmul(state_->library.get(), plan->operation.get(), &alpha, operands.b, plan->a.get(),
                     operands.a, plan->b.get(), &beta, operands.c, plan->c.get(), operands.c, plan->c.get(),
                     &plan->algorithm, state_->workspace.data, state_->workspace.bytes, handle_of(stream)),
      "the product", product);
  return true;
}

std::string Products::version() { return fmt::format("cuBLASLt {}", cublasLtGetVersion()); }

void multiply(const Stream& stream, const Product& product, const Operands& operands) {
  if (product.m * product.n == 0 || stream.products->run(stream, product, operands)) return;
  dispatch_type(product.input, "product",
                [&](auto type) { multiply_plainly<decltype(type)>(stream, product, operands); });
}

}  // namespace gradus::cuda
