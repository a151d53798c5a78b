// Gradient norms and the updates of optimizers, each one pass over the flat buffers. A block takes 4096 elements of one segment, whose
// sum of squares is a number in double: sums have one order, and no thread asks which tensor it is in. An update of Adam reads 16 bytes
// an element and writes 16, and 2 more for a copy in 16 bits.
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"
#include "core/backend.h"
#include "core/segment_blocks.h"
#include "core/step_preparation.h"

namespace gradus::cuda {
namespace {

constexpr int threads = 256;

// The blocks of a list of segments, on a device, and where in them each segment begins and the last one ends.
struct Blocks {
  std::weak_ptr<const std::vector<Segment>> segments;
  int64_t count = 0;
  Tensor table, firsts;

  const SegmentBlock* data() const { return reinterpret_cast<const SegmentBlock*>(table.data<uint8_t>()); }
};

Blocks make_blocks(Backend& backend, const Segments& segments) {
  const std::vector<SegmentBlock> blocks = split_into_blocks(*segments);
  std::vector<int32_t> firsts(segments->size() + 1);
  for (const SegmentBlock& block : blocks) ++firsts[static_cast<size_t>(block.segment) + 1];
  std::partial_sum(firsts.begin(), firsts.end(), firsts.begin());
  Blocks made{segments,
              std::ssize(blocks),
              {},
              Tensor::from(backend, {std::ssize(firsts)}, std::span<const int32_t>(firsts))};
  made.table =
      Tensor::empty(backend, {static_cast<int64_t>(blocks.size() * sizeof(SegmentBlock))}, DType::uint8);
  backend.copy_from_host(blocks.data(), made.table);
  return made;
}

// A list is made once and never changes, so its blocks are made once, at the first call with it: before a step is recorded to be replayed.
const Blocks& blocks_of(Backend& backend, const Segments& segments) {
  static std::map<std::pair<Backend*, const void*>, Blocks> known;
  const std::pair<Backend*, const void*> key(&backend, segments.get());
  const auto found = known.find(key);
  if (found != known.end() && !found->second.segments.expired()) return found->second;
  std::erase_if(known, [](const auto& entry) { return entry.second.segments.expired(); });
  return known[key] = make_blocks(backend, segments);
}

StepNumbers* numbers_in(const Tensor& tensor) {
  return reinterpret_cast<StepNumbers*>(tensor.data<uint8_t>());
}

// Reads 4 of an element; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    square_blocks(const float* x, const SegmentBlock* blocks, double* sums) {
  GRADUS_SHARED(double, scratch, 32);
  const SegmentBlock block = blocks[blockIdx.x];
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < block.size; i += threads) {
    const double value = x[block.offset + i];
    sum += value * value;
  }
  sum = block_sum(sum, scratch);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// A warp takes a segment.
// Reads 8 of a block's sum; occupancy 50 % on sm_80, 50 % on sm_90.
__global__ void __launch_bounds__(32) take_norms(const double* sums, const int32_t* firsts, float* norms) {
  double sum = 0;
  for (int32_t i = firsts[blockIdx.x] + static_cast<int32_t>(threadIdx.x); i < firsts[blockIdx.x + 1];
       i += 32)
    sum += sums[i];
  sum = warp_sum(sum);
  if (threadIdx.x == 0) norms[blockIdx.x] = static_cast<float>(std::sqrt(sum));
}

// Reads 4, writes 4 of a segment; occupancy 50 % on sm_80, 50 % on sm_90, with 1 thread.
__global__ void prepare(UpdatePolicy policy, const float* norms, int64_t count, StepNumbers* numbers,
                        float* scales) {
  prepare_step(policy, norms, count, *numbers, scales);
}

// What a block of an update works on.
struct Buffers {
  float* parameters;
  float* gradients;
  float* first = nullptr;  // states
  float* second = nullptr;
  uint16_t* copy = nullptr;  // of 16-bit floats
  bool copy_is_float16 = false;

  void copies_to(const Tensor& copy_tensor) {
    if (!copy_tensor) return;
    copy = static_cast<uint16_t*>(copy_tensor.raw());
    copy_is_float16 = copy_tensor.dtype() == DType::float16;
  }
};

__device__ __forceinline__ void apply(const Buffers& to, int64_t i, float rate, float direction) {
  const float p = to.parameters[i] - rate * direction;
  to.parameters[i] = p;
  to.gradients[i] = 0;
  if (to.copy != nullptr) to.copy[i] = to.copy_is_float16 ? float16(p).bits : bfloat16(p).bits;
}

// The direction takes the gradient's place, or the parameter is moved at once. A step that is skipped leaves zeros for gradients.
// Reads 16, writes 16 of an element by Adam's rule; occupancy 75 % on sm_80, 75 % on sm_90.
template <typename Rule, bool moves>
__global__ void __launch_bounds__(threads)
    follow_rule(Buffers to, const SegmentBlock* blocks, RuleNumbers constants, const float* scales,
                const StepNumbers* numbers) {
  const SegmentBlock block = blocks[blockIdx.x];
  if (numbers->skipped != 0) {
    for (int k = static_cast<int>(threadIdx.x); k < block.size; k += threads)
      to.gradients[block.offset + k] = 0;
    return;
  }
  const RuleContext<float> context(constants, numbers->correction1, numbers->correction2, block.decay);
  const float scale = scales[block.segment], rate = numbers->learning_rate * block.rate;
  for (int k = static_cast<int>(threadIdx.x); k < block.size; k += threads) {
    const int64_t i = block.offset + k;
    float direction = 0;
    if constexpr (Rule::states == 1)
      direction = Rule::direction(to.gradients[i] * scale, to.parameters[i], to.first[i], context);
    else
      direction =
          Rule::direction(to.gradients[i] * scale, to.parameters[i], to.first[i], to.second[i], context);
    if constexpr (moves) apply(to, i, rate, direction);
    else to.gradients[i] = direction;
  }
}

// Reads 8, writes 8 of an element; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    follow_directions(Buffers to, const SegmentBlock* blocks, const float* parameter_norms,
                      const float* direction_norms, float max_ratio, const StepNumbers* numbers) {
  const SegmentBlock block = blocks[blockIdx.x];
  const float ratio = trust_ratio(parameter_norms[block.segment], direction_norms[block.segment], max_ratio);
  const float rate = numbers->learning_rate * block.rate * ratio;
  for (int k = static_cast<int>(threadIdx.x); k < block.size; k += threads) {
    const int64_t i = block.offset + k;
    if (numbers->skipped != 0) to.gradients[i] = 0;
    else apply(to, i, rate, to.gradients[i]);
  }
}

template <bool moves, typename Arguments>
void follow(const Stream& stream, const Arguments& args, const Tensor& copy) {
  const Blocks& blocks = blocks_of(args.parameters.backend(), args.segments);
  if (blocks.count == 0) return;
  Buffers buffers{args.parameters.template data<float>(), args.gradients.template data<float>(),
                  args.states[0].template data<float>(),
                  args.states.size() > 1 ? args.states[1].template data<float>() : nullptr};
  buffers.copies_to(copy);
  dispatch_rule(args.rule, [&](auto rule) {
    launch(stream, {blocks_for(blocks.count, 1), dim3{threads}}, follow_rule<decltype(rule), moves>, buffers,
           blocks.data(), args.constants, args.scales.template data<float>(), numbers_in(args.numbers));
  });
}

}  // namespace

void segment_norms(const Stream& stream, const SegmentNorms& args) {
  const int64_t segments = args.norms.elements();
  if (segments == 0) return;
  Backend& backend = args.flat.backend();
  const Blocks& blocks = blocks_of(backend, args.segments);
  const Tensor sums =
      Tensor::empty(backend, {blocks.count * static_cast<int64_t>(sizeof(double))}, DType::uint8);
  auto* const squares = reinterpret_cast<double*>(sums.data<uint8_t>());
  if (blocks.count > 0)
    launch(stream, {blocks_for(blocks.count, 1), dim3{threads}}, square_blocks, args.flat.data<float>(),
           blocks.data(), squares);
  launch(stream, {blocks_for(segments, 1), dim3{32}}, take_norms, squares, blocks.firsts.data<int32_t>(),
         args.norms.data<float>());
}

void prepare_update(const Stream& stream, const PrepareUpdate& args) {
  launch(stream, {dim3{1}, dim3{1}}, prepare, UpdatePolicy(args), args.norms.data<float>(),
         args.norms.elements(), numbers_in(args.numbers), args.scales.data<float>());
}

void update_parameters(const Stream& stream, const UpdateParameters& args) {
  follow<true>(stream, args, args.compute_copy);
}

void find_direction(const Stream& stream, const FindDirection& args) { follow<false>(stream, args, {}); }

void apply_direction(const Stream& stream, const ApplyDirection& args) {
  const Blocks& blocks = blocks_of(args.parameters.backend(), args.segments);
  if (blocks.count == 0) return;
  Buffers buffers{.parameters = args.parameters.data<float>(), .gradients = args.directions.data<float>()};
  buffers.copies_to(args.compute_copy);
  launch(stream, {blocks_for(blocks.count, 1), dim3{threads}}, follow_directions, buffers, blocks.data(),
         args.parameter_norms.data<float>(), args.direction_norms.data<float>(), args.max_ratio,
         numbers_in(args.numbers));
}

}  // namespace gradus::cuda
