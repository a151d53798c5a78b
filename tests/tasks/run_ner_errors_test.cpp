// What run_ner says to input that it can't work with: status 2, one line that names the place, nothing half-written.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// Trains for one step and returns the folder of the best checkpoint.
std::string train_best(const TinyNer& tiny, const Words& more = {}) {
  Words flags = tiny.training({"--max_steps=1"});
  flags.insert(flags.end(), more.begin(), more.end());
  tiny.print(flags);
  return tiny.path("save/best");
}

// A small file system in memory, mounted on a new folder while this object lives; needs a right that tests may lack.
class SmallDisk {
 public:
  SmallDisk(const std::string& folder, const std::string& size) : folder_(folder) {
    fs::create_directory(folder_);
    is_mounted_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) umount(folder_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool is_mounted() const { return is_mounted_; }

 private:
  std::string folder_;
  bool is_mounted_;
};

}  // namespace

TEST_CASE("run_ner refuses a wrong label in the evaluation data") {
  const TinyNer tiny;
  const std::string dev = tiny.write("dev.txt", "Anna B-PER\nmet O\nAlden B-TOWN\n");
  tiny.refuse(
      tiny.training({"--eval_data_file_path=" + dev}),
      dev + ":3: word 'Alden': unknown label 'B-TOWN': expected one of O, B-LOC, B-PER, I-LOC, I-PER");
}

TEST_CASE("run_ner refuses training data with a label that the label file lacks") {
  const TinyNer tiny;
  const std::string labels = tiny.write("labels.txt", "O\nB-PER\nI-PER\nI-LOC\n");
  tiny.refuse(tiny.training({"--label_file_path=" + labels}),
              tiny.path("train.txt") + ":4: word 'Alden': unknown label 'B-LOC'");
}

TEST_CASE("run_ner refuses to score entities where the tags are of another kind, and scores their accuracy") {
  const TinyNer tiny;
  const std::string data = tiny.write("words.txt", "Anna NOUN\nmet VERB\n\nthe DET\nhouse NOUN\n");
  const Words flags = tiny.training({"--train_data_file_path=" + data, "--eval_data_file_path=" + data});
  tiny.refuse(flags, data + ":1: word 'Anna': the tag 'NOUN' is not an entity's");
  Words accuracy = flags;
  accuracy.emplace_back("--assessment_method=accuracy");
  tiny.print(accuracy);
}

TEST_CASE("run_ner refuses a missing column") {
  const TinyNer tiny;
  const std::string data = tiny.write("bad.txt", "Anna B-PER\nmet\n");
  tiny.refuse(tiny.training({"--train_data_file_path=" + data}), data + ":2: ");
}

TEST_CASE("run_ner tells which columns it takes for words and tags, and names blanks that part none") {
  const TinyNer tiny;
  const std::string counted = tiny.write(
      "counted.txt", "# text = Anna left\r1 Anna NNP B-PER\r2 left VBD O\r\r1 the DT O\r2 mill NN O\r");
  const std::string log = tiny.print(
      tiny.training({"--max_steps=1", "--train_data_file_path=" + counted, "--eval_data_file_path="}));
  CHECK(
      log.find(counted +
               ": words from column 2 of 4, tags from column 4, column 1 counts the words; --text_column and "
               "--label_column choose others\n" +
               counted + ": 1 line is taken for comments; line 1: # text = Anna left\n" + counted +
               ": first sentence: Anna/B-PER left/O\n") != std::string::npos);
  CHECK(log.find("training data: 2 sentences, 4 words") != std::string::npos);
  const std::string others =
      tiny.write("others.txt", "Anna B-PER NNP\nleft O VBD\nAnna B-PER NNP\nleft O VBD\n");
  CHECK(tiny.print(tiny.training({"--max_steps=1", "--train_data_file_path=" + others,
                                  "--eval_data_file_path=" + others, "--label_column", "-2",
                                  "--save_finetune_checkpoint_path=" + tiny.path("others")}))
            .find(others + ": first sentence: Anna/B-PER left/O Anna/B-PER left/O\n") != std::string::npos);
  tiny.refuse(tiny.training({"--train_data_file_path=" + others, "--label_column=4"}),
              others + ":1: 3 columns, but --label_column 4");
  tiny.refuse(
      tiny.training({"--train_data_file_path=" + tiny.write("odd.txt", "Anna\u3000B-PER\nleft\u3000O\n")}),
      ":1: found the word 'Anna<U+3000>B-PER': U+3000 in it parts no columns");
  tiny.refuse(tiny.training(
                  {"--train_data_file_path=" + tiny.write("wide.txt", std::string("A\0n\0 \0O\0\n\0", 10))}),
              "this is text in UTF-16LE");
  // Messages of all kinds show what can't be seen.
  tiny.refuse(tiny.training({"--label_file_path=" + tiny.path("a\u00A0b")}), "a<U+00A0>b");
}

TEST_CASE("run_ner refuses invalid UTF-8 in data and vocabulary") {
  const TinyNer tiny;
  const std::string data = tiny.write("bad.txt", "Anna B-PER\nm\xFFt O\n");
  tiny.refuse(tiny.training({"--train_data_file_path=" + data}), data + ":2: ");
  tiny.refuse(tiny.training({"--vocab_file_path=" + data}), data + ":2: ");
}

TEST_CASE("run_ner answers the lines it can read, and puts an error in the place of the others") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  std::string text = "\xC3(\n";
  for (int i = 2; i < 100; ++i) text += i == 70 ? "bad \xFF line\n" : "Anna lives .\n";
  const std::string good = lines_of(tiny.print(tiny.predicting(best), "Anna lives .\n"))[0];
  Outcome outcome = tiny.run(tiny.predicting(best), text);
  CHECK(outcome.status == 1);
  Words lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 99);
  for (size_t i = 1; i < 99; ++i) {
    if (i != 69) CHECK(lines[i] == good);
  }
  CHECK(lines[0] == "error: line 1: invalid UTF-8 at byte 0: found 0xc3");
  CHECK(lines[69] == "error: line 70: invalid UTF-8 at byte 4: found 0xff");
  CHECK(
      outcome.err.ends_with("standard input: 2 of 99 lines could not be answered: each has an error in "
                            "place of its answer\n"));

  outcome = tiny.run(tiny.predicting(best, {"--json"}), text);
  CHECK(outcome.status == 1);
  lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 99);
  CHECK(json_of(lines[69]) == Json{{"error", "line 70: invalid UTF-8 at byte 4: found 0xff"}, {"line", 70}});
  CHECK(json_of(lines[98])["text"] == "Anna lives .");
}

TEST_CASE("run_ner refuses empty files") {
  const TinyNer tiny;
  const std::string empty = tiny.write("empty.txt", "");
  tiny.refuse(tiny.training({"--train_data_file_path=" + empty}), empty + ": no sentence found");
  tiny.refuse(tiny.training({"--eval_data_file_path=" + empty}), empty + ": no sentence found");
  tiny.refuse(tiny.training({"--vocab_file_path=" + empty}), empty + ": the vocabulary is empty");
  tiny.refuse(tiny.training({"--label_file_path=" + empty}), empty + ": no label found");
  tiny.refuse(tiny.training({"--config_path=" + tiny.path("missing.yaml")}), tiny.path("missing.yaml"));
}

TEST_CASE("run_ner refuses paths that don't lead to what they should") {
  const TinyNer tiny;
  const std::string missing = tiny.path("missing");
  tiny.refuse(tiny.training({"--train_data_file_path=" + missing}), missing + ": can't be opened: ");
  tiny.refuse(tiny.training({"--load_pretrain_checkpoint_path=" + missing}), "'" + missing + "'");
  tiny.refuse(tiny.scoring(missing), "'" + missing + "'");
  const std::string best = train_best(tiny);
  tiny.refuse({"--do_predict", "--seq_length=24", "--load_finetune_checkpoint_path=" + best,
               "--predict_data_file_path=" + tiny.path("save")},
              tiny.path("save"));
}

TEST_CASE("run_ner refuses a vocabulary larger than the embedding table") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  const std::string larger = tiny.write("larger.txt", file_content(tiny.path("vocab.txt")) + "one\nmore\n");
  tiny.refuse(tiny.scoring(best, {"--vocab_file_path=" + larger}),
              larger + ": the vocabulary has 36 pieces, the model's embedding table 34 rows");
}

TEST_CASE("run_ner refuses a checkpoint whose shapes are not those of its configuration") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  edit_config(best, "intermediate_size", 64);
  tiny.refuse(
      tiny.scoring(best),
      "'bert.encoder.layer.0.intermediate.dense.weight' has shape [32, 16]: the model expects [64, 16]");
  edit_config(best, "intermediate_size", 32);
  edit_config(best, "num_hidden_layers", 2);
  tiny.refuse(tiny.scoring(best), best + ": tensor 'bert.encoder.layer.1.");
  // Sizes that no machine has room for.
  edit_config(best, "num_hidden_layers", 2000000000);
  tiny.refuse(tiny.scoring(best),
              best + "/config.json: 'num_hidden_layers' is 2000000000, expected at most 1000");
  edit_config(best, "num_hidden_layers", 1);
  edit_config(best, "hidden_size", 2000000000);
  tiny.refuse(
      tiny.scoring(best),
      "'bert.embeddings.word_embeddings.weight' has shape [34, 16]: the model expects [34, 2000000000]");
}

TEST_CASE("run_ner refuses a model option that is not the checkpoint's") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  tiny.refuse(tiny.scoring(best, {"--hidden_size=32"}),
              "--hidden_size 32: the model in '" + best + "' has 16");
  tiny.refuse(tiny.scoring(best, {"--use_crf"}), "--use_crf true: the tagger in '" + best + "' has false");
  // A value that is the default contradicts as well as any other.
  const std::string other = tiny.path("other");
  tiny.print(tiny.training(
      {"--max_steps=1", "--use_crf", "--with_lstm", "--save_finetune_checkpoint_path=" + other}));
  const auto refused = [&](const std::string& name) {
    tiny.refuse(tiny.scoring(other, {fmt::format("--{}=false", name)}),
                fmt::format("--{} false: the tagger in '{}/best' has true", name, other));
  };
  refused("use_crf");
  refused("with_lstm");
}

TEST_CASE("run_ner does not train over the checkpoints of an earlier run") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  const std::string weights = file_content(best + "/model.safetensors");
  tiny.refuse(
      tiny.training({"--seed=2"}),
      fmt::format("'{}' holds checkpoints of an earlier run: --resume goes on with it", tiny.path("save")));
  CHECK(file_content(best + "/model.safetensors") == weights);
}

TEST_CASE("run_ner says before the training that the save folder can't be written to") {
  const TinyNer tiny;
  // No one, whatever his rights, can make a folder there.
  const Outcome outcome = tiny.run(tiny.training({"--save_finetune_checkpoint_path=/proc/self/task"}));
  CHECK(outcome.status == 2);
  CHECK(outcome.err.starts_with("error: cannot make folder '/proc/self/task/.probe"));
}

TEST_CASE("run_ner refuses labels that no name has, before it trains, when it scores names") {
  const TinyNer tiny;
  const std::string labels = tiny.write("labels.txt", "O\nB-PER\nI-PER\nB-LOC\nI-LOC\nQ-LOC\n");
  tiny.refuse(tiny.training({"--label_file_path=" + labels}),
              labels + ":6: the label 'Q-LOC' is not an entity's");
  tiny.print(tiny.training({"--label_file_path=" + labels, "--assessment_method=accuracy"}));
}

TEST_CASE("run_ner refuses training data that break the CRF's constraints") {
  const TinyNer tiny;
  const std::string iob1 = tiny.write("iob1.txt", "Anna B-PER\nmet O\nClara I-PER\n. O\n");
  const Words data{"--use_crf", "--eval_data_file_path=", "--train_data_file_path=" + iob1};
  Words constrained = tiny.training(data);
  constrained.push_back("--crf_constraints");
  tiny.refuse(constrained,
              iob1 + ":3: word 'Clara': the tag I-PER follows O, which --crf_constraints forbids");
  tiny.print(tiny.training(data));
}

TEST_CASE("run_ner refuses a metrics file that can't be written, before it trains") {
  const TinyNer tiny;
  const std::string metrics = tiny.path("nowhere/metrics.json");
  tiny.refuse(tiny.training({"--metrics_file=" + metrics}),
              "cannot write '" + metrics + "': No such file or directory");
  CHECK_FALSE(fs::exists(tiny.path("save")));
}

TEST_CASE("run_ner refuses a checkpoint that is broken or no tagger") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  const Json config = json_of(file_content(best + "/config.json"));
  Json settings = config.at("gradus_ner");
  settings["lstm_layers"] = 1000000000;
  edit_config(best, "gradus_ner", settings);
  tiny.refuse(tiny.scoring(best), best + "/config.json: \"gradus_ner\": 'lstm_layers' is 1000000000");
  edit_config(best, "gradus_ner", nullptr);
  tiny.refuse(tiny.scoring(best), best + "/config.json: \"gradus_ner\": ");
  edit_config(best, "gradus_ner", config.at("gradus_ner"));
  const std::string weights = file_content(best + "/model.safetensors");
  write_file(best + "/model.safetensors", weights.substr(0, weights.size() - 1));
  tiny.refuse(tiny.scoring(best), best + "/model.safetensors: ");
  fs::remove(best + "/model.safetensors");
  tiny.refuse(tiny.scoring(best), best);
}

TEST_CASE("run_ner refuses to score data with labels that the checkpoint doesn't know") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  const std::string data = tiny.write("other.txt", "Anna O\nmet B-MISC\n");
  tiny.refuse(tiny.scoring(best, {"--eval_data_file_path=" + data}),
              data + ":2: word 'met': unknown label 'B-MISC'");
}

TEST_CASE("run_ner refuses to resume with settings that don't continue the run") {
  const TinyNer tiny;
  train_best(tiny);
  const auto resume = [&](const std::string& flag) { return tiny.training({"--resume", flag}); };
  const std::string state = tiny.path("save/checkpoint-1/trainer_state.json");
  tiny.refuse(resume("--seed=2"), state + ": the checkpoint was made with seed 1, this run has 2");
  tiny.refuse(resume("--train_batch_size=3"),
              state + ": the checkpoint was made with train_batch_size 4, this run has 3");
  tiny.refuse(resume("--gradient_accumulation_steps=2"), state);
  const std::string config = tiny.path("save/checkpoint-1/config.json");
  tiny.refuse(resume("--use_crf"), config);
  const std::string labels = tiny.write("labels.txt", "O\nB-PER\nI-PER\nB-LOC\nI-LOC\n");
  tiny.refuse(resume("--label_file_path=" + labels),
              config + ": the checkpoint has the labels O, B-LOC, B-PER");
  const std::string data =
      tiny.write("other_train.txt", replaced(file_content(tiny.path("train.txt")), "lives O\n", "left O\n"));
  tiny.refuse(resume("--train_data_file_path=" + data),
              state + ": the checkpoint was made with other training data, or cut into other sequences");
  tiny.refuse(resume("--seq_length=4"), state);
  tiny.refuse(resume("--train_data_shuffle=false"),
              state + ": the checkpoint was made with train_data_shuffle true, this run has false");
  const std::string vocab = tiny.write(
      "other_vocab.txt", replaced(file_content(tiny.path("vocab.txt")), "lives\nin\n", "in\nlives\n"));
  tiny.refuse(resume("--vocab_file_path=" + vocab), tiny.path("save/checkpoint-1/vocab.txt"));
}

TEST_CASE("run_ner refuses a save folder that it can't write") {
  const TinyNer tiny;
  const std::string file = tiny.write("file", "not a folder");
  tiny.refuse(tiny.training({"--save_finetune_checkpoint_path=" + file}), "'" + file + "'");
  CHECK(file_content(file) == "not a folder");
  tiny.refuse(tiny.training({"--save_finetune_checkpoint_path=/proc/gradus"}), "'/proc/gradus'");
}

TEST_CASE("run_ner says that the disk is full, and keeps the checkpoints that are there") {
  const TinyNer tiny;
  const SmallDisk disk(tiny.path("save"), "200k");  // for about four checkpoints
  if (!disk.is_mounted()) {
    MESSAGE("skipped: no right to mount a small file system");
    return;
  }
  const Outcome outcome =
      tiny.run(tiny.training({"--save_checkpoint_steps=1", "--keep_checkpoints=100", "--log_steps=1000"}));
  CAPTURE(outcome.err);
  CHECK(outcome.status == 2);
  CHECK(part_from(outcome.err, "error: ").find("No space left on device") != std::string::npos);
  CHECK(unfinished_files(tiny.path("save")) == Words{});
  CHECK_FALSE(fs::exists(tiny.path("metrics.json")));
  std::string latest = file_content(tiny.path("save/latest"));
  latest.pop_back();
  const Outcome scored = tiny.run(tiny.scoring(tiny.path("save/" + latest)));
  CHECK_MESSAGE(scored.status == 0, scored.err);
}

TEST_CASE("run_ner says that the metrics file can't be written, and leaves a device in its place") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  if (!fs::is_character_file("/dev/full")) {
    MESSAGE("skipped: no /dev/full");
    return;
  }
  const std::string full = tiny.path("full");
  fs::create_symlink("/dev/full", full);
  tiny.refuse(tiny.scoring(best, {"--metrics_file=" + full}), "'" + full + "': No space left on device");
  CHECK(fs::is_symlink(full));
}

TEST_CASE("a disk without room for the curves ends them, not the training") {
  const TinyNer tiny;
  const SmallDisk disk(tiny.path("curves"), "4k");
  if (!disk.is_mounted()) {
    MESSAGE("skipped: no right to mount a file system");
    return;
  }
  const Outcome outcome = tiny.run(tiny.training(
      {"--log_dir=" + tiny.path("curves"), "--max_steps=60", "--do_eval", "--eval_steps=1000"}));
  CAPTURE(outcome.err);
  CHECK(outcome.status == 2);
  const std::string reason = ": No space left on device: the curves end before step ";
  CHECK(part_from(outcome.err, "error: ")
            .starts_with("error: --log_dir " + tiny.path("curves") + ": cannot write "));
  CHECK(part_from(outcome.err, "error: ").find(reason) != std::string::npos);
  CHECK(part_from(outcome.out, "warning: ").find(reason) != std::string::npos);
  CHECK(outcome.out.find("evaluation data: ") != std::string::npos);
  CHECK(fs::exists(tiny.path("save/checkpoint-60/model.safetensors")));
  CHECK(tiny.train_loss() < 1);
}

TEST_CASE("run_ner names the step and the op when the loss is not a number") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  overload(best, "bert.encoder.layer.0.intermediate.dense.weight");
  tiny.refuse(tiny.training({"--load_pretrain_checkpoint_path=" + best,
                             "--save_finetune_checkpoint_path=" + tiny.path("other")}),
              "step 1: the loss is not finite; the first op at fault: [linear]");
}

TEST_CASE("run_ner names the sentence for which the model gives no number") {
  const TinyNer tiny;
  const std::string best = train_best(tiny);
  overload(best, "classifier.weight");
  const std::string text = ": the model gives an infinite number, or none";
  tiny.refuse(tiny.scoring(best, {"--eval_pad=given"}), tiny.path("train.txt") + ":1" + text);
  tiny.refuse(tiny.predicting(best), "standard input:2" + text, "\nAnna\n");
}

TEST_CASE("run_ner names the step when training diverges") {
  const TinyNer tiny;
  const Outcome outcome = tiny.run(tiny.training(
      {"--learning_rate=1e30", "--warmup_proportion=0", "--max_grad_norm=0", "--epoch_num=20"}));
  CAPTURE(outcome.err);
  CHECK(outcome.status == 2);
  const std::string error = part_from(outcome.err, "error: ");
  CHECK(error.starts_with("error: step "));
  CHECK(error.find("the first op at fault: [") != std::string::npos);
  CHECK(error.find('\n') == error.size() - 1);
  CHECK(unfinished_files(tiny.path("save")) == Words{});
}

TEST_CASE("run_ner refuses unknown flags and values") {
  const TinyNer tiny;
  tiny.refuse(tiny.training({"--learning_rat=1"}), "did you mean --learning_rate?");
  tiny.refuse(tiny.training({"--assessment_method=F2"}), "--assessment_method: found 'F2', expected one of");
  tiny.refuse(tiny.training({"--seq_length=64"}), "--seq_length 64 is above --max_position_embeddings 32");
  tiny.refuse(
      tiny.training({"--device_id=1"}),
      "--device_target CPU --device_id 1: [backend] there is no device 1: CPU has the device 0 alone");
  tiny.refuse(tiny.training({"--tf32"}), "--tf32: [backend] CPU has no products in TF32");
  tiny.refuse(tiny.training({"--tf32", "--compute_type=bf16"}),
              "--tf32: it is for --compute_type fp32, not bf16");
}

TEST_CASE("run_ner refuses a damaged trainer state") {
  const TinyNer tiny;
  train_best(tiny);
  const std::string path = tiny.path("save/checkpoint-1/trainer_state.json");
  const Json state = json_of(file_content(path));
  const auto refused_with = [&](const std::string& key, const Json& value, const std::string& text) {
    Json changed = state;
    changed[key] = value;
    write_file(path, json_text(changed));
    tiny.refuse(tiny.training({"--resume", "--max_steps=1"}), path + ": " + text);
  };
  refused_with("step", -3, "'step' is -3, expected a whole number of 0 or more");
  refused_with("step", 1.5, "'step' is 1.5, expected a whole number");
  refused_with("optimizer_steps", -1, "'optimizer_steps' is -1, expected a whole number from 0 to 1");
  refused_with("optimizer_steps", 2, "'optimizer_steps' is 2, expected a whole number from 0 to 1");
  refused_with("evaluations_since_best", -1, "'evaluations_since_best' is -1, expected");
  refused_with("recent_losses", Json::array({1, nullptr}), "'recent_losses[1]' is null, expected a number");
  refused_with("shuffle", 1, "'shuffle' is 1, expected true or false");
  refused_with("best_scores", Json::object(), "a best step without scores");
  refused_with("settings", 7, "'settings' is 7, expected an object");
  refused_with("history", {{"losses", "none"}}, "'history.losses' is \"none\", expected a list");
  Json lacking = state;
  lacking.erase("seed");
  write_file(path, json_text(lacking));
  tiny.refuse(tiny.training({"--resume", "--max_steps=1"}), path + ": 'seed' is missing");
}
