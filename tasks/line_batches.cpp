#include "tasks/line_batches.h"

#include "core/error.h"
#include "data/unicode.h"

namespace gradus {

bool LineBatches::next(std::vector<std::string>& lines) {
  constexpr size_t most_lines = 64;
  lines.clear();
  first_ = read_ + 1;
  for (std::string line; lines.size() < most_lines;) {
    if (!lines.empty() && in_.rdbuf()->in_avail() <= 0) break;
    if (!std::getline(in_, line)) break;
    ++read_;
    if (read_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.ends_with('\r')) line.pop_back();
    check_utf8(line, where(lines.size()));
    lines.push_back(std::move(line));
  }
  check(!in_.bad(), "cannot read '{}'", name_);
  return !lines.empty();
}

std::string LineBatches::where(size_t line) const { return fmt::format("{}:{}", name_, number(line)); }

}  // namespace gradus
