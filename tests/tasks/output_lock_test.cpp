// The lock on what a run writes: whom it names, and that it goes with its process however that ends.
#include "tasks/output_lock.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "nn/checkpoints/safetensors.h"
#include "tests/tasks/program.h"

using namespace gradus;
namespace fs = std::filesystem;

// Stands in for the C library's function of the same name in this program.
namespace {
bool has_locks = true;
}
extern "C" int flock(int descriptor, int operation) noexcept {
  if (has_locks) return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
  errno = ENOLCK;
  return -1;
}

namespace {

// A process that has locked `output`, until it is killed or this object goes.
class Holder {
 public:
  explicit Holder(const fs::path& output) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      const OutputLock lock(output);
      if (::write(ready[1], "x", 1) == 1) ::pause();
      ::_exit(0);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("output lock: a second process is refused and told who has it, until the first is gone") {
  const TemporaryFolder folder;
  const std::string file = (folder / "out.mindrecord").string();
  for (const fs::path& output : {folder.path(), fs::path(file)}) {
    CAPTURE(output.string());
    Holder holder(output);
    const std::string message = error_of([&] { const OutputLock second(output); });
    CHECK(message.starts_with(fmt::format("'{}': another run writes there: test_tasks, process {} on ",
                                          output.string(), holder.pid())));
    CHECK(message.ends_with(" UTC: wait for its end, or name another place"));
    holder.kill();
    const OutputLock third(output);
    CHECK(third.warning().empty());
  }
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("output lock: files of one folder are locked apart, and apart from the folder") {
  const TemporaryFolder folder;
  const OutputLock a(folder / "a"), b(folder / "b"), all(folder.path());
  CHECK_THROWS_AS(OutputLock(folder / "a"), Error);
  CHECK_THROWS_AS(OutputLock(folder / "."), Error);
}

TEST_CASE("output lock: what stands in the file is not believed, and nothing but a file of ours is one") {
  const TemporaryFolder folder;
  folder.write(".gradus-lock", "run_ner, process 1 on elsewhere, since 1970-01-01 00:00:00 UTC\n");
  { const OutputLock lock(folder.path()); }
  CHECK(fs::is_empty(folder.path()));

  const Holder holder(folder.path());
  folder.write(".gradus-lock", "\x1b[31mnot a name\n");
  CHECK_THROWS_WITH_AS(
      OutputLock(folder.path()),
      fmt::format("'{}': another run writes there: a process that does not say its name: wait for its end, "
                  "or name another place",
                  folder.path().string())
          .c_str(),
      Error);

  const TemporaryFolder other;
  fs::create_directory(other / ".gradus-lock");
  CHECK_THROWS_AS(OutputLock(other.path()), Error);
  fs::remove(other / ".gradus-lock");
  fs::create_symlink(other.write("mine", "mine"), other / ".gradus-lock");
  CHECK_THROWS_AS(OutputLock(other.path()), Error);
  CHECK(file_content(other / "mine") == "mine");
}

TEST_CASE("output lock: one whose file was removed meanwhile does not remove another's") {
  const TemporaryFolder folder;
  {
    const OutputLock first(folder.path());
    fs::remove(folder / ".gradus-lock");
    folder.write(".gradus-lock", "of somebody else");
  }
  CHECK(file_content(folder / ".gradus-lock") == "of somebody else");
}

TEST_CASE("output lock: a program that a run starts does not keep it") {
  const TemporaryFolder folder;
  std::optional<OutputLock> lock(folder.path());
  Process child({"/bin/sleep", "30"}, "");
  lock.reset();
  CHECK(child.is_running());
  const OutputLock again(folder.path());
  CHECK(again.warning().empty());
}

TEST_CASE("output lock: where nothing can be written there is nothing to lock") {
  const TemporaryFolder folder;
  CHECK_NOTHROW(OutputLock(folder / "nowhere" / "file"));
  CHECK_NOTHROW(OutputLock(fs::path(folder.write("file", "")) / "below"));
}

TEST_CASE("every driver is refused the folder that another run saves to, before it looks at anything") {
  const TemporaryFolder folder;
  const std::string save = (folder / "save").string();
  fs::create_directory(save);
  const OutputLock lock(save);
  const std::string leftover = save + "/.best.tmp-999999999";
  fs::create_directory(leftover);
  for (const char* program : {"run_ner", "run_classifier", "run_squad"}) {
    for (const char* resume : {"--resume=false", "--resume=true"}) {
      CAPTURE(program);
      const Outcome outcome =
          run_program(program, {"--do_train", "--train_data_file_path=none", "--vocab_file_path=none", resume,
                                "--save_finetune_checkpoint_path=" + save});
      CHECK(outcome.status == 2);
      CHECK(outcome.err.starts_with("error: '" + save + "': another run writes there: test_tasks, process "));
    }
    CHECK(fs::exists(leftover));
  }
}

TEST_CASE("result files of one folder are written by one run") {
  const TemporaryFolder folder;
  const OutputLock lock(folder.path());
  for (const char* program : {"run_classifier", "run_squad"}) {
    CAPTURE(program);
    const Outcome outcome = run_program(program, {"--do_predict", "--load_finetune_checkpoint_path=none",
                                                  "--output_dir=" + folder.path().string()});
    CHECK(outcome.status == 2);
    CHECK(outcome.err.find("another run writes there") != std::string::npos);
  }
}

TEST_CASE("a run that fails leaves no folder that it had made") {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_program("run_ner", {"--do_train", "--train_data_file_path=none", "--vocab_file_path=none",
                              "--save_finetune_checkpoint_path=" + (folder / "a" / "b/").string()});
  CHECK(outcome.status == 2);
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("records, their labels and checkpoints are written by one run at a time") {
  const TemporaryFolder folder;
  const std::string out = (folder / "out").string(), in = (folder / "in").string();
  fs::create_directory(out);
  fs::create_directory(in);
  write_file(in + "/a.tfrecord", "");
  const std::string vocab = folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
  const std::string text = folder.write("text.txt", "a b\n\nb a\n"),
                    questions = folder.write("squad.json", "{}");
  const std::vector<float> values(4, 1.0F);
  const TensorEntry bias{"bert.pooler.dense.bias", "F32", {4}, std::as_bytes(std::span(values))};
  write_safetensors(folder.path().string() + "/a.safetensors", std::vector<TensorEntry>{bias});
  const OutputLock folder_lock(out), records_lock(out + "/train.mindrecord"),
      converted_lock(out + "/a.mindrecord"), checkpoint_lock(out + "/a.safetensors");
  for (const Words& command :
       {command_of("generate_ner_records",
                   {"--vocab_file=" + vocab, "--output_dir=" + out, "--dataset_name=conll2003"}),
        command_of("generate_classifier_records",
                   {"--vocab_file=" + vocab, "--output_dir=" + out, "--dataset_name=sst2"}),
        command_of("generate_squad_records",
                   {"--vocab_file=" + vocab, "--output_dir=" + out, "--train_file=" + questions}),
        command_of("generate_pretraining_records", {"--vocab_file=" + vocab, "--input_file=" + text,
                                                    "--output_file=" + out + "/a.mindrecord"}),
        command_of("parallel_tfrecord_to_mindrecord",
                   {"--input_tfrecord_dir=" + in, "--output_mindrecord_dir=" + out}),
        command_of("convert_checkpoint",
                   {"--to", "safetensors", "--allow_missing", folder.path().string() + "/a.safetensors",
                    out + "/a.safetensors"})}) {
    CAPTURE(command[0]);
    const Outcome outcome = Process(command, "").wait();
    CAPTURE(outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.err.find("': another run writes there: test_tasks, process ") != std::string::npos);
  }
  CHECK(std::distance(fs::directory_iterator(out), {}) == 4);  // the locks
}

TEST_CASE("what a lock has left behind is nobody's data") {
  const TemporaryFolder folder;
  folder.write(".gradus-lock", "of one that was killed");
  const OutputLock lock(folder / "a.tfrecord");
  int locks = 0;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    CHECK(is_lock_file(entry.path()));
    CHECK(entry.path().string().find("tfrecord") == std::string::npos);
    ++locks;
  }
  CHECK(locks == 2);
  CHECK_FALSE(is_lock_file(folder / "a.tfrecord"));
  const Outcome outcome =
      run_program("parallel_tfrecord_to_mindrecord",
                  {"--input_tfrecord_dir=" + folder.path().string(), "--output_mindrecord_dir=out"});
  CHECK(outcome.err.find(": no file in it") != std::string::npos);
}

TEST_CASE("a device is not locked") {
  const OutputLock a("/dev/null"), b("/dev/null");
  CHECK_FALSE(fs::exists("/dev/.gradus-lock"));
}

TEST_CASE("where the file system has no locks the log says so, and the run goes on") {
  const TemporaryFolder folder;
  const std::string path = folder.write("log", "");
  std::FILE* log = std::fopen(path.c_str(), "w");
  has_locks = false;
  {
    const OutputFolder first(folder / "out", log), second(folder / "out", log);
    CHECK(fs::is_directory(folder / "out"));
  }
  has_locks = true;
  std::fclose(log);
  const std::string warning =
      "warning: '" + (folder / "out").string() +
      "': no lock there (No locks available): a second run at the same time would not be "
      "noticed\n";
  CHECK(file_content(path) == warning + warning);
}
