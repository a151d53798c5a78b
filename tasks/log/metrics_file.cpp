#include "tasks/log/metrics_file.h"

#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>
#include <limits>
#include <string_view>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "core/version.h"

namespace gradus {
namespace {

// A size of this process by its name in /proc.
int64_t status_bytes(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kibibytes = 0;
    if (word == name && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

}  // namespace

std::string to_json(const RunMetrics& metrics) {
  Json object = Json::object();
  if (!metrics.program.empty()) {
    object["program"] = metrics.program;
    object["version"] = version();
    object["date"] = metrics.date;
    object["model"] = metrics.model;
  }
  object.update(Json{
      {"steps", metrics.steps},
      {"seconds", metrics.seconds},
      {"examples_per_second", metrics.examples_per_second},
      {"tokens_per_second", metrics.tokens_per_second},
      {"peak_rss_bytes", metrics.peak_rss_bytes},
  });
  if (metrics.train_loss) object["train_loss"] = *metrics.train_loss;
  for (const auto& [name, score] : metrics.scores) object[name] = score;
  for (const EvaluationPoint& point : metrics.evaluations) {
    Json& entry = object["evaluations"].push_back({{"step", point.step}});
    for (const auto& [name, score] : point.scores) entry[name] = score;
  }
  if (!metrics.losses.empty())
    object["training_loss"] = {{"steps_per_point", metrics.steps_per_loss}, {"points", metrics.losses}};
  if (!metrics.program.empty()) object["settings"] = metrics.settings;
  return json_text(object, 2) + "\n";
}

void write_metrics_file(const std::string& path, const RunMetrics& metrics) {
  replace_file(path, to_json(metrics));
}

int64_t resident_bytes() { return status_bytes("VmRSS:"); }
int64_t peak_rss_bytes() { return status_bytes("VmHWM:"); }

double process_age_seconds() { return process_age_seconds(::getpid()); }

double process_age_seconds(int64_t pid) {
  double uptime = 0;
  std::ifstream("/proc/uptime") >> uptime;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  // Field 22 is the start in clock ticks since boot. Field 2, the program's name, may hold anything but ends in ')'.
  stat.ignore(std::numeric_limits<std::streamsize>::max(), ')');
  std::string skipped;
  for (int field = 3; field < 22; ++field) stat >> skipped;
  double ticks = 0;
  if (!(stat >> ticks)) return 0;
  return uptime - ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string start_date() {
  const auto started =
      static_cast<std::time_t>(static_cast<double>(std::time(nullptr)) - process_age_seconds());
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&started, &parts) == nullptr) return "";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string shown_date(const std::string& date) {
  constexpr size_t length = std::string_view("2026-05-31T09:30:00Z").size(), day = 10, minute = 16;
  if (date.size() != length || date[day] != 'T' || !date.ends_with('Z')) return date;
  return date.substr(0, day) + ' ' + date.substr(day + 1, minute - day - 1) + " UTC";
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace gradus
