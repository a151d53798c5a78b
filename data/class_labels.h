// The classes a classifier tells apart; the index of a label is its id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class ClassLabels {
 public:
  // The labels in the order given. Throws Error on an empty or repeated one, and when there is none.
  explicit ClassLabels(std::vector<std::string> names);
  // Reads one label a line, in that order; blanks around it don't count. Throws Error "path:line: ..." on a
  // repeated one, and when there is none.
  static ClassLabels load(const std::string& path);
  // Writes one label a line. Throws Error when it can't; the file is complete or untouched.
  void save(const std::string& path) const;
  std::string text() const;  // as it is saved

  int32_t size() const { return static_cast<int32_t>(names_.size()); }
  const std::vector<std::string>& names() const { return names_; }
  // Throws Error when `id` is outside [0, size()).
  const std::string& name(int32_t id) const;
  // The id of a label, or -1.
  int32_t find(std::string_view name) const;
  // The id of a label. Throws Error that names the labels there are.
  int32_t id(std::string_view name) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace gradus
