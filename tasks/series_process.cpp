#include "tasks/series_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "core/error.h"

namespace gradus {
namespace {

constexpr auto between_looks = std::chrono::milliseconds(20);
constexpr int cannot_start = 127;

// In the child, where nothing may be called but what a signal handler may.
[[noreturn]] void become(char* const* words, ChildOutput output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGUSR1);
  if (::getppid() != parent) ::_exit(cannot_start);  // it was gone before
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (output == ChildOutput::to_log) ::dup2(STDERR_FILENO, STDOUT_FILENO);
  ::execv("/proc/self/exe", words);
  ::_exit(cannot_start);
}

}  // namespace

int run_again(const std::string& name, const std::vector<std::string>& words, ChildOutput output,
              const StopRequest& stop) {
  std::vector<std::string> all{name};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : all) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid(), child = ::fork();
  check(child >= 0, "cannot start {}: {}", name, std::strerror(errno));
  if (child == 0) become(pointers.data(), output, parent);
  bool is_told = false;
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    check(ended >= 0 || errno == EINTR, "cannot wait for {}: {}", name, std::strerror(errno));
    if (ended == child) break;
    // A terminal or a scheduler may have sent the child the same signal: a second one of that kind would end it at once.
    if (!is_told && !stop.signal().empty()) is_told = ::kill(child, SIGUSR1) == 0;
    std::this_thread::sleep_for(between_looks);
  }
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  check(WEXITSTATUS(status) != cannot_start, "cannot start {} again", name);
  return WEXITSTATUS(status);
}

}  // namespace gradus
