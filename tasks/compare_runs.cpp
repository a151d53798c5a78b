// compare_runs: runs on the same tasks beside each other, as a table and a picture.
#include <algorithm>

#include "core/io/files.h"
#include "data/text_file.h"
#include "tasks/main.h"
#include "tasks/options/options.h"
#include "tasks/report/run_comparison.h"
#include "tasks/report/svg_picture.h"

using namespace gradus;

namespace {

constexpr const char* purpose =
    "Compares runs by the files of --metrics_file: FOLDER/TASK/RUN.json is what RUN reached on TASK. Prints "
    "a table for Markdown, a line\n"
    "for each task and a column for each run.";
constexpr const char* example =
    "mkdir -p results/names\n"
    "run_ner --do_train --do_eval ... --save_finetune_checkpoint_path a --metrics_file "
    "results/names/scratch.json\n"
    "run_ner --do_train --do_eval ... --save_finetune_checkpoint_path b --metrics_file "
    "results/names/pretrained.json\n"
    "compare_runs --folder results --runs scratch,pretrained --picture results.svg";

// The names in a list with commas between.
std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  for (const std::string& part : comma_parts(list)) {
    const std::string name(trimmed(part));
    check(!name.empty(), "--runs '{}': a name is empty", list);
    check(std::ranges::find(names, name) == names.end(), "--runs '{}': '{}' is there twice", list, name);
    names.push_back(name);
  }
  return names;
}

int run(int argc, char** argv) {
  std::string folder, runs, score, picture;
  Options flags("compare_runs", purpose, example);
  flags.add("folder", folder, "holds a folder for each task, with a metrics file for each run").folder();
  flags.add("runs", runs,
            "which runs, in this order, comma between; the others are compared with the first; none: all");
  flags.add("score", score,
            "the number to compare, as the files name it; none: the one that evaluations tell first");
  flags.add("picture", picture, "SVG file: how the scores grew over the steps, a chart for each task").file();
  if (!flags.parse(argc, argv)) return 0;
  check(!folder.empty(), "--folder is missing: a folder with a folder for each task");
  const std::vector<std::string> names = names_in(runs);
  const auto tasks = read_comparison(folder, names, score);
  print_result("{}", comparison_table(tasks, names));
  if (!picture.empty()) {
    const std::string svg = svg_picture(comparison_charts(tasks));
    check(!svg.empty(), "--picture {}: no run in '{}' was scored while it trained", picture, folder);
    replace_file(picture, svg);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
