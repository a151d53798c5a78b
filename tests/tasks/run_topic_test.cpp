// run_topic: learned, scored, saved and read again, used, and given every kind of bad input.
#include <doctest/doctest.h>

#include "tests/json.h"
#include "tests/tasks/tiny_task.h"

using namespace gradus;

namespace {

const std::string texts =
    "the dog runs in the garden\tanimals\na cat and a dog\tanimals\nthe cat is in the garden\tanimals\n"
    "a red car runs\tcars\nthe car is red\tcars\nthe fast car and a bus\tcars\n"
    "the bus is fast\tcars\na fast dog\tanimals\n";
const std::string vocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ndog\nruns\nin\ngarden\na\ncat\nand\nis\nred\ncar\nfast\nbus\n";

class TinyTopic : public TinyTask {
 public:
  TinyTopic() : TinyTask("run_topic", texts, vocabulary) {}

  // Trains until the data are known by heart, and returns the folder of the best checkpoint.
  std::string train_well() const {
    print(training({"--epoch_num=60", "--hidden_size=64", "--learning_rate=2e-3", "--dropout=0"}));
    return path("save/best");
  }
};

}  // namespace

TEST_CASE("run_topic: what was learned is scored and told again from the folder that was saved") {
  const TinyTopic tiny;
  const std::string best = tiny.train_well();
  const std::string log = tiny.print(tiny.scoring(best));
  CHECK(contains(log, "8 of 8 topics are right"));
  CHECK(tiny.score("accuracy") == 100);

  CHECK(tiny.print(tiny.predicting(best), "a cat and a dog\nthe car is red\n") == "animals\ncars\n");
  const std::string line = tiny.print(tiny.predicting(best, {"--json"}), "the car is red\n");
  CHECK(json_of(line) == Json{{"text", "the car is red"}, {"topic", "cars"}});
  // Each line has its answer, or what is wrong with it.
  const Outcome labelled = tiny.run(tiny.predicting(best), "the car is red\ncars\tthe car is red\n");
  CHECK(labelled.status == 1);
  CHECK(labelled.out == "cars\nerror: line 2: a tab in the line: expected the text alone\n");
  const Outcome outcome = tiny.run(tiny.predicting(best), "the bus is fast\n\xff\na fast dog\n");
  CHECK(outcome.status == 1);
  const Words answers = lines_of(outcome.out);
  REQUIRE(answers.size() == 3);
  CHECK(answers[0] == "cars");
  CHECK(answers[1].starts_with("error: line 2: "));
  CHECK(answers[2] == "animals");
}

TEST_CASE("run_topic: a run that was stopped goes on to the same bits, on any number of threads") {
  const TinyTopic tiny;
  tiny.check_threads(tiny.training());
}

TEST_CASE("run_topic: a trained model is trained further; a page tells of the run") {
  const TinyTopic tiny;
  const std::string best = tiny.train_well();
  const Words further = tiny.training({"--load_finetune_checkpoint_path=" + best, "--hidden_size=64",
                                       "--max_steps=1", "--report=" + tiny.path("page.html"),
                                       "--save_finetune_checkpoint_path=" + tiny.path("further")});
  tiny.print(further);
  CHECK(contains(file_content(tiny.path("page.html")), "Topics of texts"));
  CHECK(json_of(file_content(tiny.path("further/best/config.json"))).at("id2label").at("1") == "cars");
  tiny.write("other.txt", "a red bus\tboats\n");
  tiny.refuse(joined(further, {"--train_data_file_path=" + tiny.path("other.txt")}),
              "other.txt:1: topic 'boats': the model knows animals, cars");
}

TEST_CASE("run_topic: bad input is told by its place") {
  const TinyTopic tiny;
  const auto refuse = [&](const std::string& lines, const std::string& text) {
    const std::string file = tiny.write("bad.txt", lines);
    tiny.refuse(tiny.training({"--train_data_file_path=" + file}), text);
  };
  refuse("", "bad.txt: no texts: expected lines of a text, a tab and its topic");
  refuse("a red car\tcars\na cat\n", "bad.txt:2: 'a cat': expected a text, a tab and its topic");
  refuse("a red car\t\n", "bad.txt:1: the topic is missing");
  refuse("\tcars\n", "bad.txt:1: the text is missing");
  refuse("a red car\tcars\nthe bus\tcars\n", "there is one topic, 'cars', and nothing to tell it apart from");
  tiny.refuse(tiny.training({"--dataset_format=tfrecord"}), "topics are read from text");
  tiny.refuse(tiny.training({"--label_file_path=" + tiny.write("topics.txt", "boats\ncars\n")}),
              "train.txt:1: topic 'animals': the model knows boats, cars");
}
