#include "tests/tasks/tiny_task.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>
#include <sstream>
#include <thread>

#include "core/backend.h"
#include "core/io/files.h"
#include "nn/checkpoints/safetensors.h"
#include "tests/json.h"

namespace gradus {

TinyTask::TinyTask(std::string program, const std::string& train, const std::string& vocabulary)
    : program_(std::move(program)) {
  write("train.txt", train);
  write("vocab.txt", vocabulary);
}

std::string TinyTask::write(const std::string& name, const std::string& content) const {
  write_file(path(name), content);
  return path(name);
}

Words TinyTask::training(const Words& more) const {
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

Words TinyTask::beginning_with(const std::string& model, const Words& more) const {
  return joined({"--do_train", "--threads=1", "--seq_length=24", "--max_steps=2",
                 "--train_data_file_path=" + path("train.txt"), "--load_pretrain_checkpoint_path=" + model,
                 "--save_finetune_checkpoint_path=" + path("save")},
                more);
}

Words TinyTask::scoring(const std::string& checkpoint, const Words& more) const {
  Words flags{"--do_eval",
              "--threads=1",
              "--seq_length=24",
              "--eval_data_file_path=" + path("train.txt"),
              "--metrics_file=" + path("metrics.json"),
              "--load_finetune_checkpoint_path=" + checkpoint};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Words TinyTask::predicting(const std::string& checkpoint, const Words& more) const {
  Words flags{"--do_predict", "--threads=1", "--seq_length=24",
              "--load_finetune_checkpoint_path=" + checkpoint};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Outcome TinyTask::run(const Words& flags, const std::string& input) const {
  return run_program(program_, flags, input);
}

std::string TinyTask::print(const Words& flags, const std::string& input) const {
  const Outcome outcome = run(flags, input);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return outcome.out;
}

void TinyTask::refuse(const Words& flags, const std::string& text, const std::string& input) const {
  const Outcome outcome = run(flags, input);
  CAPTURE(outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.err.starts_with("error: "));
  CHECK(outcome.err.find('\n') == outcome.err.size() - 1);
  CHECK_MESSAGE(outcome.err.find(text) != std::string::npos, "expected: " << text);
  CHECK(unfinished_files(path("save")) == Words{});
}

bool TinyTask::run_and_kill(const Words& flags, int milliseconds) const {
  Process process(command_of(program_, flags), "");
  while (process.is_running() && !std::filesystem::exists(path("save/latest")))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  process.kill();
  return process.wait().status == 128 + SIGKILL;
}

void TinyTask::check_threads(const Words& flags) const {
  for (const std::string& type : training_types()) {
    CAPTURE(type);
    Words wide = flags;
    for (const char* flag :
         {"--hidden_size=384", "--num_attention_heads=6", "--intermediate_size=512", "--train_batch_size=12",
          "--dropout=0.1", "--max_steps=2", "--save_checkpoint_steps=1", "--keep_checkpoints=2"}) {
      wide.emplace_back(flag);
    }
    wide.push_back("--compute_type=" + type);
    const auto train = [&](const std::string& folder, int threads, const std::string& variable) {
      Words command = command_of(program_, wide);
      command.push_back(fmt::format("--threads={}", threads));
      command.push_back("--save_finetune_checkpoint_path=" + path(type + folder));
      if (folder == "resumed") command.emplace_back("--resume");
      command.insert(command.begin(), {"/usr/bin/env", variable});
      const Outcome outcome = Process(command, "").wait();
      REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
      return outcome.err;
    };
    const auto check_same = [&](const std::string& folder) {
      CAPTURE(folder);
      for (const std::string file : {"model.safetensors", "optimizer.safetensors"}) {
        CHECK(file_content(path(type + folder + "/checkpoint-2/" + file)) ==
              file_content(path(type + "1/checkpoint-2/" + file)));
      }
    };
    for (const int threads : {1, 2, 3, 4, 7}) {
      const std::string folder = fmt::format("{}", threads);
      CHECK(train(folder, threads, "OMP_DYNAMIC=true").find("warning: --threads") == std::string::npos);
      if (threads > 1) check_same(folder);
    }
    for (const std::string variable :
         {"OMP_THREAD_LIMIT=1", "OMP_THREAD_LIMIT=2", "OMP_MAX_ACTIVE_LEVELS=0"}) {
      const std::string warning =
          fmt::format("warning: --threads 4: the system gives {}", variable.back() == '2' ? 2 : 1);
      CHECK(train(variable, 4, variable).find(warning) != std::string::npos);
      check_same(variable);
    }
    std::filesystem::create_directories(path(type + "resumed"));
    std::filesystem::copy(path(type + "2/checkpoint-1"), path(type + "resumed/checkpoint-1"),
                          std::filesystem::copy_options::recursive);
    train("resumed", 3, "OMP_DYNAMIC=false");
    check_same("resumed");
  }
}

double TinyTask::score(const std::string& name) const {
  return json_of(file_content(path("metrics.json"))).at(name).number();
}

Words training_types() {
  return find_backend("CPU").unsupported(DType::bfloat16).empty() ? Words{"fp32", "bf16"} : Words{"fp32"};
}

bool has_int8() {
  const std::string reason = find_backend("CPU").unsupported(DType::int8);
  if (!reason.empty()) MESSAGE("skipped in int8: " << reason);
  return reason.empty();
}

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

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string with_crlf(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') result += '\r';
    result += c;
  }
  return result;
}

void edit_config(const std::string& checkpoint, const std::string& key, const Json& value) {
  const std::string path = checkpoint + "/config.json";
  Json config = json_of(file_content(path));
  config[key] = value;
  write_file(path, json_text(config));
}

void edit_tensor(const std::string& checkpoint, const std::string& tensor,
                 const std::function<void(std::vector<float>&)>& edit, const std::string& name) {
  const std::string path = checkpoint + "/" + name;
  const SafetensorsFile file(path);
  std::vector<std::vector<float>> values;
  std::vector<TensorEntry> entries;
  values.reserve(file.tensors().size());
  bool found = false;
  for (const TensorEntry& entry : file.tensors()) {
    values.emplace_back(static_cast<size_t>(entry.elements()));
    copy_as_float(entry, values.back());
    if (entry.name == tensor) {
      edit(values.back());
      found = true;
    }
    entries.push_back({entry.name, "F32", entry.shape, std::as_bytes(std::span(values.back()))});
  }
  REQUIRE(found);
  write_safetensors(path, entries);
}

void overload(const std::string& checkpoint, const std::string& tensor) {
  edit_tensor(checkpoint, tensor, [](std::vector<float>& values) {
    std::ranges::fill(values, std::numeric_limits<float>::max());
  });
}

}  // namespace gradus
