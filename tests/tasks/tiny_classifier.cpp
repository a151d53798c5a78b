#include "tests/tasks/tiny_classifier.h"

#include "tests/files.h"
#include "tests/json.h"

namespace gradus {

const std::string classified_texts =
    "the film is good\tpos\nthe book is bad\tneg\na good play\tpos\na bad play\tneg\nvery good\tpos\n"
    "the film is very bad\tneg\ngood book\tpos\nbad film\tneg\nthe play is good .\tpos\n"
    "the book is very bad .\tneg\na very good film\tpos\na very bad book\tneg\n";

const std::string classified_pairs =
    "red ball\tgood\tlike\nred ball\tbad\tother\nblue hat\tvery good\tlike\nblue hat\tvery bad\tother\nred "
    "hat\tgood "
    ".\tlike\nblue ball\tbad .\tother\nthe film\tis good\tlike\nthe film\tis bad\tother\na book\tgood\tlike\n"
    "a play\tbad\tother\n";

const std::string scored_texts =
    "good good film\t2\ngood book\t1\nthe play\t0\nbad film\t-1\nbad bad book\t-2\na film\t0\ngood play\t1\n"
    "the bad play\t-1\ngood good book\t2\nbad bad film\t-2\ngood film .\t1\nthe book .\t0\n";

const std::string labelled_texts =
    "text\tlabels\nthe film is good\tgood,film\nthe book is bad\tbad, book\na good play\tgood\na bad "
    "play\tbad\n"
    "very good\tgood\nthe film is very bad\tbad,film\ngood book\tgood,book\nbad film\tfilm,bad\nthe play\t\n"
    "a very good film\tgood,film\na book\tbook\na film\tfilm\n";

const Words several_labels{"--problem_type=multi_label_classification"};

namespace {

const std::string vocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfilm\nis\ngood\nbook\nbad\na\nplay\nvery\n."
    "\nred\nblue\nball\nhat\n"
    "##s\n好\n";

}  // namespace

TinyClassifier::TinyClassifier() : TinyTask("run_classifier", classified_texts, vocabulary) {}

std::string TinyClassifier::train_well(const Words& more) const {
  Words flags = training({"--epoch_num=120", "--eval_steps=100000", "--save_checkpoint_steps=100000",
                          "--hidden_size=64", "--learning_rate=2e-3", "--dropout=0"});
  flags.insert(flags.end(), more.begin(), more.end());
  print(flags);
  return path("save/best");
}

std::string TinyClassifier::train_best(const Words& more) const {
  Words flags = training({"--max_steps=1"});
  flags.insert(flags.end(), more.begin(), more.end());
  print(flags);
  return path("save/best");
}

std::string TinyClassifier::train_labels() const {
  const std::string data = write("labels.tsv", labelled_texts);
  print(training(
      joined(several_labels, {"--train_data_file_path=" + data, "--eval_data_file_path=" + data,
                              "--max_steps=1", "--save_finetune_checkpoint_path=" + path("labels")})));
  std::string best = path("labels/best");
  Json settings = json_of(file_content(best + "/config.json")).at("gradus_classifier");
  settings["thresholds"] = Json::array({0, 1, 0, 1});
  edit_config(best, "gradus_classifier", settings);
  return best;
}

}  // namespace gradus
