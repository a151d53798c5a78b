#include "tests/tasks/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <regex>

#include "tests/places.h"

namespace gradus {
namespace {

// Puts the lines of phases by themselves.
void part_standard_error(const std::string& text, Outcome& outcome) {
  static const std::regex phase(R"([a-z]+ing .*( \d+:\d\d|: \d+| \d+/\d+ \d+%.*))");
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string line = text.substr(begin, end - begin);
    (std::regex_match(line.substr(0, line.find('\n')), phase) ? outcome.phases : outcome.err) += line;
    begin = end;
  }
}

}  // namespace

Words joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words command_of(const std::string& program, const Words& flags) {
  const std::filesystem::path folder = place("GRADUS_PROGRAMS");
  REQUIRE_MESSAGE(!folder.empty(), "no programs lie beside this test: GRADUS_PROGRAMS names their folder");
  Words command{(folder / program).string()};
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

std::string mpirun() {
  const bool built = std::filesystem::exists(place("GRADUS_PROGRAMS") / "../backends/mpi/libgradus_mpi.so");
  const std::string path = built ? in_path("mpirun") : "";
  if (path.empty()) MESSAGE("skipped: built without Open MPI, or mpirun is not there");
  return path;
}

Words letting_root(const Words& command) {
  return joined({"/usr/bin/env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"}, command);
}

Process::Process(const Words& command, const std::string& input) {
  write_file(folder_ / "in", input);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const auto open = [&](int descriptor, const char* name, int flags) {
    posix_spawn_file_actions_addopen(&files, descriptor, (folder_ / name).c_str(), flags, 0600);
  };
  open(STDIN_FILENO, "in", O_RDONLY);
  open(STDOUT_FILENO, "out", O_WRONLY | O_CREAT);
  open(STDERR_FILENO, "err", O_WRONLY | O_CREAT);
  const int error = posix_spawn(&pid_, words[0], &files, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  REQUIRE_MESSAGE(error == 0, command[0]);
}

Process::~Process() {
  if (!is_running()) return;
  kill();
  int ignored = 0;
  waitpid(pid_, &ignored, 0);
}

bool Process::is_running() {
  int status = 0;
  if (!wait_status_ && waitpid(pid_, &status, WNOHANG) == pid_) wait_status_ = status;
  return !wait_status_;
}

void Process::kill() { send(SIGKILL); }

void Process::send(int signal) { ::kill(pid_, signal); }

Outcome Process::wait() {
  int status = 0;
  if (!wait_status_ && waitpid(pid_, &status, 0) == pid_) wait_status_ = status;
  REQUIRE(wait_status_.has_value());
  status = *wait_status_;
  Outcome outcome;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = file_content(folder_ / "out");
  part_standard_error(file_content(folder_ / "err"), outcome);
  return outcome;
}

std::string Process::said() const { return file_content(folder_ / "out"); }

Outcome run_program(const std::string& program, const Words& flags, const std::string& input) {
  return Process(command_of(program, flags), input).wait();
}

Outcome run_in_shell(const Words& command, const std::string& redirections, const std::string& before) {
  std::string line = before;
  for (const std::string& word : command) line += fmt::format(" '{}'", word);
  return Process({"/bin/sh", "-c", fmt::format("{} {}", line, redirections)}, "").wait();
}

}  // namespace gradus
