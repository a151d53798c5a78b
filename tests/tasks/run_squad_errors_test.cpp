// What run_squad says of input that is wrong, and of what is odd in it.
#include <doctest/doctest.h>

#include "tests/tasks/tiny_squad.h"

using namespace gradus;
namespace fs = std::filesystem;

TEST_CASE("run_squad tells of questions that nothing can be scored by, and of answers that are never given") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 1));
  Json file = toy_questions();
  Json& first = file["data"][0]["paragraphs"][0]["qas"];
  first[0]["answers"] = Json::array();
  const std::string some = tiny.print(
      tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.write("some.json", json_text(file))}));
  CHECK(some.find("1 question has no answer to score by: it counts as wrong") != std::string::npos);
  edit_questions(file, [](Json& question) { question.erase("answers"); });
  tiny.refuse(
      tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.write("none.json", json_text(file))}),
      tiny.path("none.json") + ": no question has an answer to score by");
  // What is said to have no answer is right without one, and wrong where version 1 is asked for.
  const Words as_v2{"--eval_data_file_path=" + tiny.path("none.json"), "--version_2_with_negative=true"};
  CHECK(tiny.print(tiny.using_it("--do_eval", as_v2)).find("NoAns_exact") != std::string::npos);
  const Words as_v1{"--eval_data_file_path=" + tiny.path("v2.json"), "--version_2_with_negative=false"};
  CHECK(tiny.print(tiny.using_it("--do_eval", as_v1)).find("4 questions have no answer to score by") !=
        std::string::npos);
  // A threshold so low that no answer is always better.
  const std::string silent = tiny.print(
      tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.path("v2.json"),
                                  "--version_2_with_negative=true", "--null_score_diff_threshold=-1000"}));
  CHECK(silent.find("warning: no question is answered") != std::string::npos);
  // A text that nobody asks about is told of, though another one has questions.
  const Outcome asked =
      tiny.run(tiny.using_it("--do_predict"),
               "a text without a question\n\nanna lives in alden\nwhere does anna live ?\n");
  CHECK(asked.status == 0);
  CHECK(lines_of(asked.out).size() == 1);
  CHECK(asked.err.find("standard input:1: a text, but no question on the lines after it\n") !=
        std::string::npos);
}

TEST_CASE("run_squad says what is wrong with its input") {
  const TinySquad tiny;
  tiny.refuse({"--do_train"}, "--do_train needs --train_data_file_path");
  tiny.refuse(tiny.learning("train.txt", 1, {"--train_data_file_path=" + tiny.path("no.json")}), "no.json");
  tiny.write("bad.json", "{\"data\": [}");
  tiny.refuse(tiny.learning("train.txt", 1, {"--eval_data_file_path=" + tiny.path("bad.json")}), "bad.json");
  tiny.write("empty.json", "");
  tiny.refuse(tiny.learning("train.txt", 1, {"--train_data_file_path=" + tiny.path("empty.json")}),
              "empty.json");
  Json two = toy_questions();
  two["data"][0]["paragraphs"][0]["qas"][0]["answers"].push_back({{"text", "anna"}, {"answer_start", 0}});
  tiny.write("two.json", json_text(two));
  CHECK(tiny.print(tiny.learning("train.txt", 1,
                                 {"--train_data_file_path=" + tiny.path("two.json"),
                                  "--save_finetune_checkpoint_path=" + tiny.path("two")}))
            .find("1 question of several answers, the first of which counts") != std::string::npos);
  tiny.refuse(tiny.learning("train.txt", 1, {"--seq_length=12"}), "leaves no room for the text");
  tiny.refuse(tiny.learning("train.txt", 1, {"--seq_length=65", "--max_position_embeddings=64"}),
              "--seq_length 65 is above");
  tiny.refuse(tiny.learning("train.txt", 1, {"--assessment_method=accuracy"}),
              "expected one of auto, squad, cmrc");
  tiny.refuse(tiny.learning("train.txt", 1, {"--doc_stride=0"}), "--doc_stride");

  tiny.print(tiny.learning("train.txt", 1));
  tiny.refuse(tiny.using_it("--do_eval"), "--do_eval needs --eval_data_file_path");
  tiny.refuse(tiny.using_it("--do_predict", {"--tokenizer=google"}),
              "--tokenizer google: the question answering model in");
  const Outcome other =
      run_program("run_ner", {"--do_predict", "--load_finetune_checkpoint_path=" + tiny.path("save")});
  CHECK(other.status == 2);
  CHECK(other.err.find("this is not a tagger trained by run_ner") != std::string::npos);
  tiny.write("lines.txt", "a text\nwho\n");
  tiny.refuse(tiny.using_it("--do_predict", {"--predict_data_file_path=" + tiny.path("lines.txt"),
                                             "--output_dir=" + tiny.path("lines")}),
              "answers to lines of text go to standard output");
  tiny.refuse(tiny.using_it("--do_predict"), "standard input:1: this looks like JSON",
              json_text(toy_questions()));
  tiny.refuse(tiny.using_it("--do_eval",
                            {"--assessment_method=cmrc", "--eval_data_file_path=" + tiny.path("v2.json")}),
              "that scorer knows no questions without an answer");
  tiny.refuse(tiny.learning("train.txt", 1, {"--eval_json_path=" + tiny.path("v2.json")}),
              "which of them to score on?");
  const std::string data = "--train_data_file_path=" + tiny.path("train.txt");
  tiny.refuse(tiny.learning("train.txt", 1, {data + ","}), "a comma with no file beside it");
  tiny.refuse(tiny.learning("train.txt", 1, {data + "," + tiny.path("train.txt")}), "is named twice");
  tiny.refuse(tiny.learning("train.txt", 1, {data + "," + tiny.path("./train.txt")}), "is named twice");
  tiny.refuse(tiny.learning("v2.json", 1, {"--version_2_with_negative=false"}),
              "--version_2_with_negative false: " + tiny.path("v2.json") + ": question 'n");
  overload(tiny.path("save/best"), "qa_outputs.weight");
  tiny.refuse(tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.path("train.txt")}),
              "question 'a0': the model gives an infinite number, or none");
  fs::remove_all(tiny.path("save"));
  tiny.print(tiny.learning("train.txt", 1));
  // Nothing is asked: nothing is answered.
  CHECK(tiny.print(tiny.using_it("--do_predict"), "").empty());
  CHECK(tiny.print(tiny.using_it("--do_predict"), "a text without a question\n").empty());
}

TEST_CASE("run_squad answers the questions it can read, and says of the others what is wrong") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 1));
  const std::string text = "anna lives in alden\n", question = "where does anna live\n";
  const std::string answer = tiny.print(tiny.using_it("--do_predict"), text + question);
  const Outcome outcome =
      tiny.run(tiny.using_it("--do_predict"),
               text + "where \xFF\n" + question + "\nbad \xFF text\n" + question + "\n" + text + question);
  CHECK(outcome.status == 1);
  CHECK(outcome.out == "error: line 2: invalid UTF-8 at byte 6: found 0xff\n" + answer +
                           "error: line 5: invalid UTF-8 at byte 4: found 0xff\n"
                           "error: line 6: a question about line 5, which could not be read\n" +
                           answer);
  CHECK(outcome.err ==
        "standard input: 3 of 9 lines could not be answered: each has an error in place of its answer\n");
  const Words objects = lines_of(tiny.run(tiny.using_it("--do_predict", {"--json"}), "bad \xFF\n").out);
  REQUIRE(objects.size() == 1);
  CHECK(objects[0] == R"({"error":"line 1: invalid UTF-8 at byte 4: found 0xff","line":1})");
}
