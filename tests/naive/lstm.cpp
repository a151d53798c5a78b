// The recurrence of an LSTM over packed sequences, in one direction or two.
#include "tests/naive_backend.h"
#include "tests/reference.h"

namespace gradus {
namespace reference {
namespace {

enum Gate : int64_t { input, forget, candidate, output };  // in the order i, f, g, o

// Where direction p of P keeps its h units: gates in [T, P 4 h] and rows of w_hh, states in [T, P h].
struct Direction {
  int64_t number;
  int64_t units;

  int64_t gate(int64_t which, int64_t j) const { return (number * 4 + which) * units + j; }
  int64_t state(int64_t j) const { return number * units + j; }

  // The rows of a sequence in the order this direction reads them.
  std::vector<int64_t> reading_order(const Sequence& sequence) const {
    std::vector<int64_t> rows;
    for (int64_t t = sequence.begin; t < sequence.end; ++t) rows.push_back(t);
    return number == 0 ? rows : std::vector<int64_t>(rows.rbegin(), rows.rend());
  }
};

// Calls body(direction, rows) for each direction through each sequence, rows in reading order.
template <typename Body>
void for_each_run(const Matrix& w_hh, const Sequences& sequences, Body&& body) {
  const int64_t units = w_hh.columns();
  for (int64_t p = 0; p < w_hh.rows() / (4 * units); ++p) {
    const Direction direction{p, units};
    for (const Sequence& sequence : sequences) body(direction, direction.reading_order(sequence));
  }
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

Lstm lstm(const Matrix& gates_x, const Matrix& w_hh, const Sequences& sequences) {
  const int64_t states = gates_x.columns() / 4;
  Lstm result{Matrix(gates_x.rows(), states), Matrix(gates_x.rows(), states),
              Matrix(gates_x.rows(), gates_x.columns())};
  auto& [y, cells, gates] = result;
  for_each_run(w_hh, sequences, [&](const Direction& at, const std::vector<int64_t>& rows) {
    for (size_t step = 0; step < rows.size(); ++step) {
      const int64_t t = rows[step];
      const bool first = step == 0;
      const int64_t before = first ? t : rows[step - 1];
      for (int64_t j = 0; j < at.units; ++j) {
        for (const Gate which : {input, forget, candidate, output}) {
          const int64_t column = at.gate(which, j);
          double z = gates_x(t, column);
          for (int64_t k = 0; k < at.units && !first; ++k) z += y(before, at.state(k)) * w_hh(column, k);
          gates(t, column) = which == candidate ? std::tanh(z) : sigmoid(z);
        }
      }
      for (int64_t j = 0; j < at.units; ++j) {
        const double kept = first ? 0 : gates(t, at.gate(forget, j)) * cells(before, at.state(j));
        cells(t, at.state(j)) = kept + gates(t, at.gate(input, j)) * gates(t, at.gate(candidate, j));
        y(t, at.state(j)) = gates(t, at.gate(output, j)) * std::tanh(cells(t, at.state(j)));
      }
    }
  });
  return result;
}

struct LstmGradient {
  Matrix dgates_x, dw_hh;
};

// Backpropagation through time: dh and dc carry the gradients of the state from the later step to the
// earlier.
static LstmGradient lstm_gradient(const Matrix& dy, const Lstm& values, const Matrix& w_hh,
                                  const Sequences& sequences) {
  const auto& [y, cells, gates] = values;
  LstmGradient result{Matrix(gates.rows(), gates.columns()), Matrix(w_hh.rows(), w_hh.columns())};
  auto& [dz, dw] = result;
  for_each_run(w_hh, sequences, [&](const Direction& at, const std::vector<int64_t>& rows) {
    std::vector<double> dh(static_cast<size_t>(at.units));
    std::vector<double> dc(static_cast<size_t>(at.units));
    for (size_t step = rows.size(); step-- > 0;) {
      const int64_t t = rows[step];
      const bool first = step == 0;
      const int64_t before = first ? t : rows[step - 1];
      for (int64_t j = 0; j < at.units; ++j) {
        const auto unit = static_cast<size_t>(j);
        const double i = gates(t, at.gate(input, j));
        const double f = gates(t, at.gate(forget, j));
        const double g = gates(t, at.gate(candidate, j));
        const double o = gates(t, at.gate(output, j));
        const double tanh_c = std::tanh(cells(t, at.state(j)));
        const double dy_total = dy(t, at.state(j)) + dh[unit];
        dc[unit] += dy_total * o * (1 - tanh_c * tanh_c);
        dz(t, at.gate(input, j)) = dc[unit] * g * i * (1 - i);
        dz(t, at.gate(forget, j)) = first ? 0 : dc[unit] * cells(before, at.state(j)) * f * (1 - f);
        dz(t, at.gate(candidate, j)) = dc[unit] * i * (1 - g * g);
        dz(t, at.gate(output, j)) = dy_total * tanh_c * o * (1 - o);
        dc[unit] *= f;
      }
      for (int64_t k = 0; k < at.units && !first; ++k) {
        dh[static_cast<size_t>(k)] = 0;
        for (int64_t row = at.gate(input, 0); row < at.gate(input, 0) + 4 * at.units; ++row) {
          dh[static_cast<size_t>(k)] += dz(t, row) * w_hh(row, k);
          dw(row, k) += dz(t, row) * y(before, at.state(k));
        }
      }
    }
  });
  return result;
}

}  // namespace reference

using reference::load;
using reference::sequences_of;
using reference::store;

void NaiveBackend::lstm_forward(const LstmForward& args) {
  const auto result = reference::lstm(load(args.gates_x), load(args.w_hh), sequences_of(args.packing));
  store(result.y, args.y);
  store(result.cells, args.cells);
  store(result.gates, args.gates);
}

void NaiveBackend::lstm_backward(const LstmBackward& args) {
  const auto result =
      reference::lstm_gradient(load(args.dy), {load(args.y), load(args.cells), load(args.gates)},
                               load(args.w_hh), sequences_of(args.packing));
  store(result.dgates_x, args.dgates_x);
  store(result.dw_hh, args.dw_hh);
}

}  // namespace gradus
