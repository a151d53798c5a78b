// Counts in texts: "1 sentence", "2 sentences", "0 sentences".
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <string>
#include <string_view>

namespace gradus {

// `many`: what more than one is called, or none: counted(2, "batch", "batches"). May be more than the noun, where a verb follows it.
template <std::integral Count>
std::string counted(Count count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// The same of a noun that takes an s.
template <std::integral Count>
std::string counted(Count count, std::string_view one) {
  return counted(count, one, std::string(one) + "s");
}

}  // namespace gradus
