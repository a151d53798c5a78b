// Gradient norms and the updates of optimizers, each one pass over the flat buffers.
#include <algorithm>
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"

namespace gradus::cpu {
namespace {

// The unit of work and of summation: small enough to share out evenly and to stay in the cache, and of one
// size whatever the number of threads.
constexpr int64_t block_size = 4096;
constexpr int64_t grain_blocks = 8;

struct Block {
  int64_t offset;
  int64_t size;
  size_t segment;
};

std::vector<Block> split_into_blocks(const std::vector<Segment>& segments) {
  std::vector<Block> blocks;
  for (size_t s = 0; s < segments.size(); ++s) {
    for (int64_t begin = 0; begin < segments[s].size; begin += block_size) {
      blocks.push_back({segments[s].offset + begin, std::min(block_size, segments[s].size - begin), s});
    }
  }
  return blocks;
}

double sum_of_squares(const float* __restrict x, int64_t size) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

void round_to_bfloat16(const float* __restrict x, int64_t size, bfloat16* __restrict y) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) y[i] = bfloat16(x[i]);
}

StepNumbers& numbers_in(const Tensor& tensor) {
  return *reinterpret_cast<StepNumbers*>(tensor.data<uint8_t>());
}

// What a pass needs to know besides the elements of a block.
struct Update {
  RuleNumbers constants;
  float factor1, factor2;  // 1 / Adam's corrections
  float learning_rate;

  Update(const RuleNumbers& constants, const StepNumbers& numbers)
      : constants(constants),
        factor1(1 / numbers.correction1),
        factor2(1 / numbers.correction2),
        learning_rate(numbers.learning_rate) {}
};

// The elements of a block: parameters, gradients and states.
struct Elements {
  float* p;
  float* g;
  float* state1;
  float* state2;  // null where the rule has one state
  int64_t size;
};

// Calls use(i, direction) for each element, with the states brought up to date.
template <typename Use>
[[gnu::always_inline]] inline void for_each_direction(UpdateRule rule, const Update& update, float scale,
                                                      float weight_decay, const Elements& e, Use&& use) {
  const float* __restrict const p = e.p;
  const float* __restrict const g = e.g;
  float* __restrict const state1 = e.state1;
  float* __restrict const state2 = e.state2;
  const RuleNumbers constants = update.constants;
  const float factor1 = update.factor1;
  const float factor2 = update.factor2;
  if (rule == UpdateRule::adam) {
#pragma omp simd
    for (int64_t i = 0; i < e.size; ++i) {
      use(i, adam_direction(g[i] * scale, p[i], state1[i], state2[i], constants, factor1, factor2,
                            weight_decay));
    }
  } else {
#pragma omp simd
    for (int64_t i = 0; i < e.size; ++i) {
      use(i, momentum_direction(g[i] * scale, p[i], state1[i], constants, weight_decay));
    }
  }
}

// Calls body(block, elements) for the blocks of all segments, over the threads.
template <typename Body>
void for_each_block(const std::vector<Segment>& segments, const Tensor& parameters, const Tensor& gradients,
                    const std::vector<Tensor>& states, Body&& body) {
  const std::vector<Block> blocks = split_into_blocks(segments);
  float* const p = parameters.data<float>();
  float* const g = gradients.data<float>();
  float* const state1 = states.empty() ? nullptr : states[0].data<float>();
  float* const state2 = states.size() < 2 ? nullptr : states[1].data<float>();
  parallel_for(static_cast<int64_t>(blocks.size()), grain_blocks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Block& block = blocks[i];
      const int64_t at = block.offset;
      body(block, Elements{p + at, g + at, state1 ? state1 + at : nullptr, state2 ? state2 + at : nullptr,
                           block.size});
    }
  });
}

}  // namespace

void CpuBackend::segment_norms(const SegmentNorms& args) {
  const std::vector<Block> blocks = split_into_blocks(*args.segments);
  std::vector<double> partial(blocks.size());
  const float* const x = args.flat.data<float>();
  parallel_for(static_cast<int64_t>(blocks.size()), grain_blocks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) partial[i] = sum_of_squares(x + blocks[i].offset, blocks[i].size);
  });
  std::vector<double> squares(args.segments->size());
  for (size_t i = 0; i < blocks.size(); ++i) squares[blocks[i].segment] += partial[i];
  float* const norms = args.norms.data<float>();
  for (size_t s = 0; s < squares.size(); ++s) norms[s] = static_cast<float>(std::sqrt(squares[s]));
}

void CpuBackend::prepare_update(const PrepareUpdate& args) {
  StepNumbers& numbers = numbers_in(args.numbers);
  const float* const norms = args.norms.data<float>();
  const int64_t count = args.norms.elements();
  const float unscale = 1 / numbers.loss_scale;
  double squares = 0;
  for (int64_t s = 0; s < count; ++s)
    squares += static_cast<double>(norms[s]) * static_cast<double>(norms[s]);
  const double norm = std::sqrt(squares) * static_cast<double>(unscale);
  numbers.norm = static_cast<float>(norm);

  const bool finite = std::isfinite(numbers.norm) && std::isfinite(numbers.loss);
  numbers.skipped = !finite || numbers.halted != 0 ? 1 : 0;
  if (!finite) {
    if (args.scaling.window > 0 && numbers.loss_scale > 1) {
      numbers.loss_scale = std::max(numbers.loss_scale / args.scaling.factor, 1.0F);
    } else {
      numbers.halted = 1;
    }
    numbers.good_steps = 0;
  }
  if (numbers.skipped != 0) return;

  float* const scales = args.scales.data<float>();
  const float global = args.clip == Clip::global ? clip_factor(norm, args.max_norm) : 1.0F;
  for (int64_t s = 0; s < count; ++s) {
    const float clip = args.clip == Clip::per_tensor
                           ? clip_factor(static_cast<double>(norms[s] * unscale), args.max_norm)
                           : global;
    scales[s] = clip * unscale;
  }
  ++numbers.updates;
  if (args.bias_correction) {
    numbers.correction1 =
        static_cast<float>(1 - std::pow(static_cast<double>(args.rule.beta1), numbers.updates));
    numbers.correction2 =
        static_cast<float>(1 - std::pow(static_cast<double>(args.rule.beta2), numbers.updates));
  } else {
    numbers.correction1 = numbers.correction2 = 1;
  }
  if (++numbers.good_steps == args.scaling.window) {
    numbers.loss_scale *= args.scaling.factor;
    numbers.good_steps = 0;
  }
}

void CpuBackend::update_parameters(const UpdateParameters& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped != 0) return fill_zero({args.gradients});
  const Update update(args.constants, numbers);
  const float* const scales = args.scales.data<float>();
  bfloat16* const copy = args.bfloat16_copy.data<bfloat16>();
  for_each_block(
      *args.segments, args.parameters, args.gradients, args.states,
      [&](const Block& block, const Elements& e) {
        const float decay = (*args.segments)[block.segment].decay ? args.constants.weight_decay : 0;
        for_each_direction(args.rule, update, scales[block.segment], decay, e,
                           [p = e.p, g = e.g, rate = update.learning_rate](int64_t i, float direction) {
                             p[i] -= rate * direction;
                             g[i] = 0;
                           });
        if (copy) round_to_bfloat16(e.p, e.size, copy + block.offset);
      });
}

void CpuBackend::find_direction(const FindDirection& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped != 0) return fill_zero({args.gradients});
  const Update update(args.constants, numbers);
  const float* const scales = args.scales.data<float>();
  for_each_block(*args.segments, args.parameters, args.gradients, args.states,
                 [&](const Block& block, const Elements& e) {
                   const float decay =
                       (*args.segments)[block.segment].decay ? args.constants.weight_decay : 0;
                   for_each_direction(args.rule, update, scales[block.segment], decay, e,
                                      [g = e.g](int64_t i, float direction) { g[i] = direction; });
                 });
}

void CpuBackend::apply_direction(const ApplyDirection& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped != 0) return fill_zero({args.directions});
  const float* const parameter_norms = args.parameter_norms.data<float>();
  const float* const direction_norms = args.direction_norms.data<float>();
  bfloat16* const copy = args.bfloat16_copy.data<bfloat16>();
  for_each_block(
      *args.segments, args.parameters, args.directions, {}, [&](const Block& block, const Elements& e) {
        const size_t s = block.segment;
        const float rate =
            numbers.learning_rate * trust_ratio(parameter_norms[s], direction_norms[s], args.max_ratio);
        float* __restrict const p = e.p;
        float* __restrict const direction = e.g;
#pragma omp simd
        for (int64_t i = 0; i < e.size; ++i) {
          p[i] -= rate * direction[i];
          direction[i] = 0;
        }
        if (copy) round_to_bfloat16(p, e.size, copy + block.offset);
      });
}

}  // namespace gradus::cpu
