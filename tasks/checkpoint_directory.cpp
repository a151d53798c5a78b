#include "tasks/checkpoint_directory.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "core/error.h"
#include "core/files.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "checkpoint-";
constexpr std::string_view old_suffix = ".old";

// All of `text` as a whole number of 0 or more.
std::optional<int64_t> parse_count(std::string_view text) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return parse_count(name.substr(prefix.size()));
}

// Whether another running process has this number.
bool is_running(int64_t pid) {
  return pid != ::getpid() && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

void move(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_errno(fmt::format("rename '{}' to", from.string()), to);
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  check(!error, "cannot remove '{}': {}", path.string(), error.message());
}

// The names in a folder, sorted.
std::vector<std::string> names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  check(!error, "cannot read folder '{}': {}", folder.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

// Flushes every file below `folder`, every folder, and `folder` itself.
void flush_tree(const fs::path& folder) {
  for (const std::string& name : names_in(folder)) {
    const fs::path path = folder / name;
    if (fs::is_directory(path)) flush_tree(path);
    else flush_to_disk(path);
  }
  flush_to_disk(folder);
}

}  // namespace

std::string CheckpointDirectory::checkpoint_name(int64_t step) { return fmt::format("{}{}", prefix, step); }

CheckpointDirectory::CheckpointDirectory(fs::path root, int64_t keep) : root_(std::move(root)), keep_(keep) {
  check(keep_ >= 1, "[checkpoint] {} checkpoints to keep: expected 1 or more", keep_);
  std::error_code error;
  fs::create_directories(root_, error);
  check(!error, "cannot make folder '{}': {}", root_.string(), error.message());
  repair();
  const Draft probe(*this,
                    "probe");  // better a folder that can't be written to now than after hours of training
}

bool CheckpointDirectory::is_empty() const {
  return checkpoint_steps(root_).empty() && !fs::exists(root_ / "best");
}

// Leftovers of killed runs: drafts go, unless their process still runs; a checkpoint that was moved aside
// comes back when its successor did not make it to the name, and goes otherwise.
void CheckpointDirectory::repair() {
  for (const std::string& name : names_in(root_)) {
    if (name.starts_with('.') && name.ends_with(old_suffix)) {
      const fs::path target = root_ / name.substr(1, name.size() - 1 - old_suffix.size());
      if (fs::exists(target)) remove_tree(root_ / name);
      else move(root_ / name, target);
    } else if (const size_t mark = name.rfind(temporary_mark); mark != std::string::npos) {
      const std::optional<int64_t> pid =
          parse_count(std::string_view(name).substr(mark + temporary_mark.size()));
      if (pid && !is_running(*pid)) remove_tree(root_ / name);
    }
  }
}

CheckpointDirectory::Draft::Draft(CheckpointDirectory& directory, std::string name)
    : directory_(directory),
      name_(std::move(name)),
      folder_(directory.root_ / fmt::format(".{}{}{}", name_, temporary_mark, ::getpid())) {
  remove_tree(folder_);
  std::error_code error;
  fs::create_directory(folder_, error);
  check(!error, "cannot make folder '{}': {}", folder_.string(), error.message());
}

CheckpointDirectory::Draft::~Draft() {
  std::error_code ignored;  // a draft that can't be removed now is removed on the next start
  fs::remove_all(folder_, ignored);
}

void CheckpointDirectory::Draft::commit() {
  const fs::path& root = directory_.root_;
  const fs::path target = root / name_;
  const fs::path old = root / fmt::format(".{}{}", name_, old_suffix);
  flush_tree(folder_);
  if (fs::exists(target)) {
    remove_tree(old);
    move(target, old);
  }
  try {
    move(folder_, target);
  } catch (const Error&) {
    if (fs::exists(old)) move(old, target);
    throw;
  }
  flush_to_disk(root);
  remove_tree(old);
  if (!step_of(name_)) return;
  replace_file(root / "latest", name_ + "\n");
  directory_.prune();
}

// Removes the checkpoints that were written first, beyond the number to keep; never the latest.
void CheckpointDirectory::prune() {
  const std::optional<fs::path> latest = latest_checkpoint(root_);
  std::vector<std::pair<fs::file_time_type, int64_t>> others;  // when written, step
  for (const int64_t step : checkpoint_steps(root_)) {
    const fs::path path = root_ / checkpoint_name(step);
    std::error_code error;
    const fs::file_time_type written = fs::last_write_time(path, error);
    check(!error, "cannot read '{}': {}", path.string(), error.message());
    if (path != latest) others.emplace_back(written, step);
  }
  std::sort(others.begin(), others.end());
  const auto kept = static_cast<size_t>(keep_ - 1);
  for (size_t i = 0; i + kept < others.size(); ++i) {
    // Renamed first: a kill while it is being removed must not leave a part under the name of a whole.
    const std::string name = checkpoint_name(others[i].second);
    const fs::path doomed = root_ / fmt::format(".{}{}{}", name, temporary_mark, ::getpid());
    remove_tree(doomed);
    move(root_ / name, doomed);
    remove_tree(doomed);
  }
}

std::vector<int64_t> checkpoint_steps(const fs::path& root) {
  std::vector<int64_t> steps;
  for (const std::string& name : names_in(root)) {
    const std::optional<int64_t> step = step_of(name);
    if (step && fs::is_directory(root / name)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<fs::path> latest_checkpoint(const fs::path& root) {
  const fs::path pointer = root / "latest";
  if (fs::exists(pointer)) {
    std::string name = read_file(pointer);
    while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back()))) name.pop_back();
    if (step_of(name) && fs::is_directory(root / name)) return root / name;
  }
  const std::vector<int64_t> steps = checkpoint_steps(root);
  if (steps.empty()) return std::nullopt;
  return root / CheckpointDirectory::checkpoint_name(steps.back());
}

}  // namespace gradus
