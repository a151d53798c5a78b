#include "tasks/text/line_batches.h"

#include "core/counted.h"
#include "core/error.h"
#include "core/io/json.h"
#include "tasks/log/log.h"

namespace gradus {

bool LineBatches::next(std::vector<std::string>& lines) {
  constexpr size_t most_lines = 64;
  lines.clear();
  faults_.clear();
  first_ = reader_.line_number() + 1;
  std::string_view line;
  while (lines.size() < most_lines && (lines.empty() || reader_.is_ready()) && reader_.next_bytes(line)) {
    faults_.push_back(reader_.fault());
    bad_ += faults_.back().empty() ? 0 : 1;
    lines.emplace_back(faults_.back().empty() ? line : std::string_view());
  }
  return !lines.empty();
}

std::string LineBatches::where(size_t line) const { return fmt::format("{}:{}", name(), number(line)); }

void LineBatches::refuse(size_t line, std::string fault) {
  check(faults_[line].empty() && !fault.empty(), "[lines] line {} is refused twice, or for nothing",
        number(line));
  faults_[line] = std::move(fault);
  ++bad_;
}

std::string LineBatches::error_line(size_t line, bool json) const {
  const std::string text = fmt::format("line {}: {}", number(line), faults_[line]);
  if (!json) return "error: " + text;
  return json_text(Json{{"error", text}, {"line", number(line)}});
}

int LineBatches::status(std::FILE* log) const {
  if (bad_ == 0) return 0;
  print_log(log, "{}: {} of {} could not be answered: each has an error in place of its answer\n", name(),
            bad_, counted(reader_.line_number(), "line"));
  return exit_bad_lines;
}

}  // namespace gradus
