// Settings of a tokenizer that lie beside a model: they decide what is learned and predicted, and go along wherever the
// model goes.
#include <doctest/doctest.h>

#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

const char* const pieces =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncaf\xC3\xA9\ncafe\ngood\nbad\n\xE4\xBA\xAC\n\xE5\x8C\x97\n##"
    "\xE4\xBA\xAC\n[\ne\n]\n";
const char* const texts = "good caf\xC3\xA9\tpos\nbad cafe\tneg\ngood\tpos\nbad\tneg\n";

// A task whose model/ is an encoder of its vocabulary, with settings beside it, and no head.
struct Task : TinyClassifier {
  explicit Task(const std::string& settings, const std::string& vocabulary = pieces) {
    write("data.tsv", texts);
    const std::string vocab = write("pieces.txt", vocabulary);
    print(
        training({"--max_steps=1", "--vocab_file_path=" + vocab, "--train_data_file_path=" + path("data.tsv"),
                  "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + path("made")}));
    fs::rename(path("made/checkpoint-1"), path("model"));
    write("model/tokenizer_config.json", settings);
  }
  // Trains on data.tsv from model/ to `save`.
  Words from_model(const std::string& save, const Words& more = {}) const {
    Words flags =
        training({"--load_pretrain_checkpoint_path=" + path("model"), "--vocab_file_path=", "--max_steps=1",
                  "--train_data_file_path=" + path("data.tsv"), "--keep_checkpoints=10",
                  "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + path(save)});
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }
  // Whether a trained model tells two texts apart.
  bool differ(const std::string& model, const std::string& a, const std::string& b) const {
    const std::vector<std::string> lines = lines_of(print(predicting(model), a + "\n" + b + "\n"));
    REQUIRE(lines.size() == 2);
    return lines[0].substr(0, lines[0].rfind('\t')) != lines[1].substr(0, lines[1].rfind('\t'));
  }
  Json saved(const std::string& folder) const {
    return json_of(file_content(path(folder + "/tokenizer_config.json")));
  }
};

}  // namespace

TEST_CASE("accents and ideographs are treated as the settings say, from training to prediction") {
  const Task task(R"({"do_lower_case": true, "strip_accents": false, "tokenize_chinese_chars": false})");
  const std::string log = task.print(task.from_model("save"));
  CHECK(contains(log, "note: tokenizer of " + task.path("model/vocab.txt") +
                          ": do_lower_case true, strip_accents false, tokenize_chinese_chars false\n"));
  const std::string trained = task.path("save/checkpoint-1");
  CHECK(task.differ(trained, "caf\xC3\xA9", "cafe"));
  CHECK_FALSE(task.differ(trained, "caf\xC3\xA9", "CAF\xC3\x89"));
  CHECK(task.differ(trained, "\xE5\x8C\x97\xE4\xBA\xAC", "\xE5\x8C\x97 \xE4\xBA\xAC"));
  CHECK(task.saved("save/checkpoint-1")["strip_accents"] == false);
  CHECK(task.saved("save/checkpoint-1")["tokenize_chinese_chars"] == false);

  // Resumed, and trained further, it stays so.
  task.print(task.from_model("save", {"--max_steps=2", "--resume"}));
  CHECK(task.saved("save/checkpoint-2")["strip_accents"] == false);
  task.print(
      task.training({"--load_finetune_checkpoint_path=" + trained, "--vocab_file_path=", "--max_steps=1",
                     "--train_data_file_path=" + task.path("data.tsv"),
                     "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + task.path("more")}));
  CHECK(task.saved("more/checkpoint-1")["strip_accents"] == false);
  CHECK(task.differ(task.path("more/checkpoint-1"), "caf\xC3\xA9", "cafe"));

  // Changed behind its back, it is not resumed, nor used with a vocabulary that says otherwise.
  task.write("model/tokenizer_config.json", R"({"do_lower_case": true})");
  task.refuse(task.from_model("save", {"--max_steps=3", "--resume"}), "it can't be continued");
  task.refuse(
      task.predicting(trained, {"--vocab_file_path=" + task.path("model/vocab.txt")}),
      "the settings beside it say do_lower_case true, the model's text was cut with do_lower_case true, "
      "strip_accents false, tokenize_chinese_chars false",
      "a\n");
}

TEST_CASE("what the command line asks for counts, and is told") {
  const Task task(R"({"do_lower_case": false})");
  const std::string log = task.print(task.from_model("save", {"--do_lower_case=true"}));
  CHECK(contains(log, "note: --do_lower_case true counts: the settings beside " +
                          task.path("model/vocab.txt") + " say false\n"));
  CHECK(task.saved("save/checkpoint-1")["do_lower_case"] == true);
  fs::create_directory(task.path("other"));
  task.write("other/vocab.txt", pieces);
  task.write("other/tokenizer_config.json", R"({"do_lower_case": true, "strip_accents": false})");
  const std::string other =
      task.print(task.from_model("other_save", {"--vocab_file_path=" + task.path("other/vocab.txt")}));
  CHECK(contains(other, "do_lower_case true, strip_accents false: those of " + task.path("model/vocab.txt")));
  CHECK(task.saved("other_save/checkpoint-1")["strip_accents"] == false);
  task.write("model/tokenizer_config.json", R"({"tokenizer_class": "BertJapaneseTokenizer"})");
  task.refuse(task.from_model("japanese"), "'tokenizer_class' is BertJapaneseTokenizer");
}

TEST_CASE("an empty line at the end of a vocabulary needs no row in the embedding table") {
  const Task task(R"({"do_lower_case": true})");
  task.write("model/vocab.txt", std::string(pieces) + "\n");
  const std::string log = task.print(task.from_model("save"));
  CHECK(contains(log, "note: " + task.path("model/vocab.txt") + ": 1 empty line at the end left out"));
  CHECK(file_content(task.path("save/checkpoint-1/vocab.txt")) == pieces);
}

TEST_CASE("generators cut text as the files beside the vocabulary say") {
  const Task task(R"({"do_lower_case": true, "strip_accents": false})");
  fs::create_directory(task.path("in"));
  task.write("in/train.tsv", texts);
  const auto made = [&](const std::string& vocab, const std::string& folder) {
    const Outcome outcome =
        run_program("generate_classifier_records",
                    {"--dataset_name=tsv", "--data_dir=" + task.path("in"), "--train_file=train.tsv",
                     "--do_eval=false", "--do_predict=false", "--tokenizer=hf", "--dataset_format=tfrecord",
                     "--max_seq_length=8", "--vocab_file=" + vocab, "--output_dir=" + task.path(folder)});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return outcome.out;
  };
  CHECK(contains(made(task.path("model/vocab.txt"), "with"), "do_lower_case true, strip_accents false\n"));
  made(task.path("model"), "of_folder");
  made(task.path("pieces.txt"), "without");
  std::string with, without, of_folder;
  for (const auto& entry : fs::directory_iterator(task.path("with"))) {
    if (entry.path().extension() == ".txt") continue;
    const std::string name = entry.path().filename().string();
    with += file_content(entry.path());
    without += file_content(task.path("without/" + name));
    of_folder += file_content(task.path("of_folder/" + name));
  }
  CHECK(with != without);
  CHECK(with == of_folder);
}
