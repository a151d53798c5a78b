#include "data/class_labels.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/io/files.h"
#include "core/joined.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t most_labels = 100'000;

}  // namespace

ClassLabels::ClassLabels(std::vector<std::string> names) : names_(std::move(names)) {
  check(!names_.empty(), "[class labels] no label: expected at least one");
  std::set<std::string_view> known;
  for (const std::string& name : names_) {
    check(!name.empty(), "[class labels] a label is empty");
    check(known.insert(name).second, "[class labels] the label '{}' is listed twice", name);
  }
}

ClassLabels ClassLabels::load(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> names;
  std::set<std::string> known;
  for (std::string_view line; reader.next(line);) {
    std::string name(without_outer_blanks(line));
    if (name.empty()) continue;
    check(known.insert(name).second, "{}: the label '{}' is listed twice", reader.where(), name);
    check(names.size() < most_labels, "{}: more than {} labels", reader.where(), most_labels);
    names.push_back(std::move(name));
  }
  check(!names.empty(), "{}: no label found: expected one a line", path);
  return ClassLabels(std::move(names));
}

std::string ClassLabels::text() const { return fmt::format("{}\n", joined(names_, "\n")); }

void ClassLabels::save(const std::string& path) const { replace_file(path, text()); }

const std::string& ClassLabels::name(int32_t id) const {
  check(id >= 0 && id < size(), "[class labels] label id {} is outside [0, {})", id, size());
  return names_[static_cast<size_t>(id)];
}

int32_t ClassLabels::find(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? -1 : static_cast<int32_t>(found - names_.begin());
}

int32_t ClassLabels::id(std::string_view name) const {
  const int32_t id = find(name);
  check(id >= 0, "unknown label '{}': expected one of {}", name, joined(names_, ", "));
  return id;
}

}  // namespace gradus
