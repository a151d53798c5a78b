// What the programs write for man and for the shells that complete their options: read by these themselves.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "tests/tasks/program.h"
#include "tests/tasks/tiny_task.h"

using namespace gradus;

namespace {

// All programs that are built.
std::vector<std::string> programs() {
  std::vector<std::string> names;
  const std::filesystem::path folder = std::filesystem::path(command_of("run_ner", {})[0]).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const bool runs =
        (entry.status().permissions() & std::filesystem::perms::owner_exec) != std::filesystem::perms::none;
    if (entry.is_regular_file() && runs && entry.path().extension().empty())
      names.push_back(entry.path().filename().string());
  }
  return names;
}

bool is_there(const std::string& tool) {
  return run_in_shell({"true"}, "", "command -v " + tool + " >/dev/null &&").status == 0;
}

void write_pages(const TemporaryFolder& folder, const std::string& program) {
  const Outcome outcome = run_program(program, {"--write_pages", folder.path().string()});
  REQUIRE_MESSAGE(outcome.status == 0, program << ": " << outcome.err);
}

// What bash would offer behind these words, the last of which is being typed.
std::vector<std::string> offered(const TemporaryFolder& folder, const std::string& program,
                                 const std::vector<std::string>& words) {
  std::string script =
      fmt::format("source {0}/{1}\ncd {0}\nCOMP_WORDS=({1}", folder.path().string(), program);
  for (const std::string& word : words) script += fmt::format(" '{}'", word);
  script +=
      fmt::format(")\nCOMP_CWORD={}\n_{}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n", words.size(), program);
  const Outcome outcome = run_in_shell({"bash", folder.write("complete.sh", script)}, "");
  CHECK_MESSAGE(outcome.err.empty(), outcome.err);
  return lines_of(outcome.out);
}

bool has(const std::vector<std::string>& list, const std::string& item) {
  return std::ranges::find(list, item) != list.end();
}

}  // namespace

TEST_CASE("help pages: every program says of every option what it is, and shows a command") {
  CHECK(programs().size() >= 20);
  for (const std::string& program : programs()) {
    INFO(program);
    const Outcome help = run_program(program, {"--help"});
    CHECK(help.status == 0);
    CHECK(contains(help.out, "Example:\n  "));
    CHECK(contains(help.out, program));
    const TemporaryFolder folder;
    write_pages(folder, program);
    const std::string page = file_content((folder.path() / (program + ".1")).string());
    // An option, its value, and a text that begins on the line behind.
    const std::vector<std::string> lines = lines_of(page);
    size_t entries = 0;
    for (size_t i = 0; i + 2 < lines.size(); ++i) {
      if (lines[i] != ".TP") continue;
      ++entries;
      CHECK_MESSAGE(lines[i + 2].size() > 3, lines[i + 1] << ": says nothing");
      CHECK_MESSAGE(lines[i + 2][0] != '(', lines[i + 1] << ": nothing but a default");
    }
    CHECK(entries >= 2);
    CHECK(contains(page, ".SH EXAMPLE\n"));
  }
}

TEST_CASE("help pages: names of files and folders are declared as such") {
  for (const std::string& program : programs()) {
    INFO(program);
    const TemporaryFolder folder;
    write_pages(folder, program);
    for (const std::string& line : lines_of(file_content((folder.path() / ("_" + program)).string()))) {
      const size_t bracket = line.find('[');
      if (bracket == std::string::npos) continue;
      const std::string name = line.substr(0, bracket);
      for (const char* ending : {"_path=", "_file=", "_dir=", "folder="})
        if (name.ends_with(ending) && !contains(line, ":(true false)"))
          CHECK_MESSAGE(contains(line, ":_files"), line);
    }
  }
}

TEST_CASE("help pages: bash completes options, values and files") {
  const TemporaryFolder folder;
  write_pages(folder, "run_ner");
  write_pages(folder, "convert_checkpoint");
  write_pages(folder, "infer");
  folder.write("train data.txt", "");
  std::filesystem::create_directory(folder.path() / "model");
  using Offers = std::vector<std::string>;
  CHECK(offered(folder, "run_ner", {"--lstm"}) == Offers{"--lstm_layers"});
  CHECK(offered(folder, "run_ner", {"--num_tr"}) == Offers{"--num_train_epochs"});
  CHECK(offered(folder, "run_ner", {"--schedule", "c"}) == Offers{"cosine", "constant"});
  CHECK(offered(folder, "run_ner", {"--schedule", "=", "l"}) == Offers{"linear"});
  CHECK(has(offered(folder, "run_ner", {"--schedule", "="}), "polynomial"));
  CHECK(offered(folder, "run_ner", {"--use_crf", "t"}) == Offers{"true"});
  CHECK(offered(folder, "run_ner", {"--resume", "a"}) == Offers{"auto"});
  // A switch may stand alone: another option may come behind it.
  CHECK(has(offered(folder, "run_ner", {"--use_crf", ""}), "--epoch_num"));
  CHECK(offered(folder, "run_ner", {"--use_crf", "--epoch"}) == Offers{"--epoch_num"});
  CHECK(offered(folder, "run_ner", {"--train_data_file_path", "tra"}) == Offers{"train data.txt"});
  CHECK(offered(folder, "run_ner", {"--log_dir", "m"}) == Offers{"model"});
  CHECK(offered(folder, "run_ner", {"--log_dir", "t"}) == Offers{""});
  CHECK(offered(folder, "run_ner", {"--epoch_num", ""}) == Offers{""});
  CHECK(offered(folder, "convert_checkpoint", {"--to", "m"}) == Offers{"mindspore"});
  CHECK(offered(folder, "convert_checkpoint", {"tra"}) == Offers{"train data.txt"});
  // Of all its tasks.
  for (const char* name : {"--use_crf", "--class_weights", "--doc_stride", "--stage"})
    CHECK_MESSAGE(offered(folder, "infer", {name}) == Offers{name}, name);
}

TEST_CASE("help pages: bash and zsh read what every program has written") {
  const bool has_zsh = is_there("zsh");
  if (!has_zsh) MESSAGE("skipped: zsh is not installed");
  for (const std::string& program : programs()) {
    INFO(program);
    const TemporaryFolder folder;
    write_pages(folder, program);
    const Outcome bash = run_in_shell({"bash", "-n", (folder.path() / program).string()}, "");
    CHECK_MESSAGE(bash.err.empty(), bash.err);
    if (!has_zsh) continue;
    const Outcome zsh = run_in_shell({"zsh", "-f", "-n", (folder.path() / ("_" + program)).string()}, "");
    CHECK_MESSAGE(zsh.status == 0, zsh.err);
    CHECK_MESSAGE(zsh.err.empty(), zsh.err);
  }
}

TEST_CASE("help pages: zsh completes in a terminal") {
  if (!is_there("zsh")) {
    MESSAGE("skipped: zsh is not installed");
    return;
  }
  const TemporaryFolder folder;
  write_pages(folder, "run_ner");
  folder.write("train_data.txt", "");
  // A shell in a pseudo-terminal of its own: words are begun, and what the tab key makes of them is waited for.
  const std::string script = folder.write("type.zsh", fmt::format(R"(zmodload zsh/zpty
zpty shell 'PS1=READY TERM=dumb zsh -f'
zpty -r shell text '*READY*'
zpty -w shell 'fpath=({0} $fpath); autoload -U compinit; compinit -u -D; bindkey "^I" complete-word; echo GO''NE'
zpty -r shell text '*GONE*READY*'
ask() {{ zpty -w -n shell $1; zpty -r shell text "*$2*"; print -r -- "found $2" }}
ask $'run_ner --lstm\t' '--lstm_layers'
ask $'2 --sched\t' '--schedule'
ask $'cos\t' cosine
ask $' --repo\t' '--report'
ask $'train\t' train_data.txt
zpty -d shell
)",
                                                                  folder.path().string()));
  const Outcome outcome =
      run_in_shell({"timeout", "60", "zsh", "-f", script}, "", "cd " + folder.path().string() + " &&");
  CHECK_MESSAGE(outcome.out ==
                    "found --lstm_layers\nfound --schedule\nfound cosine\nfound --report\n"
                    "found train_data.txt\n",
                outcome.out, outcome.err);
}

TEST_CASE("help pages: man shows them without a warning") {
  if (!is_there("groff")) {
    MESSAGE("skipped: groff is not installed");
    return;
  }
  for (const std::string& program : programs()) {
    INFO(program);
    const TemporaryFolder folder;
    write_pages(folder, program);
    const Outcome shown =
        run_in_shell({"groff", "-man", "-Tutf8", "-ww", (folder.path() / (program + ".1")).string()}, "");
    CHECK(shown.status == 0);
    CHECK_MESSAGE(shown.err.empty(), shown.err);
    CHECK(contains(shown.out, program));
  }
}
