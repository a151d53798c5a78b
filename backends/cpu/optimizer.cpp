// Gradient norms and the updates of optimizers, each one pass over the flat buffers.
#include <algorithm>
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/vector_math.h"
#include "core/segment_blocks.h"
#include "core/step_preparation.h"

namespace gradus::cpu {
namespace {

constexpr int64_t grain_blocks = 8;

double sum_of_squares(const float* __restrict x, int64_t size) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

StepNumbers& numbers_in(const Tensor& tensor) {
  return *reinterpret_cast<StepNumbers*>(tensor.data<uint8_t>());
}

// g = the direction that the rule gives for it, with the states brought up to date; `second` is null where the rule has
// one state.
template <typename Rule>
void find_directions(Rule, const RuleContext<float> context, float scale, int64_t size,
                     const float* __restrict p, float* __restrict g, float* __restrict first,
                     float* __restrict second) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    if constexpr (Rule::states == 1) g[i] = Rule::direction(g[i] * scale, p[i], first[i], context);
    else g[i] = Rule::direction(g[i] * scale, p[i], first[i], second[i], context);
  }
}

// p -= rate * direction, direction = 0, and the rounded copy of p where `copies`.
template <bool copies>
void apply_directions(float rate, int64_t size, float* __restrict p, float* __restrict direction,
                      bfloat16* __restrict copy) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) {
    p[i] -= rate * direction[i];
    direction[i] = 0;
    if constexpr (copies) store(copy[i], p[i]);
  }
}

void apply_directions(float rate, int64_t size, float* p, float* direction, bfloat16* copy) {
  dispatch_bool(copy != nullptr,
                [&](auto copies) { apply_directions<copies>(rate, size, p, direction, copy); });
}

// Calls body(block) for the blocks of all segments, over the threads.
template <typename Body>
void for_each_block(const std::vector<Segment>& segments, Body&& body) {
  const std::vector<SegmentBlock> blocks = split_into_blocks(segments);
  parallel_for(static_cast<int64_t>(blocks.size()), grain_blocks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(blocks[i]);
  });
}

// Puts directions in the gradients' place and calls then(block) for each block, while it is in the cache.
template <typename Arguments, typename Then>
void for_each_direction(const Arguments& args, const StepNumbers& numbers, Then&& then) {
  float* const p = args.parameters.template data<float>();
  float* const g = args.gradients.template data<float>();
  float* const first = args.states[0].template data<float>();
  float* const second = args.states.size() > 1 ? args.states[1].template data<float>() : nullptr;
  const float* const scales = args.scales.template data<float>();
  dispatch_rule(args.rule, [&](auto rule) {
    for_each_block(*args.segments, [&](const SegmentBlock& block) {
      const auto [offset, size, segment, decay, rate] = block;
      const RuleContext<float> context(args.constants, numbers.correction1, numbers.correction2, decay);
      find_directions(rule, context, scales[segment], size, p + offset, g + offset, first + offset,
                      second != nullptr ? second + offset : nullptr);
      then(block);
    });
  });
}

}  // namespace

void CpuBackend::segment_norms(const SegmentNorms& args) {
  const std::vector<SegmentBlock> blocks = split_into_blocks(*args.segments);
  std::vector<double> partial(blocks.size());
  const float* const x = args.flat.data<float>();
  parallel_for(static_cast<int64_t>(blocks.size()), grain_blocks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) partial[i] = sum_of_squares(x + blocks[i].offset, blocks[i].size);
  });
  std::vector<double> squares(args.segments->size());
  for (size_t i = 0; i < blocks.size(); ++i) squares[static_cast<size_t>(blocks[i].segment)] += partial[i];
  float* const norms = args.norms.data<float>();
  for (size_t s = 0; s < squares.size(); ++s) norms[s] = static_cast<float>(std::sqrt(squares[s]));
}

void CpuBackend::prepare_update(const PrepareUpdate& args) {
  prepare_step(UpdatePolicy(args), args.norms.data<float>(), args.norms.elements(), numbers_in(args.numbers),
               args.scales.data<float>());
}

void CpuBackend::update_parameters(const UpdateParameters& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped != 0) return fill_zero({args.gradients});
  float* const p = args.parameters.data<float>();
  float* const g = args.gradients.data<float>();
  bfloat16* const copy = args.compute_copy.data<bfloat16>();
  for_each_direction(args, numbers, [&](const SegmentBlock& block) {
    apply_directions(numbers.learning_rate * block.rate, block.size, p + block.offset, g + block.offset,
                     copy != nullptr ? copy + block.offset : nullptr);
  });
}

void CpuBackend::find_direction(const FindDirection& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped != 0) return fill_zero({args.gradients});
  for_each_direction(args, numbers, [](const SegmentBlock&) {});
}

void CpuBackend::apply_direction(const ApplyDirection& args) {
  const StepNumbers& numbers = numbers_in(args.numbers);
  if (numbers.skipped != 0) return fill_zero({args.directions});
  const float* const parameter_norms = args.parameter_norms.data<float>();
  const float* const direction_norms = args.direction_norms.data<float>();
  float* const p = args.parameters.data<float>();
  float* const direction = args.directions.data<float>();
  bfloat16* const copy = args.compute_copy.data<bfloat16>();
  for_each_block(*args.segments, [&](const SegmentBlock& block) {
    const float ratio =
        trust_ratio(parameter_norms[block.segment], direction_norms[block.segment], args.max_ratio);
    apply_directions(numbers.learning_rate * block.rate * ratio, block.size, p + block.offset,
                     direction + block.offset, copy != nullptr ? copy + block.offset : nullptr);
  });
}

}  // namespace gradus::cpu
