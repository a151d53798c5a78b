// Progress lines, the bar on a pseudo-terminal, plain lines in a file, and the reference drivers' log lines.
#include "tasks/log/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <thread>

#include "core/io/files.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tests/files.h"

using namespace gradus;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const ProgressState half_way{"train", 120, 400, 0.43214, 5234, 65};

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// What is written to a file.
std::string written(const std::function<void(std::FILE*)>& work) {
  const TemporaryFolder folder;
  const std::string path = folder.write("log", "");
  std::FILE* out = std::fopen(path.c_str(), "w");
  REQUIRE(out != nullptr);
  work(out);
  std::fclose(out);
  return read_file(path);
}

}  // namespace

TEST_CASE("progress: the bar takes the room that is left") {
  const std::string text = "120/400 30% loss 0.4321 5.2k tokens/s eta 1:05";
  CHECK(progress_line(half_way, 0) == "train " + text);
  CHECK(progress_line(half_way, 200) == "train [===========>                          ] " + text);
  CHECK(progress_line(half_way, 65) == "train [===>      ] " + text);
  CHECK(progress_line(half_way, 58) == "train [>  ] " + text);
  CHECK(progress_line(half_way, 57) == "train " + text);  // no room for a bar
  CHECK(progress_line(half_way, 20) == "train 120/400 30% lo");
  for (int width = 1; width < 120; ++width) {
    CHECK(progress_line(half_way, width).size() <= static_cast<size_t>(width));
  }
}

TEST_CASE("progress: what isn't known isn't shown") {
  CHECK(progress_line({"eval", 7, 0, std::nan(""), 0, -1}, 80) == "eval step 7");
  CHECK(progress_line({"eval", 8, 8, std::nan(""), 0, -1}, 20) == "eval [====] 8/8 100%");
  CHECK(progress_line({"eval", 9, 8, std::nan(""), 0, 0}, 0) == "eval 9/8 100% eta 0:00");
  CHECK(progress_line({"t", 1, 0, 1, 999.6, -1}, 0) == "t step 1 loss 1.0000 1000 tokens/s");
  CHECK(progress_line({"t", 1, 0, 1, 2.5e6, -1}, 0) == "t step 1 loss 1.0000 2.50M tokens/s");
}

TEST_CASE("progress: durations") {
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(59.6) == "1:00");
  CHECK(duration_text(3599) == "59:59");
  CHECK(duration_text(3725) == "1:02:05");
  CHECK(duration_text(-3) == "0:00");
}

TEST_CASE("progress: plain lines every log_steps steps and at the end, when the output is a file") {
  const TemporaryFolder folder;
  const std::string path = folder.write("log", "");
  std::FILE* out = std::fopen(path.c_str(), "w");
  REQUIRE(out != nullptr);
  {
    Progress progress("train", 7, 3, out);
    for (int64_t step = 1; step <= 7; ++step) progress.update(step, 0.5, 0);
  }
  { const Progress idle("train", 7, 3, out); }
  std::fclose(out);
  std::string text = read_file(path);
  CHECK(text.find('\r') == std::string::npos);
  for (const char* start : {"train 3/7 42% loss 0.5000 eta ", "train 6/7 85% loss 0.5000 eta ",
                            "train 7/7 100% loss 0.5000 eta 0:00\n"}) {
    CHECK(text.starts_with(start));
    text.erase(0, text.find('\n') + 1);
  }
  CHECK(text.empty());
}

TEST_CASE("progress: a line is due by the time: the first soon, others seldom") {
  using Clock = Pace::Clock;
  using std::chrono::seconds;
  const Clock::time_point start{};
  Pace pace({seconds(1), seconds(30)}, start);
  CHECK_FALSE(pace.is_due(start));
  CHECK_FALSE(pace.is_due(start + std::chrono::milliseconds(999)));
  CHECK(pace.is_due(start + seconds(1)));
  pace.told(start + seconds(4));  // the step before took so long
  CHECK_FALSE(pace.is_due(start + seconds(33)));
  CHECK(pace.is_due(start + seconds(34)));
  pace.told(start + seconds(20));  // a line for another reason
  CHECK_FALSE(pace.is_due(start + seconds(49)));
  CHECK(pace.is_due(start + seconds(50)));
  // Whoever waits for a sign of life has one within five seconds.
  CHECK(Pace({}, start).is_due(start + seconds(5)));
}

TEST_CASE("progress: slow steps are told by the time, and the first one while it is worked on") {
  const std::string text = written([](std::FILE* out) {
    Progress progress("train", 100, 50, out, out, {milliseconds(20), milliseconds(20)});
    std::this_thread::sleep_for(milliseconds(200));
    progress.update(1, 0.5, 0);
    progress.update(2, 0.5, 0);  // at once
    std::this_thread::sleep_for(milliseconds(60));
    progress.update(3, 0.5, 0);
    progress.update(4, 0.5, 0);
  });
  const std::vector<std::string> lines = lines_in(text);
  REQUIRE(lines.size() >= 4);
  CHECK(lines[0] == "train: first step 0:00");
  CHECK(lines[1].starts_with("train 1/100 1% loss 0.5000"));
  CHECK(contains(text, "train 3/100 3%"));
  CHECK(lines.back().starts_with("train 4/100 4%"));
}

TEST_CASE("progress: phases: nothing of what is short, a line of what is not, and one more now and then") {
  CHECK(phase_line("reading a.txt", 0, 0, 31, 0) == "reading a.txt 0:31");
  CHECK(phase_line("tokenizing a.txt: questions", 4096, 0, 31, 0) == "tokenizing a.txt: questions: 4096");
  CHECK(phase_line("tokenizing a.txt", 100, 400, 20, 0) == "tokenizing a.txt 100/400 25% eta 1:00");
  CHECK(phase_line("tokenizing a.txt", 100, 400, 20, 60) ==
        "tokenizing a.txt [=====>              ] 100/400 25% eta 1:00");
  CHECK(phase_line("reading a.txt", 0, 0, 31, 9) == "reading a");
  CHECK(written([](std::FILE* out) { const Phase phase("reading a.txt", 0, out); }) == "");
  const std::string text = written([](std::FILE* out) {
    Phase phase("tokenizing a.txt", 8, out, {milliseconds(20), milliseconds(100)});
    phase.done(2);
    std::this_thread::sleep_for(milliseconds(70));
    phase.done(4);
    std::this_thread::sleep_for(milliseconds(400));
  });
  CHECK_MESSAGE(text.starts_with("tokenizing a.txt 2/8 25% eta 0:00\ntokenizing a.txt 4/8 50% eta 0:00\n"),
                text);
  const Phase silent("reading a.txt", 0, nullptr);
}

TEST_CASE("progress: a loop tells the latest phase of its thread, if there is one") {
  Phase::count(1, 2);  // nobody
  const std::string text = written([](std::FILE* out) {
    const Phase outer("scoring", 0, out, {milliseconds(100), seconds(10)});
    {
      const Phase inner("evaluating", 0, out, {milliseconds(20), seconds(10)});
      Phase::count(3, 6);
      std::this_thread::sleep_for(milliseconds(60));
    }
    std::this_thread::sleep_for(milliseconds(200));
  });
  CHECK_MESSAGE(text == "evaluating 3/6 50% eta 0:00\nscoring 0:00\n", text);
}

TEST_CASE("progress: one line that is redrawn, at most ten times a second, on a terminal") {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) {
    MESSAGE("skipped: no pseudo-terminals on this machine");
    return;
  }
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  std::FILE* out = std::fopen(::ptsname(master), "w");
  REQUIRE(out != nullptr);
  winsize size{};
  size.ws_col = 40;
  size.ws_row = 10;
  REQUIRE(::ioctl(master, TIOCSWINSZ, &size) == 0);
  {
    Progress progress("train", 1000, 1, out);
    for (int64_t step = 1; step <= 1000; ++step) progress.update(step, 0.25, 1);
  }
  std::fclose(out);
  std::string text;
  char chunk[256];
  for (ssize_t count = 0; (count = ::read(master, chunk, sizeof chunk)) > 0;) {
    text.append(chunk, static_cast<size_t>(count));
  }
  ::close(master);
  CHECK(text.starts_with("\rtrain "));
  CHECK(text.find("1000/1000 100% loss 0.2500") != std::string::npos);
  CHECK(text.ends_with("\n"));
  // A thousand updates within a moment draw a few times: the first, one a tenth of a second, and the last.
  CHECK(std::count(text.begin(), text.end(), '\r') <= 20);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("progress: a phase on a terminal is a line that goes away, and lines of the log take its place") {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) {
    MESSAGE("skipped: no pseudo-terminals on this machine");
    return;
  }
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  std::FILE* out = std::fopen(::ptsname(master), "w");
  REQUIRE(out != nullptr);
  {
    const Phase phase("reading a.txt", 0, out, {milliseconds(20), seconds(10)});
    std::this_thread::sleep_for(milliseconds(100));
    print_log(out, "a line\n");
    std::this_thread::sleep_for(milliseconds(400));  // it comes back
  }
  std::fclose(out);
  std::string text;
  char chunk[256];
  for (ssize_t count = 0; (count = ::read(master, chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<size_t>(count));
  ::close(master);
  CHECK_MESSAGE(text.starts_with("\rreading a.txt 0:00\x1b[K\r\x1b[Ka line\r\n\rreading a.txt 0:00\x1b[K"),
                text);
  CHECK_MESSAGE(text.ends_with("\r\x1b[K"), text);
}
