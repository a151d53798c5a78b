// The save folder: names, order, pruning, leftovers, and a process killed at every single change it makes.
#include "tasks/model/checkpoint_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>

#include "core/error.h"
#include "core/io/files.h"
#include "tests/files.h"

using namespace gradus;
namespace fs = std::filesystem;

// These stand in for the C library's functions of the same names in this program: every change to the disk
// first counts down, and the process kills itself at zero.
namespace {

int calls_left = -1;                           // negative: unlimited
bool swaps = true;                             // whether two names can be swapped, as on most file systems
std::vector<std::string>* recorded = nullptr;  // receives "flush <path>" and "rename <from> <to>"

void count_call() {
  if (calls_left == 0) ::kill(::getpid(), SIGKILL);
  if (calls_left > 0) --calls_left;
}

}  // namespace

extern "C" {
int rename(const char* from, const char* to) noexcept {
  count_call();
  if (recorded != nullptr) recorded->push_back(std::string("rename ") + from + " " + to);
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int renameat2(int, const char* from, int, const char* to, unsigned flags) noexcept {
  count_call();
  if (!swaps) {
    errno = EINVAL;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
}
int fsync(int fd) {
  count_call();
  if (recorded != nullptr) {
    recorded->push_back("flush " + fs::read_symlink("/proc/self/fd/" + std::to_string(fd)).string());
  }
  return 0;  // a killed process loses nothing the kernel has: flushing would only slow the test
}
ssize_t write(int fd, const void* data, size_t size) {
  count_call();
  return ::syscall(SYS_write, fd, data, size);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  count_call();
  return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
}
int unlink(const char* path) noexcept {
  count_call();
  return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
int mkdir(const char* path, mode_t mode) noexcept {
  count_call();
  return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
}

namespace {

// Writes a checkpoint of several files that all hold `version`.
void fill(const fs::path& folder, const std::string& version) {
  fs::create_directory(folder / "more");
  for (const char* name : {"weights", "config.json", "more/state"}) {
    std::ofstream(folder / name, std::ios::binary) << version;
  }
  std::ofstream(folder / "trainer_state.json") << R"({"step": 1, "optimizer_steps": 1})";
}

void save(CheckpointDirectory& directory, int64_t step, const std::string& version) {
  CheckpointDirectory::Draft draft = directory.begin(step);
  fill(draft.folder(), version);
  draft.commit();
}

void save_best(CheckpointDirectory& directory, const std::string& version) {
  CheckpointDirectory::Draft draft = directory.begin_best();
  fill(draft.folder(), version);
  draft.commit();
}

// The version all files of a checkpoint agree on.
std::string version_of(const fs::path& folder) {
  std::string version = read_file(folder / "weights");
  for (const char* name : {"config.json", "more/state"}) CHECK(read_file(folder / name) == version);
  return version;
}

using Names = std::vector<std::string>;

// Runs `work` in a child process that is killed at its `calls`-th change to the disk. Returns whether the child
// came to the end instead.
bool completes_before_kill(int calls, const std::function<void()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    calls_left = calls;
    try {
      work();
    } catch (...) {
      ::_exit(3);
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return false;
  REQUIRE(WEXITSTATUS(status) == 0);
  return true;
}

}  // namespace

TEST_CASE("checkpoints: saved, listed, the newest found, the oldest removed, the best kept") {
  const TemporaryFolder temporary;
  const fs::path root = temporary.path() / "a" / "b";
  CheckpointDirectory directory(root, 2);
  CHECK_FALSE(latest_checkpoint(root).has_value());
  save(directory, 9, "nine");
  save_best(directory, "nine");
  CHECK(*latest_checkpoint(root) == root / "checkpoint-9");
  save(directory, 10, "ten");
  save(directory, 100, "hundred");
  CHECK(checkpoint_steps(root) == std::vector<int64_t>{10, 100});
  CHECK(*latest_checkpoint(root) == root / "checkpoint-100");
  CHECK(version_of(root / "checkpoint-100") == "hundred");
  CHECK(version_of(root / "best") == "nine");
  CHECK(read_file(root / "latest") == "checkpoint-100\n");
  CHECK(names_in(root) == Names{"best", "checkpoint-10", "checkpoint-100", "latest"});
  save(directory, 10, "ten again");
  CHECK(version_of(root / "checkpoint-10") == "ten again");
  CHECK(*latest_checkpoint(root) == root / "checkpoint-10");
}

TEST_CASE("checkpoints: the latest stays even when older runs left higher steps") {
  const TemporaryFolder temporary;
  CheckpointDirectory directory(temporary.path(), 1);
  save(directory, 900, "old run");
  save(directory, 100, "new run");
  CHECK(checkpoint_steps(temporary.path()) == std::vector<int64_t>{100});
}

TEST_CASE("checkpoints: the newest is found without the file that names it") {
  const TemporaryFolder temporary;
  const fs::path& root = temporary.path();
  CheckpointDirectory directory(root, 5);
  save(directory, 9, "a");
  save(directory, 10, "b");
  fs::create_directory(root / "checkpoint-11x");
  fs::create_directory(root / "checkpoint--1");
  temporary.write("checkpoint-99", "a file");
  for (const char* content : {"", "checkpoint-77\n", "../elsewhere\n", "\n\n"}) {
    temporary.write("latest", content);
    CHECK(*latest_checkpoint(root) == root / "checkpoint-10");
  }
  temporary.write("latest", "checkpoint-9");
  CHECK(*latest_checkpoint(root) == root / "checkpoint-9");
  fs::remove(root / "latest");
  CHECK(*latest_checkpoint(root) == root / "checkpoint-10");
}

TEST_CASE("checkpoints: a draft that isn't committed leaves nothing") {
  const TemporaryFolder temporary;
  CheckpointDirectory directory(temporary.path(), 1);
  { fill(directory.begin(5).folder(), "never finished"); }
  CHECK(names_in(temporary.path()).empty());
}

TEST_CASE("checkpoints: leftovers are repaired on the next start") {
  const TemporaryFolder temporary;
  const fs::path& root = temporary.path();
  fs::create_directory(root / ".best.old");
  fill(root / ".best.old", "moved aside");
  fs::create_directory(root / "checkpoint-3");
  fill(root / "checkpoint-3", "new");
  fs::create_directory(root / ".checkpoint-3.old");
  fill(root / ".checkpoint-3.old", "old");
  fs::create_directory(root / ".checkpoint-4.tmp-999999999");
  temporary.write("latest.tmp-999999999", "checkp");
  const std::string running = ".checkpoint-5.tmp-" + std::to_string(::getppid());
  fs::create_directory(root / running);
  // Nobody writes for longer than he lives: the number is another process's by now.
  const fs::path reused = root / (".checkpoint-6.tmp-" + std::to_string(::getppid()));
  fs::create_directory(reused);
  fs::last_write_time(reused, fs::file_time_type::clock::now() - std::chrono::hours(24 * 3650));
  temporary.write("notes.tmp-of mine", "not ours");
  const CheckpointDirectory directory(root, 1);
  CHECK(names_in(root) == Names{running, "best", "checkpoint-3", "notes.tmp-of mine"});
  CHECK(version_of(root / "best") == "moved aside");
  CHECK(version_of(root / "checkpoint-3") == "new");
}

TEST_CASE("checkpoints: errors name the path and the reason") {
  const TemporaryFolder temporary;
  const std::string file = temporary.write("file", "x");
  CHECK_THROWS_WITH_AS(CheckpointDirectory(file, 1),
                       ("cannot make folder '" + file + "': Not a directory").c_str(), Error);
  CHECK_THROWS_WITH_AS(CheckpointDirectory(fs::path(file) / "below", 1),
                       ("cannot make folder '" + file + "/below': Not a directory").c_str(), Error);
  CHECK_THROWS_WITH_AS(CheckpointDirectory(temporary.path(), 0),
                       "[checkpoint] 0 checkpoints to keep: expected 1 or more", Error);
  CHECK_THROWS_AS(checkpoint_steps(temporary.path() / "nowhere"), Error);

  CheckpointDirectory directory(temporary.path() / "save", 1);
  save(directory, 1, "one");
  {
    CheckpointDirectory::Draft draft = directory.begin(2);
    fill(draft.folder(), "two");
    const std::string theirs = temporary.write("save/checkpoint-2", "in the way");
    CHECK_THROWS_WITH_AS(
        draft.commit(),
        ("cannot write '" + theirs + "': something that is no checkpoint has that name").c_str(), Error);
    CHECK(read_file(theirs) == "in the way");
  }
  CHECK(names_in(temporary.path() / "save") == Names{"checkpoint-1", "checkpoint-2", "latest"});
  CHECK(version_of(temporary.path() / "save" / "checkpoint-1") == "one");
}

TEST_CASE("checkpoints: nothing but what has exactly our names, and is ours, is moved or removed") {
  const TemporaryFolder temporary;
  const fs::path& root = temporary.path();
  const std::string dead = ".tmp-999999999";
  std::map<std::string, std::string> theirs{{".notes.old", "a"},
                                            {"notes", "b"},
                                            {".profile.old", "c"},
                                            {"data.csv" + dead, "d"},
                                            {".best.old", "e"},
                                            {".best" + dead, "f"},
                                            {"checkpoint-08", "g"},
                                            {"checkpoint-1.bak", "h"},
                                            {"checkpoint-+1", "i"},
                                            {".checkpoint-07.old", "j"},
                                            {"checkpoint-3" + dead, "k"},
                                            {"latest.tmp-0999999999", "l"},
                                            {".latest" + dead, "m"},
                                            {"best" + dead, "n"},
                                            {"checkpoint-900", "o"},
                                            {".probe.tmp-", "p"},
                                            {".checkpoint-2.old" + dead, "q"}};
  for (const auto& [name, text] : theirs) temporary.write(name, text);
  for (const std::string& folder : Names{".backup.old", ".checkpoint-08" + dead, "checkpoint-007",
                                         "checkpoint-901", ".best.tmp-1x", "latest" + dead}) {
    fs::create_directory(root / folder);
    theirs[folder + "/file"] = folder;
    temporary.write(folder + "/file", folder);
  }
  fs::create_directory_symlink(root / "checkpoint-007", root / "checkpoint-902");
  fs::create_symlink("checkpoint-903", root / "checkpoint-903");  // to itself
  fs::create_directory_symlink(root / "checkpoint-007", root / (".best.tmp-999999998"));

  for (int run = 0; run < 2; ++run) {
    CheckpointDirectory directory(root, 1);
    CHECK(directory.is_empty() == (run == 0));
    CHECK_NOTHROW(directory.check_names(0, 899));
    for (int64_t step = 6; step < 9; ++step) {
      save(directory, step, "ours");
      save_best(directory, "ours");
    }
    for (const auto& [name, text] : theirs) {
      CAPTURE(name);
      CHECK(file_content(root / name) == text);
    }
    CHECK(fs::is_symlink(root / "checkpoint-902"));
    CHECK(fs::is_symlink(root / "checkpoint-903"));
    CHECK(fs::is_symlink(root / ".best.tmp-999999998"));
    CHECK(*latest_checkpoint(root) == root / "checkpoint-8");
    CHECK_FALSE(fs::exists(root / "checkpoint-7"));
  }
}

TEST_CASE("checkpoints: what has a name that will be needed, and is not ours, is named before training") {
  const TemporaryFolder temporary;
  const fs::path& root = temporary.path();
  CheckpointDirectory directory(root, 1);
  const auto refused = [&](const std::string& name, const std::string& what) {
    CHECK_THROWS_WITH_AS(directory.check_names(2, 5),
                         fmt::format("'{}' is not {} of a run, and would have to be replaced: give it "
                                     "another name, or name another folder",
                                     (root / name).string(), what)
                             .c_str(),
                         Error);
    fs::remove_all(root / name);
  };
  for (const std::string name : {"best", "checkpoint-3", "checkpoint-5"}) {
    CAPTURE(name);
    temporary.write(name, "a file");
    refused(name, "a checkpoint");
    fs::create_directory(root / name);  // of another program
    temporary.write(name + "/trainer_state.json", R"({"global_step": 3, "epoch": 1.0})");
    refused(name, "a checkpoint");
    fs::create_symlink(name, root / name);
    refused(name, "a checkpoint");
  }
  fs::create_directory(root / "latest");
  refused("latest", "the file");
  for (const std::string& text : {std::string("my latest notes\n"), std::string(100000, 'x')}) {
    temporary.write("latest", text);
    refused("latest", "the file");
  }
  fs::create_symlink("latest", root / "latest");
  CHECK_THROWS_WITH_AS(
      latest_checkpoint(root),
      ("cannot read '" + (root / "latest").string() + "': Too many levels of symbolic links").c_str(), Error);
  refused("latest", "the file");
  for (const char* name : {"checkpoint-2", "checkpoint-6", "checkpoint-03"})
    temporary.write(name, "not needed");
  CHECK_NOTHROW(directory.check_names(2, 5));
}

TEST_CASE(
    "checkpoints: all is on the disk before it gets its name, and the name before anything refers to it") {
  const TemporaryFolder temporary;
  const fs::path root = fs::canonical(temporary.path());
  CheckpointDirectory directory(root, 1);
  CheckpointDirectory::Draft draft = directory.begin(7);
  fill(draft.folder(), "seven");
  const std::string folder = draft.folder().string();
  std::vector<std::string> calls;
  recorded = &calls;
  draft.commit();
  recorded = nullptr;
  const std::string latest = (root / "latest").string();
  const std::string pid = std::to_string(::getpid());
  CHECK(calls == std::vector<std::string>{
                     "flush " + folder + "/config.json", "flush " + folder + "/more/state",
                     "flush " + folder + "/more", "flush " + folder + "/trainer_state.json",
                     "flush " + folder + "/weights", "flush " + folder,
                     "rename " + folder + " " + (root / "checkpoint-7").string(), "flush " + root.string(),
                     "flush " + latest + ".tmp-" + pid, "rename " + latest + ".tmp-" + pid + " " + latest,
                     "flush " + root.string()});
}

TEST_CASE("checkpoints: a process killed at any change to the disk leaves whole checkpoints") {
  int kills = 0;
  SUBCASE("where names can be swapped") { swaps = true; }
  SUBCASE("where they can't") { swaps = false; }
  for (int calls = 0;; ++calls) {
    CAPTURE(calls);
    const TemporaryFolder temporary;
    const fs::path& root = temporary.path();
    {
      CheckpointDirectory directory(root, 1);
      save(directory, 1, "first");
      save_best(directory, "first");
    }
    const bool completed = completes_before_kill(calls, [&] {
      CheckpointDirectory directory(root, 1);
      save_best(directory, "second");
      save(directory, 2, "second");
      save(directory, 2, "third");  // replaces one of the same name
    });
    // What a reader finds before anything is repaired is whole, too.
    const std::optional<fs::path> unrepaired = latest_checkpoint(root);
    if (unrepaired) version_of(*unrepaired);
    if (swaps) version_of(root / "best");

    { const CheckpointDirectory repaired(root, 1); }
    const std::optional<fs::path> latest = latest_checkpoint(root);
    REQUIRE(latest.has_value());
    const std::string version = version_of(*latest);
    const std::string best = version_of(root / "best");
    CHECK((best == "first" || best == "second"));
    if (completed) CHECK(version == "third");
    if (version != "first") CHECK(best == "second");
    for (const std::string& name : names_in(root)) CHECK_FALSE(name.starts_with('.'));
    if (completed) break;
    ++kills;
  }
  CHECK(kills > 30);
  swaps = true;
}
