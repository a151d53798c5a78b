#include "tests/tasks/recipe_page.h"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "tests/json.h"
#include "tests/tasks/tiny_task.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

// What the programs are given besides what a page says, behind it, where the last of a flag counts: data are small, but epochs
// would still be many steps, and no machine of ours has all devices.
constexpr const char* in_small = "--max_steps=2 --threads=1 --device_target=CPU";
// What the script is given that starts processes: the programs so changed.
constexpr const char* trainings[] = {"run_ner", "run_classifier", "run_squad", "run_pretrain",
                                     "run_pretrain_eval"};

std::string programs() { return fs::path(command_of("", {})[0]).parent_path().string(); }

bool is_marker(const std::string& line) { return line.starts_with("<!--"); }

void check_marker(const std::string& marker, const std::string& page, int line) {
  check(marker == "run" || marker == "run with mpirun" || marker.starts_with("not run: "),
        "{}:{}: found the comment '{}', expected run, run with mpirun, or not run: and the reason", page,
        line, marker);
}

}  // namespace

std::vector<RecipeBlock> recipe_blocks(const std::string& page) {
  std::vector<RecipeBlock> blocks;
  std::istringstream in(file_content(page));
  std::string marker;
  bool in_block = false;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("    ")) {
      if (!in_block) {
        check(!marker.empty(), "{}:{}: a block without a comment that says whether it is run", page, number);
        blocks.push_back({number, std::exchange(marker, ""), ""});
      }
      blocks.back().text += line.substr(4) + "\n";
      in_block = true;
      continue;
    }
    if (line.empty() && in_block) {
      blocks.back().text += "\n";
      continue;
    }
    in_block = false;
    if (line.empty()) continue;
    check(marker.empty(), "{}:{}: expected the block of the comment '{}'", page, number, marker);
    if (!is_marker(line)) continue;
    marker = line.size() > 9 && line.ends_with(" -->") ? line.substr(5, line.size() - 9) : line;
    check_marker(marker, page, number);
  }
  check(marker.empty(), "{}:{}: expected the block of the comment '{}'", page, number, marker);
  return blocks;
}

RecipeFolder::RecipeFolder(const std::string& page) : page_(source_file("docs/recipes/" + page).string()) {
  const std::string real = programs();
  for (const auto& entry : fs::directory_iterator(real)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name.find('.') != std::string::npos) continue;
    const bool trains = std::ranges::find(trainings, name) != std::end(trainings);
    const bool starts = name == "get_distribute_pretrain_cmd";
    if (!trains && !starts) {
      fs::create_directories(folder_ / "build/tasks");
      fs::create_symlink(entry.path(), folder_ / ("build/tasks/" + name));
      continue;
    }
    const std::string more =
        trains ? in_small : fmt::format("--program='{}'", path("build/tasks/run_pretrain"));
    write("build/tasks/" + name,
          fmt::format("#!/bin/sh\nexec '{}' \"$@\" {}\n", entry.path().string(), more));
    fs::permissions(path("build/tasks/" + name), fs::perms::owner_all);
  }
  fs::create_symlink(source_file("tasks"), folder_ / "tasks");
}

void RecipeFolder::write(const std::string& name, const std::string& content) const {
  fs::create_directories((folder_ / name).parent_path());
  write_file(folder_ / name, content);
}

void RecipeFolder::write_all(const std::vector<std::string>& names, const std::string& content) const {
  for (const std::string& name : names) write(name, content);
}

std::string RecipeFolder::shell(const std::string& command) const {
  const std::string line = fmt::format(
      "cd '{}' && export GRADUS_PROGRAMS='{}' OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1\nset "
      "-eu\n{}",
      folder_.path().string(), path("build/tasks"), command);
  const Outcome outcome = Process({"/bin/sh", "-c", line + "\n"}, "").wait();
  REQUIRE_MESSAGE(outcome.status == 0, command << "\n" << outcome.out << outcome.err);
  return outcome.out + outcome.err;
}

void RecipeFolder::pretrained(const std::string& folder, const std::string& format, const std::string& file,
                              const std::string& pieces) const {
  const std::string made = folder + "/made";
  write(folder + "/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + pieces);
  write(folder + "/text.txt", "a b .\nb a .\n\na .\nb .\n");
  shell(fmt::format(
      "'{}/run_pretrain' --input_file={}/text.txt --vocab_file_path={}/vocab.txt --hidden_size=16 "
      "--num_hidden_layers=1 --num_attention_heads=2 --intermediate_size=32 --hidden_act=gelu_tanh "
      "--seq_length=16 --train_batch_size=2 --max_steps=1 --threads=1 --save_checkpoint_path={}",
      programs(), folder, folder, made));
  shell(fmt::format("build/tasks/convert_checkpoint --to {} {}/checkpoint-1/model.safetensors {}/{}", format,
                    made, folder, file));
  Json config = json_of(file_content(path(made + "/checkpoint-1/config.json")));
  for (const char* key : {"architectures", "gradus_pretraining", "model_type"}) config.erase(key);
  config["hidden_act"] = "gelu";  // whose form here is the one that was trained
  write(folder + "/bert_config.json", json_text(config));
  fs::remove_all(path(made));
  fs::remove(path(folder + "/text.txt"));
}

std::vector<std::string> RecipeFolder::run() const {
  std::vector<std::string> printed;
  const std::vector<RecipeBlock> blocks = recipe_blocks(page_);
  for (const RecipeBlock& block : blocks) {
    if (block.marker.starts_with("not run: ") || (block.marker == "run with mpirun" && mpirun().empty()))
      continue;
    INFO(page_, ":", block.line);
    printed.push_back(shell(block.text));
  }
  REQUIRE(!printed.empty());
  return printed;
}

}  // namespace gradus
