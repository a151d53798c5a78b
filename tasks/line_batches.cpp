#include "tasks/line_batches.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "data/unicode.h"
#include "tasks/log.h"

namespace gradus {
namespace {

// What makes a text no line to predict for; empty when nothing does.
std::string fault_of(std::string_view line) {
  const size_t invalid = find_invalid_utf8(line);
  if (invalid != std::string_view::npos)
    return fmt::format("invalid UTF-8 at byte {}: found 0x{:02x}", invalid,
                       static_cast<unsigned char>(line[invalid]));
  const size_t nul = line.find('\0');
  if (nul != std::string_view::npos) return fmt::format("a NUL byte (U+0000) at byte {}", nul);
  return "";
}

}  // namespace

// Of a line that is too long the rest is passed over, not stored.
bool LineBatches::read_line(std::string& line, std::string& fault) {
  using Traits = std::istream::traits_type;
  line.clear();
  size_t length = 0;
  bool ended = false;
  std::streambuf& buffer = *in_.rdbuf();
  for (auto c = buffer.sbumpc(); !ended && c != Traits::eof(); c = ended ? c : buffer.sbumpc()) {
    ended = Traits::to_char_type(c) == '\n';
    if (!ended && ++length <= longest_line) line += Traits::to_char_type(c);
  }
  if (!ended && length == 0) return false;
  if (++read_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (line.ends_with('\r')) line.pop_back();
  fault = length > longest_line ? fmt::format("{} bytes: at most {} are read", length, longest_line)
                                : fault_of(line);
  if (!fault.empty()) line.clear();
  return true;
}

bool LineBatches::next(std::vector<std::string>& lines) try {
  constexpr size_t most_lines = 64;
  lines.clear();
  faults_.clear();
  first_ = read_ + 1;
  for (std::string line, fault; lines.size() < most_lines;) {
    if (!lines.empty() && in_.rdbuf()->in_avail() <= 0) break;
    if (!read_line(line, fault)) break;
    bad_ += fault.empty() ? 0 : 1;
    lines.push_back(std::move(line));
    faults_.push_back(std::move(fault));
  }
  return !lines.empty();
} catch (const std::ios_base::failure&) {
  fail("cannot read '{}'", name_);
}

std::string LineBatches::where(size_t line) const { return fmt::format("{}:{}", name_, number(line)); }

void LineBatches::refuse(size_t line, std::string fault) {
  check(faults_[line].empty() && !fault.empty(), "[lines] line {} is refused twice, or for nothing",
        number(line));
  faults_[line] = std::move(fault);
  ++bad_;
}

std::string LineBatches::error_line(size_t line, bool json) const {
  const std::string text = fmt::format("line {}: {}", number(line), faults_[line]);
  if (!json) return "error: " + text;
  return nlohmann::ordered_json{{"error", text}, {"line", number(line)}}.dump();
}

int LineBatches::status(std::FILE* log) const {
  if (bad_ == 0) return 0;
  print_log(log, "{}: {} of {} lines could not be answered: each has an error in place of its answer\n",
            name_, bad_, read_);
  return exit_bad_lines;
}

}  // namespace gradus
