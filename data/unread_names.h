// The names in JSON objects that a reader has no use for, so that none is left out without a word.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/json.h"
#include "data/unicode.h"

namespace gradus {

class UnreadNames {
 public:
  // Takes down the names of an object that are not among those known.
  void look_at(const Json& object, std::initializer_list<std::string_view> known,
               const std::vector<std::string>& more = {}) {
    for (const auto& [name, value] : object.members()) {
      if (std::find(known.begin(), known.end(), name) == known.end() &&
          std::find(more.begin(), more.end(), name) == more.end() && names_.size() < most)
        names_.insert(name);
    }
  }

  // "names that are not read: a, b"; empty when there are none.
  std::string note() const {
    if (names_.empty()) return {};
    return "names that are not read: " + shown_list(names_);
  }

 private:
  static constexpr size_t most = 20;  // a file of names that are data must not fill the memory
  std::set<std::string> names_;
};

}  // namespace gradus
