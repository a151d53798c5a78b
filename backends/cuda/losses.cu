// Losses and predictions. A loss is a sum over rows in an order that is fixed: each row's goes to memory, and one block adds them up.
// Logits are read once in the forward pass: maximum and sum are kept up together (Milakov & Gimelshein 2018, arXiv:1805.02867).
#include <cmath>
#include <limits>

#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/sums.h"

namespace gradus::cuda {
namespace {

constexpr int threads = 256;
constexpr int64_t narrow = 512;  // rows of fewer columns get a warp, wider ones a block
constexpr size_t losses_at_once = 8;

// Where a row's threads are: a warp of a block of several, or a block.
template <bool wide>
struct Row {
  static constexpr int members = wide ? threads : 32;
  static constexpr int of_block = threads / members;
  __device__ static int64_t number() { return int64_t{blockIdx.x} * of_block + threadIdx.x / members; }
  __device__ static int64_t member() { return threadIdx.x % members; }
};

// A sum of exponentials, exp(most) times `sum`.
struct ExponentialSum {
  float most = -std::numeric_limits<float>::infinity();
  float sum = 0;

  __device__ void add(float value) {
    if (value > most) {
      sum = sum * std::exp(most - value) + 1;
      most = value;
    } else if (value > -std::numeric_limits<float>::infinity()) {
      sum += std::exp(value - most);
    } else if (value != value) {
      sum = value;  // not a number, and so is what comes of it
    }
  }
  __device__ void add(const ExponentialSum& other) {
    const float larger = std::fmax(most, other.most);
    if (larger == -std::numeric_limits<float>::infinity()) {
      sum += other.sum;  // nothing, or not a number
      return;
    }
    sum = sum * std::exp(most - larger) + other.sum * std::exp(other.most - larger);
    most = larger;
  }
  __device__ float logarithm() const { return most + std::log(sum); }
};

// Of all lanes, in each.
__device__ ExponentialSum warp_total(ExponentialSum mine GRADUS_CALLED_AT) {
  for (int bits = 16; bits > 0; bits /= 2) {
    ExponentialSum other;
    other.most = __shfl_xor_sync(whole_warp, mine.most, bits, 32 GRADUS_FROM_THERE);
    other.sum = __shfl_xor_sync(whole_warp, mine.sum, bits, 32 GRADUS_FROM_THERE);
    // The lower lane's comes first in both, so that both have the same bits.
    if ((threadIdx.x & static_cast<unsigned>(bits)) == 0) {
      mine.add(other);
    } else {
      other.add(mine);
      mine = other;
    }
  }
  return mine;
}

// Reads b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T, bool wide>
__global__ void __launch_bounds__(threads)
    cross_entropy_rows(const T* logits, const int32_t* labels, const float* class_weights, float* row_losses,
                       float* lse, int64_t rows, int64_t columns) {
  GRADUS_SHARED(float, most_of_warps, 32);
  GRADUS_SHARED(float, sum_of_warps, 32);
  const int64_t row = Row<wide>::number();
  if (row >= rows) return;  // a whole warp, or the block
  const T* const x = logits + row * columns;
  ExponentialSum total;
  for (int64_t k = Row<wide>::member(); k < columns; k += Row<wide>::members) total.add(widen(x[k]));
  total = warp_total(total);
  if constexpr (wide) {
    const unsigned warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (lane == 0) {
      most_of_warps[warp] = total.most;
      sum_of_warps[warp] = total.sum;
    }
    __syncthreads();
    if (warp != 0) return;
    total = ExponentialSum();
    if (lane < threads / 32) {
      total.most = most_of_warps[lane];
      total.sum = sum_of_warps[lane];
    }
    total = warp_total(total);
  }
  if (Row<wide>::member() != 0) return;
  const float log_sum = total.logarithm();
  const int32_t label = labels[row];
  lse[row] = log_sum;
  row_losses[row] =
      label < 0 ? 0.0F
                : (log_sum - widen(x[label])) * (class_weights != nullptr ? class_weights[label] : 1.0F);
}

// What each class has of a row's loss under label smoothing.
struct Smoothing {
  const float* class_weights;
  float of_label, of_each;  // before the weights

  Smoothing(const Tensor& weights, int64_t columns, float smoothing)
      : class_weights(data_of<float>(weights)),
        of_label(1 - smoothing),
        of_each(smoothing / static_cast<float>(columns)) {}
  __device__ float part(int64_t k, int32_t label) const {
    return (of_each + (k == label ? of_label : 0.0F)) * (class_weights != nullptr ? class_weights[k] : 1.0F);
  }
};

// The losses of cross_entropy_rows() anew where labels are smoothed, by their log-sum-exps. A warp takes a row.
// Reads b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    smooth_rows(const T* logits, const int32_t* labels, Smoothing smoothing, const float* lse,
                float* row_losses, int64_t rows, int64_t columns) {
  const int64_t row = Row<false>::number();
  if (row >= rows) return;
  const int32_t label = labels[row];
  float loss = 0;
  if (label >= 0)
    for (int64_t k = Row<false>::member(); k < columns; k += Row<false>::members)
      loss += smoothing.part(k, label) * (lse[row] - widen(logits[row * columns + k]));
  loss = warp_sum(loss);
  if (Row<false>::member() == 0) row_losses[row] = loss;
}

// dlogits = dloss times (all softmax - what each class has of the loss), with `all` the sum of that. A warp takes a row.
// Reads b, writes b of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    smooth_gradient(const float* dloss, const T* logits, const int32_t* labels, Smoothing smoothing,
                    const float* lse, Target<T> dlogits, int64_t rows, int64_t columns) {
  const int64_t row = Row<false>::number();
  if (row >= rows) return;
  const int32_t label = labels[row];
  float all = 0;
  for (int64_t k = Row<false>::member(); k < columns; k += Row<false>::members)
    all += smoothing.part(k, label);
  all = warp_sum(all);
  for (int64_t k = Row<false>::member(); k < columns; k += Row<false>::members) {
    const int64_t i = row * columns + k;
    dlogits.put(i, label < 0
                       ? 0.0F
                       : (all * std::exp(widen(logits[i]) - lse[row]) - smoothing.part(k, label)) * *dloss);
  }
}

// dlogits = w[label] dloss (softmax - one-hot label). A block takes a row, so that no element asks which row it is of.
// Reads b, writes b of a logit; occupancy 75 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    cross_entropy_gradient(const float* dloss, const T* logits, const int32_t* labels,
                           const float* class_weights, const float* lse, Target<T> dlogits, int64_t rows,
                           int64_t columns) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const int32_t label = labels[row];
    const float factor = label < 0 ? 0.0F : *dloss * (class_weights != nullptr ? class_weights[label] : 1.0F);
    const float log_sum = lse[row];
    for (int64_t k = threadIdx.x; k < columns; k += threads) {
      const int64_t i = row * columns + k;
      // Rows without a label may hold anything.
      dlogits.put(
          i, label < 0 ? 0.0F : (std::exp(widen(logits[i]) - log_sum) - (k == label ? 1.0F : 0.0F)) * factor);
    }
  }
}

// Reads 8 of a target; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    squared_errors(const float* predictions, const float* targets, int64_t count, float* y) {
  GRADUS_SHARED(float, scratch, 32);
  float sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += threads)
    sum += (predictions[i] - targets[i]) * (predictions[i] - targets[i]);
  sum = block_sum(sum, scratch);
  if (threadIdx.x == 0) *y = sum;
}

// Reads 8, writes 4 of a target; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    squared_error_gradient(const float* dloss, const float* predictions, const float* targets, int64_t count,
                           Target<float> gradient, int64_t rows) {
  for (int64_t i = global_thread(); i < rows; i += global_threads())
    gradient.put(i, i < count ? 2 * (predictions[i] - targets[i]) * *dloss : 0.0F);
}

// Reads 8 of a target; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    sigmoid_losses(const float* logits, const float* targets, int64_t count, float* y) {
  GRADUS_SHARED(float, scratch, 32);
  float sum = 0;
  for (int64_t i = threadIdx.x; i < count; i += threads) {
    const float x = logits[i];
    // log(1 + exp(x)) - t x, so that no exponential is large; not a number where x is none.
    sum += (x > 0 ? x : 0.0F) + std::log1p(std::exp(-std::fabs(x))) - targets[i] * x;
  }
  sum = block_sum(sum, scratch);
  if (threadIdx.x == 0) *y = sum;
}

// Reads 8, writes 4 of a target; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    sigmoid_gradient(const float* dloss, const float* logits, const float* targets, int64_t count,
                     Target<float> gradient, int64_t elements) {
  for (int64_t i = global_thread(); i < elements; i += global_threads())
    gradient.put(i, i < count ? (1 / (1 + std::exp(-logits[i])) - targets[i]) * *dloss : 0.0F);
}

// A warp takes a sequence and one of its two columns.
// Reads 4 of a logit; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(threads)
    span_rows(const float* logits, const int32_t* offsets, const int32_t* positions, float* losses,
              float* lse, int64_t count) {
  const int64_t i = Row<false>::number();
  if (i >= count) return;
  const int64_t begin = offsets[i / 2], end = offsets[i / 2 + 1];
  ExponentialSum total;
  for (int64_t t = begin + Row<false>::member(); t < end; t += 32) total.add(logits[t * 2 + i % 2]);
  total = warp_total(total);
  if (Row<false>::member() != 0) return;
  lse[i] = total.logarithm();
  losses[i] = positions[i] < 0 ? 0.0F : lse[i] - logits[(begin + positions[i]) * 2 + i % 2];
}

// Reads 4, writes 4 of a logit; occupancy 75 % on sm_80, 75 % on sm_90.
__global__ void __launch_bounds__(threads)
    span_gradient(const float* dloss, const float* logits, const int32_t* offsets, const int32_t* positions,
                  const float* lse, Target<float> dlogits, int64_t count) {
  const int64_t i = Row<false>::number();
  if (i >= count || positions[i] < 0) return;
  const int64_t begin = offsets[i / 2], end = offsets[i / 2 + 1];
  for (int64_t t = begin + Row<false>::member(); t < end; t += 32)
    dlogits.put(
        t * 2 + i % 2,
        (std::exp(logits[t * 2 + i % 2] - lse[i]) - (t - begin == positions[i] ? 1.0F : 0.0F)) * *dloss);
}

struct Losses {
  const float* values[losses_at_once] = {};
  float* gradients[losses_at_once] = {};
  bool accumulate[losses_at_once] = {};
  int count = 0;
};

// y = the weighted sum, or y += it.
// Reads 8 of a loss; occupancy 50 % on sm_80, 50 % on sm_90, with 1 thread.
__global__ void weigh(Losses losses, const float* factors, float* y, bool accumulate) {
  float sum = accumulate ? *y : 0.0F;
  for (int i = 0; i < losses.count; ++i) sum += *losses.values[i] * factors[i];
  *y = sum;
}

// Reads 4, writes 4 of a loss; occupancy 50 % on sm_80, 50 % on sm_90, with 1 thread.
__global__ void weigh_back(Losses losses, const float* dy, const float* factors) {
  for (int i = 0; i < losses.count; ++i) {
    float* const place = losses.gradients[i];
    if (place != nullptr) *place = (losses.accumulate[i] ? *place : 0.0F) + *dy * factors[i];
  }
}

// The largest element's index, the lowest one among equals.
// Reads b of an element; occupancy 100 % on sm_80, 100 % on sm_90.
template <typename T>
__global__ void __launch_bounds__(threads)
    find_largest(const T* x, int32_t* y, int64_t rows, int64_t columns) {
  const int64_t row = Row<false>::number();
  if (row >= rows) return;
  float most = widen(x[row * columns]);
  int32_t place = 0;
  for (int64_t k = Row<false>::member(); k < columns; k += 32) {
    const float value = widen(x[row * columns + k]);
    if (!(value > most)) continue;
    most = value;
    place = static_cast<int32_t>(k);
  }
  for (int bits = 16; bits > 0; bits /= 2) {
    const float other = __shfl_xor_sync(whole_warp, most, bits);
    const int32_t other_place = __shfl_xor_sync(whole_warp, place, bits);
    if (other > most || (other == most && other_place < place)) {
      most = other;
      place = other_place;
    }
  }
  if (Row<false>::member() == 0) y[row] = place;
}

void sum_to(const Stream& stream, const Tensor& rows, const Tensor& loss) {
  launch(stream, {dim3{1}, dim3{threads}}, add_up<threads, float>, rows.data<float>(), rows.elements(),
         loss.data<float>());
}

}  // namespace

void cross_entropy_forward(const Stream& stream, const CrossEntropyForward& args) {
  const int64_t rows = args.logits.rows(), columns = args.logits.shape().last();
  const Tensor row_losses = Tensor::empty(args.logits.backend(), {rows});
  if (rows > 0) {
    dispatch_type(args.logits.dtype(), "cross_entropy", [&](auto type) {
      using T = decltype(type);
      dispatch_bool(columns > narrow, [&](auto wide) {
        constexpr bool is_wide = decltype(wide)::value;
        launch(stream, {blocks_for(rows, Row<is_wide>::of_block), dim3{threads}},
               cross_entropy_rows<T, is_wide>, args.logits.template data<T>(), args.labels.data<int32_t>(),
               data_of<float>(args.class_weights), row_losses.data<float>(), args.lse.data<float>(), rows,
               columns);
      });
      if (args.smoothing > 0)
        launch(stream, {blocks_for(rows, Row<false>::of_block), dim3{threads}}, smooth_rows<T>,
               args.logits.template data<T>(), args.labels.data<int32_t>(),
               Smoothing(args.class_weights, columns, args.smoothing), args.lse.data<float>(),
               row_losses.data<float>(), rows, columns);
    });
  }
  sum_to(stream, row_losses, args.loss);
}

void cross_entropy_backward(const Stream& stream, const CrossEntropyBackward& args) {
  const int64_t rows = args.logits.rows(), columns = args.logits.shape().last();
  if (!args.dlogits || rows == 0) return;
  dispatch_type(args.logits.dtype(), "cross_entropy", [&](auto type) {
    using T = decltype(type);
    if (args.smoothing > 0)
      return launch(stream, {blocks_for(rows, Row<false>::of_block), dim3{threads}}, smooth_gradient<T>,
                    args.dloss.data<float>(), args.logits.template data<T>(), args.labels.data<int32_t>(),
                    Smoothing(args.class_weights, columns, args.smoothing), args.lse.data<float>(),
                    Target<T>(args.dlogits), rows, columns);
    launch(stream, {blocks_for(rows, 1), dim3{threads}}, cross_entropy_gradient<T>, args.dloss.data<float>(),
           args.logits.template data<T>(), args.labels.data<int32_t>(), data_of<float>(args.class_weights),
           args.lse.data<float>(), Target<T>(args.dlogits), rows, columns);
  });
}

void squared_error_forward(const Stream& stream, const SquaredErrorForward& args) {
  launch(stream, {dim3{1}, dim3{threads}}, squared_errors, args.predictions.data<float>(),
         args.targets.data<float>(), args.targets.elements(), args.loss.data<float>());
}

void squared_error_backward(const Stream& stream, const SquaredErrorBackward& args) {
  const int64_t rows = args.predictions.rows();
  if (!args.dpredictions || rows == 0) return;
  launch(stream, {blocks_for(rows, threads), dim3{threads}}, squared_error_gradient, args.dloss.data<float>(),
         args.predictions.data<float>(), args.targets.data<float>(), args.targets.elements(),
         Target<float>(args.dpredictions), rows);
}

void sigmoid_cross_entropy_forward(const Stream& stream, const SigmoidCrossEntropyForward& args) {
  launch(stream, {dim3{1}, dim3{threads}}, sigmoid_losses, args.logits.data<float>(),
         args.targets.data<float>(), args.targets.elements(), args.loss.data<float>());
}

void sigmoid_cross_entropy_backward(const Stream& stream, const SigmoidCrossEntropyBackward& args) {
  const int64_t elements = args.logits.elements();
  if (!args.dlogits || elements == 0) return;
  launch(stream, {blocks_for(elements, threads), dim3{threads}}, sigmoid_gradient, args.dloss.data<float>(),
         args.logits.data<float>(), args.targets.data<float>(), args.targets.elements(),
         Target<float>(args.dlogits), elements);
}

void span_cross_entropy_forward(const Stream& stream, const SpanCrossEntropyForward& args) {
  const int64_t count = 2 * args.packing.count();
  const Tensor losses = Tensor::empty(args.logits.backend(), {count});
  if (count > 0)
    launch(stream, {blocks_for(count, Row<false>::of_block), dim3{threads}}, span_rows,
           args.logits.data<float>(), args.packing.offsets.data<int32_t>(), args.positions.data<int32_t>(),
           losses.data<float>(), args.lse.data<float>(), count);
  sum_to(stream, losses, args.loss);
}

void span_cross_entropy_backward(const Stream& stream, const SpanCrossEntropyBackward& args) {
  if (!args.dlogits) return;
  const int64_t count = 2 * args.packing.count();
  // Rows of no sequence, and columns whose position does not count, get zeros.
  if (!args.dlogits.accumulate) clear(stream, args.dlogits.tensor.raw(), args.dlogits.tensor.bytes());
  if (count == 0) return;
  launch(stream, {blocks_for(count, Row<false>::of_block), dim3{threads}}, span_gradient,
         args.dloss.data<float>(), args.logits.data<float>(), args.packing.offsets.data<int32_t>(),
         args.positions.data<int32_t>(), args.lse.data<float>(), Target<float>(args.dlogits), count);
}

// A launch hands over a few addresses; a training step has one loss or two.
void weighted_sum_forward(const Stream& stream, const WeightedSumForward& args) {
  if (args.losses.empty()) return clear(stream, args.y.raw(), args.y.bytes());
  for (size_t first = 0; first < args.losses.size(); first += losses_at_once) {
    Losses losses;
    for (size_t i = first; i < std::min(first + losses_at_once, args.losses.size()); ++i)
      losses.values[losses.count++] = args.losses[i].data<float>();
    launch(stream, {dim3{1}, dim3{1}}, weigh, losses, args.factors.data<float>() + first,
           args.y.data<float>(), first > 0);
  }
}

void weighted_sum_backward(const Stream& stream, const WeightedSumBackward& args) {
  for (size_t first = 0; first < args.dlosses.size(); first += losses_at_once) {
    Losses losses;
    for (size_t i = first; i < std::min(first + losses_at_once, args.dlosses.size()); ++i) {
      losses.accumulate[losses.count] = args.dlosses[i].accumulate;
      losses.gradients[losses.count++] = data_of<float>(args.dlosses[i].tensor);
    }
    launch(stream, {dim3{1}, dim3{1}}, weigh_back, losses, args.dy.data<float>(),
           args.factors.data<float>() + first);
  }
}

void argmax(const Stream& stream, const Argmax& args) {
  const int64_t rows = args.x.rows();
  if (rows == 0) return;
  dispatch_type(args.x.dtype(), "argmax", [&](auto type) {
    using T = decltype(type);
    launch(stream, {blocks_for(rows, Row<false>::of_block), dim3{threads}}, find_largest<T>,
           args.x.template data<T>(), args.y.data<int32_t>(), rows, args.x.shape().last());
  });
}

}  // namespace gradus::cuda
