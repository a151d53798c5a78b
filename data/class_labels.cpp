#include "data/class_labels.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {

ClassLabels::ClassLabels(std::vector<std::string> names) {
  check(!names.empty(), "[class labels] no label: expected at least one");
  for (std::string& name : names) {
    check(!name.empty(), "[class labels] a label is empty");
    check(find(name) < 0, "[class labels] the label '{}' is listed twice", name);
    names_.push_back(std::move(name));
  }
}

ClassLabels ClassLabels::load(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> names;
  for (std::string_view line; reader.next(line);) {
    std::string name(without_outer_blanks(line));
    if (name.empty()) continue;
    check(std::find(names.begin(), names.end(), name) == names.end(), "{}: the label '{}' is listed twice",
          reader.where(), name);
    names.push_back(std::move(name));
  }
  check(!names.empty(), "{}: no label found: expected one a line", path);
  return ClassLabels(std::move(names));
}

void ClassLabels::save(const std::string& path) const {
  replace_file(path, fmt::format("{}\n", fmt::join(names_, "\n")));
}

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
  check(id >= 0, "unknown label '{}': expected one of {}", name, fmt::join(names_, ", "));
  return id;
}

}  // namespace gradus
