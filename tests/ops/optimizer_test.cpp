// Norms, clipping, skipped steps and the rules of the optimizers, on every backend.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/joined.h"
#include "nn/optimizer.h"
#include "tests/gradcheck.h"
#include "tests/naive_backend.h"
#include "tests/normal_values.h"
#include "tests/on_each_backend.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::load;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// Segments with gaps before, between and behind them; one is long enough for several threads, one is empty. Two have a part of the
// learning rate.
const std::vector<Segment> places{
    {3, 1, true}, {16, 100, false, 0.25F}, {128, 70001, true, 0.75F}, {70144, 0, true}};
const Segments segments = std::make_shared<const std::vector<Segment>>(places);
constexpr int64_t flat_size = 70200;
constexpr size_t gaps[] = {0, 2, 4, 15, 116, 127, 70129, 70199};
const std::vector<float> scales{0.5F, 1.0F, 0.25F, 1.0F};

std::vector<float> random_values(int64_t count, uint32_t purpose) {
  return normal_values(count, 77, purpose);
}

Tensor floats(Backend& backend, const std::vector<float>& values) {
  return Tensor::from(backend, {std::ssize(values)}, std::span(values));
}

Tensor random_tensor(Backend& backend, uint32_t purpose) {
  return floats(backend, random_values(flat_size, purpose));
}

Tensor numbers_tensor(Backend& backend, const StepNumbers& numbers) {
  const Tensor tensor = Tensor::empty(backend, {static_cast<int64_t>(sizeof numbers)}, DType::uint8);
  backend.copy_from_host(&numbers, tensor);
  return tensor;
}

StepNumbers read(const Tensor& tensor) {
  StepNumbers numbers;
  tensor.backend().copy_to_host(tensor, &numbers);
  return numbers;
}

// What a rule works on, the same numbers on every backend, and the same in double.
struct Problem {
  explicit Problem(Backend& backend, int states)
      : p(random_tensor(backend, 8)), g(random_tensor(backend, 9)) {
    std::vector<float> variances = random_values(flat_size, 11);
    for (float& variance : variances) variance *= variance;
    this->states = {random_tensor(backend, 10), floats(backend, variances)};
    this->states.resize(static_cast<size_t>(states));
    copy = Tensor::zeros(backend, {flat_size}, DType::bfloat16);
    expected_p = doubles(p);
    expected_g = doubles(g);
    for (const Tensor& state : this->states) expected_states.push_back(doubles(state));
  }
  static std::vector<double> doubles(const Tensor& x) {
    const std::vector<float> values = x.to_host();
    return {values.begin(), values.end()};
  }
  // Calls body(segment, i) for each element of the segments.
  template <typename Body>
  static void for_each(Body&& body) {
    for (size_t s = 0; s < places.size(); ++s) {
      for (int64_t k = 0; k < places[s].size; ++k) body(s, static_cast<size_t>(places[s].offset + k));
    }
  }
  void check_update(const std::vector<float>& before) const {
    CHECK(distance(p.to_host(), expected_p).within(1e-6, 0));
    for (size_t s = 0; s < states.size(); ++s)
      CHECK(distance(states[s].to_host(), expected_states[s]).within(1e-6, 0));
    const std::vector<float> updated = p.to_host(), gradients = g.to_host(), narrow = copy.to_host();
    for (const size_t gap : gaps) CHECK(updated[gap] == before[gap]);
    // The change itself, against its own size: an update is small beside the parameter.
    std::vector<double> change, expected_change;
    int64_t wrong_copies = 0, left = 0;
    for_each([&](size_t, size_t i) {
      change.push_back(static_cast<double>(updated[i]) - before[i]);
      expected_change.push_back(expected_p[i] - static_cast<double>(before[i]));
      wrong_copies += narrow[i] != static_cast<float>(bfloat16(updated[i]));
      left += gradients[i] != 0;
    });
    CHECK(distance(change, expected_change).within(1e-4, 0));
    CHECK(wrong_copies == 0);
    CHECK(left == 0);
  }

  Tensor p, g, copy;
  std::vector<Tensor> states;
  std::vector<double> expected_p, expected_g;
  std::vector<std::vector<double>> expected_states;
};

const RuleNumbers rule{0.9F, 0.99F, 1e-3F, 0.1F};

StepNumbers adam_numbers() {
  StepNumbers numbers;
  numbers.learning_rate = 0.01F;
  numbers.correction1 = 0.19F;
  numbers.correction2 = 0.0199F;
  return numbers;
}

// Of the elements of segment s.
double rate_of(size_t s) { return 0.01 * static_cast<double>(places[s].rate); }

// Adam's direction of element i, and the moments that it leaves.
double adam(Problem& problem, size_t s, size_t i) {
  double& m = problem.expected_states[0][i];
  double& v = problem.expected_states[1][i];
  const double gradient = problem.expected_g[i] * static_cast<double>(scales[s]);
  m = 0.9 * m + 0.1 * gradient;
  v = 0.99 * v + 0.01 * gradient * gradient;
  const double decay = places[s].decay ? 0.1 * problem.expected_p[i] : 0;
  return m / 0.19 / (std::sqrt(v / 0.0199) + 1e-3) + decay;
}

}  // namespace

TEST_CASE("segment norms are those of the segments, with the same bits on any number of threads") {
  const std::vector<float> values = random_values(flat_size, 7);
  on_each_backend([&](Backend& backend) {
    const Tensor flat = floats(backend, values), norms = Tensor::empty(backend, {4});
    const auto norms_with = [&](int threads) {
      backend.set_threads(threads);
      backend.segment_norms({flat, segments, norms});
      return norms.to_host();
    };
    const std::vector<float> one = norms_with(1);
    CHECK(norms_with(2) == one);
    CHECK(norms_with(0) == one);
    for (size_t s = 0; s < places.size(); ++s) {
      double square = 0;
      for (int64_t k = 0; k < places[s].size; ++k) {
        const double value = values[static_cast<size_t>(places[s].offset + k)];
        square += value * value;
      }
      CHECK(std::abs(static_cast<double>(one[s]) - std::sqrt(square)) <= 1e-7 * std::sqrt(square));
    }
  });
}

TEST_CASE("adam is the formula, clears the gradients, refreshes the copy and leaves the gaps alone") {
  on_each_backend([](Backend& backend) {
    Problem problem(backend, 2);
    const std::vector<float> before = problem.p.to_host();
    Problem::for_each([&](size_t s, size_t i) { problem.expected_p[i] -= rate_of(s) * adam(problem, s, i); });
    backend.update_parameters({UpdateRule::adam, rule, problem.p, problem.g, problem.states, problem.copy,
                               segments, floats(backend, scales), numbers_tensor(backend, adam_numbers())});
    problem.check_update(before);
  });
}

TEST_CASE("momentum is the formula, with the decay in the gradient as in PyTorch's SGD") {
  on_each_backend([](Backend& backend) {
    Problem problem(backend, 1);
    const std::vector<float> before = problem.p.to_host();
    Problem::for_each([&](size_t s, size_t i) {
      double& a = problem.expected_states[0][i];
      const double decay = places[s].decay ? 0.1 * problem.expected_p[i] : 0;
      a = 0.9 * a + problem.expected_g[i] * static_cast<double>(scales[s]) + decay;
      problem.expected_p[i] -= rate_of(s) * a;
    });
    backend.update_parameters({UpdateRule::momentum, rule, problem.p, problem.g, problem.states, problem.copy,
                               segments, floats(backend, scales), numbers_tensor(backend, adam_numbers())});
    problem.check_update(before);
  });
}

TEST_CASE("a direction and its trust ratio are LAMB's formula, the ratio at most its limit") {
  for (const float limit : {10.0F, 0.5F}) {
    on_each_backend([&](Backend& backend) {
      Problem problem(backend, 2);
      const std::vector<float> before = problem.p.to_host();
      std::vector<double> directions(flat_size), parameter_squares(4), direction_squares(4);
      Problem::for_each([&](size_t s, size_t i) {
        directions[i] = adam(problem, s, i);
        parameter_squares[s] += problem.expected_p[i] * problem.expected_p[i];
        direction_squares[s] += directions[i] * directions[i];
      });
      Problem::for_each([&](size_t s, size_t i) {
        const double ratio = std::sqrt(parameter_squares[s] / direction_squares[s]);
        problem.expected_p[i] -= rate_of(s) * std::min(ratio, static_cast<double>(limit)) * directions[i];
      });
      const Tensor numbers = numbers_tensor(backend, adam_numbers());
      const Tensor parameter_norms = Tensor::empty(backend, {4}),
                   direction_norms = Tensor::empty(backend, {4});
      backend.find_direction({UpdateRule::adam, rule, problem.p, problem.g, problem.states, segments,
                              floats(backend, scales), numbers});
      CHECK(problem.p.to_host() == before);
      backend.segment_norms({problem.p, segments, parameter_norms});
      backend.segment_norms({problem.g, segments, direction_norms});
      backend.apply_direction(
          {problem.p, problem.g, problem.copy, segments, parameter_norms, direction_norms, limit, numbers});
      problem.check_update(before);
    });
  }
  CHECK(trust_ratio(0.0, 2.0, 10.0) == 1);
  CHECK(trust_ratio(2.0, 0.0, 10.0) == 1);
  CHECK(trust_ratio(2.0, 4.0, 10.0) == 0.5);
  CHECK(trust_ratio(90.0, 4.0, 10.0) == 10);
}

TEST_CASE("gradients are unscaled and clipped, all together or each tensor's, and the norm is that before") {
  on_each_backend([](Backend& backend) {
    const std::vector<float> norms{6, 0, 8, 1};
    const auto factors = [&](Clip clip, float max_norm, float loss_scale) {
      StepNumbers numbers;
      numbers.loss_scale = loss_scale;
      const Tensor on_device = numbers_tensor(backend, numbers), scales = Tensor::empty(backend, {4});
      backend.prepare_update({.norms = floats(backend, norms),
                              .numbers = on_device,
                              .clip = clip,
                              .max_norm = max_norm,
                              .scales = scales});
      CHECK(read(on_device).norm == doctest::Approx(std::sqrt(101.0) / static_cast<double>(loss_scale)));
      CHECK(read(on_device).skipped == 0);
      return scales.to_host();
    };
    CHECK(factors(Clip::none, 1, 1) == std::vector<float>(4, 1));
    CHECK(factors(Clip::none, 1, 4) == std::vector<float>(4, 0.25F));
    CHECK(factors(Clip::global, 20, 1) == std::vector<float>(4, 1));
    for (const float factor : factors(Clip::global, 2, 1))
      CHECK(factor == doctest::Approx(2 / std::sqrt(101.0)).epsilon(1e-6));
    const std::vector<float> each = factors(Clip::per_tensor, 1, 4);  // norms of 1.5, 0, 2 and 0.25
    for (const auto& [factor, expected] :
         {std::pair(each[0], 0.25 / 1.5), {each[1], 0.25}, {each[2], 0.125}, {each[3], 0.25}})
      CHECK(factor == doctest::Approx(expected).epsilon(2e-6));
  });
}

TEST_CASE("Adam's corrections count the updates, which skipped steps are not") {
  on_each_backend([](Backend& backend) {
    const Tensor numbers = numbers_tensor(backend, {}), scales = Tensor::empty(backend, {1});
    const auto prepare = [&](float norm, bool corrected) {
      backend.prepare_update({.norms = floats(backend, {norm}),
                              .numbers = numbers,
                              .bias_correction = corrected,
                              .rule = rule,
                              .scaling = {.factor = 2, .window = 100},
                              .scales = scales});
      return read(numbers);
    };
    CHECK(prepare(1, true).correction1 == doctest::Approx(0.1).epsilon(1e-6));
    const StepNumbers second = prepare(1, true);
    CHECK(second.updates == 2);
    CHECK(second.correction1 == doctest::Approx(0.19).epsilon(1e-6));
    CHECK(second.correction2 == doctest::Approx(0.0199).epsilon(1e-6));
    CHECK(prepare(1, false).correction1 == 1);
  });
}

TEST_CASE(
    "a step that is not finite changes nothing but the gradients, and without a scale to lower the run "
    "halts") {
  on_each_backend([](Backend& backend) {
    for (const bool bad_loss : {false, true}) {
      Problem problem(backend, 2);
      const std::vector<float> p = problem.p.to_host(), m = problem.states[0].to_host(),
                               v = problem.states[1].to_host();
      StepNumbers told = adam_numbers();
      told.loss = bad_loss ? infinity : 1;
      const Tensor numbers = numbers_tensor(backend, told), scales = Tensor::empty(backend, {4});
      const auto step = [&](float norm) {
        const Tensor g = random_tensor(backend, 9);
        backend.prepare_update(
            {.norms = floats(backend, {norm, 1, 1, 1}), .numbers = numbers, .scales = scales});
        backend.update_parameters(
            {UpdateRule::adam, rule, problem.p, g, problem.states, problem.copy, segments, scales, numbers});
        backend.find_direction(
            {UpdateRule::adam, rule, problem.p, g, problem.states, segments, scales, numbers});
        backend.apply_direction({problem.p, g, problem.copy, segments, scales, scales, 10, numbers});
        CHECK(problem.p.to_host() == p);
        CHECK(problem.states[0].to_host() == m);
        CHECK(problem.states[1].to_host() == v);
        const std::vector<float> gradients = g.to_host();
        Problem::for_each([&](size_t, size_t i) { REQUIRE(gradients[i] == 0); });
        return read(numbers);
      };
      const StepNumbers found = step(bad_loss ? 1 : std::numeric_limits<float>::quiet_NaN());
      CHECK(found.skipped == 1);
      CHECK(found.halted == 1);
      CHECK(found.updates == 0);
      // Until the host has looked, no later step counts, however good it is.
      told.halted = 1;
      told.loss = 1;
      backend.copy_from_host(&told, numbers);
      CHECK(step(1).skipped == 1);
    }
  });
}

TEST_CASE(
    "the loss scale follows the gradients: down to 1, up to its limit, and what is skipped keeps its rate") {
  constexpr float rate = 0.5F, rate_after_skip = 0.25F;
  struct Row {
    float norm, loss;  // what the step meets
    float scale;       // and what it leaves
    int32_t good, skipped, in_a_row, updates, halted;
    float rate;
  };
  constexpr LossScaling scaling{.factor = 4, .window = 2, .most = 40, .most_skipped = 3};
  const auto check_rows = [&](float scale, const std::vector<Row>& rows) {
    on_each_backend([&](Backend& backend) {
      DeviceStep step(backend);
      StepNumbers kept;
      kept.loss_scale = scale;
      step.restore(kept);
      const Tensor scales = Tensor::empty(backend, {1});
      float used = scale;
      for (const Row& row : rows) {
        CAPTURE(&row - rows.data());
        step.begin(7, {rate, rate_after_skip}, {});
        backend.copy_from_host(&row.loss, step.loss());
        backend.prepare_update({.norms = floats(backend, {row.norm}),
                                .numbers = step.numbers(),
                                .clip = Clip::none,
                                .scaling = scaling,
                                .scales = scales});
        const StepNumbers found = step.findings().wait();
        CHECK(found.loss_scale == row.scale);
        CHECK(found.good_steps == row.good);
        CHECK(found.skipped == row.skipped);
        CHECK(found.skipped_in_a_row == row.in_a_row);
        CHECK(found.updates == row.updates);
        CHECK(found.halted == row.halted);
        CHECK(found.learning_rate == row.rate);
        if (row.skipped == 0) CHECK(scales.to_host() == std::vector{1 / used});
        used = found.loss_scale;
      }
    });
  };
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  check_rows(6, {{1, 1, 6, 1, 0, 0, 1, 0, rate},
                 {1, 1, 24, 0, 0, 0, 2, 0, rate},
                 {1, 1, 24, 1, 0, 0, 3, 0, rate},
                 {1, 1, 40, 0, 0, 0, 4, 0, rate},  // the limit
                 {1, 1, 40, 1, 0, 0, 5, 0, rate},
                 {1, 1, 40, 0, 0, 0, 6, 0, rate},
                 {infinity, 1, 10, 0, 1, 1, 6, 0, rate},
                 {1, nan, 2.5F, 0, 1, 2, 6, 0, rate_after_skip},
                 {1, 1, 2.5F, 1, 0, 0, 7, 0, rate_after_skip},
                 {nan, 1, 1, 0, 1, 1, 7, 0, rate},  // the floor
                 {1, 1, 1, 1, 0, 0, 8, 0, rate_after_skip},
                 {1, infinity, 1, 0, 1, 1, 8, 1, rate},  // no lower scale could help
                 {1, 1, 1, 0, 1, 1, 8, 1, rate_after_skip}});
  // Three in a row are too many; the scale is the one that the last of them was computed with.
  check_rows(40, {{infinity, 1, 10, 0, 1, 1, 0, 0, rate},
                  {infinity, 1, 2.5F, 0, 1, 2, 0, 0, rate_after_skip},
                  {infinity, 1, 2.5F, 0, 1, 3, 0, 1, rate_after_skip},
                  {infinity, 1, 2.5F, 0, 1, 3, 0, 1, rate_after_skip}});
  check_rows(160,
             {{1, 1, 160, 1, 0, 0, 1, 0, rate}, {1, 1, 40, 0, 0, 0, 2, 0, rate}});  // resumed above the limit
}

TEST_CASE(
    "a resumed run with more good steps than its window still grows the loss scale, and one without a window "
    "counts none") {
  on_each_backend([](Backend& backend) {
    for (const int32_t window : {0, 3}) {
      StepNumbers told;
      told.good_steps = 5;
      const Tensor numbers = numbers_tensor(backend, told);
      backend.prepare_update({.norms = floats(backend, {1}),
                              .numbers = numbers,
                              .scaling = {.window = window},
                              .scales = Tensor::empty(backend, {1})});
      CHECK(read(numbers).loss_scale == (window == 0 ? 1 : 2));
    }
  });
}

TEST_CASE("a row names as many states as its rule has") {
  OptimizerRow row = find_optimizer("Momentum");
  row.states.push_back({"v", true});
  CHECK_THROWS_WITH_AS(check_states(row), "[optimizer] Momentum names 2 states, its rule has 1", Error);
  row.states.clear();
  CHECK_THROWS_WITH_AS(check_states(row), "[optimizer] Momentum names 0 states, its rule has 1", Error);
}

TEST_CASE("every optimizer of the table goes downhill, to the same place on every backend") {
  std::vector<std::string_view> names;
  for (const OptimizerRow& row : optimizer_table()) {
    CAPTURE(row.name);
    names.push_back(row.name);
    std::vector<float> naive;
    on_each_backend([&](Backend& backend) {
      Parameters parameters;
      const Parameter w = parameters.add("weight", {5, 7}, Init::uniform(0.5F));
      const Parameter b = parameters.add("bias", {5}, Init::constant(0));
      parameters.allocate(backend, Parameters::Use::training, DType::float32);
      parameters.initialize_all(3);
      OptimizerConfig config{.name = std::string(row.name)};
      config.numbers = {row.beta1, row.beta2, row.eps, row.weight_decay};
      Optimizer optimizer(parameters, config);
      CHECK(optimizer.states().size() == row.states.size());
      CHECK(Optimizer::state_bytes(config, 10) == std::ssize(row.states) * 40);
      DeviceStep step(backend);
      const Variable x(Tensor::from(backend, {6, 7}, random_values(42, 1)));
      const Tensor labels = Tensor::from(backend, {6}, std::vector<int32_t>{0, 1, 2, 3, 4, 0});
      const float factor = 1.0F / 6;
      std::vector<float> losses;
      for (uint32_t i = 0; i < 20; ++i) {
        step.begin(i, 0.05F, std::span(&factor, 1));
        step.backward(step.objective({cross_entropy(linear(x, w, b), labels)}));
        optimizer.step(step);
        losses.push_back(step.findings().wait().loss);
      }
      CHECK(losses.back() < 0.9F * losses.front());
      if (naive.empty()) naive = parameters.values().to_host();
      CHECK(distance(parameters.values().to_host(), naive).within(1e-5, 0));
    });
  }
  CHECK_THROWS_WITH_AS(
      find_optimizer("sgd"),
      fmt::format("[optimizer] none is named 'sgd': expected one of {}", joined(names, ", ")).c_str(), Error);
}
