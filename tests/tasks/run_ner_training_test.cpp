// Training with run_ner: what it takes as the same data, long sentences, resuming, and the same bits again.
#include <doctest/doctest.h>

#include "core/backend.h"
#include "core/joined.h"
#include "nn/optimizer.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

bool same_file(const TinyNer& tiny, const std::string& a, const std::string& b) {
  return file_content(tiny.path(a)) == file_content(tiny.path(b));
}

// Everything that draws random numbers or keeps state from step to step.
Words all_features(const TinyNer& tiny, const Words& more) {
  Words flags = tiny.training({"--use_crf", "--with_lstm", "--dropout=0.1", "--train_batch_size=2",
                               "--gradient_accumulation_steps=2", "--keep_checkpoints=100"});
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

// The checkpoint that the file "latest" names.
std::string latest(const TinyNer& tiny) {
  std::string name = file_content(tiny.path("save/latest"));
  name.pop_back();
  return tiny.path("save/" + name);
}

}  // namespace

TEST_CASE("run_ner takes a byte order mark, CRLF and a missing last newline for what they are") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=3"}));
  const double clean = tiny.train_loss();
  const std::string shorn = ner_sentences.substr(0, ner_sentences.size() - 1);
  const std::string mark = "\xEF\xBB\xBF";
  for (const std::string& text :
       {mark + ner_sentences, with_crlf(ner_sentences), shorn, mark + with_crlf(shorn)}) {
    const std::string data = tiny.write("variant.txt", text);
    const std::string vocab =
        tiny.write("variant_vocab.txt", with_crlf(file_content(tiny.path("vocab.txt"))));
    tiny.print(tiny.training({"--max_steps=3", "--train_data_file_path=" + data, "--vocab_file_path=" + vocab,
                              "--save_finetune_checkpoint_path="}));
    CHECK(tiny.train_loss() == clean);
  }
}

TEST_CASE("run_ner splits long sentences in training and tags every word of them in evaluation") {
  const TinyNer tiny;
  std::string text, words;
  for (int i = 0; i < 20; ++i) text += "Boris B-PER\nBrom I-PER\nmet O\n";
  text += "\nAnna B-PER\n. O\n";
  const std::string data = tiny.write("long.txt", text);
  const std::string out =
      tiny.print(tiny.training({"--do_eval", "--train_data_file_path=" + data,
                                "--eval_data_file_path=" + data, "--seq_length=12", "--epoch_num=30"}));
  const std::string counts = "2 sentences, 62 words, 82 pieces, 1 sentence longer than the sequence";
  CHECK(part_from(out, "training data: ").starts_with("training data: " + counts + "\n"));
  CHECK(part_from(out, "evaluation data: ").starts_with("evaluation data: " + counts + ";"));
  CHECK(part_from(out, "processed ")
            .starts_with("processed 62 tokens with 21 phrases; found: 21 phrases; correct: 21."));
}

TEST_CASE("run_ner keeps the place of a word that tokenizes to nothing") {
  const TinyNer tiny;
  const std::string joiner = "\u200D";
  const std::string data =
      tiny.write("joiner.txt", ner_sentences + "\nAnna B-PER\n" + joiner + " O\nAlden B-LOC\n. O\n");
  const std::string out = tiny.print(tiny.training(
      {"--do_eval", "--epoch_num=40", "--train_data_file_path=" + data, "--eval_data_file_path=" + data}));
  CHECK(part_from(out, "evaluation data: ").find("1 word without a piece ([UNK])") != std::string::npos);
  CHECK(part_from(out, "processed ")
            .starts_with("processed 68 tokens with 20 phrases; found: 20 phrases; correct: 20."));
}

TEST_CASE("a resumed run ends with the bits of one that ran through") {
  const TinyNer tiny;
  tiny.print(all_features(tiny, {"--save_checkpoint_steps=2"}));
  const fs::path resumed = tiny.path("resumed");
  fs::create_directory(resumed);
  fs::copy(tiny.path("save/checkpoint-2"), resumed / "checkpoint-2", fs::copy_options::recursive);
  const std::string out =
      tiny.print(all_features(tiny, {"--resume", "--save_finetune_checkpoint_path=" + resumed.string()}));
  CHECK(out.find("resuming from " + (resumed / "checkpoint-2").string() + " at step 2\n") !=
        std::string::npos);
  for (const std::string file :
       {"model.safetensors", "optimizer.safetensors", "trainer_state.json", "config.json"}) {
    CAPTURE(file);
    CHECK(same_file(tiny, "save/checkpoint-6/" + file, "resumed/checkpoint-6/" + file));
  }
}

TEST_CASE("a run that is killed leaves a whole checkpoint, and goes on from it to the same bits") {
  const TinyNer tiny;
  const Words flags =
      all_features(tiny, {"--save_checkpoint_steps=1", "--max_steps=100", "--eval_steps=100"});
  Words whole = flags;
  whole.push_back("--save_finetune_checkpoint_path=" + tiny.path("whole"));
  tiny.print(whole);
  Words resumed = flags;
  resumed.emplace_back("--resume");
  int kills = 0;
  for (const int milliseconds : {1, 17, 28, 39, 51}) {
    kills += tiny.run_and_kill(resumed, milliseconds) ? 1 : 0;
    tiny.print(tiny.scoring(latest(tiny)));
  }
  CHECK(kills > 0);
  tiny.print(resumed);
  CHECK(unfinished_files(tiny.path("save")) == Words{});
  CHECK(same_file(tiny, "whole/checkpoint-100/model.safetensors", "save/checkpoint-100/model.safetensors"));
  CHECK(same_file(tiny, "whole/checkpoint-100/optimizer.safetensors",
                  "save/checkpoint-100/optimizer.safetensors"));
}

TEST_CASE("recomputed, a run ends with the same bits, also when a resumed one was begun without") {
  const TinyNer tiny;
  const auto train = [&](const std::string& save, const Words& more) {
    Words flags = all_features(tiny, {"--save_checkpoint_steps=2", "--num_hidden_layers=2", "--dropout=0.2",
                                      "--save_finetune_checkpoint_path=" + tiny.path(save)});
    flags.insert(flags.end(), more.begin(), more.end());
    return tiny.print(flags);
  };
  for (const std::string& type : training_types()) {
    CAPTURE(type);
    const std::string kept = "kept_" + type, again = "again_" + type, resumed = "resumed_" + type;
    train(kept, {"--compute_type=" + type});
    train(again, {"--compute_type=" + type, "--recompute"});
    fs::create_directory(tiny.path(resumed));
    fs::copy(tiny.path(kept + "/checkpoint-2"), tiny.path(resumed + "/checkpoint-2"),
             fs::copy_options::recursive);
    train(resumed, {"--compute_type=" + type, "--recompute", "--resume"});
    for (const std::string file : {"model.safetensors", "optimizer.safetensors"}) {
      CAPTURE(file);
      CHECK(same_file(tiny, kept + "/checkpoint-6/" + file, again + "/checkpoint-6/" + file));
      CHECK(same_file(tiny, kept + "/checkpoint-6/" + file, resumed + "/checkpoint-6/" + file));
    }
  }
}

TEST_CASE("every optimizer and schedule trains, and goes on where it was stopped") {
  const TinyNer tiny;
  for (const std::string optimizer : {"Lamb", "Momentum", "AdamWeightDecay"}) {
    for (const std::string schedule : {"cosine", "constant"}) {
      if (schedule == "constant" && optimizer != "Momentum") continue;
      CAPTURE(optimizer);
      const std::string whole = optimizer + schedule, resumed = "resumed" + whole;
      const auto train = [&](const std::string& save, const Words& more) {
        Words flags =
            tiny.training({"--optimizer=" + optimizer, "--schedule=" + schedule, "--save_checkpoint_steps=2",
                           "--learning_rate=0.02", "--keep_checkpoints=100",
                           "--save_finetune_checkpoint_path=" + tiny.path(save)});
        flags.insert(flags.end(), more.begin(), more.end());
        return tiny.print(flags);
      };
      train(whole, {});
      fs::create_directory(tiny.path(resumed));
      fs::copy(tiny.path(whole + "/checkpoint-2"), tiny.path(resumed + "/checkpoint-2"),
               fs::copy_options::recursive);
      train(resumed, {"--resume"});
      for (const std::string file : {"model.safetensors", "optimizer.safetensors"})
        CHECK(same_file(tiny, whole + "/checkpoint-6/" + file, resumed + "/checkpoint-6/" + file));
    }
  }
  // What one optimizer has kept, another may lack.
  Words other = tiny.training({"--optimizer=Momentum", "--resume"});
  other.push_back("--save_finetune_checkpoint_path=" + tiny.path("Lambcosine"));
  tiny.refuse(other, "no moments of");
  std::vector<std::string_view> names;
  for (const OptimizerRow& row : optimizer_table()) names.push_back(row.name);
  tiny.refuse(tiny.training({"--optimizer=sgd"}),
              fmt::format("--optimizer: found 'sgd', expected one of {}", joined(names, ", ")));
}

TEST_CASE("run_ner gives the same bits for the same seed, and others for another") {
  const TinyNer tiny;
  const auto train = [&](const std::string& save, const std::string& flag) {
    tiny.print(all_features(tiny, {"--save_finetune_checkpoint_path=" + tiny.path(save), flag}));
  };
  train("a", "--seed=7");
  train("b", "--seed=7");
  train("c", "--seed=8");
  CHECK(same_file(tiny, "a/checkpoint-6/model.safetensors", "b/checkpoint-6/model.safetensors"));
  CHECK_FALSE(same_file(tiny, "a/checkpoint-6/model.safetensors", "c/checkpoint-6/model.safetensors"));
}

TEST_CASE("run_ner gives the same bits on any number of threads") {
  const TinyNer tiny;
  tiny.check_threads(tiny.training({"--use_crf", "--with_lstm"}));
}

TEST_CASE("run_ner fills batches up to a number of tokens") {
  const TinyNer tiny;
  const std::string out = tiny.print(tiny.training({"--train_batch_tokens=24", "--epoch_num=1"}));
  // 93 pieces and 24 [CLS] and [SEP] need five batches or more, 12 sentences as many at most.
  const std::string steps = part_from(out, "trained ").substr(std::string("trained ").size());
  CHECK(std::stoi(steps) >= 5);
  CHECK(std::stoi(steps) <= 12);
}

TEST_CASE("run_ner takes batches larger than the data, and as many of them to a step, as all there is") {
  const TinyNer tiny;
  for (const std::string flag :
       {"--train_batch_size=9223372036854775807", "--train_batch_tokens=9223372036854775807",
        "--gradient_accumulation_steps=1000000"}) {
    CAPTURE(flag);
    CHECK(part_from(tiny.print(tiny.training({flag, "--save_finetune_checkpoint_path="})), "trained ")
              .starts_with("trained 2 steps"));
  }
}

TEST_CASE("two batches added up are one batch of twice the size") {
  const TinyNer tiny;
  for (const char* head : {"--use_crf=false", "--use_crf=true"}) {
    const Words same{head, "--dropout=0", "--train_data_shuffle=false", "--max_steps=4",
                     "--save_finetune_checkpoint_path="};
    const auto loss = [&](const Words& batches) {
      Words flags = tiny.training(same);
      flags.insert(flags.end(), batches.begin(), batches.end());
      tiny.print(flags);
      return tiny.train_loss();
    };
    const double added = loss({"--train_batch_size=3", "--gradient_accumulation_steps=2"});
    const double at_once = loss({"--train_batch_size=6"});
    CHECK(added == doctest::Approx(at_once).epsilon(1e-5));
  }
}

TEST_CASE("a resumed run says what was changed, and when nothing is left") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=2"}));
  const std::string out = tiny.print(tiny.training({"--max_steps=2", "--resume", "--learning_rate=1e-3"}));
  CHECK(out.find("note: learning_rate was 0.005 when the checkpoint was made, now it is 0.001\n") !=
        std::string::npos);
  CHECK(out.find("nothing is left to train: the run has 2 steps\n") != std::string::npos);
}

TEST_CASE("a resumed run that scores by another method finds the best anew") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1", "--assessment_method=accuracy"}));
  CHECK(tiny.score("accuracy") > tiny.score("seconds"));
  // Accuracy is far above the first span F1, which must become the best all the same.
  tiny.print(tiny.training({"--max_steps=2", "--resume", "--assessment_method=span"}));
  CHECK(tiny.score("best_span_f1") == tiny.score("span_f1"));
}

TEST_CASE("a resumed run that scores on other data finds the best anew") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1", "--assessment_method=accuracy"}));
  const double first = tiny.score("best_accuracy");
  CHECK(first > 0);
  // Nobody is named so: no word is right, which is the best there is on these data.
  const std::string hard = tiny.write("hard.txt", "met B-PER\nin B-PER\n");
  const std::string out = tiny.print(tiny.training(
      {"--max_steps=2", "--resume", "--assessment_method=accuracy", "--eval_data_file_path=" + hard}));
  CHECK(out.find(
            "note: the evaluation data was another when the checkpoint was made: the best is found anew\n") !=
        std::string::npos);
  CHECK(tiny.score("best_accuracy") == tiny.score("accuracy"));
  CHECK(tiny.score("best_accuracy") < first);
  const std::string same = tiny.print(tiny.training(
      {"--max_steps=3", "--resume", "--assessment_method=accuracy", "--eval_data_file_path=" + hard}));
  CHECK(same.find("the evaluation data was another") == std::string::npos);
  // A run that scores nothing leaves the best what it is.
  const std::string none =
      tiny.print(tiny.training({"--max_steps=4", "--resume", "--do_eval=false", "--eval_data_file_path="}));
  CHECK(none.find("the evaluation data was another") == std::string::npos);
  const std::string again = tiny.print(tiny.training(
      {"--max_steps=5", "--resume", "--assessment_method=accuracy", "--eval_data_file_path=" + hard}));
  CHECK(again.find("the evaluation data was another") == std::string::npos);
}

TEST_CASE("long sentences are cut between names for the CRF's constraints") {
  const TinyNer tiny;
  // Three words fit beside [CLS] and [SEP]: a cut behind the third would part "Boris Brom".
  const std::string data = tiny.write("long.txt", "Anna B-PER\nmet O\nBoris B-PER\nBrom I-PER\n. O\n");
  const std::string out =
      tiny.print(tiny.training({"--use_crf", "--crf_constraints", "--seq_length=5", "--max_steps=1",
                                "--eval_data_file_path=", "--train_data_file_path=" + data}));
  CHECK(tiny.train_loss() < 100);
  CHECK(out.find("1 sentence longer than the sequence") != std::string::npos);
}
