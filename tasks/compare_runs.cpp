// compare_runs: runs beside each other: those named as one page, those of a folder of tasks as a table and a picture.
#include <algorithm>
#include <filesystem>

#include "core/counted.h"
#include "core/io/files.h"
#include "data/text_file.h"
#include "tasks/main.h"
#include "tasks/model/checkpoint_directory.h"
#include "tasks/options/options.h"
#include "tasks/report/comparison_page.h"
#include "tasks/report/run_comparison.h"
#include "tasks/report/svg_picture.h"

using namespace gradus;

namespace {

namespace fs = std::filesystem;

constexpr const char* state_name = "trainer_state.json";

constexpr const char* purpose =
    "Compares runs. compare_runs RUN... --output PAGE.html: curves over each other, scores, and the settings "
    "that differ, as one HTML page.\n"
    "RUN is a file of --metrics_file, a folder that a training has saved to, or a checkpoint's "
    "trainer_state.json.\n"
    "With --folder: FOLDER/TASK/RUN.json is what RUN reached on TASK. Prints a table for Markdown, a line "
    "for each task and a column for each run.";
constexpr const char* example =
    "mkdir -p results/names\n"
    "run_ner --do_train --do_eval ... --save_finetune_checkpoint_path a --metrics_file "
    "results/names/scratch.json\n"
    "run_ner --do_train --do_eval ... --save_finetune_checkpoint_path b --metrics_file "
    "results/names/pretrained.json\n"
    "compare_runs --folder results --runs scratch,pretrained --picture results.svg\n"
    "compare_runs a b/metrics.json --output page.html";

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

// The file that tells of a run: of a folder that was saved to its metrics.json, which is there of a run of --seeds and the like, or
// the state in its newest checkpoint.
fs::path file_of(const fs::path& run) {
  if (!fs::is_directory(run)) return run;
  if (fs::exists(run / "metrics.json")) return run / "metrics.json";
  if (fs::exists(run / state_name)) return run / state_name;
  const auto newest = latest_checkpoint(run);
  check(newest.has_value(), "'{}' holds no run: expected metrics.json, {} or a checkpoint", run.string(),
        state_name);
  return *newest / state_name;
}

// What a run is called on the page: its folder, or its file where that has a name of its own.
std::string name_of(const fs::path& run) {
  fs::path path = fs::absolute(run).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();  // "folder/"
  const bool is_usual = path.filename() == "metrics.json" || path.filename() == state_name;
  if (is_usual) path = path.parent_path();
  return path.extension() == ".json" ? path.stem().string() : path.filename().string();
}

int write_page(const std::vector<std::string>& paths, const std::string& output) {
  check(!output.empty(), "--output is missing: the HTML page to write");
  std::vector<RunRecord> runs;
  for (const std::string& path : paths) {
    runs.push_back(read_run(file_of(path)));
    const auto is_same = [&](const std::string& other) { return name_of(other) == name_of(path); };
    runs.back().name = std::ranges::count_if(paths, is_same) > 1 ? path : name_of(path);
    check(std::ranges::count(paths, path) == 1, "'{}' is there twice", path);
  }
  const std::string title = runs.size() == 1 ? runs.front().name : counted(runs.size(), "run") + " compared";
  write_report(output, comparison_report(title, runs, RunsAre::different));
  print_result("report: {}\n", output);
  return 0;
}

// The words that are no option nor an option's value: all options here have one.
std::vector<std::string> take_runs(std::vector<char*>& words) {
  std::vector<std::string> runs;
  std::vector<char*> options{words.front()};
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (!word.starts_with("-")) {
      runs.emplace_back(word);
      continue;
    }
    options.push_back(words[i]);
    const bool has_value = word.find('=') == std::string_view::npos && i + 1 < words.size();
    if (has_value) options.push_back(words[++i]);
  }
  words = options;
  return runs;
}

int run(int argc, char** argv) {
  std::string folder, runs, score, picture, output;
  std::vector<char*> words(argv, argv + argc);
  const std::vector<std::string> paths = take_runs(words);
  Options flags("compare_runs", purpose, example);
  flags.add("folder", folder, "holds a folder for each task, with a metrics file for each run").folder();
  flags.add("runs", runs,
            "which runs, in this order, comma between; the others are compared with the first; none: all");
  flags.add("score", score,
            "the number to compare, as the files name it; none: the one that evaluations tell first");
  flags.add("picture", picture, "SVG file: how the scores grew over the steps, a chart for each task").file();
  flags.add("output", output, "HTML page of the runs that are named").file();
  if (!flags.parse(static_cast<int>(words.size()), words.data())) return 0;
  if (!paths.empty()) {
    for (const char* other : {"folder", "runs", "score", "picture"})
      check(flags.is_default(other),
            "--{} is for the runs of --folder, not for those that are named, as '{}'", other, paths.front());
    return write_page(paths, output);
  }
  check(output.empty(), "--output {}: which runs? Name their files or folders", output);
  check(!folder.empty(),
        "--folder is missing: a folder with a folder for each task; or name runs, and --output");
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
