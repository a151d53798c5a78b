#include "tests/tasks/tiny_pretraining.h"

#include <fmt/core.h>

namespace gradus {
namespace {

const std::vector<std::string> names{"anna", "boris", "clara", "dora"},
    places{"alden", "brom", "colby", "dell"}, verbs{"lives in", "likes", "knows", "left"};

std::string texts() {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    for (const std::string& verb : verbs) text += fmt::format("{} {} {} .\n", names[i], verb, places[i]);
    text += '\n';
  }
  return text;
}

std::string vocabulary() {
  std::string pieces = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\nlives\nin\nlikes\nknows\nleft\n";
  for (const auto& words : {names, places}) {
    for (const std::string& word : words) pieces += word + "\n";
  }
  return pieces;
}

}  // namespace

TinyPretraining::TinyPretraining() : TinyTask("run_pretrain", texts(), vocabulary()) {
  for (const std::string format : {"mindrecord", "tfrecord"}) {
    const Outcome made =
        run_program("generate_pretraining_records",
                    {"--input_file=" + path("train.txt"), "--vocab_file=" + path("vocab.txt"),
                     "--output_file=" + path("train." + format), "--dataset_format=" + format,
                     "--max_seq_length=24", "--max_predictions_per_seq=4", "--dupe_factor=2"});
    REQUIRE_MESSAGE(made.status == 0, made.err);
  }
}

Words TinyPretraining::training_on(const std::string& records, const Words& more) const {
  const std::string format = records.ends_with(".tfrecord") ? "tfrecord" : "mindrecord";
  Words flags{"--train_data_file_path=" + path(records), "--eval_data_file_path=" + path(records),
              "--dataset_format=" + format};
  flags.insert(flags.end(), more.begin(), more.end());
  return training(flags);
}

}  // namespace gradus
