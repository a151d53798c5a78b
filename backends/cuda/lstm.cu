// The LSTM recurrence over packed sequences (Hochreiter & Schmidhuber 1997).
//
// A block takes one direction of a few sequences of similar length through all their steps, a thread the four gates of a unit. So what
// a step needs of the step before lies in shared memory, and nobody outside the block waits for it. A weight is read once for all
// sequences of the block, 16 bytes h^2 a step: from shared memory as far as the weights fit there, the others from the cache. The more
// sequences a block has, the fewer bytes that is for each, and the longer its steps take: there are only as many as it takes to
// have about one block a multiprocessor.
//
// Beside that a token and unit moves 16 bytes of x in and 24 of gates, cell and y out; backward 36 in and 16 out, and then the
// gradient of the weights is one matrix product over all tokens.
#include <cmath>

#include "backends/cuda/dispatch.h"
#include "backends/cuda/kernels.h"
#include "backends/cuda/sequences.h"
#include "backends/cuda/sums.h"
#include "core/backend.h"

namespace gradus::cuda {
namespace {

// On the emulated device so small that units, weights and sequences don't fit, and loops go round, in tests.
#ifdef GRADUS_EMULATED_DEVICE
constexpr int most_threads = 32;
constexpr size_t most_shared = size_t{8} << 10;
constexpr int64_t enough_blocks = 3;
#else
constexpr int most_threads = 256;                 // each may have 255 registers
constexpr size_t most_shared = size_t{96} << 10;  // of a block; every device from sm_80 on has it
constexpr int64_t enough_blocks = 128;
#endif

constexpr int gates_of_unit = 4;  // i, f, g, o
// Floats in shared memory for each unit of each sequence: h of this step and the one before; dz, dh and dc.
constexpr int64_t forward_state = 2, backward_state = 6;
constexpr int64_t most_units = most_shared / (backward_state * sizeof(float));  // with one sequence a block

constexpr int small_threads = 256;  // of kernels beside the recurrence

// For the gradient of the weights: a block takes a square of `tile` gates and units, 16 x 16 threads 4 x 4 elements each.
constexpr int tile = 64, tokens_at_once = 16;
// Products are summed over slabs of at least so many tokens first, and at most so many slabs.
constexpr int64_t least_slab = 256, most_slabs = 16;

// A sequence as a direction reads it; one that is not there has no tokens.
struct Reading {
  int32_t first, length;
};

// What a block works on, apart from the tensors of its tokens.
struct Recurrence {
  const float* weights;  // [P, h, h, 4], see arrange()
  Offsets offsets;
  const int32_t* order;  // of the sequences, the longest first
  int64_t directions, units, rows;
  int64_t kept;  // of the h matrices [h, 4], how many are read from shared memory

  __device__ int64_t direction() const { return blockIdx.x % directions; }
  // From one token to the next that a direction reads.
  __device__ int64_t stride() const { return direction() == 0 ? 1 : -1; }
  __device__ int64_t state(int64_t token, int64_t unit) const {
    return (token * directions + direction()) * units + unit;
  }
  __device__ int64_t gate(int64_t token, int gate, int64_t unit) const {
    return ((token * directions + direction()) * gates_of_unit + gate) * units + unit;
  }
  __device__ const float* weights_here() const {
    return weights + direction() * units * units * gates_of_unit;
  }

  // Fetches the block's sequences, and weights to keep; a barrier has to follow.
  __device__ void begin(Reading* readings, int size, float* kept_weights) const {
    if (threadIdx.x < static_cast<unsigned>(size)) {
      const int64_t i = blockIdx.x / directions * size + threadIdx.x;
      Reading reading{0, 0};
      if (i < offsets.count) {
        const int32_t b = order[i], begin = offsets.begin(b), end = offsets.end(b);
        reading = {direction() == 0 ? begin : end - 1, end - begin};
      }
      readings[threadIdx.x] = reading;
    }
    for (int64_t i = threadIdx.x; i < kept * units; i += blockDim.x)
      store<false, gates_of_unit>(kept_weights + i * gates_of_unit,
                                  load<gates_of_unit>(weights_here() + i * gates_of_unit));
  }
};

// order[i]: the i-th longest sequence; equals stay in their order. A thread takes a sequence and counts those that go before it.
// Reads 8 of a pair of sequences; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(small_threads) sort_by_length(Offsets offsets, int32_t* order) {
  const int64_t b = global_thread();
  if (b >= offsets.count) return;
  const int32_t length = offsets.end(b) - offsets.begin(b);
  int64_t place = 0;
  for (int64_t other = 0; other < offsets.count; ++other) {
    const int32_t others = offsets.end(other) - offsets.begin(other);
    if (others > length || (others == length && other < b)) ++place;
  }
  order[place] = static_cast<int32_t>(b);
}

// w_hh [P, 4, h, h] with the gates last: a thread then gets the four weights of a unit by one load, and a warp those of 32 units
// side by side. Forward the sums go over the last h of w_hh, backward over the other: to[p, from which it sums, its own unit, gate].
// Reads 4, writes 4 of a weight; occupancy 100 % on sm_80, 100 % on sm_90.
__global__ void __launch_bounds__(small_threads)
    arrange(const float* w, int64_t directions, int64_t units, bool forward, float* to) {
  for (int64_t i = global_thread(); i < directions * units * units; i += global_threads()) {
    const int64_t direction = i / (units * units), row = i / units % units, column = i % units;
    Pack<float, gates_of_unit> gates;
    for (int gate = 0; gate < gates_of_unit; ++gate)
      gates.values[gate] = w[((direction * gates_of_unit + gate) * units + row) * units + column];
    const int64_t first = direction * units + (forward ? column : row), second = forward ? row : column;
    store<false>(to + (first * units + second) * gates_of_unit, gates);
  }
}

__device__ __forceinline__ float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

// The sums of a thread's unit, by gate and sequence.
template <int size>
struct Sums {
  float of[gates_of_unit][size] = {};

  // += the products over some units: weights [units, h, 4] from the thread's place on, and what they are multiplied with, [units, size] of
  // states or [units, 4, size] of gates.
  template <bool by_gate>
  __device__ __forceinline__ void add(const float* weights, const float* factors, int64_t units,
                                      int64_t step) {
    constexpr int count = by_gate ? gates_of_unit * size : size;
    for (int64_t k = 0; k < units; ++k) {
      const auto weight = load<gates_of_unit>(weights + k * step);
      const auto factor = load<count>(factors + k * count);
      GRADUS_UNROLL
      for (int gate = 0; gate < gates_of_unit; ++gate) {
        GRADUS_UNROLL
        for (int s = 0; s < size; ++s)
          of[gate][s] += weight.values[gate] * factor.values[by_gate ? gate * size + s : s];
      }
    }
  }
  // Over all units: those whose weights are kept, and the others.
  template <bool by_gate>
  __device__ __forceinline__ void add(const Recurrence& r, const float* kept_weights, const float* factors,
                                      int64_t unit) {
    const int64_t step = r.units * gates_of_unit, place = unit * gates_of_unit;
    add<by_gate>(kept_weights + place, factors, r.kept, step);
    add<by_gate>(r.weights_here() + r.kept * step + place,
                 factors + r.kept * (by_gate ? gates_of_unit * size : size), r.units - r.kept, step);
  }
};

// Reads 20, writes 24 of a state beside the weights; occupancy 12 % on sm_80, 12 % on sm_90, with 96256 bytes of dynamic shared memory.
template <int size>
__global__ void __launch_bounds__(most_threads, 1)
    go_forward(Recurrence r, const float* x, float* y, float* cells, float* gates) {
  GRADUS_DYNAMIC_SHARED(float, shared);
  GRADUS_SHARED(Reading, readings, size);
  float* const states = shared + r.kept * r.units * gates_of_unit;  // h, [2, units, size]
  clear_rest(r.offsets, y, r.rows, r.directions * r.units);
  clear_rest(r.offsets, cells, r.rows, r.directions * r.units);
  clear_rest(r.offsets, gates, r.rows, r.directions * r.units * gates_of_unit);
  r.begin(readings, size, shared);
  __syncthreads();
  for (int32_t step = 0; step < readings[0].length; ++step) {
    const float* const before = states + (step + 1) % 2 * r.units * size;
    float* const after = states + step % 2 * r.units * size;
    for (int64_t unit = threadIdx.x; unit < r.units; unit += blockDim.x) {
      // Asked for before the products, so that they are there when those are. The cell is the thread's own, a step ago.
      float in[gates_of_unit][size], cell[size];
      GRADUS_UNROLL
      for (int s = 0; s < size; ++s) {
        const bool runs = step < readings[s].length;
        const int64_t token = readings[s].first + step * r.stride();
        GRADUS_UNROLL
        for (int gate = 0; gate < gates_of_unit; ++gate)
          in[gate][s] = runs ? x[r.gate(token, gate, unit)] : 0.0F;
        cell[s] = runs && step > 0 ? cells[r.state(token - r.stride(), unit)] : 0.0F;
      }
      Sums<size> sums;
      if (step > 0) sums.template add<false>(r, shared, before, unit);
      GRADUS_UNROLL
      for (int s = 0; s < size; ++s) {
        float h = 0;
        if (step < readings[s].length) {
          const int64_t token = readings[s].first + step * r.stride();
          const float i = sigmoid(in[0][s] + sums.of[0][s]), f = sigmoid(in[1][s] + sums.of[1][s]),
                      g = std::tanh(in[2][s] + sums.of[2][s]), o = sigmoid(in[3][s] + sums.of[3][s]);
          const float c = f * cell[s] + i * g;
          h = o * std::tanh(c);
          gates[r.gate(token, 0, unit)] = i;
          gates[r.gate(token, 1, unit)] = f;
          gates[r.gate(token, 2, unit)] = g;
          gates[r.gate(token, 3, unit)] = o;
          cells[r.state(token, unit)] = c;
          y[r.state(token, unit)] = h;
        }
        after[unit * size + s] = h;
      }
    }
    __syncthreads();
  }
}

// The steps in the other direction: dz of a step is of its own units, and dh of the step before the products of all dz. A sequence that
// has not begun has dz = 0. `before` [P, T] receives the row of the step before each token, its own at the first.
// Reads 28, writes 16 of a state beside the weights; occupancy 12 % on sm_80, 12 % on sm_90, with 96256 bytes of dynamic shared memory.
template <int size>
__global__ void __launch_bounds__(most_threads, 1)
    go_back(Recurrence r, const float* dy, const float* cells, const float* gates, float* dgates,
            int32_t* before) {
  GRADUS_DYNAMIC_SHARED(float, shared);
  GRADUS_SHARED(Reading, readings, size);
  float* const dz = shared + r.kept * r.units * gates_of_unit;  // [units, 4, size]
  float* const dh = dz + r.units * gates_of_unit * size;  // [units, size]: only the unit's thread reads it
  float* const dc = dh + r.units * size;                  // the same
  clear_rest(r.offsets, dgates, r.rows, r.directions * r.units * gates_of_unit);
  r.begin(readings, size, shared);
  for (int64_t unit = threadIdx.x; unit < r.units; unit += blockDim.x)
    for (int s = 0; s < size; ++s) dh[unit * size + s] = dc[unit * size + s] = 0;
  __syncthreads();
  for (int32_t step = readings[0].length - 1; step >= 0; --step) {
    for (int64_t unit = threadIdx.x; unit < r.units; unit += blockDim.x) {
      // All that is asked of memory first, so that nothing waits twice.
      float in[gates_of_unit][size], cell[size], cell_before[size], d_y[size];
      GRADUS_UNROLL
      for (int s = 0; s < size; ++s) {
        const bool runs = step < readings[s].length;
        const int64_t token = readings[s].first + step * r.stride();
        GRADUS_UNROLL
        for (int gate = 0; gate < gates_of_unit; ++gate)
          in[gate][s] = runs ? gates[r.gate(token, gate, unit)] : 0.0F;
        cell[s] = runs ? cells[r.state(token, unit)] : 0.0F;
        cell_before[s] = runs && step > 0 ? cells[r.state(token - r.stride(), unit)] : 0.0F;
        d_y[s] = runs ? dy[r.state(token, unit)] : 0.0F;
      }
      GRADUS_UNROLL
      for (int s = 0; s < size; ++s) {
        Pack<float, gates_of_unit> d{};
        if (step < readings[s].length) {
          const int64_t token = readings[s].first + step * r.stride();
          const float i = in[0][s], f = in[1][s], g = in[2][s], o = in[3][s];
          const float tanh_c = std::tanh(cell[s]);
          const float d_h = d_y[s] + dh[unit * size + s];
          const float d_c = dc[unit * size + s] + d_h * o * (1 - tanh_c * tanh_c);
          d = {d_c * g * i * (1 - i), d_c * cell_before[s] * f * (1 - f), d_c * i * (1 - g * g),
               d_h * tanh_c * o * (1 - o)};
          dc[unit * size + s] = d_c * f;
          for (int gate = 0; gate < gates_of_unit; ++gate) dgates[r.gate(token, gate, unit)] = d.values[gate];
          if (unit == 0)
            before[r.direction() * r.rows + token] =
                static_cast<int32_t>(step > 0 ? token - r.stride() : token);
        }
        for (int gate = 0; gate < gates_of_unit; ++gate)
          dz[(unit * gates_of_unit + gate) * size + s] = d.values[gate];
      }
    }
    if (step == 0) return;
    __syncthreads();
    for (int64_t unit = threadIdx.x; unit < r.units; unit += blockDim.x) {
      Sums<size> sums;
      sums.template add<true>(r, shared, dz, unit);
      for (int s = 0; s < size; ++s)
        dh[unit * size + s] = (sums.of[0][s] + sums.of[1][s]) + (sums.of[2][s] + sums.of[3][s]);
    }
    __syncthreads();
  }
}

// partial [slabs, P 4 h, h]: of the tokens of a slab, the sum of dz [4 h] times h [h] of the step before. A block takes a tile, of
// which it reads 128 numbers a token for 4096 products.
// Reads 512 of a token and tile; occupancy 62 % on sm_80, 75 % on sm_90.
__global__ void __launch_bounds__(small_threads)
    multiply_slab(const float* dgates, const float* y, const int32_t* before, Offsets offsets,
                  int64_t slab_rows, int64_t directions, int64_t units, int64_t rows, float* partial) {
  GRADUS_SHARED(float, left, tokens_at_once* tile);
  GRADUS_SHARED(float, right, tokens_at_once* tile);
  const int64_t first_gate = int64_t{blockIdx.x} * tile, first_unit = int64_t{blockIdx.y} * tile;
  const int64_t direction = blockIdx.z % directions, slab = blockIdx.z / directions;
  const int64_t gates = gates_of_unit * units;
  const int64_t slab_end = slab * slab_rows + slab_rows,
                end = slab_end < offsets.used() ? slab_end : offsets.used();
  const unsigned my_gate = threadIdx.x / 16 * 4, my_unit = threadIdx.x % 16 * 4;
  float sums[4][4] = {};
  for (int64_t first = slab * slab_rows; first < end; first += tokens_at_once) {
    for (unsigned i = threadIdx.x; i < tokens_at_once * tile; i += small_threads) {
      const int64_t token = first + i / tile, gate = first_gate + i % tile, unit = first_unit + i % tile;
      left[i] = token < end && gate < gates ? dgates[(token * directions + direction) * gates + gate] : 0.0F;
      const int64_t row = token < end && unit < units ? before[direction * rows + token] : token;
      right[i] = row == token ? 0.0F : y[(row * directions + direction) * units + unit];
    }
    __syncthreads();
    GRADUS_UNROLL
    for (int token = 0; token < tokens_at_once; ++token) {
      const auto dz = load<4>(left + token * tile + my_gate), h = load<4>(right + token * tile + my_unit);
      GRADUS_UNROLL
      for (int i = 0; i < 4; ++i) {
        GRADUS_UNROLL
        for (int j = 0; j < 4; ++j) sums[i][j] += dz.values[i] * h.values[j];
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      const int64_t gate = first_gate + my_gate + i, unit = first_unit + my_unit + j;
      if (gate < gates && unit < units)
        partial[((slab * directions + direction) * gates + gate) * units + unit] = sums[i][j];
    }
  }
}

// What a call is launched with: weights and order of sequences are there once the stream has come to the recurrence.
struct Plan {
  int size = 1;  // sequences of a block
  Grid grid;
  Recurrence recurrence;
  Tensor weights, order;

  Plan(const Stream& stream, const Tensor& w_hh, const Packing& packing, int64_t rows, bool forward)
      : recurrence{nullptr, Offsets(packing), nullptr, 0, w_hh.shape()[1], rows, 0} {
    Recurrence& r = recurrence;
    const int64_t state = forward ? forward_state : backward_state, count = packing.count();
    check(r.units <= most_units, "[lstm] {} units: the CUDA backend takes {} at most", r.units, most_units);
    r.directions = w_hh.shape()[0] / (gates_of_unit * r.units);
    const auto state_bytes = [&](int sequences) {
      return static_cast<size_t>(sequences * state * r.units) * sizeof(float);
    };
    for (const int more : {4, 8})
      if (ceil_div(count, size) * r.directions > enough_blocks && state_bytes(more) <= most_shared)
        size = more;
    const auto weight_bytes = static_cast<size_t>(gates_of_unit * r.units) * sizeof(float);
    r.kept = std::min(r.units, static_cast<int64_t>((most_shared - state_bytes(size)) / weight_bytes));
    // Where a thread has several units, all have about as many.
    const int64_t units_of_thread = ceil_div(r.units, most_threads),
                  warps = ceil_div(ceil_div(r.units, units_of_thread), 32);
    grid = {dim3{static_cast<unsigned>(std::max<int64_t>(ceil_div(count, size), 1) * r.directions)},
            dim3{static_cast<unsigned>(warps * 32)},
            static_cast<size_t>(r.kept) * weight_bytes + state_bytes(size)};

    weights = Tensor::empty(w_hh.backend(), w_hh.shape());
    launch(stream,
           {blocks_for(w_hh.elements() / gates_of_unit, small_threads, most_blocks), dim3{small_threads}},
           arrange, w_hh.data<float>(), r.directions, r.units, forward, weights.data<float>());
    order = Tensor::empty(w_hh.backend(), {std::max<int64_t>(count, 1)}, DType::int32);
    launch(stream, {blocks_for(count, small_threads), dim3{small_threads}}, sort_by_length, r.offsets,
           order.data<int32_t>());
    r.weights = weights.data<float>();
    r.order = order.data<int32_t>();
  }
};

// Calls `f` with the sequences of a block as a constant.
template <typename F>
void dispatch_size(int size, F&& f) {
  if (size == 1) f(std::integral_constant<int, 1>());
  else if (size == 4) f(std::integral_constant<int, 4>());
  else f(std::integral_constant<int, 8>());
}

void weight_gradient(const Stream& stream, const LstmBackward& args, const Recurrence& r,
                     const Tensor& before) {
  const int64_t slab_rows = std::max(least_slab, ceil_div(r.rows, most_slabs)),
                slabs = ceil_div(r.rows, slab_rows), size = args.w_hh.elements();
  const Tensor partial = Tensor::empty(args.w_hh.backend(), {std::max<int64_t>(slabs, 1), size});
  const auto tiles = [](int64_t count) { return static_cast<unsigned>(ceil_div(count, tile)); };
  if (slabs > 0)
    launch(stream,
           {dim3{tiles(gates_of_unit * r.units), tiles(r.units), static_cast<unsigned>(r.directions * slabs)},
            dim3{small_threads}},
           multiply_slab, args.dgates_x.data<float>(), args.y.data<float>(), before.data<int32_t>(),
           r.offsets, slab_rows, r.directions, r.units, r.rows, partial.data<float>());
  add_up_parts<small_threads>(stream, partial, slabs, nullptr, args.dw_hh);
}

}  // namespace

void lstm_forward(const Stream& stream, const LstmForward& args) {
  const Plan plan(stream, args.w_hh, args.packing, args.gates_x.rows(), true);
  dispatch_size(plan.size, [&](auto size) {
    launch(stream, plan.grid, go_forward<decltype(size)::value>, plan.recurrence, args.gates_x.data<float>(),
           args.y.data<float>(), args.cells.data<float>(), args.gates.data<float>());
  });
}

void lstm_backward(const Stream& stream, const LstmBackward& args) {
  const Plan plan(stream, args.w_hh, args.packing, args.dgates_x.rows(), false);
  const Recurrence& r = plan.recurrence;
  const Tensor before =
      Tensor::empty(args.dy.backend(), {std::max<int64_t>(r.directions * r.rows, 1)}, DType::int32);
  dispatch_size(plan.size, [&](auto size) {
    launch(stream, plan.grid, go_back<decltype(size)::value>, r, args.dy.data<float>(),
           args.cells.data<float>(), args.gates.data<float>(), args.dgates_x.data<float>(),
           before.data<int32_t>());
  });
  if (args.dw_hh) weight_gradient(stream, args, r, before);
}

}  // namespace gradus::cuda
