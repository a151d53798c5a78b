// What is printed of a tape: the ops of known graphs, what they keep, and the names of all parameters.
#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "autograd/printed_tape.h"
#include "nn/bert.h"
#include "tests/files.h"
#include "tests/naive_backend.h"
#include "tests/nn/tiny_bert.h"

using namespace gradus;

namespace {

Tensor tensor(const Shape& shape, const std::vector<float>& values) {
  return Tensor::from(naive_backend(), shape, values);
}

Variable parameter(const std::string& name, const Shape& shape, const std::vector<float>& values) {
  return Variable::parameter(tensor(shape, values), Tensor::zeros(naive_backend(), shape), {}, name);
}

// "self.{query,key}.weight" as what it stands for.
std::vector<std::string> in_full(const std::string& name) {
  const size_t open = name.find('{'), close = name.find('}');
  if (open == std::string::npos) return {name};
  std::vector<std::string> names;
  std::istringstream list(name.substr(open + 1, close - open - 1));
  for (std::string part; std::getline(list, part, ',');)
    names.push_back(name.substr(0, open) + part + name.substr(close + 1));
  return names;
}

struct TrainedBert {
  explicit TrainedBert(DType compute_type, bool recompute = false)
      : encoder(Scope(parameters) / "bert", tiny_bert()) {
    parameters.allocate(naive_backend(), Parameters::Use::training, compute_type);
    parameters.initialize_all(1);
    Context context{.training = true, .compute_type = compute_type};
    context.recompute = recompute;
    y = encoder.forward(context, tiny_tokens(naive_backend(), {4, 3}, 0));
  }
  Parameters parameters;
  BertEncoder encoder;
  Variable y;
};

}  // namespace

TEST_CASE(
    "the printed tape of a small graph has its ops, what they keep, and after backward() the gradients") {
  const Variable w = parameter("w", {1, 2}, {0.5F, -0.25F}), b = parameter("b", {1}, {0});
  const Variable x(tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
  const Variable y = linear(x, w, b);  // keeps x, 24 bytes; w is there anyway
  const Variable z =
      add(y, activation(y, Activation::tanh));  // the activation keeps y, 12 bytes; the sum nothing
  const Variable loss = squared_error(z, tensor({3}, {0, 0, 0}));  // keeps z and the targets
  const Tape tape = read_tape(loss);
  const std::string before =
      "step  op                      result                         keeps  of steps\n"
      "   1  linear                  [3, 1] float32                  24 B\n"
      "      w                                                               [1, 2]\n"
      "      b                                                               [1]\n"
      "   2  activation              [3, 1] float32                  12 B  1\n"
      "   3  add                     [3, 1] float32                     -  1, 2\n"
      "   4  squared_error           [1] float32                     24 B  3\n"
      "4 steps keep 60 B for the backward pass; 2 parameters have 3 numbers\n";
  CHECK(print_tape(tape) == before);
  CHECK(print_tape(loss) == before);
  // What was printed is there still: it was read from copies.
  backward(loss);
  CHECK(contains(print_tape(tape), "[1]  gradient "));
  CHECK(error_of([&] { print_tape(loss); }) == "[print_tape] the graph was freed by an earlier backward()");
  CHECK(error_of([&] { print_tape(x); }) ==
        "[print_tape] the result depends on no parameter: nothing was recorded");
}

TEST_CASE("what steps keep is the memory that goes with the tape") {
  for (const DType compute_type : {DType::float32, DType::bfloat16}) {
    for (const bool recompute : {false, true}) {
      CAPTURE(recompute);
      TrainedBert bert(compute_type, recompute);
      const size_t kept = read_tape(bert.y).kept(), held = naive_backend().memory().current;
      const size_t result = bert.y.value().bytes();
      bert.y = {};
      const size_t freed = held - naive_backend().memory().current;
      // The last result is the caller's, and nothing keeps it.
      CHECK(kept + result == freed);
    }
  }
}

TEST_CASE("a BERT's tape names all of its parameters, in lines that fit a screen") {
  const TrainedBert bert(DType::float32);
  const std::string text = print_tape(bert.y);
  std::set<std::string> printed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CHECK_MESSAGE(line.size() <= 100, line);
    std::istringstream words(line);
    std::string first;
    words >> first;
    for (const std::string& name : in_full(first)) printed.insert(name);
  }
  for (const NamedTensor& tensor : bert.parameters.tensors())
    CHECK_MESSAGE(printed.count(tensor.name) == 1, tensor.name, " is not in\n", text);
  const std::string picture = draw_tape(read_tape(bert.y));
  CHECK(picture.starts_with("<svg xmlns"));
  CHECK(picture.ends_with("</svg>\n"));
  for (const auto& node : read_tape(bert.y).parameters()) CHECK(contains(picture, node->parameter->name));
  for (const Tape::Step& step : read_tape(bert.y).steps) CHECK(contains(picture, std::string(step.op)));
}

TEST_CASE("a name is escaped in a picture, and a parameter without one is called so") {
  const Variable odd = parameter("<a & b>", {2}, {1, 2}), nameless = parameter("", {2}, {1, 2});
  const Tape tape = read_tape(add(odd, nameless));
  CHECK(contains(draw_tape(tape), "&lt;a &amp; b&gt; [2]"));
  CHECK(contains(print_tape(tape), "      a parameter "));
}
