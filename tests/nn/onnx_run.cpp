// The operators of ONNX, opset 17, that exported models are made of: https://github.com/onnx/onnx/blob/main/docs/Operators.md
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "core/error.h"
#include "tests/nn/onnx_file.h"

namespace gradus::onnx_file {
namespace {

using Dims = std::vector<int64_t>;

int64_t count(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies());
}

Tensor zeros(const Dims& dims) { return {dims, std::vector<double>(static_cast<size_t>(count(dims)))}; }

int64_t axis_of(int64_t axis, const Tensor& x) { return axis < 0 ? axis + std::ssize(x.dims) : axis; }

double& at(Tensor& x, int64_t i) { return x.values.at(static_cast<size_t>(i)); }
double at(const Tensor& x, int64_t i) { return x.values.at(static_cast<size_t>(i)); }
int64_t integer(const Tensor& x, int64_t i) { return static_cast<int64_t>(at(x, i)); }

Dims integers(const Tensor& x) {
  Dims list;
  for (const double value : x.values) list.push_back(static_cast<int64_t>(value));
  return list;
}

Tensor list_of(const Dims& values) { return {{std::ssize(values)}, {values.begin(), values.end()}}; }

// Numbers before an axis, of it, and after it.
struct Around {
  int64_t before = 1, size = 1, after = 1;
  Around(const Tensor& x, int64_t axis) : size(x.dims.at(static_cast<size_t>(axis))) {
    for (int64_t i = 0; i < std::ssize(x.dims); ++i) {
      if (i < axis) before *= x.dims[static_cast<size_t>(i)];
      if (i > axis) after *= x.dims[static_cast<size_t>(i)];
    }
  }
  int64_t place(int64_t outer, int64_t i, int64_t inner) const { return (outer * size + i) * after + inner; }
};

Dims broadcast(const Dims& a, const Dims& b) {
  Dims dims(std::max(a.size(), b.size()), 1);
  for (const Dims* part : {&a, &b}) {
    for (size_t i = 0; i < part->size(); ++i) {
      int64_t& dim = dims[dims.size() - part->size() + i];
      check(dim == 1 || (*part)[i] == 1 || dim == (*part)[i], "shapes don't fit: {} and {}", dim, (*part)[i]);
      dim = dim == 1 ? (*part)[i] : dim;
    }
  }
  return dims;
}

Tensor expand(const Tensor& x, const Dims& dims) {
  Tensor y = zeros(dims);
  for (int64_t i = 0; i < std::ssize(y.values); ++i) {
    int64_t rest = i, place = 0, stride = 1;
    for (int64_t axis = std::ssize(dims) - 1; axis >= 0; --axis) {
      const int64_t index = rest % dims[static_cast<size_t>(axis)];
      rest /= dims[static_cast<size_t>(axis)];
      const int64_t own = axis - (std::ssize(dims) - std::ssize(x.dims));
      if (own < 0) continue;
      const int64_t size = x.dims[static_cast<size_t>(own)];
      place += (size == 1 ? 0 : index) * stride;
      stride *= size;
    }
    at(y, i) = at(x, place);
  }
  return y;
}

Tensor each(const Tensor& x, const std::function<double(double)>& f) {
  Tensor y = x;
  std::ranges::transform(y.values, y.values.begin(), f);
  return y;
}

Tensor each(const Tensor& a, const Tensor& b, const std::function<double(double, double)>& f) {
  const Dims dims = broadcast(a.dims, b.dims);
  Tensor y = expand(a, dims);
  const Tensor other = expand(b, dims);
  std::ranges::transform(y.values, other.values, y.values.begin(), f);
  return y;
}

Tensor transpose(const Tensor& x, const Dims& order) {
  Dims dims, strides(x.dims.size(), 1);
  for (size_t i = x.dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * x.dims[i];
  for (const int64_t axis : order) dims.push_back(x.dims.at(static_cast<size_t>(axis)));
  Tensor y = zeros(dims);
  for (int64_t i = 0; i < std::ssize(y.values); ++i) {
    int64_t rest = i, place = 0;
    for (size_t axis = dims.size(); axis-- > 0;) {
      place += rest % dims[axis] * strides[static_cast<size_t>(order[axis])];
      rest /= dims[axis];
    }
    at(y, i) = at(x, place);
  }
  return y;
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  const Dims outer = broadcast({a.dims.begin(), a.dims.end() - 2}, {b.dims.begin(), b.dims.end() - 2});
  const auto whole = [&](const Tensor& x) {
    Dims dims = outer;
    dims.insert(dims.end(), x.dims.end() - 2, x.dims.end());
    return expand(x, dims);
  };
  const Tensor left = whole(a), right = whole(b);
  const int64_t rows = *(a.dims.end() - 2), inner = a.dims.back(), columns = b.dims.back();
  check(*(b.dims.end() - 2) == inner, "{} columns meet {} rows", inner, *(b.dims.end() - 2));
  Dims dims = outer;
  dims.insert(dims.end(), {rows, columns});
  Tensor y = zeros(dims);
  for (int64_t matrix = 0; matrix < count(outer); ++matrix) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t k = 0; k < inner; ++k) {
        const double factor = at(left, (matrix * rows + row) * inner + k);
        for (int64_t column = 0; column < columns; ++column)
          at(y, (matrix * rows + row) * columns + column) +=
              factor * at(right, (matrix * inner + k) * columns + column);
      }
    }
  }
  return y;
}

// Takes parts of an axis: result[before, i, after] = x[before, source(before, i, after), after].
Tensor pick(const Tensor& x, int64_t axis, const Dims& dims,
            const std::function<int64_t(int64_t, int64_t, int64_t)>& source) {
  Tensor y = zeros(dims);
  const Around from(x, axis);
  const int64_t size = std::ssize(y.values) / std::max<int64_t>(1, from.before * from.after);
  for (int64_t outer = 0; outer < from.before; ++outer) {
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t inner = 0; inner < from.after; ++inner) {
        const int64_t wanted = source(outer, i, inner);
        const int64_t index = wanted < 0 ? wanted + from.size : wanted;
        check(index >= 0 && index < from.size, "number {} of an axis of {}", wanted, from.size);
        at(y, (outer * size + i) * from.after + inner) = at(x, from.place(outer, index, inner));
      }
    }
  }
  return y;
}

Tensor gather(const Tensor& x, const Tensor& indices, int64_t axis) {
  Dims dims(x.dims.begin(), x.dims.begin() + axis);
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), x.dims.begin() + axis + 1, x.dims.end());
  return pick(x, axis, dims, [&](int64_t, int64_t i, int64_t) { return integer(indices, i); });
}

// Of batch_dims 1 and one index a row: x [B, S, H], indices [B, W, 1].
Tensor gather_rows(const Tensor& x, const Tensor& indices) {
  const int64_t words = indices.dims.at(1);
  return pick(x, 1, {x.dims.at(0), words, x.dims.at(2)},
              [&](int64_t text, int64_t word, int64_t) { return integer(indices, text * words + word); });
}

Tensor reshape(Tensor x, Dims dims) {
  int64_t known = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0) dims[i] = x.dims.at(i);
    if (dims[i] > 0) known *= dims[i];
  }
  for (int64_t& dim : dims) dim = dim == -1 ? std::ssize(x.values) / known : dim;
  check(count(dims) == std::ssize(x.values), "{} numbers don't fill a shape of {}", x.values.size(),
        count(dims));
  x.dims = dims;
  return x;
}

// f(x, i) over an axis, which goes or stays with size 1.
Tensor reduce(const Tensor& x, int64_t axis, bool keep,
              const std::function<double(const std::vector<double>&)>& f) {
  Dims dims = x.dims;
  dims[static_cast<size_t>(axis)] = 1;
  Tensor y = zeros(dims);
  const Around around(x, axis);
  for (int64_t outer = 0; outer < around.before; ++outer) {
    for (int64_t inner = 0; inner < around.after; ++inner) {
      std::vector<double> values;
      for (int64_t i = 0; i < around.size; ++i) values.push_back(at(x, around.place(outer, i, inner)));
      at(y, outer * around.after + inner) = f(values);
    }
  }
  if (!keep) y.dims.erase(y.dims.begin() + axis);
  return y;
}

// f of each row of the last axis, in place.
Tensor rows(Tensor x, const std::function<void(double*, int64_t)>& f) {
  const int64_t size = x.dims.back();
  for (int64_t row = 0; row < count(x.dims) / size; ++row) f(x.values.data() + row * size, size);
  return x;
}

void softmax(double* row, int64_t size) {
  const double largest = *std::max_element(row, row + size);
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) sum += row[i] = std::exp(row[i] - largest);
  for (int64_t i = 0; i < size; ++i) row[i] /= sum;
}

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  return rows(x, [&](double* row, int64_t size) {
    const double mean = std::accumulate(row, row + size, 0.0) / static_cast<double>(size);
    double variance = 0;
    for (int64_t i = 0; i < size; ++i) variance += (row[i] - mean) * (row[i] - mean);
    const double scale = 1 / std::sqrt(variance / static_cast<double>(size) + eps);
    for (int64_t i = 0; i < size; ++i) row[i] = (row[i] - mean) * scale * at(gamma, i) + at(beta, i);
  });
}

// One direction, forward, without lengths: x [W, B, I] -> [W, 1, B, units]; gates are input, output, forget, cell.
Tensor lstm(const Tensor& x, const Tensor& w, const Tensor& r, const Tensor& b, int64_t units) {
  const int64_t words = x.dims.at(0), texts = x.dims.at(1), inputs = x.dims.at(2);
  Tensor y = zeros({words, 1, texts, units});
  for (int64_t text = 0; text < texts; ++text) {
    std::vector<double> h(static_cast<size_t>(units)), c = h;
    for (int64_t word = 0; word < words; ++word) {
      std::vector<double> gates;
      for (int64_t gate = 0; gate < 4 * units; ++gate) {
        double sum = at(b, gate) + at(b, 4 * units + gate);
        for (int64_t i = 0; i < inputs; ++i)
          sum += at(w, gate * inputs + i) * at(x, (word * texts + text) * inputs + i);
        for (int64_t i = 0; i < units; ++i) sum += at(r, gate * units + i) * h[static_cast<size_t>(i)];
        gates.push_back(sum);
      }
      const auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
      for (int64_t i = 0; i < units; ++i) {
        const auto gate = [&](int64_t number) { return gates[static_cast<size_t>(number * units + i)]; };
        double& cell = c[static_cast<size_t>(i)];
        cell = sigmoid(gate(2)) * cell + sigmoid(gate(0)) * std::tanh(gate(3));
        h[static_cast<size_t>(i)] = sigmoid(gate(1)) * std::tanh(cell);
        at(y, (word * texts + text) * units + i) = h[static_cast<size_t>(i)];
      }
    }
  }
  return y;
}

// One node of a graph, with the values of its inputs.
class Operation {
 public:
  Operation(const Node& node, std::vector<Tensor> inputs) : node_(node), in_(std::move(inputs)) {}

  std::vector<Tensor> run() const {
    if (node_.op == "Scan") return scan();
    return {result()};
  }

 private:
  const Tensor& in(size_t i) const { return in_.at(i); }
  bool has(const char* name) const { return node_.attributes.contains(name); }
  int64_t number(const char* name, int64_t otherwise) const {
    return has(name) ? node_.attributes.at(name).integer : otherwise;
  }
  Dims list(const char* name) const { return has(name) ? node_.attributes.at(name).integers : Dims(); }
  int64_t axis(int64_t otherwise) const { return axis_of(number("axis", otherwise), in(0)); }

  Tensor result() const {
    const std::string& op = node_.op;
    using Pair = std::function<double(double, double)>;
    static const std::map<std::string, Pair> pairs{
        {"Add", [](double a, double b) { return a + b; }},
        {"Sub", [](double a, double b) { return a - b; }},
        {"Mul", [](double a, double b) { return a * b; }},
        {"Div", [](double a, double b) { return a / b; }},
        {"Less", [](double a, double b) { return a < b; }},
        {"Greater", [](double a, double b) { return a > b; }},
        {"GreaterOrEqual", [](double a, double b) { return a >= b; }},
        {"And", [](double a, double b) { return a != 0 && b != 0; }}};
    static const std::map<std::string, std::function<double(double)>> functions{
        {"Erf", [](double x) { return std::erf(x); }},
        {"Tanh", [](double x) { return std::tanh(x); }},
        {"Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
        {"Relu", [](double x) { return std::max(x, 0.0); }},
        {"Identity", [](double x) { return x; }},
        {"Cast", [](double x) { return x; }}};
    if (const auto found = pairs.find(op); found != pairs.end()) return each(in(0), in(1), found->second);
    if (const auto found = functions.find(op); found != functions.end()) return each(in(0), found->second);
    if (op == "MatMul") return matmul(in(0), in(1));
    if (op == "Gemm") {
      check(number("transB", 0) == 1, "a Gemm of another form");
      return each(matmul(in(0), transpose(in(1), {1, 0})), in(2), pairs.at("Add"));
    }
    if (op == "Softmax") return rows(in(0), softmax);
    if (op == "LayerNormalization")
      return layer_norm(in(0), in(1), in(2), node_.attributes.at("epsilon").number);
    if (op == "LSTM") return lstm(in(0), in(1), in(2), in(3), number("hidden_size", 0));
    if (op == "Clip") return each(in(0), [&](double x) { return std::clamp(x, at(in(1), 0), at(in(2), 0)); });
    if (op == "Where") {
      const Tensor chosen =
          each(in(0), in(1), [](double condition, double x) { return condition != 0 ? x : 0; });
      const Tensor other =
          each(in(0), in(2), [](double condition, double x) { return condition != 0 ? 0 : x; });
      return each(chosen, other, pairs.at("Add"));
    }
    return shaped();
  }

  // Those that move numbers, and count them.
  Tensor shaped() const {
    const std::string& op = node_.op;
    if (op == "Gather") return gather(in(0), in(1), axis(0));
    if (op == "GatherND") return gather_rows(in(0), in(1));
    if (op == "GatherElements") {
      const Around own(in(1), axis(0));
      return pick(in(0), axis(0), in(1).dims, [&](int64_t outer, int64_t i, int64_t inner) {
        return integer(in(1), own.place(outer, i, inner));
      });
    }
    if (op == "Transpose") return transpose(in(0), list("perm"));
    if (op == "Reshape") return reshape(in(0), integers(in(1)));
    if (op == "Expand") return expand(in(0), broadcast(in(0).dims, integers(in(1))));
    if (op == "Unsqueeze") {
      Tensor y = in(0);
      y.dims.insert(y.dims.begin() + integer(in(1), 0), 1);
      return y;
    }
    if (op == "Squeeze") {
      Tensor y = in(0);
      check(y.dims.at(static_cast<size_t>(integer(in(1), 0))) == 1, "an axis of more than 1 goes");
      y.dims.erase(y.dims.begin() + integer(in(1), 0));
      return y;
    }
    if (op == "Shape") {
      const auto first = static_cast<size_t>(number("start", 0));
      const auto last = static_cast<size_t>(number("end", std::ssize(in(0).dims)));
      return list_of({in(0).dims.begin() + static_cast<std::ptrdiff_t>(first),
                      in(0).dims.begin() + static_cast<std::ptrdiff_t>(last)});
    }
    if (op == "Slice") {
      const int64_t along = integer(in(3), 0), first = integer(in(1), 0);
      Dims dims = in(0).dims;
      int64_t& size = dims.at(static_cast<size_t>(along));
      size = std::min(integer(in(2), 0), size) - first;
      return pick(in(0), along, dims, [&](int64_t, int64_t i, int64_t) { return first + i; });
    }
    if (op == "Range") {
      Dims values;
      for (int64_t i = integer(in(0), 0); i < integer(in(1), 0); i += integer(in(2), 0)) values.push_back(i);
      return list_of(values);
    }
    if (op == "Concat") return concat(axis(0));
    if (op == "ReverseSequence") return reversed();
    return reduced();
  }

  Tensor reduced() const {
    const std::string& op = node_.op;
    const bool keep = number("keepdims", 1) != 0;
    if (op == "ReduceSum")
      return reduce(in(0), integer(in(1), 0), keep,
                    [](const auto& x) { return std::accumulate(x.begin(), x.end(), 0.0); });
    if (op == "ReduceMax")
      return reduce(in(0), list("axes").at(0), keep,
                    [](const auto& x) { return *std::ranges::max_element(x); });
    if (op == "ArgMax")
      return reduce(in(0), axis(0), keep, [](const auto& x) {
        return static_cast<double>(std::ranges::max_element(x) - x.begin());
      });
    fail("operator {} is not known here", op);
  }

  Tensor concat(int64_t along) const {
    Dims dims = in(0).dims;
    int64_t& size = dims.at(static_cast<size_t>(along));
    size = 0;
    for (const Tensor& x : in_) size += x.dims.at(static_cast<size_t>(along));
    Tensor y = zeros(dims);
    int64_t begin = 0;
    const Around whole(y, along);
    for (const Tensor& x : in_) {
      const Around part(x, along);
      for (int64_t outer = 0; outer < part.before; ++outer)
        for (int64_t i = 0; i < part.size; ++i)
          for (int64_t inner = 0; inner < part.after; ++inner)
            at(y, whole.place(outer, begin + i, inner)) = at(x, part.place(outer, i, inner));
      begin += part.size;
    }
    return y;
  }

  // Of time axis 0 and batch axis 1.
  Tensor reversed() const {
    check(number("time_axis", -1) == 0 && number("batch_axis", -1) == 1, "other axes are reversed");
    const int64_t columns = count(in(0).dims) / std::max<int64_t>(1, in(0).dims[0] * in(0).dims[1]);
    return pick(in(0), 0, in(0).dims, [&](int64_t, int64_t i, int64_t inner) {
      const int64_t length = integer(in(1), inner / columns);
      return i < length ? length - 1 - i : i;
    });
  }

  std::vector<Tensor> scan() const {
    const Graph& body = node_.attributes.at("body").graph.at(0);
    const auto scanned = static_cast<size_t>(number("num_scan_inputs", 0));
    const size_t states = in_.size() - scanned;
    const Dims axes = list("scan_input_axes"), backward = list("scan_input_directions"),
               out_axes = list("scan_output_axes"), out_backward = list("scan_output_directions");
    const auto value = [](const Dims& values, size_t i) { return i < values.size() ? values[i] : 0; };
    const int64_t steps = in(states).dims.at(static_cast<size_t>(value(axes, 0)));
    std::vector<Tensor> results(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(states));
    std::vector<std::vector<Tensor>> parts(body.outputs.size() - states);
    for (int64_t step = 0; step < steps; ++step) {
      std::map<std::string, Tensor> given;
      for (size_t i = 0; i < states; ++i) given[body.inputs.at(i).name] = results[i];
      for (size_t i = 0; i < scanned; ++i) {
        const auto at_step = static_cast<double>(value(backward, i) == 1 ? steps - 1 - step : step);
        given[body.inputs.at(states + i).name] =
            gather(in(states + i), Tensor{{}, {at_step}}, value(axes, i));
      }
      std::map<std::string, Tensor> found = onnx_file::run(body, std::move(given));
      for (size_t i = 0; i < states; ++i) results[i] = found.at(body.outputs.at(i).name);
      for (size_t i = 0; i < parts.size(); ++i) {
        Tensor part = found.at(body.outputs.at(states + i).name);
        part.dims.insert(part.dims.begin() + value(out_axes, i), 1);
        parts[i].insert(value(out_backward, i) == 1 ? parts[i].begin() : parts[i].end(), std::move(part));
      }
    }
    for (size_t i = 0; i < parts.size(); ++i)
      results.push_back(Operation(node_, parts[i]).concat(value(out_axes, i)));
    return results;
  }

  const Node& node_;
  std::vector<Tensor> in_;
};

}  // namespace

std::map<std::string, Tensor> run(const Graph& graph, std::map<std::string, Tensor> values) {
  for (const auto& [name, tensor] : graph.tensors) values.emplace(name, tensor);
  for (const Node& node : graph.nodes) try {
      std::vector<Tensor> inputs;
      for (const std::string& input : node.inputs) {
        check(values.contains(input), "{} is not there yet", input);
        inputs.push_back(values.at(input));
      }
      const std::vector<Tensor> results = Operation(node, std::move(inputs)).run();
      for (size_t i = 0; i < node.outputs.size(); ++i)
        check(values.emplace(node.outputs[i], results.at(i)).second, "{} is there already", node.outputs[i]);
    } catch (const Error& error) {
      fail("{} ({}): {}", node.name, node.op, error.what());
    }
  std::map<std::string, Tensor> outputs;
  for (const Value& output : graph.outputs) {
    check(values.contains(output.name), "no node gives {}", output.name);
    outputs[output.name] = values.at(output.name);
  }
  return outputs;
}

}  // namespace gradus::onnx_file
