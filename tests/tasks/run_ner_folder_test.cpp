// The folder that training saves to: what else lies there stays, one run at a time writes there, no model without
// numbers gets there, and `best` is what the run says of it.
#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <map>
#include <thread>
#include <tuple>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

Json state_of(const std::string& checkpoint) {
  return json_of(file_content(checkpoint + "/trainer_state.json"));
}

void copy_checkpoint(const TinyNer& tiny, const std::string& from, const std::string& to) {
  fs::create_directories(fs::path(tiny.path(to)).parent_path());
  fs::copy(tiny.path(from), tiny.path(to), fs::copy_options::recursive);
}

// The run's best as its log says it.
std::string best_line(const std::string& out) {
  const std::string line = part_from(out, "\nbest: ");
  return line.empty() ? line : line.substr(1, line.find('\n', 1) - 1);
}

}  // namespace

TEST_CASE("training, killed, resumed and repaired, leaves all files that are not its own") {
  const TinyNer tiny;
  fs::create_directories(tiny.path("save/.old.old"));
  fs::create_directories(tiny.path("save/checkpoint-08"));
  fs::create_directories(tiny.path("save/data.tmp-999999999"));
  for (const char* name :
       {".notes.old", "notes", ".profile.old", ".old.old/file", "checkpoint-08/model.safetensors",
        "checkpoint-1.bak", "data.csv.tmp-999999999", "data.tmp-999999999/file", "best.txt", "latest.old"})
    tiny.write(std::string("save/") + name, name);
  fs::create_symlink(tiny.path("train.txt"), tiny.path("save/.link.old"));
  fs::create_symlink("checkpoint-999", tiny.path("save/checkpoint-999"));  // to itself
  const std::map<std::string, std::string> before = contents_of(tiny.path("save"));

  const Words flags = tiny.training({"--save_checkpoint_steps=1", "--max_steps=60", "--resume"});
  for (const int milliseconds : {1, 20, 40}) tiny.run_and_kill(flags, milliseconds);
  // From within the folder, too.
  Words inside = flags;
  inside.push_back("--save_finetune_checkpoint_path=.");
  const std::string enter = fmt::format("cd '{}' && exec", tiny.path("save"));
  CHECK(run_in_shell(command_of("run_ner", inside), "", enter).status == 0);
  tiny.print(tiny.scoring(tiny.path("save")));
  std::map<std::string, std::string> after = contents_of(tiny.path("save"));
  for (const auto& [name, text] : before) {
    CAPTURE(name);
    CHECK(after[name] == text);
    after.erase(name);
  }
  for (const auto& [name, text] : after) {
    CAPTURE(name);
    CHECK((name == "latest" || name.starts_with("best/") || name.starts_with("checkpoint-60/")));
  }
}

TEST_CASE("what has a name that training needs, and is not its own, is named and left alone") {
  for (const std::string name : {"best", "checkpoint-2", "latest"}) {
    CAPTURE(name);
    for (const std::string kind : {"file", "folder", "link to itself", "link to a checkpoint"}) {
      if (name == "latest" && kind == "file") continue;
      CAPTURE(kind);
      const TinyNer tiny;
      fs::create_directory(tiny.path("save"));
      const std::string path = tiny.path("save/" + name);
      if (kind == "file") tiny.write("save/" + name, "mine");
      if (kind == "folder") {
        fs::create_directory(path);
        tiny.write("save/" + name + "/file", "mine");
      }
      if (kind == "link to itself") fs::create_symlink(path, path);
      if (kind == "link to a checkpoint") {
        tiny.print(tiny.training({"--max_steps=1", "--save_finetune_checkpoint_path=" + tiny.path("other")}));
        fs::create_directory_symlink(tiny.path("other/best"), path);
      }
      const std::map<std::string, std::string> before = contents_of(tiny.path("save"));
      for (const char* resume : {"--resume=false", "--resume=true"})
        tiny.refuse(tiny.training({"--max_steps=3", resume}), "'" + path + "'");
      CHECK(contents_of(tiny.path("save")) == before);
    }
  }
}

TEST_CASE("a save folder whose names lead nowhere is refused with the reason when it is read") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=2"}));
  const std::string best = tiny.path("save/best"), latest = tiny.path("save/latest");
  fs::remove_all(best);
  fs::create_symlink(best, best);
  tiny.refuse(tiny.scoring(tiny.path("save")),
              "cannot read '" + best + "': Too many levels of symbolic links");
  fs::remove(best);
  fs::create_symlink("checkpoint-7", tiny.path("save/checkpoint-7"));
  tiny.print(tiny.scoring(tiny.path("save")));
  fs::remove(latest);
  fs::create_symlink(latest, latest);
  tiny.refuse(tiny.scoring(tiny.path("save")),
              "cannot read '" + latest + "': Too many levels of symbolic links");
}

TEST_CASE("of two runs started at once on one folder one is refused, and the other's models are all there") {
  const TinyNer tiny;
  for (int round = 0; round < 6; ++round) {
    fs::remove_all(tiny.path("save"));
    const auto flags = [&](int seed) {
      return tiny.training({"--seed=" + std::to_string(seed), "--save_checkpoint_steps=2", "--eval_steps=2",
                            "--max_steps=6", "--metrics_file="});
    };
    Process one(command_of("run_ner", flags(1)), ""), two(command_of("run_ner", flags(2)), "");
    const Outcome first = one.wait(), second = two.wait();
    CAPTURE(first.err);
    CAPTURE(second.err);
    const int winner = first.status == 0 ? 1 : 2;
    const Outcome& refused = winner == 1 ? second : first;
    CHECK((winner == 1 ? first : second).status == 0);
    CHECK(refused.status == 2);
    // One that comes when the other has ended finds its checkpoints.
    CHECK((refused.err.find("': another run writes there: run_ner, process ") != std::string::npos ||
           refused.err.find("holds checkpoints of an earlier run") != std::string::npos));
    CHECK(state_of(tiny.path("save/checkpoint-6")).at("seed") == winner);
    CHECK(state_of(tiny.path("save/best")).at("seed") == winner);
    CHECK(unfinished_files(tiny.path("save")) == Words{});
  }
}

TEST_CASE("while a run saves to a folder its models can be used, and after a kill it goes on") {
  const TinyNer tiny;
  const Words flags = tiny.training(
      {"--save_checkpoint_steps=1", "--eval_steps=1", "--max_steps=100000", "--resume", "--metrics_file="});
  Process run(command_of("run_ner", flags), "");
  while (run.is_running() && !fs::exists(tiny.path("save/latest")))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (int i = 0; i < 4; ++i) {
    const Outcome scored = tiny.run(tiny.scoring(tiny.path("save")));
    CAPTURE(scored.err);
    CHECK((scored.status == 0 ||
           scored.err.find("was replaced while it was read: a run that trains saves there; try again") !=
               std::string::npos));
    const Outcome refused = tiny.run(flags);
    CHECK(refused.status == 2);
    CHECK(refused.err.find("': another run writes there: run_ner, process ") != std::string::npos);
  }
  CHECK(run.is_running());
  run.kill();
  run.wait();
  const int64_t reached =
      state_of(tiny.path("save") + "/" + lines_of(file_content(tiny.path("save/latest")))[0])
          .at("step")
          .integer();
  Words rest = flags;
  rest.push_back("--max_steps=" + std::to_string(reached + 1));
  tiny.print(rest);
  CHECK(unfinished_files(tiny.path("save")) == Words{});
}

TEST_CASE("a model whose numbers are none is not saved, and the last good one stays") {
  const TinyNer tiny;
  // The decay alone takes every weight beyond float32, after a loss and gradients that are good.
  const std::string decay = "--weight_decay=1e38", rate = "--learning_rate=1e3";
  const std::string fault = " are infinite or not a number after the update: it is not saved; ";
  const Outcome first = tiny.run(tiny.training({decay, rate, "--max_steps=1", "--eval_data_file_path="}));
  CHECK(first.status == 2);
  CHECK(part_from(first.err, "error: ").starts_with("error: step 1: 468 values of bert.embeddings.word_emb"));
  CHECK(first.err.find(fault + "there is no checkpoint before\n") != std::string::npos);
  CHECK_FALSE(fs::exists(tiny.path("save")));

  tiny.print(tiny.training({"--max_steps=2"}));
  const std::map<std::string, std::string> before = contents_of(tiny.path("save"));
  for (const std::string& evaluation :
       {"--eval_data_file_path=" + tiny.path("train.txt"), std::string("--eval_data_file_path=")}) {
    const Outcome outcome = tiny.run(tiny.training({decay, rate, "--max_steps=3", "--resume", evaluation}));
    CAPTURE(outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.err.find("error: step 3: ") != std::string::npos);
    CHECK(outcome.err.find(fault + "the last good checkpoint is " + tiny.path("save/checkpoint-2") + "\n") !=
          std::string::npos);
    CHECK(contents_of(tiny.path("save")) == before);
  }
  tiny.print(tiny.scoring(tiny.path("save")));
}

TEST_CASE("weights that are no numbers are refused by name wherever they are read") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1", "--use_crf"}));
  const std::string best = tiny.path("save/best"), newest = tiny.path("save/checkpoint-1");
  for (const std::string tensor :
       {"bert.embeddings.word_embeddings.weight", "classifier.bias", "crf.transitions"}) {
    CAPTURE(tensor);
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      for (const std::string& checkpoint : {best, newest}) {
        const std::string weights = file_content(checkpoint + "/model.safetensors");
        edit_tensor(checkpoint, tensor, [&](std::vector<float>& values) { values.back() = value; });
        const std::string fault = "tensor '" + tensor + "': 1 of its ";
        tiny.refuse(tiny.scoring(checkpoint), fault);
        tiny.refuse(tiny.predicting(checkpoint), fault, "Anna\n");
        const std::string other = "--save_finetune_checkpoint_path=" + tiny.path("other");
        tiny.refuse(tiny.training({"--load_finetune_checkpoint_path=" + checkpoint, other}), fault);
        tiny.refuse(tiny.training({"--load_pretrain_checkpoint_path=" + checkpoint, "--use_crf", other}),
                    fault);
        if (checkpoint == newest)
          tiny.refuse(tiny.training({"--use_crf", "--max_steps=2", "--resume"}), fault);
        write_file(checkpoint + "/model.safetensors", weights);
      }
    }
  }
}

TEST_CASE("moments that are none are refused by name when a run is resumed") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const std::string newest = tiny.path("save/checkpoint-1"), file = newest + "/optimizer.safetensors";
  const std::string good = file_content(file);
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                  infinity = std::numeric_limits<float>::infinity();
  for (const auto& [moment, value, text] : {std::tuple{"m.", nan, "nan, expected numbers"},
                                            {"m.", -infinity, "-inf, expected numbers"},
                                            {"v.", infinity, "inf, expected numbers, none below 0"},
                                            {"v.", nan, "nan, expected numbers"},
                                            {"v.", -1e-30F, "-1e-30, expected numbers, none below 0"}}) {
    const std::string tensor = std::string(moment) + "classifier.weight";
    edit_tensor(
        newest, tensor, [&, wrong = value](std::vector<float>& values) { values[1] = wrong; },
        "optimizer.safetensors");
    tiny.refuse(tiny.training({"--max_steps=2", "--resume"}),
                file + ": '" + tensor + "' has the value " + text);
    write_file(file, good);
  }
  // A first moment may be below 0, and one that is whole goes on.
  edit_tensor(
      newest, "m.classifier.weight", [](std::vector<float>& values) { values[1] = -1e-3F; },
      "optimizer.safetensors");
  tiny.print(tiny.training({"--max_steps=2", "--resume"}));
}

TEST_CASE("the best that a resumed run tells of is what the folder `best` holds") {
  const TinyNer tiny;
  const auto flags = [&](const std::string& save, const Words& more) {
    Words words = tiny.training({"--max_steps=16", "--eval_steps=1", "--save_checkpoint_steps=4",
                                 "--keep_checkpoints=9", "--train_batch_size=2",
                                 "--save_finetune_checkpoint_path=" + tiny.path(save)});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  tiny.print(flags("whole", {}));
  const double best_score = tiny.score("best_span_f1");
  const int64_t best_step = state_of(tiny.path("whole/best")).at("step").integer();
  REQUIRE(best_step > 4);
  REQUIRE(state_of(tiny.path("whole/checkpoint-4")).at("best_step") != best_step);
  const auto killed_before_save =
      [&](const std::string& save) {  // `best` was written, the next checkpoint was not
        copy_checkpoint(tiny, "whole/best", save + "/best");
        copy_checkpoint(tiny, "whole/checkpoint-4", save + "/checkpoint-4");
      };
  const std::string note =
      fmt::format("/best is the model of step {}, span_f1 {:.2f}: it stays until there is a better one\n",
                  best_step, best_score);

  {
    INFO("with the same settings the run comes by it again, to the same bits");
    killed_before_save("again");
    const std::string out = tiny.print(flags("again", {"--resume"}));
    CHECK(out.find(note) != std::string::npos);
    CHECK(contents_of(tiny.path("again")) == contents_of(tiny.path("whole")));
    CHECK(tiny.score("best_span_f1") == best_score);
  }
  {
    INFO("with others that find nothing better it stays, and is told of");
    killed_before_save("changed");
    const std::string page = tiny.path("page.html");
    const std::string out =
        tiny.print(flags("changed", {"--resume", "--learning_rate=1e-9", "--do_eval", "--report=" + page}));
    CHECK(best_line(out) ==
          fmt::format("best: span_f1 {:.2f} at step {}, in {}; the model in use is that of step 16",
                      best_score, best_step, tiny.path("changed/best")));
    CHECK(tiny.score("best_span_f1") == best_score);
    CHECK(state_of(tiny.path("changed/best")).at("step") == best_step);
    CHECK(file_content(page).find(fmt::format("After step {} it was better", best_step)) !=
          std::string::npos);
    // The next run knows it, too.
    const std::string next =
        tiny.print(flags("changed", {"--resume", "--learning_rate=1e-9", "--max_steps=17"}));
    CHECK(next.find(note) != std::string::npos);
    CHECK(best_line(next).find(fmt::format(" at step {}, in ", best_step)) != std::string::npos);
  }
  {
    INFO("one that was removed is made anew");
    copy_checkpoint(tiny, "whole/checkpoint-8", "removed/checkpoint-8");
    const std::string out =
        tiny.print(flags("removed", {"--resume", "--learning_rate=1e-9", "--max_steps=9"}));
    CHECK(out.find("/best, of step ") != std::string::npos);
    CHECK(out.find(", is gone: it is made anew at the next evaluation\n") != std::string::npos);
    CHECK(state_of(tiny.path("removed/best")).at("step") == 9);
    CHECK(tiny.score("best_span_f1") == tiny.score("span_f1"));
  }
  {
    INFO("one that was removed is not told of when nothing is left to evaluate");
    copy_checkpoint(tiny, "whole/checkpoint-16", "done/checkpoint-16");
    CHECK(best_line(tiny.print(flags("done", {"--resume"}))).empty());
    CHECK(file_content(tiny.path("metrics.json")).find("best_") == std::string::npos);
  }
  {
    INFO("one of another run is refused and stays");
    tiny.print(flags("other", {"--seed=5", "--max_steps=1"}));
    copy_checkpoint(tiny, "other/best", "mixed/best");
    copy_checkpoint(tiny, "whole/checkpoint-4", "mixed/checkpoint-4");
    const std::map<std::string, std::string> before = contents_of(tiny.path("mixed/best"));
    tiny.refuse(flags("mixed", {"--resume"}),
                tiny.path("mixed/best/trainer_state.json") + ": the checkpoint was made with seed 5");
    CHECK(contents_of(tiny.path("mixed/best")) == before);
  }
  {
    INFO("one scored on other data, or by another method, is found anew");
    for (const Words& other :
         {Words{"--eval_data_file_path=" + tiny.write("hard.txt", "met B-PER\nin B-PER\n")},
          Words{"--assessment_method=accuracy"}}) {
      fs::remove_all(tiny.path("scored"));
      killed_before_save("scored");
      Words words = flags("scored", {"--resume", "--learning_rate=1e-9", "--max_steps=5"});
      words.insert(words.end(), other.begin(), other.end());
      tiny.print(words);
      CHECK(state_of(tiny.path("scored/best")).at("step") == 5);
    }
  }
}

TEST_CASE("numbers that float32 can't hold are refused by name, with what is allowed") {
  const TinyNer tiny;
  for (const std::string option :
       {"learning_rate", "end_learning_rate", "power", "weight_decay", "max_grad_norm"}) {
    for (const std::string value : {"1e39", "1e400", "nan", "inf", "1e-60"}) {
      CAPTURE(option);
      const std::string allowed =
          ": found '" + value + "', expected a number, at least 0" +
          (value == "nan" || value == "inf" ? "\n" : ", that float32 can hold: 0, or of a size from ");
      tiny.refuse(tiny.training({"--" + option + "=" + value}), "--" + option + allowed);
      if (option == "learning_rate") continue;  // the flag that training() gives wins
      const std::string config = tiny.write("config.yaml", option + ": " + value + "\n");
      tiny.refuse(tiny.training({"--config_path=" + config}), option + allowed);
    }
    tiny.refuse(tiny.training({"--" + option + "=-1"}),
                "--" + option + ": found '-1', expected a number, at least 0");
  }
  for (const std::string value : {"0", "1e-40", "nan", "2"})
    tiny.refuse(tiny.training({"--adam_eps=" + value}),
                "--adam_eps: found '" + value + "', expected a number from 1e-30 to 1");
  for (const std::string option : {"warmup_proportion", "dropout", "layer_norm_eps"}) {
    for (const std::string value : {"1e39", "nan", "-1"})
      tiny.refuse(tiny.training({"--" + option + "=" + value}),
                  "--" + option + ": found '" + value + "', expected a number from 0");
  }
}
