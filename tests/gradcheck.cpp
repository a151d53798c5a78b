#include "tests/gradcheck.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "core/random.h"

namespace gradus {
namespace {

using reference::Matrix;

// Root mean squares of a matrix: what its elements are measured with.
class Scales {
 public:
  explicit Scales(const Matrix& m)
      : rows_(static_cast<size_t>(m.rows())), columns_(static_cast<size_t>(m.columns())) {
    for (int64_t i = 0; i < m.rows(); ++i) {
      for (int64_t j = 0; j < m.columns(); ++j) {
        const double square = m(i, j) * m(i, j);
        rows_[static_cast<size_t>(i)] += square;
        columns_[static_cast<size_t>(j)] += square;
        all_ += square;
      }
    }
    for (double& row : rows_) row = std::sqrt(row / static_cast<double>(m.columns()));
    for (double& column : columns_) column = std::sqrt(column / static_cast<double>(m.rows()));
    norm_ = std::sqrt(all_);
    all_ = m.size() > 0 ? norm_ / std::sqrt(static_cast<double>(m.size())) : 0;
  }
  double norm() const { return norm_; }
  // How far the element may be from `expected`.
  double allowed(int64_t row, int64_t column, double expected, ElementTolerance tolerance) const {
    if (tolerance.relative == 0 || !(all_ > 0)) return tolerance.absolute;
    const bool is_vector = rows_.size() == 1 || columns_.size() == 1;
    const double scale =
        is_vector ? all_ : rows_[static_cast<size_t>(row)] * columns_[static_cast<size_t>(column)] / all_;
    return tolerance.relative * (std::abs(expected) + scale + tolerance.of_all * all_) + tolerance.absolute;
  }

 private:
  std::vector<double> rows_, columns_;
  double all_ = 0, norm_ = 0;
};

// An element of which it is known what it should be.
struct Known {
  int64_t row, column;
  double found, expected, allowed;

  bool is(double value, double factor = 1) const {
    return std::abs(found - value) <= allowed * std::max(1.0, std::abs(factor));
  }
  bool wrong() const { return !is(expected); }  // of a NaN, too
  double excess() const {
    return std::isfinite(found) ? std::abs(found - expected) / (allowed + 1e-300) : INFINITY;
  }
};
using Elements = std::vector<Known>;

template <typename Test>
bool all_of(const Elements& elements, Test&& test) {
  return std::all_of(elements.begin(), elements.end(), test);
}

std::string times(double factor, const Matrix& m) {
  const auto is = [&](double value) { return std::abs(factor - value) < 1e-3 * std::abs(value); };
  const double rows = static_cast<double>(m.rows()), columns = static_cast<double>(m.columns());
  if (is(2)) return "twice too large";
  if (is(0.5)) return "half as large as it should be";
  for (const auto& [count, what] :
       {std::pair(rows, "rows"), std::pair(columns, "columns"), std::pair(rows * columns, "elements")}) {
    if (count <= 2) continue;
    if (is(count))
      return fmt::format("{} times too large, the number of {}: a sum where a mean is meant", count, what);
    if (is(1 / count))
      return fmt::format("{} times too small, the number of {}: a mean where a sum is meant", count, what);
  }
  if (factor < 0) return fmt::format("the sign is wrong, and it is {:.4g} times as large", -factor);
  return factor > 1 ? fmt::format("{:.4g} times too large", factor)
                    : fmt::format("{:.4g} times too small", 1 / factor);
}

// What would make the wrong elements what they are; `known` are these and those that hold.
std::string explanation(const Matrix& found, const Elements& wrong, const Elements& known) {
  if (all_of(wrong, [](const Known& e) { return e.found == 0; }))
    return wrong.size() == known.size() ? "zero everywhere" : "zero";
  if (all_of(wrong, [](const Known& e) { return e.is(-e.expected); })) return "the sign is wrong";
  double product = 0, square = 0, added = 0;
  for (const Known& e : wrong) {
    product += e.found * e.expected;
    square += e.expected * e.expected;
    added += (e.found - e.expected) / static_cast<double>(wrong.size());
  }
  const double factor = product / square;
  if (all_of(wrong, [&](const Known& e) { return e.is(factor * e.expected, factor); }))
    return times(factor, found);
  // In memory the transposed is [columns, rows].
  if (all_of(known, [&](const Known& e) {
        return std::abs(found[e.column * found.rows() + e.row] - e.expected) <= e.allowed;
      }))
    return "it is transposed";
  if (wrong.size() > 1 && all_of(wrong, [&](const Known& e) { return e.is(e.expected + added); }))
    return fmt::format("{:+.4g} is added to what it should be", added);
  return "no factor, sign or transposition explains it";
}

// " of column 3" where all that is wrong lies there, and something else is known that holds.
std::string place_of(const Elements& wrong, const Elements& known) {
  if (wrong.size() == known.size()) return "";
  if (all_of(wrong, [&](const Known& e) { return e.column == wrong[0].column; }))
    return fmt::format(", in column {} alone", wrong[0].column);
  if (all_of(wrong, [&](const Known& e) { return e.row == wrong[0].row; }))
    return fmt::format(", in row {} alone", wrong[0].row);
  return "";
}

std::string fault_of(const Matrix& found, const Elements& known) {
  Elements wrong;
  std::copy_if(known.begin(), known.end(), std::back_inserter(wrong),
               [](const Known& e) { return e.wrong(); });
  if (wrong.empty()) return "";
  const Known& worst = *std::max_element(
      wrong.begin(), wrong.end(), [](const Known& a, const Known& b) { return a.excess() < b.excess(); });
  return fmt::format("{} of {} elements wrong{}: [{}, {}] is {:.7g}, expected {:.7g}: {}", wrong.size(),
                     known.size(), place_of(wrong, known), worst.row, worst.column, worst.found,
                     worst.expected, explanation(found, wrong, known));
}

}  // namespace

std::string fault_of(const Matrix& found, const Matrix& expected, ElementTolerance tolerance) {
  if (found.size() != expected.size())
    return fmt::format("{} elements, expected {}", found.size(), expected.size());
  const Scales scales(expected);
  Elements known;
  bool holds = true;
  for (int64_t i = 0; i < expected.rows(); ++i) {
    for (int64_t j = 0; j < expected.columns(); ++j) {
      const double c = expected(i, j), g = found[i * expected.columns() + j];
      holds = holds && std::abs(g - c) <= scales.allowed(i, j, c, tolerance);
    }
  }
  if (holds) return "";
  for (int64_t i = 0; i < expected.rows(); ++i) {
    for (int64_t j = 0; j < expected.columns(); ++j) {
      const double c = expected(i, j);
      known.push_back({i, j, found[i * expected.columns() + j], c, scales.allowed(i, j, c, tolerance)});
    }
  }
  return fault_of(found, known);
}

Slopes slopes_of(const ScalarFormula& f, std::vector<Matrix> inputs, size_t which, int64_t elements,
                 int64_t directions) {
  constexpr double step = 1e-5;
  Slopes slopes;
  Matrix& x = inputs[which];
  slopes.elements = sample_elements(x.rows(), x.columns(), elements);
  for (const int64_t i : slopes.elements) {
    const double center = x[i], h = step * std::max(1.0, std::abs(center));
    x[i] = center + h;
    const double above = f(inputs);
    x[i] = center - h;
    const double below = f(inputs);
    x[i] = center;
    slopes.by_element.push_back((above - below) / (2 * h));
  }
  const Matrix center = x;
  for (int64_t k = 0; k < (x.size() > 0 ? directions : 0); ++k) {
    double values[2];
    for (const int side : {0, 1}) {
      for (int64_t i = 0; i < x.size(); ++i)
        x[i] = center[i] + (side == 0 ? step : -step) * direction_sign(k, i);
      values[side] = f(inputs);
    }
    x = center;
    slopes.along.push_back((values[0] - values[1]) / (2 * step));
  }
  return slopes;
}

std::string fault_of(const Matrix& found, const Slopes& slopes, ElementTolerance tolerance) {
  const Scales scales(found);
  Elements known;
  for (size_t k = 0; k < slopes.elements.size(); ++k) {
    const int64_t i = slopes.elements[k], row = i / found.columns(), column = i % found.columns();
    const double c = slopes.by_element[k];
    known.push_back({row, column, found[i], c, scales.allowed(row, column, c, tolerance)});
  }
  if (std::string fault = fault_of(found, known); !fault.empty()) return fault;
  for (size_t k = 0; k < slopes.along.size(); ++k) {
    double slope = 0;
    for (int64_t i = 0; i < found.size(); ++i) slope += found[i] * direction_sign(static_cast<int64_t>(k), i);
    if (!(std::abs(slope - slopes.along[k]) <= tolerance.relative * scales.norm() + tolerance.absolute))
      return fmt::format(
          "elements that were not sampled are wrong: along direction {} the slope is {:.7g}, expected {:.7g}",
          k, slope, slopes.along[k]);
  }
  return "";
}

std::vector<int64_t> sample_elements(int64_t rows, int64_t columns, int64_t count) {
  const int64_t size = rows * columns, longest = std::max(rows, columns);
  std::vector<int64_t> elements;
  count = std::min(count, size);
  // Diagonals, one after the other: the next begins a column further.
  const int64_t diagonal = size > 0 ? std::lcm(rows, columns) : 1;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t at = count < longest && count > 1 ? k * (longest - 1) / (count - 1) : k;
    elements.push_back(at % rows * columns + (at + at / diagonal) % columns);
  }
  return elements;
}

double direction_sign(int64_t direction, int64_t element) {
  const PhiloxBlock block =
      philox({static_cast<uint32_t>(element / 128), static_cast<uint32_t>(direction), 0, 0}, {17, 0});
  const auto bit = static_cast<uint32_t>(element % 128);
  return (block[bit / 32] >> (bit % 32) & 1U) != 0 ? 1 : -1;
}

}  // namespace gradus
