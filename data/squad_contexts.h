// The contexts of questions whose rows have theirs beside them, each kept once.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace gradus {

class SquadContexts {
 public:
  // The place of a context among those of the data, to which it is added when it is not there.
  int32_t place(const std::string& context, std::vector<std::string>& contexts) {
    const auto next = static_cast<int32_t>(contexts.size());
    const auto [found, is_new] = places_.try_emplace(std::hash<std::string>()(context), next);
    if (!is_new && contexts[static_cast<size_t>(found->second)] == context) return found->second;
    contexts.push_back(context);
    return next;
  }

  // For data without contexts.
  void clear() { places_.clear(); }

 private:
  std::unordered_map<size_t, int32_t> places_;  // by hash; of two with the same the second is not found again
};

}  // namespace gradus
