#include "tasks/model/checkpoint_directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/io/files.h"
#include "tasks/log/metrics_file.h"
#include "tasks/training/train_state.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "checkpoint-";
constexpr std::string_view old_suffix = ".old";
constexpr const char* best = "best";
constexpr const char* latest = "latest";
constexpr const char* probe = "probe";
constexpr size_t most_name_bytes = 4096;

std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return number_in_name(name.substr(prefix.size()));
}

bool is_checkpoint_name(std::string_view name) { return name == best || step_of(name); }

// The checkpoint that a name of one moved aside stands for: "best" of ".best.old"; empty for other names.
std::string_view name_before_move(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(old_suffix)) return {};
  name = name.substr(1, name.size() - 1 - old_suffix.size());
  return is_checkpoint_name(name) ? name : std::string_view();
}

// The process that a name of something unfinished ends in: 12 of ".best.tmp-12"; none for other names.
std::optional<int64_t> writer_of(std::string_view name) {
  const size_t mark = name.rfind(temporary_mark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view what = name.substr(0, mark);
  const bool folder =
      what.starts_with('.') && (is_checkpoint_name(what.substr(1)) || what.substr(1) == probe);
  if (!folder && what != latest) return std::nullopt;
  return number_in_name(name.substr(mark + temporary_mark.size()));
}

// Where this process writes a checkpoint of that name, or moves one that is to go.
fs::path draft_of(const fs::path& root, std::string_view name) {
  return root / fmt::format(".{}{}{}", name, temporary_mark, ::getpid());
}

// A link is what it is, not what it leads to: we write none.
fs::file_type type_of(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type();
}
bool is_there(const fs::path& path) { return type_of(path) != fs::file_type::not_found; }
bool is_folder(const fs::path& path) { return type_of(path) == fs::file_type::directory; }

// Whether a checkpoint that this project has written is there.
bool is_ours(const fs::path& path) { return is_folder(path) && has_train_state(path); }

// What the file that names the newest checkpoint says.
std::string read_pointer(const fs::path& path) {
  std::string name = read_file(path, most_name_bytes);
  while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back()))) name.pop_back();
  return name;
}

// Whether a file is one that we wrote to name the newest checkpoint, or has nothing in it.
bool is_pointer(const fs::path& path) {
  std::error_code error;
  if (type_of(path) != fs::file_type::regular || fs::file_size(path, error) > most_name_bytes) return false;
  const std::string name = read_pointer(path);
  return name.empty() || step_of(name);
}

// Whether the process that the name of a draft says still writes it. A number may be another process's by now: then
// that one is younger than the draft.
bool is_being_written(const fs::path& draft, int64_t pid) {
  constexpr double slack = 2;  // seconds, in which clocks differ
  if (!other_process_runs(pid)) return false;
  std::error_code error;
  const fs::file_time_type written = fs::last_write_time(draft, error);
  const std::chrono::duration<double> age = fs::file_time_type::clock::now() - written;
  return error || process_age_seconds(pid) + slack >= age.count();
}

void move(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_errno(fmt::format("rename '{}' to", from.string()), to);
}

// Swaps two names at one stroke: a reader finds the one or the other. False where the file system can't.
bool swap(const fs::path& a, const fs::path& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
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
  make_folder(root_);
  repair();
  const Draft trial(*this,
                    probe);  // better a folder that can't be written to now than after hours of training
}

CheckpointDirectory::Draft CheckpointDirectory::begin_best() { return {*this, best}; }

bool CheckpointDirectory::has_best() const { return is_ours(best_checkpoint(root_)); }

bool CheckpointDirectory::is_empty() const { return checkpoint_steps(root_).empty() && !has_best(); }

void CheckpointDirectory::check_names(int64_t from, int64_t to) const {
  const auto require = [&](bool good, const std::string& name, const char* what) {
    check(good,
          "'{}' is not {} of a run, and would have to be replaced: give it another name, or name another "
          "folder",
          (root_ / name).string(), what);
  };
  for (const std::string& name : names_in(root_)) {
    const std::optional<int64_t> step = step_of(name);
    if (name == best || (step && *step > from && *step <= to))
      require(is_ours(root_ / name), name, "a checkpoint");
    if (name == latest) require(is_pointer(root_ / name), name, "the file");
  }
}

void CheckpointDirectory::make_latest(const fs::path& checkpoint) {
  const std::string line = checkpoint.filename().string() + "\n";
  const fs::path pointer = root_ / latest;
  if (!is_there(pointer) || read_file(pointer) != line) replace_file(pointer, line);
  prune();
}

// Leftovers of killed runs: drafts go, unless their process still runs; a checkpoint that was moved aside
// comes back when its successor did not make it to the name, and goes otherwise.
void CheckpointDirectory::repair() {
  for (const std::string& name : names_in(root_)) {
    const fs::path path = root_ / name;
    if (const std::string_view before = name_before_move(name); !before.empty() && is_folder(path)) {
      const fs::path target = root_ / before;
      if (is_ours(target)) remove_tree(path);
      else if (!is_there(target) && is_ours(path)) move(path, target);
    } else if (const std::optional<int64_t> pid = writer_of(name)) {
      const bool as_written =
          type_of(path) == (name.starts_with('.') ? fs::file_type::directory : fs::file_type::regular);
      if (as_written && !is_being_written(path, *pid)) remove_tree(path);
    }
  }
}

CheckpointDirectory::Draft::Draft(CheckpointDirectory& directory, std::string name)
    : directory_(directory), name_(std::move(name)), folder_(draft_of(directory.root_, name_)) {
  remove_tree(folder_);
  std::error_code error;
  fs::create_directory(folder_, error);
  check(!error, "cannot make folder '{}': {}", folder_.string(), error.message());
}

CheckpointDirectory::Draft::~Draft() {
  std::error_code ignored;  // what can't be removed now is removed on the next start
  fs::remove_all(folder_, ignored);
  if (!replaced_.empty()) fs::remove_all(replaced_, ignored);
}

void CheckpointDirectory::Draft::commit() {
  const fs::path& root = directory_.root_;
  const fs::path target = root / name_;
  flush_tree(folder_);
  if (!is_there(target)) {
    move(folder_, target);
  } else {
    check(is_ours(target), "cannot write '{}': something that is no checkpoint has that name",
          target.string());
    if (swap(folder_, target)) replaced_ = folder_;
    else move_aside_and_rename();
  }
  flush_to_disk(root);
  if (!replaced_.empty()) remove_tree(std::exchange(replaced_, {}));
  if (step_of(name_)) directory_.make_latest(target);
}

void CheckpointDirectory::Draft::move_aside_and_rename() {
  const fs::path target = directory_.root_ / name_;
  const fs::path old = directory_.root_ / fmt::format(".{}{}", name_, old_suffix);
  check(!is_there(old), "cannot write '{}': '{}' is in the way", target.string(), old.string());
  move(target, old);
  try {
    move(folder_, target);
  } catch (const Error&) {
    move(old, target);
    throw;
  }
  replaced_ = old;
}

// Removes the checkpoints that were written first, beyond the number to keep; never the latest.
void CheckpointDirectory::prune() {
  const std::optional<fs::path> newest = latest_checkpoint(root_);
  std::vector<std::pair<fs::file_time_type, int64_t>> others;  // when written, step
  for (const int64_t step : checkpoint_steps(root_)) {
    const fs::path path = root_ / checkpoint_name(step);
    if (path == newest) continue;
    std::error_code error;
    const fs::file_time_type written = fs::last_write_time(path, error);
    check(!error, "cannot read '{}': {}", path.string(), error.message());
    others.emplace_back(written, step);
  }
  std::sort(others.begin(), others.end());
  const auto kept = static_cast<size_t>(keep_ - 1);
  for (size_t i = 0; i + kept < others.size(); ++i) remove_checkpoint(checkpoint_name(others[i].second));
}

// Renamed first: a kill while it is being removed must not leave a part under the name of a whole.
void CheckpointDirectory::remove_checkpoint(const std::string& name) {
  const fs::path doomed = draft_of(root_, name);
  remove_tree(doomed);
  move(root_ / name, doomed);
  remove_tree(doomed);
}

void CheckpointDirectory::clear() {
  if (is_pointer(root_ / latest)) remove_tree(root_ / latest);
  for (const int64_t step : checkpoint_steps(root_)) remove_checkpoint(checkpoint_name(step));
  if (has_best()) remove_checkpoint(best);
  flush_to_disk(root_);
}

std::vector<int64_t> checkpoint_steps(const fs::path& root) {
  std::vector<int64_t> steps;
  for (const std::string& name : names_in(root)) {
    const std::optional<int64_t> step = step_of(name);
    if (step && is_ours(root / name)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

fs::path best_checkpoint(const fs::path& root) { return root / best; }

std::optional<fs::path> latest_checkpoint(const fs::path& root) {
  const fs::path pointer = root / latest;
  if (is_there(pointer)) {
    const std::string name = read_pointer(pointer);
    std::error_code ignored;
    if (step_of(name) && fs::is_directory(root / name, ignored)) return root / name;
  }
  const std::vector<int64_t> steps = checkpoint_steps(root);
  if (steps.empty()) return std::nullopt;
  return root / CheckpointDirectory::checkpoint_name(steps.back());
}

}  // namespace gradus
