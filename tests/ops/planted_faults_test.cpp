// What finds wrong gradients finds them: faults are planted in every gradient of the op table.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/files.h"
#include "tests/naive_backend.h"
#include "tests/op_run.h"

using namespace gradus;
using reference::Matrix;

namespace {

struct Fault {
  std::string name;
  void (*plant)(Matrix& gradient);
  std::string said;  // of the gradient beside the right one
};

void scale(Matrix& m, double factor) {
  for (int64_t i = 0; i < m.size(); ++i) m[i] *= factor;
}

const Fault faults[] = {
    {"column 3 times 1.5",
     [](Matrix& m) {
       for (int64_t i = 0; i < m.rows(); ++i) m(i, std::min<int64_t>(3, m.columns() - 1)) *= 1.5;
     },
     ": 1.5 times too large"},
    {"the sign", [](Matrix& m) { scale(m, -1); }, ": the sign is wrong"},
    {"twice", [](Matrix& m) { scale(m, 2); }, ": twice too large"},
    {"half", [](Matrix& m) { scale(m, 0.5); }, ": half as large as it should be"},
    {"transposed",
     [](Matrix& m) {
       if (m.rows() == 1 || m.columns() == 1) return;
       const Matrix right = m;
       for (int64_t i = 0; i < m.rows(); ++i) {
         for (int64_t j = 0; j < m.columns(); ++j) m[j * m.rows() + i] = right(i, j);
       }
     },
     ": it is transposed"},
    {"a row of zeros",
     [](Matrix& m) {
       for (int64_t j = 0; j < m.columns(); ++j) m(m.rows() / 2, j) = 0;
     },
     ": zero"},
    {"zeros", [](Matrix& m) { scale(m, 0); }, ": zero"},
    {"a sum where a mean is meant",
     [](Matrix& m) {
       if (m.rows() > 2) scale(m, static_cast<double>(m.rows()));
     },
     "the number of rows: a sum where a mean is meant"},
    {"a number added",
     [](Matrix& m) {
       // To a number alone it is a factor.
       for (int64_t i = 0; i < m.size() && m.size() > 1; ++i) m[i] += 0.25;
     },
     "+0.25 is added to what it should be"},
};

double norm_of_change(const Matrix& wrong, const Matrix& right) { return distance(wrong, right).difference; }

}  // namespace

TEST_CASE("a fault in a gradient is found and named, whatever the op and its shape") {
  std::map<std::string, int64_t> planted;
  for (const Op& op : op_table()) {
    if (!op.has_gradient) continue;
    for (const OpCase& op_case : op.cases) {
      const auto inputs = input_values(op_case, DType::float32);
      const Outcome right = run(op_case.call, op_case, inputs, naive_backend(), DType::float32);
      for (size_t i = 0; i < inputs.size(); ++i) {
        const Matrix& gradient = right.gradients[i];
        if (gradient.size() == 0) continue;
        CHECK(fault_of(gradient, gradient, {}).empty());
        const Slopes slopes = slopes_of(objective_of(op_case), inputs, i, is_sanitized ? 2 : 4, 4);
        for (const Fault& fault : faults) {
          Matrix wrong = gradient;
          fault.plant(wrong);
          // A row of zeros that was one is no fault. Neither is a change that rounding could have made.
          const double change = norm_of_change(wrong, gradient);
          if (change <= 1e-4) continue;
          INFO(op.name, " ", op_case.label, ", gradient of ", op_case.inputs[i].name, " [", gradient.rows(),
               ", ", gradient.columns(), "], planted: ", fault.name, ", a change by ", change);
          ++planted[fault.name];
          const std::string said = fault_of(wrong, gradient, element_tolerance(op.float32));
          CHECK_MESSAGE(contains(said, fault.said), said);
          if (&fault == &faults[0] && gradient.columns() > 4)
            CHECK_MESSAGE(contains(said, "in column 3 alone"), said);
          CHECK_MESSAGE(!fault_of(wrong, slopes, slope_tolerance(op.float32)).empty(), "not found by slopes");
        }
      }
    }
  }
  // Of 257 gradients some are zero, those of queries in sentences of one word; some are of a single row.
  for (const Fault& fault : faults)
    CHECK_MESSAGE(planted[fault.name] > 150, fault.name, ": ", planted[fault.name]);
}

TEST_CASE("sampled elements are different, and touch every row and column where there are as many of them") {
  for (const auto& [rows, columns] : {std::pair{1, 1}, {1, 9}, {9, 1}, {4, 6}, {7, 5}, {12, 12}, {3, 40}}) {
    for (const int64_t count : {1, 5, 12, 40, 1000}) {
      CAPTURE(rows);
      CAPTURE(columns);
      CAPTURE(count);
      const std::vector<int64_t> sample = sample_elements(rows, columns, count);
      std::set<int64_t> elements, row_numbers, column_numbers;
      for (const int64_t at : sample) {
        elements.insert(at);
        row_numbers.insert(at / columns);
        column_numbers.insert(at % columns);
      }
      CHECK(std::ssize(sample) == std::min<int64_t>(count, rows * columns));
      CHECK(elements.size() == sample.size());
      CHECK(*elements.rbegin() < rows * columns);
      if (count < std::max(rows, columns)) continue;
      CHECK(std::ssize(row_numbers) == rows);
      CHECK(std::ssize(column_numbers) == columns);
    }
  }
  CHECK(sample_elements(0, 6, 5).empty());
}
