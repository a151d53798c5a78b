// The mock of cuBLASLt: that it computes what the library would, and that each of its checks finds what it looks for.
#include "tests/emulator/cublas_lt.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/dtype.h"

using namespace gradus;
using emulator::cublas_lt::calls;

namespace {

constexpr int64_t m = 3, n = 4, k = 5;

struct Shape {
  cudaDataType_t type = CUDA_R_32F;
  uint64_t rows = 0, columns = 0;
  int64_t ld = 0;
};

// A column-major product that is right, to be spoilt.
struct Call {
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType_t scale = CUDA_R_32F;
  cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  Shape a{.rows = m, .columns = k, .ld = m}, b{.rows = k, .columns = n, .ld = k},
      c{.rows = m, .columns = n, .ld = m}, d = c;
  const void *a_data = nullptr, *b_data = nullptr, *c_data = nullptr, *bias = nullptr;
  void* d_data = nullptr;
  float alpha = 1, beta = 0;
  bool has_alpha = true;
  // What the choice prefers.
  uint64_t workspace_limit = 4096;
  uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, alignment = 16;
  int wanted = 1;
  // What the product gets.
  std::byte* workspace = nullptr;
  size_t workspace_bytes = 4096;
  bool has_algorithm = true;
};

template <typename T>
using Owned = std::unique_ptr<std::remove_pointer_t<T>, cublasStatus_t (*)(T)>;

struct Objects {
  Owned<cublasLtMatmulDesc_t> description;
  std::vector<Owned<cublasLtMatrixLayout_t>> layouts;

  explicit Objects(const Call& call) : description(nullptr, cublasLtMatmulDescDestroy) {
    cublasLtMatmulDesc_t made = nullptr;
    cublasLtMatmulDescCreate(&made, call.compute, call.scale);
    description.reset(made);
    set(CUBLASLT_MATMUL_DESC_TRANSA, call.transpose_a);
    set(CUBLASLT_MATMUL_DESC_TRANSB, call.transpose_b);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, call.epilogue);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, call.bias);
    for (const Shape& shape : {call.a, call.b, call.c, call.d}) {
      cublasLtMatrixLayout_t layout = nullptr;
      cublasLtMatrixLayoutCreate(&layout, shape.type, shape.rows, shape.columns, shape.ld);
      layouts.emplace_back(layout, cublasLtMatrixLayoutDestroy);
    }
  }
  template <typename T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    cublasLtMatmulDescSetAttribute(description.get(), attribute, &value, sizeof value);
  }
};

struct Memory {
  alignas(256) std::byte workspace[4096 + 256];
  alignas(256) float a[64], b[64], c[64], d[64], bias[64];

  Call call() {
    for (int i = 0; i < 64; ++i) {
      a[i] = static_cast<float>(i * 5 % 13) - 6;
      b[i] = static_cast<float>(i * 7 % 11) - 5;
      c[i] = bias[i] = static_cast<float>(i) / 4;
      d[i] = -1;
    }
    Call call;
    call.a_data = a;
    call.b_data = b;
    call.c_data = c;
    call.d_data = d;
    call.bias = bias;
    call.workspace = workspace;
    return call;
  }
};

cublasLtMatmulAlgo_t choose(cublasLtHandle_t handle, const Call& call) {
  cublasLtMatmulPreference_t made = nullptr;
  cublasLtMatmulPreferenceCreate(&made);
  const Owned<cublasLtMatmulPreference_t> preference(made, cublasLtMatmulPreferenceDestroy);
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    cublasLtMatmulPreferenceSetAttribute(made, attribute, &value, sizeof value);
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, call.workspace_limit);
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, call.schemes);
  for (const auto which :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    set(which, call.alignment);
  const Objects objects(call);
  const auto& layouts = objects.layouts;
  cublasLtMatmulHeuristicResult_t result{};
  int count = 0;
  cublasLtMatmulAlgoGetHeuristic(handle, objects.description.get(), layouts[0].get(), layouts[1].get(),
                                 layouts[2].get(), layouts[3].get(), made, call.wanted, &result, &count);
  check(count == 1 && result.state == CUBLAS_STATUS_SUCCESS, "no algorithm");
  return result.algo;
}

void multiply(cublasLtHandle_t handle, const Call& call, const cublasLtMatmulAlgo_t& algorithm) {
  const Objects objects(call);
  const auto& layouts = objects.layouts;
  cublasLtMatmul(handle, objects.description.get(), call.has_alpha ? &call.alpha : nullptr, call.a_data,
                 layouts[0].get(), call.b_data, layouts[1].get(), &call.beta, call.c_data, layouts[2].get(),
                 call.d_data, layouts[3].get(), call.has_algorithm ? &algorithm : nullptr, call.workspace,
                 call.workspace_bytes, nullptr);
}

// With a handle of its own.
void run(const Call& chosen_for, const Call& call) {
  cublasLtHandle_t made = nullptr;
  cublasLtCreate(&made);
  const Owned<cublasLtHandle_t> handle(made, cublasLtDestroy);
  multiply(made, call, choose(made, chosen_for));
}

using Change = std::function<void(Call&)>;

// What a call says that is changed when its algorithm is chosen, and when it runs.
std::string error_of(const Change& when_chosen, const Change& when_run) {
  Memory memory;
  Call chosen_for = memory.call(), call = chosen_for;
  when_chosen(chosen_for);
  when_run(call);
  try {
    run(chosen_for, call);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

void says(const std::string& error, const std::string& text) {
  CHECK_MESSAGE(error.find(text) != std::string::npos, error, " is not: ", text);
}

// A call that is wrong from the start is found out when its algorithm is chosen already.
void is_wrong(const Change& change, const std::string& text) { says(error_of(change, change), text); }
void is_wrong_in_run(const Change& change, const std::string& text) {
  says(error_of([](Call&) {}, change), text);
}

}  // namespace

TEST_CASE("mock cuBLASLt: it computes alpha A B + beta C + bias in all layouts") {
  const int live = calls().live;
  for (int variant = 0; variant < 32; ++variant) {
    CAPTURE(variant);
    Memory memory;
    Call call = memory.call();
    const bool a_turned = (variant & 1) != 0, b_turned = (variant & 2) != 0, in_place = (variant & 4) != 0;
    if (a_turned) call.a = {.rows = k, .columns = m, .ld = k + 2};
    if (b_turned) call.b = {.rows = n, .columns = k, .ld = n};
    call.transpose_a = a_turned ? CUBLAS_OP_T : CUBLAS_OP_N;
    call.transpose_b = b_turned ? CUBLAS_OP_T : CUBLAS_OP_N;
    call.alpha = 0.5F;
    call.beta = (variant & 8) != 0 ? 2.0F : 0.0F;
    if ((variant & 16) != 0) call.epilogue = CUBLASLT_EPILOGUE_BIAS;
    call.c.ld = call.d.ld = m + 1;  // the number between columns is nobody's
    if (in_place) call.c_data = memory.d;
    run(call, call);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = 0; i < m; ++i) {
        const auto place = static_cast<size_t>(j * (m + 1) + i);
        float sum = 0;
        for (int64_t p = 0; p < k; ++p)
          sum +=
              memory.a[a_turned ? i * call.a.ld + p : p * m + i] * memory.b[b_turned ? p * n + j : j * k + p];
        float expected = sum * 0.5F;
        if (call.beta != 0) expected += 2 * (in_place ? -1.0F : memory.c[place]);
        if ((variant & 16) != 0) expected += memory.bias[i];
        CHECK(memory.d[place] == expected);
      }
      CHECK(memory.d[j * (m + 1) + m] == -1);
    }
  }
  CHECK(calls().live == live);
}

TEST_CASE("mock cuBLASLt: bfloat16 and TF32 are rounded as the library rounds them") {
  Memory memory;
  Call call = memory.call();
  // 1 + 2^-12 squared is more than 1 in float32, and 1 in TF32.
  for (int i = 0; i < 64; ++i) memory.a[i] = memory.b[i] = 1.000244140625F;
  run(call, call);
  CHECK(memory.d[0] > 5.002F);
  call.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
  run(call, call);
  CHECK(memory.d[0] == 5);
  call.compute = CUBLAS_COMPUTE_32F;
  for (Shape* shape : {&call.a, &call.b, &call.c, &call.d}) shape->type = CUDA_R_16BF;
  auto* const a = reinterpret_cast<bfloat16*>(memory.a);
  auto* const b = reinterpret_cast<bfloat16*>(memory.b);
  for (int i = 0; i < 64; ++i) a[i] = b[i] = bfloat16(1.0078125F);
  run(call, call);
  CHECK(static_cast<float>(*reinterpret_cast<bfloat16*>(memory.d)) == 5.09375F);  // of 5.078...
  call.c.type = call.d.type = CUDA_R_32F;
  run(call, call);
  CHECK(memory.d[0] == 5 * 1.0078125F * 1.0078125F);
}

TEST_CASE("mock cuBLASLt: every check finds what it looks for") {
  const int live = calls().live;
  is_wrong([](Call&) {}, "");
  CHECK(error_of([](Call&) {}, [](Call&) {}) == "");
  // types
  is_wrong([](Call& x) { x.c.type = x.d.type = CUDA_R_16BF; },
           "types that do not go together: compute 1, scale 0, A 0, B 0, C 1");
  is_wrong([](Call& x) { x.a.type = CUDA_R_16BF; }, "types that do not go together");
  is_wrong([](Call& x) { x.compute = CUBLAS_COMPUTE_16F; }, "types that do not go together");
  is_wrong([](Call& x) { x.scale = CUDA_R_16BF; }, "types that do not go together");
  is_wrong([](Call& x) { x.a.type = x.b.type = x.c.type = CUDA_R_16BF; }, "C and D are of different types");
  is_wrong(
      [](Call& x) {
        x.a.type = x.b.type = CUDA_R_16BF;
        x.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
      },
      "types that do not go together: compute 2");
  // layouts
  is_wrong([](Call& x) { x.a.ld = 2; }, "A has 3 rows and a leading dimension of 2");
  is_wrong([](Call& x) { x.d.ld = 2; }, "D has 3 rows and a leading dimension of 2");
  is_wrong([](Call& x) { x.b.rows = 0; }, "B is [0, 4]");
  is_wrong([](Call& x) { x.b.columns = uint64_t{1} << 31; }, "B is [5, 2147483648]");
  is_wrong([](Call& x) { x.transpose_a = CUBLAS_OP_T; },
           "shapes that do not multiply: A^T [3, 5], B [5, 4], D [3, 4]");
  is_wrong([](Call& x) { x.transpose_b = CUBLAS_OP_T; },
           "shapes that do not multiply: A [3, 5], B^T [5, 4], D [3, 4]");
  is_wrong([](Call& x) { x.b = {.rows = 6, .columns = n, .ld = 6}; }, "shapes that do not multiply");
  is_wrong([](Call& x) { x.c = {.rows = n, .columns = m, .ld = n}; }, "C is [4, 3], D [3, 4]");
  // epilogues
  is_wrong([](Call& x) { x.epilogue = CUBLASLT_EPILOGUE_GELU; }, "epilogue 2 is not known here");
  const Change biased = [](Call& x) { x.epilogue = CUBLASLT_EPILOGUE_BIAS; };
  CHECK(error_of(biased, biased) == "");
  is_wrong(
      [](Call& x) {
        x.epilogue = CUBLASLT_EPILOGUE_BIAS;
        x.bias = nullptr;
      },
      "no bias, whose alignment is looked at");
  const Change misplaced = [](Call& x) {
    x.epilogue = CUBLASLT_EPILOGUE_BIAS;
    x.bias = static_cast<const float*>(x.bias) + 1;
  };
  is_wrong(misplaced, "the bias lies at no multiple of 16 bytes");
  says(error_of(biased, misplaced), "the bias lies at no multiple of 16 bytes");
  // the choice
  is_wrong([](Call& x) { x.wanted = 0; }, "0 results wanted");
  is_wrong([](Call& x) { x.alignment = 24; }, "an alignment of 24 bytes");
  is_wrong_in_run([](Call& x) { x.has_algorithm = false; }, "an algorithm that no heuristic gave");
  for (const Change& change :
       {biased, Change([](Call& x) { x.c.ld = x.d.ld = 4; }), Change([](Call& x) { x.a.ld = 4; }),
        Change([](Call& x) { x.compute = CUBLAS_COMPUTE_32F_FAST_TF32; })})
    is_wrong_in_run(change, "the algorithm was chosen for another problem");
  // pointers
  is_wrong_in_run([](Call& x) { x.a_data = nullptr; }, "A is nowhere");
  is_wrong_in_run([](Call& x) { x.d_data = nullptr; }, "D is nowhere");
  is_wrong_in_run([](Call& x) { x.b_data = static_cast<const float*>(x.b_data) + 2; },
                  "B lies at no multiple of 16 bytes, which was promised");
  is_wrong_in_run([](Call& x) { x.d_data = static_cast<float*>(x.d_data) + 1; },
                  "D lies at no multiple of 16 bytes, which was promised");
  const Change promises_little = [](Call& x) { x.alignment = 1; };
  CHECK(error_of(promises_little, [](Call& x) { x.b_data = static_cast<const float*>(x.b_data) + 1; }) == "");
  says(error_of(promises_little, [](Call& x) { x.b_data = static_cast<const std::byte*>(x.b_data) + 2; }),
       "B lies at no multiple of 4 bytes");
  is_wrong_in_run([](Call& x) { x.d_data = const_cast<void*>(x.a_data); }, "D overlaps A");
  is_wrong_in_run([](Call& x) { x.b_data = static_cast<float*>(x.d_data) + 8; }, "D overlaps B");
  is_wrong_in_run([](Call& x) { x.c_data = static_cast<float*>(x.d_data) + 8; }, "D overlaps a part of C");
  CHECK(error_of([](Call&) {}, [](Call& x) { x.c_data = static_cast<float*>(x.d_data) + 12; }) == "");
  is_wrong(
      [](Call& x) {
        x.c_data = x.d_data;
        x.c.ld = 4;
      },
      "C and D lie in one place in different layouts");
  is_wrong_in_run([](Call& x) { x.has_alpha = false; }, "no alpha, or no beta");
  // the workspace
  is_wrong_in_run([](Call& x) { x.workspace = nullptr; }, "the workspace lies at no multiple of 256 bytes");
  is_wrong_in_run([](Call& x) { x.workspace += 128; }, "the workspace lies at no multiple of 256 bytes");
  is_wrong_in_run([](Call& x) { x.workspace_bytes = 999; },
                  "the algorithm takes 1000 bytes of workspace, not 999");
  CHECK(calls().live == live);
}

TEST_CASE("mock cuBLASLt: objects that are gone, and attributes of another size") {
  cublasLtHandle_t handle = nullptr;
  cublasLtCreate(&handle);
  Memory memory;
  const Call call = memory.call();
  const cublasLtMatmulAlgo_t algorithm = choose(handle, call);
  cublasLtDestroy(handle);
  CHECK_THROWS_WITH_AS(cublasLtDestroy(handle), "[mock cuBLASLt] a handle that was not made, or is gone",
                       Error);
  CHECK_THROWS_WITH_AS(multiply(handle, call, algorithm),
                       "[mock cuBLASLt] a handle that was not made, or is gone", Error);
  Objects objects(call);
  CHECK_THROWS_WITH_AS(objects.set(CUBLASLT_MATMUL_DESC_TRANSA, int64_t{1}),
                       "[mock cuBLASLt] the attribute TRANSA has 4 bytes, not 8", Error);
  CHECK_THROWS_WITH_AS(cublasLtMatrixLayoutDestroy(nullptr),
                       "[mock cuBLASLt] a layout that was not made, or is gone", Error);
}

TEST_CASE("mock cuBLASLt: a sum that comes together in place has other bits from call to call") {
  Memory memory;
  Call call = memory.call();
  for (int i = 0; i < 64; ++i) memory.a[i] = 1 / static_cast<float>(i + 1);
  cublasLtHandle_t made = nullptr;
  cublasLtCreate(&made);
  const Owned<cublasLtHandle_t> handle(made, cublasLtDestroy);
  const auto differ = [&](uint32_t schemes) {
    call.schemes = schemes;
    const int split = calls().split;
    const cublasLtMatmulAlgo_t algorithm = choose(made, call);
    std::vector<std::vector<float>> results;
    for (int i = 0; i < 3; ++i) {
      multiply(made, call, algorithm);
      results.emplace_back(memory.d, memory.d + m * n);
    }
    if (schemes == CUBLASLT_REDUCTION_SCHEME_NONE) CHECK(calls().split == split);
    return results[0] != results[1] || results[1] != results[2];
  };
  CHECK(differ(CUBLASLT_REDUCTION_SCHEME_MASK));
  CHECK_FALSE(differ(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  CHECK_FALSE(differ(CUBLASLT_REDUCTION_SCHEME_NONE));
}
