// Training with run_squad: files, stops, and going on from there.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "tests/tasks/tiny_squad.h"

using namespace gradus;
namespace fs = std::filesystem;

TEST_CASE("run_squad goes on after a stop to the same bits, the threshold included") {
  const TinySquad tiny;
  const Words steady{"--dropout=0.1",  "--gradient_accumulation_steps=2", "--train_batch_size=3",
                     "--eval_steps=2", "--save_checkpoint_steps=1",       "--keep_checkpoints=1000",
                     "--max_steps=6"};
  const auto train = [&](const std::string& folder, const Words& more = {}) {
    Words flags = steady;
    flags.push_back("--save_finetune_checkpoint_path=" + tiny.path(folder));
    flags.insert(flags.end(), more.begin(), more.end());
    tiny.print(tiny.learning("v2.json", 1, flags));
  };
  train("whole");
  fs::create_directories(tiny.path("resumed"));
  fs::copy(tiny.path("whole/checkpoint-3"), tiny.path("resumed/checkpoint-3"), fs::copy_options::recursive);
  train("resumed", {"--resume"});
  for (const char* step : {"4", "5", "6"}) {
    for (const char* file :
         {"model.safetensors", "optimizer.safetensors", "trainer_state.json", "config.json"}) {
      CAPTURE(step);
      CAPTURE(file);
      const std::string name = fmt::format("checkpoint-{}/{}", step, file);
      CHECK(file_content(tiny.path("whole/" + name)) == file_content(tiny.path("resumed/" + name)));
    }
  }
  CHECK(tiny.settings("whole/checkpoint-4").at("null_score_diff_threshold") != 0.0);
  // One that is given counts more than what was found.
  fs::create_directories(tiny.path("given"));
  fs::copy(tiny.path("whole/checkpoint-5"), tiny.path("given/checkpoint-5"), fs::copy_options::recursive);
  train("given", {"--resume", "--null_score_diff_threshold=0.25"});
  CHECK(tiny.settings("given/checkpoint-6").at("null_score_diff_threshold") == 0.25);
}

TEST_CASE("run_squad gives the same bits on any number of threads") {
  const TinySquad tiny;
  tiny.check_threads(tiny.learning("train.txt", 2));
}

TEST_CASE("run_squad trained further learns that a text may not have the answer") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 5));
  CHECK(tiny.settings("save/best").at("version_2") == false);
  Words flags =
      tiny.using_it("--do_train", {"--train_data_file_path=" + tiny.path("v2.json"), "--epoch_num=1",
                                   "--save_finetune_checkpoint_path=" + tiny.path("more")});
  tiny.print(flags);
  CHECK(tiny.settings("more/checkpoint-1").at("version_2") == true);
}

TEST_CASE("run_squad trains on several files") {
  const TinySquad tiny;
  Json other = toy_questions();
  edit_questions(other, [](Json& question) { question["id"] = "other" + question["id"].text(); });
  tiny.write("other.json", json_text(other));
  const std::string out = tiny.print(tiny.learning(
      "train.txt", 1, {"--train_data_file_path=" + tiny.path("train.txt") + "," + tiny.path("other.json")}));
  CHECK(out.find("training data: 16 questions, 16 windows") != std::string::npos);

  Json& questions = other["data"][0]["paragraphs"][0]["qas"];
  questions = Json::array({questions[0]});
  questions[0]["answers"][0]["answer_start"] = -1;
  tiny.write("other.json", json_text(other));
  const std::string moved =
      tiny.print(tiny.learning("train.txt", 1,
                               {"--train_data_file_path=" + tiny.path("other.json"),
                                "--save_finetune_checkpoint_path=" + tiny.path("second")}));
  CHECK(moved.find(", 1 answer found at another place than the data says\n") != std::string::npos);
}

TEST_CASE("run_squad goes on with other answers to score by, and finds the best anew") {
  const TinySquad tiny;
  Json file = toy_questions();
  const std::string dev = tiny.write("dev.json", json_text(file));
  const auto train = [&](int steps, const Words& more) {
    Words flags{fmt::format("--max_steps={}", steps), "--eval_data_file_path=" + dev};
    flags.insert(flags.end(), more.begin(), more.end());
    const std::string out = tiny.print(tiny.learning("train.txt", 1, flags));
    return out.find("note: the evaluation data was another") != std::string::npos;
  };
  CHECK_FALSE(train(1, {}));
  CHECK_FALSE(train(2, {"--resume"}));
  file["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["text"] = "lives";
  tiny.write("dev.json", json_text(file));
  CHECK(train(3, {"--resume"}));
}
