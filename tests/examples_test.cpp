// The examples of the engine and of the layers do what they say.
#include <doctest/doctest.h>

#include "tests/places.h"
#include "tests/tasks/program.h"

using namespace gradus;

namespace {

Outcome example(const std::string& path, const Words& arguments = {}) {
  const std::string program = (place("GRADUS_PROGRAMS").parent_path() / path).string();
  return Process(joined({program}, arguments), "").wait();
}

}  // namespace

TEST_CASE("the example of a gradient prints it, and the tape") {
  const Outcome outcome = example("autograd/example_gradient");
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  // By hand: y = tanh(0.125, 0.625, 1.125), and the targets are 1, 0, 1.
  CHECK(outcome.out.starts_with("loss 1.11070"));
  CHECK(contains(outcome.out, "dloss/db -1.0877"));
  for (const char* op : {"   1  linear", "   2  activation", "   3  squared_error"})
    CHECK(contains(outcome.out, op));
}

TEST_CASE("the example of a network learns what it is to learn") {
  const Outcome outcome = example("nn/example_mlp");
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.out, "hidden.weight"));
  CHECK(outcome.out.ends_with("0 0 -> 0\n0 1 -> 1\n1 0 -> 1\n1 1 -> 0\n"));
}

TEST_CASE("the example of BERT prints every shape, draws it, and refuses what it can't do") {
  const Outcome outcome = example("nn/example_bert_shapes");
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  for (const char* said : {"attention               [6, 64] float32", "{query,key,value}.weight", "[192, 64]",
                           "[6, 256] float32"})
    CHECK_MESSAGE(contains(outcome.out, said), outcome.out);
  CHECK(contains(example("nn/example_bert_shapes", {"one", "word", "one"}).out, "[5, 64] float32"));
  const TemporaryFolder folder;
  const std::string picture = (folder / "bert.svg").string();
  CHECK(example("nn/example_bert_shapes", {"--svg", picture}).status == 0);
  CHECK(file_content(picture).ends_with("</svg>\n"));
  const Outcome nowhere = example("nn/example_bert_shapes", {"--svg", (folder / "no" / "bert.svg").string()});
  CHECK(nowhere.status == 2);
  CHECK(contains(nowhere.err, "bert.svg: cannot be written"));
  CHECK(contains(example("nn/example_bert_shapes", {"--svg"}).err,
                 "--svg: expected the name of a file after it"));
  CHECK(contains(example("nn/example_bert_shapes", Words(600, "a")).err, "600 words: expected at most 510"));
}
