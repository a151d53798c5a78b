// What every row of the op table has to hold, on every backend.
#include <doctest/doctest.h>

#include "tests/files.h"
#include "tests/gradcheck.h"
#include "tests/naive_backend.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::Matrix;

namespace {

constexpr double absolute = 1e-6;  // for gradients that are zero up to rounding

// A device whose threads take turns, some hundred times slower than one.
bool is_emulated(const Backend& backend) { return backend.name() == "CUDA_EMULATED"; }

template <typename Check>
void for_each_case(Check&& check) {
  for (const Op& op : op_table()) {
    for (const OpCase& op_case : op.cases) check(op, op_case);
  }
}

template <typename Check>
void for_each_case_with_gradient(Check&& check) {
  for_each_case([&](const Op& op, const OpCase& op_case) {
    if (op.has_gradient) check(op, op_case);
  });
}

// What the op computes: result and gradients, or the result alone where it has none.
Outcome run_all(const Op& op, const OpCase& op_case, const std::vector<Matrix>& inputs, Backend& backend,
                DType dtype) {
  if (op.has_gradient) return run(op_case.call, op_case, inputs, backend, dtype);
  return {evaluate(op_case, inputs, backend, dtype), std::vector<Matrix>(inputs.size())};
}

std::string text(const Op& op, const OpCase& op_case, const Backend& backend, DType dtype) {
  return fmt::format("{} {} on {} in {}", op.name, op_case.label, backend.description(), name_of(dtype));
}

// Result and gradients within the tolerance, or `same bits` when it is zero.
void check_agree(const Outcome& actual, const Outcome& expected, const OpCase& op_case,
                 const Tolerance& tolerance) {
  const Distance result = distance(actual.y, expected.y);
  CHECK_MESSAGE(result.within(tolerance.forward, tolerance.forward_absolute), "result: off by ",
                result.difference, " of ", result.norm);
  for (size_t i = 0; i < expected.gradients.size(); ++i) {
    if (!actual.gradients[i]) continue;
    const Distance gradient = distance(actual.gradients[i], expected.gradients[i]);
    CHECK_MESSAGE(gradient.within(tolerance.gradient, tolerance.gradient > 0 ? absolute : 0), "gradient of ",
                  op_case.inputs[i].name, ": off by ", gradient.difference, " of ", gradient.norm);
    if (gradient.difference == 0) continue;
    const std::string fault =
        fault_of(actual.gradients[i], expected.gradients[i], element_tolerance(tolerance));
    CHECK_MESSAGE(fault.empty(), "gradient of ", op_case.inputs[i].name, ": ", fault);
  }
}

}  // namespace

TEST_CASE("forward: every op gives its formula's value, recorded and evaluated") {
  for (const Backend* backend : backends_under_test()) MESSAGE("on ", backend->description());
  for_each_case([](const Op& op, const OpCase& op_case) {
    for (Backend* backend : backends_under_test()) {
      for (const DType dtype : dtypes_of(op, *backend)) {
        INFO(text(op, op_case, *backend, dtype));
        const auto inputs = input_values(op_case, dtype);
        const Matrix expected = op_case.reference(inputs);
        const Tolerance tolerance = op.within(dtype);
        const Distance recorded = distance(run_all(op, op_case, inputs, *backend, dtype).y, expected);
        CHECK_MESSAGE(recorded.within(tolerance.forward, tolerance.forward_absolute), "recorded: off by ",
                      recorded.difference, " of ", recorded.norm);
        const Distance evaluated = distance(evaluate(op_case, inputs, *backend, dtype), expected);
        CHECK_MESSAGE(evaluated.within(tolerance.forward, tolerance.forward_absolute), "evaluated: off by ",
                      evaluated.difference, " of ", evaluated.norm);
      }
    }
  });
}

TEST_CASE("backward: every gradient is the central difference of the formula, assigned and accumulated") {
  for_each_case_with_gradient([](const Op& op, const OpCase& op_case) {
    const auto inputs = input_values(op_case, DType::float32);
    // Each takes the formula twice, which sanitizers have little to say of.
    const int64_t elements = is_sanitized ? 8 : 24, directions = is_sanitized ? 2 : 4;
    std::vector<Slopes> slopes;
    for (size_t i = 0; i < inputs.size(); ++i)
      slopes.push_back(slopes_of(objective_of(op_case), inputs, i, elements, directions));
    for (Backend* backend : backends_under_test()) {
      for (const double before : {0.0, 0.25}) {
        Outcome outcome =
            run(op_case.call, op_case, inputs, *backend, DType::float32, {.gradient_before = before});
        for (size_t i = 0; i < inputs.size(); ++i) {
          INFO(text(op, op_case, *backend, DType::float32), ", gradient of ", op_case.inputs[i].name,
               " added to ", before);
          Matrix& gradient = outcome.gradients[i];
          for (int64_t at = 0; at < gradient.size(); ++at) gradient[at] -= before;
          const std::string fault = fault_of(gradient, slopes[i], slope_tolerance(op.float32));
          CHECK_MESSAGE(fault.empty(), fault);
        }
      }
    }
  });
}

TEST_CASE("backend against backend: result and all gradients agree with the naive backend's") {
  for_each_case_with_gradient([](const Op& op, const OpCase& op_case) {
    for (Backend* backend : backends_under_test()) {
      if (backend == &naive_backend()) continue;
      for (const DType dtype : dtypes_of(op, *backend)) {
        INFO(text(op, op_case, *backend, dtype));
        const auto inputs = input_values(op_case, dtype);
        for (const double before : {0.0, 0.25}) {
          const RunOptions options{.gradient_before = before};
          check_agree(run(op_case.call, op_case, inputs, *backend, dtype, options),
                      run(op_case.call, op_case, inputs, naive_backend(), dtype, options), op_case,
                      op.within(dtype));
        }
      }
    }
  });
}

TEST_CASE("any number of threads gives the same bits, fewer than asked for as well") {
  const auto check_bits = [](const Op& op, const OpCase& op_case) {
    for (Backend* backend : backends_under_test()) {
      if (backend->set_threads(2) == 1) continue;  // it computes with one, or with none of the host's
      for (const DType dtype : dtypes_of(op, *backend)) {
        const auto inputs = input_values(op_case, dtype);
        const auto run_on = [&](int threads) {
          backend->set_threads(threads);
          return run_all(op, op_case, inputs, *backend, dtype);
        };
        const Outcome one = run_on(1);
        for (const int threads : {2, 3, 4, 7}) {
          INFO(text(op, op_case, *backend, dtype), ", ", threads, " threads");
          check_agree(run_on(threads), one, op_case, Tolerance{0, 0});
        }
        INFO(text(op, op_case, *backend, dtype), ", a team of one where seven were asked for");
        // A parallel region within another one has a single thread.
#pragma omp parallel num_threads(2)
#pragma omp master
        check_agree(run_all(op, op_case, inputs, *backend, dtype), one, op_case, Tolerance{0, 0});
        backend->set_threads(0);
      }
    }
  };
  for_each_case(check_bits);
  for (const Op& op : op_table()) {
    for (const OpCase& op_case : op.large) check_bits(op, op_case);
  }
}

TEST_CASE("a gradient is the same when it is the only one wanted") {
  for_each_case_with_gradient([](const Op& op, const OpCase& op_case) {
    for (Backend* backend : backends_under_test()) {
      const auto inputs = input_values(op_case, DType::float32);
      const Outcome all = run(op_case.call, op_case, inputs, *backend, DType::float32);
      for (size_t i = 0; i < inputs.size(); ++i) {
        INFO(text(op, op_case, *backend, DType::float32));
        check_agree(run(op_case.call, op_case, inputs, *backend, DType::float32,
                        {.gradient_before = 0, .only_input = static_cast<int>(i)}),
                    all, op_case, op.float32);
      }
    }
  });
}

TEST_CASE("a repeated run gives the same bits") {
  for_each_case([](const Op& op, const OpCase& op_case) {
    for (Backend* backend : backends_under_test()) {
      if (is_emulated(*backend)) continue;  // there the bits of 20 schedules are compared (tests/emulator)
      for (const DType dtype : dtypes_of(op, *backend)) {
        INFO(text(op, op_case, *backend, dtype));
        const auto inputs = input_values(op_case, dtype);
        check_agree(run_all(op, op_case, inputs, *backend, dtype),
                    run_all(op, op_case, inputs, *backend, dtype), op_case, Tolerance{0, 0});
      }
    }
  });
}

TEST_CASE("large cases on a device agree with the naive backend, and repeat their bits") {
  for (const Op& op : op_table()) {
    for (const OpCase& op_case : op.large) {
      for (Backend* backend : backends_under_test()) {
        // More take the plain loops seconds, and the kernels nowhere new.
        if (op_case.flops > (!is_emulated(*backend) ? 3e8 : is_sanitized ? 3e7 : 1e8)) continue;
        // What computes with the host's threads is held to the small cases, and in large ones to the bits of one thread.
        const bool has_threads = backend->set_threads(2) != 1;
        backend->set_threads(0);
        if (backend == &naive_backend() || has_threads) continue;
        for (const DType dtype : dtypes_of(op, *backend)) {
          if (dtype == DType::float16) continue;  // the kernels of bfloat16 with other conversions
          INFO(text(op, op_case, *backend, dtype));
          const auto inputs = input_values(op_case, dtype);
          const Outcome outcome = run_all(op, op_case, inputs, *backend, dtype);
          check_agree(outcome, run_all(op, op_case, inputs, naive_backend(), dtype), op_case,
                      op.within(dtype));
          if (!is_emulated(*backend))
            check_agree(run_all(op, op_case, inputs, *backend, dtype), outcome, op_case, Tolerance{0, 0});
        }
      }
    }
  }
}

TEST_CASE("a fused op is the composition of simple ops") {
  for_each_case([&](const Op& op, const OpCase& op_case) {
    if (!op_case.composition) return;
    for (Backend* backend : backends_under_test()) {
      for (const DType dtype : dtypes_of(op, *backend)) {
        INFO(text(op, op_case, *backend, dtype));
        const auto inputs = input_values(op_case, dtype);
        const Outcome composed = run(op_case.composition, op_case, inputs, *backend, dtype);
        Outcome fused_outcome = run_all(op, op_case, inputs, *backend, dtype);
        check_agree(fused_outcome,
                    {composed.y, op.has_gradient ? composed.gradients : fused_outcome.gradients}, op_case,
                    op.within(dtype));
        const Distance evaluated = distance(evaluate(op_case, inputs, *backend, dtype), composed.y);
        CHECK(evaluated.within(op.within(dtype).forward, 0));
      }
    }
  });
}
