// The LSTM recurrence (Hochreiter & Schmidhuber 1997) over packed sequences.
//
// Sequences depend on nothing but themselves, so the work is cut into groups: one direction of a few sequences
// of similar length, sorted from long to short. A thread takes a group through all its steps; the sequences
// still running at a step are the first ones of the group, and their recurrent products are one matrix product.
#include <algorithm>
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/micro_gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/sequences.h"
#include "backends/cpu/vector_math.h"

namespace gradus::cpu {
namespace {

struct Sequence {
  int64_t begin;
  int64_t end;

  int64_t length() const { return end - begin; }
};

struct Group {
  int64_t direction;
  std::vector<Sequence> sequences;  // the longest first, none empty

  int64_t steps() const { return sequences.front().length(); }
  int64_t running(int64_t step) const {  // how many have this step
    const auto ended = std::partition_point(sequences.begin(), sequences.end(),
                                            [=](const Sequence& s) { return s.length() > step; });
    return ended - sequences.begin();
  }
  // The token that sequence i meets at a step.
  int64_t token(int64_t i, int64_t step) const {
    return direction == 0 ? sequences[i].begin + step : sequences[i].end - 1 - step;
  }
};

constexpr int64_t largest_group = 32;

// Groups in the order of their work, the most first. Their size is a matter of speed alone: no result depends
// on which sequences share one.
std::vector<Group> make_groups(const Packing& packing, int64_t directions) {
  const int32_t* const offsets = packing.offsets.data<int32_t>();
  std::vector<Sequence> sequences;
  for (int64_t b = 0; b < packing.count(); ++b) {
    if (offsets[b + 1] > offsets[b]) sequences.push_back({offsets[b], offsets[b + 1]});
  }
  std::stable_sort(sequences.begin(), sequences.end(),
                   [](const Sequence& a, const Sequence& b) { return a.length() > b.length(); });
  const auto count = static_cast<int64_t>(sequences.size());
  const int64_t size = std::clamp(round_up(count * directions / max_threads(), 4), int64_t{4}, largest_group);
  std::vector<Group> groups;
  for (int64_t first = 0; first < count; first += size) {
    const auto begin = sequences.begin() + first;
    for (int64_t d = 0; d < directions; ++d) {
      groups.push_back({d, {begin, begin + std::min(size, count - first)}});
    }
  }
  return groups;
}

// Extents of one call.
struct Extents {
  int64_t directions;
  int64_t units;

  Extents(const Tensor& w_hh) : directions(w_hh.shape()[0] / (4 * w_hh.shape()[1])), units(w_hh.shape()[1]) {}
  int64_t gates() const { return 4 * units; }
  int64_t y_width() const { return directions * units; }
  int64_t gates_width() const { return directions * gates(); }
  // Where a token's part for a direction begins in the tensors of either width.
  int64_t y_at(int64_t token, int64_t direction) const { return token * y_width() + direction * units; }
  int64_t gates_at(int64_t token, int64_t direction) const {
    return token * gates_width() + direction * gates();
  }
};

// Rows of the right operand and of the result of a product are this long.
int64_t padded(int64_t columns) { return round_up(columns, 16); }

// w_hh^T of each direction: [P][h][padded 4 h].
Tensor transposed(Backend& backend, const Tensor& w_hh, const Extents& extents) {
  const int64_t gates = extents.gates();
  const int64_t width = padded(gates);
  const Tensor result = Tensor::zeros(backend, {extents.directions * extents.units, width});
  const float* const w = w_hh.data<float>();
  float* const out = result.data<float>();
  constexpr int64_t square = 16;  // whole cache lines on both sides
  parallel_for(extents.directions * extents.units, square, [&](int64_t begin, int64_t end) {
    for (int64_t first = 0; first < gates; first += square) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t direction = row / extents.units;
        const float* const column = w + direction * gates * extents.units + row % extents.units;
        for (int64_t j = first; j < std::min(first + square, gates); ++j) {
          out[row * width + j] = column[j * extents.units];
        }
      }
    }
  });
  return result;
}

// w_hh: [P][4 h][padded h].
Tensor padded_copy(Backend& backend, const Tensor& w_hh, const Extents& extents) {
  const int64_t width = padded(extents.units);
  const Tensor result = Tensor::zeros(backend, {extents.directions * extents.gates(), width});
  const float* const w = w_hh.data<float>();
  float* const out = result.data<float>();
  parallel_for(extents.directions * extents.gates(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      std::copy_n(w + row * extents.units, extents.units, out + row * width);
    }
  });
  return result;
}

// Runs body(group, scratch) for all groups, each thread with `floats` of zeros of its own.
template <typename Body>
void for_each_group(Backend& backend, const std::vector<Group>& groups, int64_t floats, Body&& body) {
  const int64_t step = round_up(floats, 16);
  const Tensor scratch = Tensor::empty(backend, {max_threads() * step});
  float* const data = scratch.data<float>();
  parallel_for_each(static_cast<int64_t>(groups.size()), [&](int64_t i, int64_t lane) {
    float* const mine = data + lane * step;
    std::fill_n(mine, floats, 0.0F);
    body(groups[static_cast<size_t>(i)], mine);
  });
}

// One sequence's step: z = x + recurrent; gates [4 h], cell [h] and y [h] come out. c and h are the state.
// gates may be x.
void step_forward(const float* x, const float* recurrent, int64_t units, float* gates, float* cell, float* y,
                  float* c, float* h) {
  const int64_t n = units;
#pragma omp simd
  for (int64_t u = 0; u < n; ++u) {
    const float i = simd_sigmoid(x[u] + recurrent[u]);
    const float f = simd_sigmoid(x[n + u] + recurrent[n + u]);
    const float g = simd_tanh(x[2 * n + u] + recurrent[2 * n + u]);
    const float o = simd_sigmoid(x[3 * n + u] + recurrent[3 * n + u]);
    gates[u] = i;
    gates[n + u] = f;
    gates[2 * n + u] = g;
    gates[3 * n + u] = o;
    c[u] = f * c[u] + i * g;
    h[u] = o * simd_tanh(c[u]);
    cell[u] = c[u];
    y[u] = h[u];
  }
}

// One sequence's step back. dh is what the next step sends to this h; dc, what it sends to this cell, is
// replaced by what goes to the cell before. dz [4 h] receives the gradient of z.
void step_backward(const float* dy, const float* gates, const float* cell, const float* cell_before,
                   int64_t units, const float* dh, float* dc, float* dz) {
  const int64_t n = units;
#pragma omp simd
  for (int64_t u = 0; u < n; ++u) {
    const float i = gates[u];
    const float f = gates[n + u];
    const float g = gates[2 * n + u];
    const float o = gates[3 * n + u];
    const float tanh_c = simd_tanh(cell[u]);
    const float d_h = dy[u] + dh[u];
    const float d_c = dc[u] + d_h * o * (1 - tanh_c * tanh_c);
    dz[u] = d_c * g * i * (1 - i);
    dz[n + u] = d_c * cell_before[u] * f * (1 - f);
    dz[2 * n + u] = d_c * i * (1 - g * g);
    dz[3 * n + u] = d_h * tanh_c * o * (1 - o);
    dc[u] = d_c * f;
  }
}

// The h of the step before each token, zero where a sequence starts: [P][T][padded h].
Tensor gather_before(Backend& backend, const Tensor& y, const Packing& packing, const Extents& extents) {
  const int32_t* const offsets = packing.offsets.data<int32_t>();
  const int64_t tokens = offsets[packing.count()];
  const int64_t width = padded(extents.units);
  const Tensor before = Tensor::zeros(backend, {extents.directions * tokens, width});
  const float* const in = y.data<float>();
  float* const out = before.data<float>();
  parallel_for(packing.count(), 4, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      for (int64_t d = 0; d < extents.directions; ++d) {
        // The first token of a direction has nothing before it; the others have their neighbour.
        for (int64_t t = offsets[b]; t < offsets[b + 1] - 1; ++t) {
          const int64_t from = d == 0 ? t : t + 1;
          const int64_t to = d == 0 ? t + 1 : t;
          std::copy_n(in + from * extents.y_width() + d * extents.units, extents.units,
                      out + (d * tokens + to) * width);
        }
      }
    }
  });
  return before;
}

// dw_hh (+)= sum over tokens of dgates[t]^T before[t]. A thread takes some gates through all tokens, in pieces
// that stay in the cache.
void weight_gradient(Backend& backend, const Tensor& dgates, const Tensor& before, const Extents& extents,
                     const Grad& dw_hh) {
  constexpr int64_t piece = 512;  // tokens
  constexpr int64_t strip = 48;   // gates
  const int64_t tokens = before.shape()[0] / extents.directions;
  const int64_t units = extents.units;
  const int64_t width = padded(units);
  const int64_t strips = ceil_div(extents.gates(), strip);
  const int64_t scratch_size = strip * (piece + width);
  const Tensor scratch = Tensor::empty(backend, {max_threads() * scratch_size});
  if (!dw_hh.accumulate) backend.fill_zero({dw_hh.tensor});
  parallel_for_each(extents.directions * strips, [&](int64_t i, int64_t lane) {
    float* const left = scratch.data<float>() + lane * scratch_size;  // [piece][strip]
    float* const sum = left + strip * piece;                          // [strip][padded h]
    const int64_t direction = i / strips;
    const int64_t gate = i % strips * strip;
    const int64_t gates = std::min(strip, extents.gates() - gate);
    const int64_t row = direction * extents.gates() + gate;
    for (int64_t first = 0; first < tokens; first += piece) {
      const int64_t count = std::min(piece, tokens - first);
      for (int64_t t = 0; t < count; ++t) {
        std::copy_n(dgates.data<float>() + (first + t) * extents.gates_width() + row, gates,
                    left + t * strip);
      }
      const float* const right = before.data<float>() + (direction * tokens + first) * width;
      multiply<false>({gates, width, count, left, 1, strip, right, width, sum, width});
      for (int64_t g = 0; g < gates; ++g) {
        float* const out = dw_hh.tensor.data<float>() + (row + g) * units;
        for (int64_t u = 0; u < units; ++u) out[u] += sum[g * width + u];
      }
    }
  });
}

}  // namespace

void CpuBackend::lstm_forward(const LstmForward& args) {
  const Extents extents(args.w_hh);
  const int64_t units = extents.units;
  const Tensor weights = transposed(*this, args.w_hh, extents);
  const int64_t weights_size = weights.elements() / extents.directions;
  for (const Tensor& x : {args.y, args.cells, args.gates}) zero_rest(*this, x, args.packing);
  const float* const w = weights.data<float>();
  const float* const x_data = args.gates_x.data<float>();
  float* const y_data = args.y.data<float>();
  float* const cells_data = args.cells.data<float>();
  float* const gates_data = args.gates.data<float>();
  const int64_t z_step = padded(extents.gates());
  const auto run = [&](const Group& group, float* scratch) {
    float* const recurrent = scratch;
    float* const h = recurrent + largest_group * z_step;
    float* const c = h + largest_group * units;
    const float* const w_group = w + group.direction * weights_size;
    for (int64_t step = 0; step < group.steps(); ++step) {
      const int64_t running = group.running(step);
      if (step > 0) {
        multiply<false>({running, z_step, units, h, units, 1, w_group, z_step, recurrent, z_step});
      }
      for (int64_t i = 0; i < running; ++i) {
        const int64_t at = extents.y_at(group.token(i, step), group.direction);
        const int64_t gates_at = extents.gates_at(group.token(i, step), group.direction);
        step_forward(x_data + gates_at, recurrent + i * z_step, units, gates_data + gates_at, cells_data + at,
                     y_data + at, c + i * units, h + i * units);
      }
    }
  };
  for_each_group(*this, make_groups(args.packing, extents.directions), largest_group * (z_step + 2 * units),
                 run);
}

void CpuBackend::lstm_backward(const LstmBackward& args) {
  const Extents extents(args.w_hh);
  const int64_t units = extents.units;
  const Tensor weights = padded_copy(*this, args.w_hh, extents);
  const int64_t weights_size = weights.elements() / extents.directions;
  zero_rest(*this, args.dgates_x, args.packing);
  const float* const w = weights.data<float>();
  const float* const dy_data = args.dy.data<float>();
  const float* const cells_data = args.cells.data<float>();
  const float* const gates_data = args.gates.data<float>();
  float* const dgates_data = args.dgates_x.data<float>();
  const int64_t z_step = extents.gates();
  const int64_t dh_step = padded(units);
  const auto run = [&](const Group& group, float* scratch) {
    float* const dh = scratch;
    float* const dz = dh + largest_group * dh_step;
    float* const dc = dz + largest_group * z_step;
    const float* const no_cell = dc + largest_group * units;
    const float* const w_group = w + group.direction * weights_size;
    const auto at = [&](int64_t i, int64_t step) {
      return extents.y_at(group.token(i, step), group.direction);
    };
    for (int64_t step = group.steps() - 1; step >= 0; --step) {
      const int64_t running = group.running(step);
      for (int64_t i = 0; i < running; ++i) {
        const int64_t gates_at = extents.gates_at(group.token(i, step), group.direction);
        const float* const cell_before = step == 0 ? no_cell : cells_data + at(i, step - 1);
        step_backward(dy_data + at(i, step), gates_data + gates_at, cells_data + at(i, step), cell_before,
                      units, dh + i * dh_step, dc + i * units, dz + i * z_step);
        std::copy_n(dz + i * z_step, z_step, dgates_data + gates_at);
      }
      if (step > 0) {
        multiply<false>({running, dh_step, z_step, dz, z_step, 1, w_group, dh_step, dh, dh_step});
      }
    }
  };
  for_each_group(*this, make_groups(args.packing, extents.directions),
                 largest_group * (dh_step + z_step + units) + units, run);
  if (args.dw_hh) {
    weight_gradient(*this, args.dgates_x, gather_before(*this, args.y, args.packing, extents), extents,
                    args.dw_hh);
  }
}

}  // namespace gradus::cpu
