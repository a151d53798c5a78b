#include "tests/emulator/cublas_lt.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "core/dtype.h"

struct cublasLtContext {};

struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute{};
  cudaDataType_t scale{};
  cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};

struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type{};
  int64_t rows = 0, columns = 0, ld = 0;

  friend bool operator==(const cublasLtMatrixLayoutOpaque_t&, const cublasLtMatrixLayoutOpaque_t&) = default;
};

struct cublasLtMatmulPreferenceOpaque_t {
  uint64_t workspace = 0;
  uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::array<uint32_t, 4> alignments{256, 256, 256, 256};
};

namespace gradus::emulator::cublas_lt {
namespace {

using Description = cublasLtMatmulDescOpaque_t;
using Layout = cublasLtMatrixLayoutOpaque_t;
using Preference = cublasLtMatmulPreferenceOpaque_t;

constexpr const char* names[] = {"A", "B", "C", "D"};
constexpr size_t bias_alignment = 16;  // kernels of the library load so much of it at once
constexpr size_t workspace_alignment = 256;

Calls counted;
Knowledge known = Knowledge::usual;
std::string failing;
cublasStatus_t failure = CUBLAS_STATUS_SUCCESS;
std::set<const void*> alive;

// Whether the test has this call fail.
bool fails(std::string_view function) {
  if (function != failing) return false;
  failing.clear();
  return true;
}

template <typename T>
cublasStatus_t create(T** made, const T& value) {
  check(made != nullptr, "[mock cuBLASLt] nowhere to put what is made");
  *made = new T(value);
  alive.insert(*made);
  ++counted.live;
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
T& alive_one(T* object, const char* what) {
  check(alive.contains(object), "[mock cuBLASLt] {} that was not made, or is gone", what);
  return *object;
}

template <typename T>
cublasStatus_t destroy(T* object, const char* what) {
  alive_one(object, what);
  alive.erase(object);
  delete object;
  --counted.live;
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
void set(T& target, const void* value, size_t bytes, const char* attribute) {
  check(value != nullptr && bytes == sizeof(T), "[mock cuBLASLt] the attribute {} has {} bytes, not {}",
        attribute, sizeof(T), bytes);
  std::memcpy(&target, value, bytes);
}

size_t size_of(cudaDataType_t type) { return type == CUDA_R_32F ? 4 : 2; }

bool is_multiple(const void* data, size_t of) { return reinterpret_cast<uintptr_t>(data) % of == 0; }

// --- the checks of a problem ------------------------------------------------------------------------

// All that an algorithm is chosen for.
struct Problem {
  Description description;
  std::array<Layout, 4> layouts;

  int64_t m() const { return layouts[3].rows; }
  int64_t n() const { return layouts[3].columns; }
  int64_t k() const { return description.transpose_a == CUBLAS_OP_T ? layouts[0].rows : layouts[0].columns; }
  bool is_like(const Problem& other) const {
    const Description &x = description, &y = other.description;
    return x.compute == y.compute && x.scale == y.scale && x.transpose_a == y.transpose_a &&
           x.transpose_b == y.transpose_b && x.epilogue == y.epilogue && layouts == other.layouts;
  }
};

// The table of types in 3.4.17, as far as this can compute them. The bias has the type of D.
void check_types(const Problem& p) {
  struct Row {
    cublasComputeType_t compute;
    cudaDataType_t scale, operands, result;
  };
  static constexpr Row table[] = {{CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_16BF},
                                  {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_32F},
                                  {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_16F},
                                  {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_32F},
                                  {CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F},
                                  {CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F}};
  const auto& l = p.layouts;
  const bool stands_there = std::ranges::any_of(table, [&](const Row& row) {
    return row.compute == p.description.compute && row.scale == p.description.scale &&
           row.operands == l[0].type && row.operands == l[1].type && row.result == l[2].type;
  });
  check(stands_there, "[mock cuBLASLt] types that do not go together: compute {}, scale {}, A {}, B {}, C {}",
        static_cast<int>(p.description.compute), static_cast<int>(p.description.scale),
        static_cast<int>(l[0].type), static_cast<int>(l[1].type), static_cast<int>(l[2].type));
  check(l[2].type == l[3].type, "[mock cuBLASLt] C and D are of different types");
}

Problem checked(const Description* description, const std::array<const Layout*, 4>& layouts) {
  Problem p{alive_one(description, "a description"), {}};
  const Description& d = p.description;
  for (size_t i = 0; i < 4; ++i) {
    const Layout& l = p.layouts[i] = alive_one(layouts[i], "a layout");
    check(l.rows > 0 && l.columns > 0 && std::max(l.rows, l.columns) <= std::numeric_limits<int32_t>::max(),
          "[mock cuBLASLt] {} is [{}, {}]", names[i], l.rows, l.columns);
    check(l.ld >= l.rows, "[mock cuBLASLt] {} has {} rows and a leading dimension of {}", names[i], l.rows,
          l.ld);
  }
  const auto [a, b, c, result] = p.layouts;
  const bool a_turned = d.transpose_a == CUBLAS_OP_T, b_turned = d.transpose_b == CUBLAS_OP_T;
  check((a_turned ? a.columns : a.rows) == p.m() && (b_turned ? b.rows : b.columns) == p.n() &&
            (b_turned ? b.columns : b.rows) == p.k(),
        "[mock cuBLASLt] shapes that do not multiply: A{} [{}, {}], B{} [{}, {}], D [{}, {}]",
        a_turned ? "^T" : "", a.rows, a.columns, b_turned ? "^T" : "", b.rows, b.columns, p.m(), p.n());
  check(c.rows == p.m() && c.columns == p.n(), "[mock cuBLASLt] C is [{}, {}], D [{}, {}]", c.rows, c.columns,
        p.m(), p.n());
  check_types(p);
  check(d.epilogue == CUBLASLT_EPILOGUE_DEFAULT || d.epilogue == CUBLASLT_EPILOGUE_BIAS,
        "[mock cuBLASLt] epilogue {} is not known here", static_cast<int>(d.epilogue));
  if (d.epilogue == CUBLASLT_EPILOGUE_BIAS) {
    check(d.bias != nullptr,
          "[mock cuBLASLt] no bias, whose alignment is looked at even where it is not read");
    check(is_multiple(d.bias, bias_alignment), "[mock cuBLASLt] the bias lies at no multiple of {} bytes",
          bias_alignment);
  }
  return p;
}

// --- algorithms -------------------------------------------------------------------------------------

// An answer that was given; the algorithm holds its number.
struct Answer {
  Problem problem;
  std::array<uint32_t, 4> alignments;
  cublasLtReductionScheme_t scheme;
  int64_t parts;  // of the sum
  size_t workspace;
};
std::vector<Answer> answers;
constexpr uint64_t signature = 0x6d6f636b;

// The ways of computing it, in an order that depends on the problem.
std::vector<Answer> ways(const Problem& problem, const Preference& preference) {
  const auto elements = static_cast<size_t>(problem.m() * problem.n());
  const int64_t parts = std::min<int64_t>(problem.k(), 3);
  std::vector<Answer> all{// Parts that are added up where they come together, in no fixed order.
                          {problem, preference.alignments, CUBLASLT_REDUCTION_SCHEME_INPLACE, parts, 256},
                          {problem, preference.alignments, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, parts,
                           static_cast<size_t>(parts) * elements * sizeof(float)},
                          {problem, preference.alignments, CUBLASLT_REDUCTION_SCHEME_NONE, 1, 0},
                          {problem, preference.alignments, CUBLASLT_REDUCTION_SCHEME_NONE, 1, 1000}};
  const int64_t mixed = problem.m() * 7 + problem.n() * 3 + problem.k();
  std::rotate(all.begin() + 1, all.begin() + 1 + mixed % 3, all.end());
  std::erase_if(all, [&](const Answer& way) {
    const auto scheme = static_cast<uint32_t>(way.scheme);
    return (scheme & preference.schemes) != scheme || way.workspace > preference.workspace;
  });
  return all;
}

// --- the product ------------------------------------------------------------------------------------

float read(const void* data, cudaDataType_t type, int64_t i) {
  if (type == CUDA_R_32F) return static_cast<const float*>(data)[i];
  if (type == CUDA_R_16F) return static_cast<float>(static_cast<const float16*>(data)[i]);
  return static_cast<float>(static_cast<const bfloat16*>(data)[i]);
}

void write(void* data, cudaDataType_t type, int64_t i, float value) {
  if (type == CUDA_R_32F) static_cast<float*>(data)[i] = value;
  else if (type == CUDA_R_16F) static_cast<float16*>(data)[i] = float16(value);
  else static_cast<bfloat16*>(data)[i] = bfloat16(value);
}

// To 10 bits of mantissa, to nearest, ties to even.
float to_tf32(float value) {
  const auto word = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((word + 0xfffU + (word >> 13 & 1U)) & ~0x1fffU);
}

// An operand as [vectors, k], so that the vectors of both are multiplied number by number.
std::vector<float> vectors_of(const void* data, const Layout& l, bool k_is_rows, bool tf32) {
  const int64_t k = k_is_rows ? l.rows : l.columns, count = k_is_rows ? l.columns : l.rows;
  std::vector<float> values(static_cast<size_t>(k * count));
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t p = 0; p < k; ++p) {
      const float value = read(data, l.type, k_is_rows ? i * l.ld + p : p * l.ld + i);
      values[static_cast<size_t>(i * k + p)] = tf32 ? to_tf32(value) : value;
    }
  }
  return values;
}

float dot(const float* x, const float* y, int64_t count) {
  constexpr int lanes = 16;
  std::array<float, lanes> sums{};
  int64_t p = 0;
  for (; p + lanes <= count; p += lanes)
    for (int lane = 0; lane < lanes; ++lane) sums[lane] += x[p + lane] * y[p + lane];
  for (; p < count; ++p) sums[static_cast<size_t>(p % lanes)] += x[p] * y[p];
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

void compute(const Answer& way, const Description& description, const std::array<const void*, 3>& operands,
             float alpha, float beta, void* d) {
  const Problem& p = way.problem;
  const bool tf32 = description.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  const auto a = vectors_of(operands[0], p.layouts[0], description.transpose_a == CUBLAS_OP_T, tf32);
  const auto b = vectors_of(operands[1], p.layouts[1], description.transpose_b == CUBLAS_OP_N, tf32);
  const int64_t k = p.k();
  // In place, who comes first differs from call to call.
  const int64_t first = way.scheme == CUBLASLT_REDUCTION_SCHEME_INPLACE ? counted.products % way.parts : 0;
  for (int64_t j = 0; j < p.n(); ++j) {
    for (int64_t i = 0; i < p.m(); ++i) {
      float sum = 0;
      for (int64_t part = 0; part < way.parts; ++part) {
        const int64_t which = (first + part) % way.parts;
        const int64_t begin = k * which / way.parts, end = k * (which + 1) / way.parts;
        sum += dot(a.data() + i * k + begin, b.data() + j * k + begin, end - begin);
      }
      const Layout &c = p.layouts[2], &result = p.layouts[3];
      float value = alpha * sum;
      if (beta != 0) value += beta * read(operands[2], c.type, j * c.ld + i);
      if (description.epilogue == CUBLASLT_EPILOGUE_BIAS) value += read(description.bias, result.type, i);
      write(d, result.type, j * result.ld + i, value);
    }
  }
}

// Whether two matrices have bytes in common.
bool overlap(const void* x, const Layout& x_layout, const void* y, const Layout& y_layout) {
  const auto end = [](const void* data, const Layout& l) {
    const int64_t elements = (l.columns - 1) * l.ld + l.rows;
    return static_cast<const std::byte*>(data) + static_cast<size_t>(elements) * size_of(l.type);
  };
  const std::less<> before;
  return before(x, end(y, y_layout)) && before(y, end(x, x_layout));
}

void check_pointers(const Answer& way, const std::array<const void*, 4>& data) {
  const auto& layouts = way.problem.layouts;
  for (size_t i = 0; i < 4; ++i) {
    check(data[i] != nullptr, "[mock cuBLASLt] {} is nowhere", names[i]);
    check(is_multiple(data[i], way.alignments[i]) && is_multiple(data[i], size_of(layouts[i].type)),
          "[mock cuBLASLt] {} lies at no multiple of {} bytes, which was promised when the algorithm was "
          "chosen",
          names[i], std::max<size_t>(way.alignments[i], size_of(layouts[i].type)));
  }
  for (size_t i = 0; i < 2; ++i)
    check(!overlap(data[i], layouts[i], data[3], layouts[3]), "[mock cuBLASLt] D overlaps {}", names[i]);
  if (data[2] == data[3])
    check(layouts[2] == layouts[3], "[mock cuBLASLt] C and D lie in one place in different layouts");
  else check(!overlap(data[2], layouts[2], data[3], layouts[3]), "[mock cuBLASLt] D overlaps a part of C");
}

}  // namespace

void set_knowledge(Knowledge knowledge) { known = knowledge; }

void fail_next(std::string_view function, cublasStatus_t status) {
  failing = function;
  failure = status;
}

const Calls& calls() { return counted; }

}  // namespace gradus::emulator::cublas_lt

using namespace gradus;
using namespace gradus::emulator::cublas_lt;

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
#define GRADUS_CASE(name) \
  case name:              \
    return #name;
    GRADUS_CASE(CUBLAS_STATUS_SUCCESS)
    GRADUS_CASE(CUBLAS_STATUS_NOT_INITIALIZED)
    GRADUS_CASE(CUBLAS_STATUS_INVALID_VALUE)
    GRADUS_CASE(CUBLAS_STATUS_NOT_SUPPORTED)
    GRADUS_CASE(CUBLAS_STATUS_EXECUTION_FAILED)
#undef GRADUS_CASE
  }
  return "unrecognized";
}

size_t cublasLtGetVersion() { return 0; }

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return fails("cublasLtCreate") ? failure : create(handle, {});
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy(handle, "a handle"); }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* description, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  return create(description, {.compute = compute, .scale = scale});
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  return destroy(description, "a description");
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description,
                                              cublasLtMatmulDescAttributes_t attribute, const void* value,
                                              size_t bytes) {
  Description& d = alive_one(description, "a description");
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      set(d.transpose_a, value, bytes, "TRANSA");
      break;
    case CUBLASLT_MATMUL_DESC_TRANSB:
      set(d.transpose_b, value, bytes, "TRANSB");
      break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      set(d.epilogue, value, bytes, "EPILOGUE");
      break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      set(d.bias, value, bytes, "BIAS_POINTER");
      break;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, uint64_t rows,
                                          uint64_t columns, int64_t ld) {
  return create(layout, {type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), ld});
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return destroy(layout, "a layout");
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  return create(preference, {});
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return destroy(preference, "preferences");
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t bytes) {
  Preference& p = alive_one(preference, "preferences");
  const auto alignment = [&](size_t which) {
    set(p.alignments[which], value, bytes, "MIN_ALIGNMENT");
    check(std::has_single_bit(p.alignments[which]), "[mock cuBLASLt] an alignment of {} bytes",
          p.alignments[which]);
  };
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      set(p.workspace, value, bytes, "MAX_WORKSPACE_BYTES");
      break;
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      set(p.schemes, value, bytes, "REDUCTION_SCHEME_MASK");
      break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      alignment(0);
      break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      alignment(1);
      break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      alignment(2);
      break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      alignment(3);
      break;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[], int* count) {
  if (fails("cublasLtMatmulAlgoGetHeuristic")) return failure;
  alive_one(handle, "a handle");
  const Problem problem = checked(description, {a, b, c, d});
  check(wanted > 0 && results != nullptr && count != nullptr, "[mock cuBLASLt] {} results wanted", wanted);
  ++counted.heuristics;
  *count = 0;
  if (known == Knowledge::unsupported) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (known == Knowledge::no_results) return CUBLAS_STATUS_SUCCESS;
  if (known == Knowledge::no_bias && problem.description.epilogue == CUBLASLT_EPILOGUE_BIAS)
    return CUBLAS_STATUS_SUCCESS;
  // Of a result that can't be used nothing but its state is valid.
  if (known == Knowledge::unusable || (wanted > 1 && problem.k() % 2 == 1))
    results[(*count)++] = {.algo = {}, .workspaceSize = 0, .state = CUBLAS_STATUS_NOT_SUPPORTED};
  if (known == Knowledge::unusable) return CUBLAS_STATUS_SUCCESS;
  for (const Answer& way : ways(problem, alive_one(preference, "preferences"))) {
    if (*count == wanted) break;
    answers.push_back(way);
    results[(*count)++] = {.algo = {{signature, answers.size() - 1}},
                           .workspaceSize = way.workspace,
                           .state = CUBLAS_STATUS_SUCCESS};
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, size_t workspace_bytes,
                              cudaStream_t stream) {
  if (fails("cublasLtMatmul")) return failure;
  alive_one(handle, "a handle");
  const Problem problem = checked(description, {a_layout, b_layout, c_layout, d_layout});
  check(algorithm != nullptr && algorithm->data[0] == signature && algorithm->data[1] < answers.size(),
        "[mock cuBLASLt] an algorithm that no heuristic gave");
  const Answer way = answers[algorithm->data[1]];
  check(way.problem.is_like(problem), "[mock cuBLASLt] the algorithm was chosen for another problem");
  check_pointers(way, {a, b, c, d});
  check(workspace != nullptr && is_multiple(workspace, workspace_alignment),
        "[mock cuBLASLt] the workspace lies at no multiple of {} bytes", workspace_alignment);
  check(workspace_bytes >= way.workspace, "[mock cuBLASLt] the algorithm takes {} bytes of workspace, not {}",
        way.workspace, workspace_bytes);
  check(alpha != nullptr && beta != nullptr, "[mock cuBLASLt] no alpha, or no beta");
  ++counted.products;
  counted.split += way.parts > 1 ? 1 : 0;
  counted.compute = problem.description.compute;
  counted.workspace = way.workspace;
  gradus::emulator::enqueue(stream,
                            [=, given = problem.description, alpha = *static_cast<const float*>(alpha),
                             beta = *static_cast<const float*>(beta)] {
                              // Nothing lasts there from one product to the next.
                              std::memset(workspace, 0xff, workspace_bytes);
                              compute(way, given, {a, b, c}, alpha, beta, d);
                            });
  return CUBLAS_STATUS_SUCCESS;
}
