// Progress lines, the bar on a pseudo-terminal, plain lines in a file, and the reference drivers' log lines.
#include "tasks/log/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/io/files.h"
#include "tests/files.h"

using namespace gradus;

namespace {

const ProgressState half_way{"train", 120, 400, 0.43214, 5234, 65};

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
