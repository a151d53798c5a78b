// Runs a program of this project as its user would.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/files.h"

namespace gradus {

using Words = std::vector<std::string>;

// One list after the other.
Words joined(Words words, const Words& more);

// The path of a program of tasks/, followed by the flags.
Words command_of(const std::string& program, const Words& flags);

// The path of mpirun; empty where there is none, or the programs were built without MPI. Then it says that the test is skipped.
std::string mpirun();
// A command that lets root start processes by mpirun.
Words letting_root(const Words& command);

// What a program that has ended left behind.
struct Outcome {
  int status = 0;  // as a shell reports it: 128 + N after signal N
  std::string out;
  std::string err;
  // The lines of standard error that tell what was waited for (tasks/log/phase.h): a slow machine has more of them.
  std::string phases;
};

// A program that runs beside the test, and is killed with this object if it still does.
class Process {
 public:
  // `command` is the program's path and its arguments; `input` is its standard input.
  Process(const Words& command, const std::string& input);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool is_running();
  pid_t id() const { return pid_; }
  void kill();  // SIGKILL: the program can't prepare for it
  void send(int signal);
  Outcome wait();
  // What it has written to standard output so far.
  std::string said() const;

 private:
  TemporaryFolder folder_;  // its standard input, output and error
  pid_t pid_ = -1;
  std::optional<int> wait_status_;
};

// Runs a program of tasks/ to its end.
Outcome run_program(const std::string& program, const Words& flags, const std::string& input = "");
// Runs a command as it stands in a shell, between what comes before it there, "cd FOLDER && exec" for one, and the
// redirections of its standard streams.
Outcome run_in_shell(const Words& command, const std::string& redirections, const std::string& before = "");

}  // namespace gradus
