// The LSTM recurrence (Hochreiter & Schmidhuber 1997) over packed sequences.
//
// Sequences depend on nothing but themselves, so the work is cut into groups: one direction of a few sequences
// of similar length, sorted from long to short. A thread takes a group through all its steps; the sequences
// still running at a step are the first ones of the group, and their recurrent products are one matrix product.
#include <cmath>

#include "backends/cpu/backend.h"
#include "backends/cpu/panel_product.h"
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

constexpr int64_t largest_group = 16;

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
  const int64_t size =
      std::clamp(round_up(count * directions / omp_get_max_threads(), 4), int64_t{4}, largest_group);
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
};

// Calls body(direction, panel) for every panel of a matrix of that many columns per direction.
template <typename Body>
void for_each_panel(int64_t directions, int64_t columns, Body&& body) {
  const int64_t panels = padded(columns) / panel_width;
  parallel_for(directions * panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i / panels, i % panels);
  });
}

// w_hh^T of each direction in panels: [P][panels of 4 h][h][panel_width].
Tensor pack_transposed(Backend& backend, const Tensor& w_hh, const Extents& extents) {
  const int64_t units = extents.units;
  const int64_t size = units * padded(extents.gates());
  const Tensor packed = Tensor::empty(backend, {extents.directions * size});
  const float* const w = w_hh.data<float>();
  float* const out = packed.data<float>();
  for_each_panel(extents.directions, extents.gates(), [&](int64_t direction, int64_t panel) {
    const int64_t first = panel * panel_width;
    float* const target = out + direction * size + first * units;
    for (int64_t j = 0; j < panel_width; ++j) {
      const float* const row = w + (direction * extents.gates() + first + j) * units;
      const bool inside = first + j < extents.gates();
      for (int64_t k = 0; k < units; ++k) target[k * panel_width + j] = inside ? row[k] : 0;
    }
  });
  return packed;
}

// w_hh of each direction in panels: [P][panels of h][4 h][panel_width].
Tensor pack(Backend& backend, const Tensor& w_hh, const Extents& extents) {
  const int64_t size = extents.gates() * padded(extents.units);
  const Tensor packed = Tensor::empty(backend, {extents.directions * size});
  const float* const w = w_hh.data<float>();
  float* const out = packed.data<float>();
  for_each_panel(extents.directions, extents.units, [&](int64_t direction, int64_t panel) {
    const int64_t first = panel * panel_width;
    const float* const rows = w + direction * extents.gates() * extents.units + first;
    pack_panel(extents.gates(), extents.units - first, out + direction * size + first * extents.gates(),
               [&](int64_t k) { return rows + k * extents.units; });
  });
  return packed;
}

// c = a b for `rows` rows of a [rows, depth] and b in panels; c's rows are padded(columns) long.
void multiply(const float* a, int64_t rows, int64_t depth, const float* panels, int64_t columns, float* c) {
  const int64_t step = padded(columns);
  for (int64_t first = 0; first < step; first += panel_width) {
    multiply_panel({a, depth, 1}, rows, depth, panels + first * depth, c + first, step);
  }
}

// Runs body(group, scratch) for all groups, each thread with `floats` of zeros of its own.
template <typename Body>
void for_each_group(Backend& backend, const std::vector<Group>& groups, int64_t floats, Body&& body) {
  const int64_t step = round_up(floats, 16);
  const Tensor scratch = Tensor::empty(backend, {omp_get_max_threads() * step});
  float* const data = scratch.data<float>();
#pragma omp parallel for schedule(dynamic, 1) if (groups.size() > 1)
  for (size_t i = 0; i < groups.size(); ++i) {
    float* const mine = data + omp_get_thread_num() * step;
    std::fill_n(mine, floats, 0.0F);
    body(groups[i], mine);
  }
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

// dw_hh (+)= sum over tokens of dz_t^T h_before_t, by panels of gates and of units. Tokens go in pieces that
// stay in the cache.
class WeightGradient {
 public:
  WeightGradient(Backend& backend, const Tensor& y, const Tensor& dgates, const Packing& packing,
                 const Extents& extents)
      : extents_(extents),
        tokens_(packing.offsets.data<int32_t>()[packing.count()]),
        dgates_(dgates.data<float>()),
        before_(Tensor::empty(backend, {extents.directions * padded(extents.units) * tokens_})),
        left_(Tensor::empty(backend, {omp_get_max_threads() * piece * panel_width})) {
    gather_before(y.data<float>(), packing);
  }

  void run(const Grad& dw_hh) const {
    float* const out = dw_hh.tensor.data<float>();
    if (!dw_hh.accumulate) dw_hh.tensor.fill_zero();
    for_each_panel(extents_.directions, extents_.gates(), [&](int64_t direction, int64_t panel) {
      const int64_t gate = panel * panel_width;
      const int64_t gates = std::min(panel_width, extents_.gates() - gate);
      const int64_t row = direction * extents_.gates() + gate;
      float* const left = left_.data<float>() + omp_get_thread_num() * piece * panel_width;
      for (int64_t token = 0; token < tokens_; token += piece) {
        const int64_t count = std::min(piece, tokens_ - token);
        pack_panel(count, gates, left,
                   [&](int64_t k) { return dgates_ + (token + k) * extents_.gates_width() + row; });
        for (int64_t unit = 0; unit < extents_.units; unit += panel_width) {
          add_piece(left, gates, before(direction, unit) + token * panel_width, count,
                    std::min(panel_width, extents_.units - unit), out + row * extents_.units + unit);
        }
      }
    });
  }

 private:
  static constexpr int64_t piece = 512;  // tokens

  float* before(int64_t direction, int64_t unit) const {
    return before_.data<float>() + (direction * padded(extents_.units) + unit) * tokens_;
  }

  // Packs, for each token, the h of the step before it: zero where a sequence starts.
  void gather_before(const float* y, const Packing& packing) const {
    const int32_t* const offsets = packing.offsets.data<int32_t>();
    for_each_panel(extents_.directions, extents_.units, [&](int64_t direction, int64_t panel) {
      const int64_t unit = panel * panel_width;
      float* target = before(direction, unit);
      for (int64_t b = 0; b < packing.count(); ++b) {
        const int64_t begin = offsets[b];
        const int64_t length = offsets[b + 1] - begin;
        const int64_t first = direction == 0 ? 0 : length - 1;
        const int64_t shift = direction == 0 ? -1 : 1;
        pack_panel(length, extents_.units - unit, target, [&](int64_t k) {
          return k == first
                     ? nullptr
                     : y + (begin + k + shift) * extents_.y_width() + direction * extents_.units + unit;
        });
        target += length * panel_width;
      }
    });
  }

  // out += left^T right over `count` tokens.
  void add_piece(const float* left, int64_t gates, const float* right, int64_t count, int64_t units,
                 float* out) const {
    alignas(64) float tile[tile_rows * panel_width];
    for (int64_t first = 0; first < gates; first += tile_rows) {
      const int64_t rows = std::min(tile_rows, gates - first);
      multiply_panel({left + first, 1, panel_width}, rows, count, right, tile, panel_width);
      for (int64_t i = 0; i < rows; ++i) {
        float* const target = out + (first + i) * extents_.units;
        for (int64_t u = 0; u < units; ++u) target[u] += tile[i * panel_width + u];
      }
    }
  }

  Extents extents_;
  int64_t tokens_;
  const float* dgates_;
  Tensor before_;  // [P][panels of h][T][panel_width]
  Tensor left_;    // per thread [piece][panel_width]
};

}  // namespace

void CpuBackend::lstm_forward(const Tensor& gates_x, const Tensor& w_hh, const Packing& packing,
                              const Tensor& y, const Tensor& cells, const Tensor& gates) {
  const Extents extents(w_hh);
  const int64_t units = extents.units;
  const Tensor weights = pack_transposed(*this, w_hh, extents);
  const int64_t weights_size = weights.elements() / extents.directions;
  for (const Tensor& x : {y, cells, gates}) zero_rest<float>(x, packing);
  const float* const w = weights.data<float>();
  const float* const x_data = gates_x.data<float>();
  float* const y_data = y.data<float>();
  float* const cells_data = cells.data<float>();
  float* const gates_data = gates.data<float>();
  const int64_t recurrent_step = padded(extents.gates());
  const int64_t floats = largest_group * (recurrent_step + 2 * units);
  for_each_group(
      *this, make_groups(packing, extents.directions), floats, [&](const Group& group, float* scratch) {
        float* const recurrent = scratch;
        float* const h = recurrent + largest_group * recurrent_step;
        float* const c = h + largest_group * units;
        for (int64_t step = 0; step < group.steps(); ++step) {
          const int64_t running = group.running(step);
          if (step > 0) {
            multiply(h, running, units, w + group.direction * weights_size, extents.gates(), recurrent);
          }
          for (int64_t i = 0; i < running; ++i) {
            const int64_t at_gates =
                group.token(i, step) * extents.gates_width() + group.direction * extents.gates();
            const int64_t at = group.token(i, step) * extents.y_width() + group.direction * units;
            step_forward(x_data + at_gates, recurrent + i * recurrent_step, units, gates_data + at_gates,
                         cells_data + at, y_data + at, c + i * units, h + i * units);
          }
        }
      });
}

void CpuBackend::lstm_backward(const Tensor& dy, const Tensor& y, const Tensor& cells, const Tensor& gates,
                               const Tensor& w_hh, const Packing& packing, const Tensor& dgates_x,
                               Grad dw_hh) {
  const Extents extents(w_hh);
  const int64_t units = extents.units;
  const Tensor weights = pack(*this, w_hh, extents);
  const int64_t weights_size = weights.elements() / extents.directions;
  zero_rest<float>(dgates_x, packing);
  const float* const w = weights.data<float>();
  const float* const dy_data = dy.data<float>();
  const float* const cells_data = cells.data<float>();
  const float* const gates_data = gates.data<float>();
  float* const dgates_data = dgates_x.data<float>();
  const int64_t dh_step = padded(units);
  const int64_t floats = largest_group * (dh_step + extents.gates() + units) + units;
  for_each_group(*this, make_groups(packing, extents.directions), floats,
                 [&](const Group& group, float* scratch) {
                   float* const dh = scratch;
                   float* const dz = dh + largest_group * dh_step;
                   float* const dc = dz + largest_group * extents.gates();
                   const float* const no_cell = dc + largest_group * units;
                   for (int64_t step = group.steps() - 1; step >= 0; --step) {
                     const int64_t running = group.running(step);
                     for (int64_t i = 0; i < running; ++i) {
                       const int64_t at_gates =
                           group.token(i, step) * extents.gates_width() + group.direction * extents.gates();
                       const auto at = [&](int64_t s) {
                         return group.token(i, s) * extents.y_width() + group.direction * units;
                       };
                       step_backward(dy_data + at(step), gates_data + at_gates, cells_data + at(step),
                                     step == 0 ? no_cell : cells_data + at(step - 1), units, dh + i * dh_step,
                                     dc + i * units, dz + i * extents.gates());
                       std::copy_n(dz + i * extents.gates(), extents.gates(), dgates_data + at_gates);
                     }
                     if (step > 0) {
                       multiply(dz, running, extents.gates(), w + group.direction * weights_size, units, dh);
                     }
                   }
                 });
  if (dw_hh) WeightGradient(*this, y, dgates_x, packing, extents).run(dw_hh);
}

}  // namespace gradus::cpu
