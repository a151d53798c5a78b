#include "tests/tasks/tiny_ner.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/files.h"

namespace gradus {

const std::string ner_sentences =
    "Anna B-PER\nlives O\nin O\nAlden B-LOC\n. O\n\n"
    "Boris B-PER\nBrom I-PER\nlives O\nin O\nPort B-LOC\nMill I-LOC\n. O\n\n"
    "Clara B-PER\nleft O\nAlden B-LOC\n. O\n\n"
    "Anna B-PER\nBrom I-PER\nmet O\nBoris B-PER\n. O\n\n"
    "Alden B-LOC\nis O\nold O\n. O\n\n"
    "Clara B-PER\nmet O\nAnna B-PER\nin O\nPort B-LOC\nMill I-LOC\n. O\n\n"
    "Port B-LOC\nAlden I-LOC\nis O\nnear O\n. O\n\n"
    "the O\nhouse O\nis O\nold O\n. O\n\n"
    "Boris B-PER\nleft O\nthe O\nhouse O\nin O\nAlden B-LOC\n. O\n\n"
    "who O\nmet O\nClara B-PER\nBrom I-PER\n? O\n\n"
    "the O\nmill O\nis O\nnear O\nPort B-LOC\nMill I-LOC\n. O\n\n"
    "Anna B-PER\nleft O\n. O\n";

namespace {

// Names fall into several pieces.
const std::string vocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nAnna\nBo\n##ris\nCl\n##ara\nBrom\nlives\nin\nAl\n##"
    "den\nPort\nMill\nleft\n"
    "met\nis\nold\nnear\nthe\nhouse\nwho\nmill\n.\n?\n王\n伟\n住\n在\n青\n州\n";

nlohmann::json read_metrics(const std::string& path) { return nlohmann::json::parse(file_content(path)); }

}  // namespace

TinyNer::TinyNer() {
  write("train.txt", ner_sentences);
  write("vocab.txt", vocabulary);
}

std::string TinyNer::write(const std::string& name, const std::string& content) const {
  write_file(path(name), content);
  return path(name);
}

Words TinyNer::training(const Words& more) const {
  Words flags{"--do_train",
              "--threads=1",
              "--hidden_size=16",
              "--num_hidden_layers=1",
              "--num_attention_heads=2",
              "--intermediate_size=32",
              "--max_position_embeddings=32",
              "--seq_length=24",
              "--train_batch_size=4",
              "--epoch_num=2",
              "--learning_rate=5e-3",
              "--vocab_file_path=" + path("vocab.txt"),
              "--train_data_file_path=" + path("train.txt"),
              "--eval_data_file_path=" + path("train.txt"),
              "--metrics_file=" + path("metrics.json"),
              "--save_finetune_checkpoint_path=" + path("save")};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Words TinyNer::scoring(const std::string& checkpoint, const Words& more) const {
  Words flags{"--do_eval",
              "--threads=1",
              "--seq_length=24",
              "--eval_data_file_path=" + path("train.txt"),
              "--metrics_file=" + path("metrics.json"),
              "--load_finetune_checkpoint_path=" + checkpoint};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Outcome TinyNer::run(const Words& flags, const std::string& input) const {
  return Process(command_of("run_ner", flags), input).wait();
}

std::string TinyNer::print(const Words& flags, const std::string& input) const {
  const Outcome outcome = run(flags, input);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return outcome.out;
}

void TinyNer::refuse(const Words& flags, const std::string& text, const std::string& input) const {
  const Outcome outcome = run(flags, input);
  CAPTURE(outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.err.starts_with("error: "));
  CHECK(outcome.err.find('\n') == outcome.err.size() - 1);
  CHECK_MESSAGE(outcome.err.find(text) != std::string::npos, "expected: " << text);
  CHECK(unfinished_files(path("save")) == Words{});
}

double TinyNer::train_loss() const { return read_metrics(path("metrics.json")).at("train_loss"); }

double TinyNer::score(const std::string& name) const { return read_metrics(path("metrics.json")).at(name); }

Words unfinished_files(const std::string& folder) {
  Words found;
  if (!std::filesystem::is_directory(folder)) return found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || name.find(temporary_mark) != std::string::npos)
      found.push_back(entry.path().string());
  }
  return found;
}

std::string part_from(const std::string& text, const std::string& begin) {
  const size_t at = text.find(begin);
  return at == std::string::npos ? std::string() : text.substr(at);
}

}  // namespace gradus
