#include "tasks/metrics_file.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tasks/files.h"

namespace gradus {

std::string to_json(const RunMetrics& metrics) {
  nlohmann::ordered_json object = {
      {"steps", metrics.steps},
      {"seconds", metrics.seconds},
      {"examples_per_second", metrics.examples_per_second},
      {"tokens_per_second", metrics.tokens_per_second},
      {"peak_rss_bytes", metrics.peak_rss_bytes},
  };
  if (metrics.train_loss) object["train_loss"] = *metrics.train_loss;
  object["scores"] = nlohmann::ordered_json::object();
  for (const auto& [name, score] : metrics.scores) object["scores"][name] = score;
  return object.dump(2) + "\n";
}

void write_metrics_file(const std::string& path, const RunMetrics& metrics) {
  replace_file(path, to_json(metrics));
}

int64_t peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

}  // namespace gradus
