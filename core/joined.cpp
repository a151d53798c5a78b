#include "core/joined.h"

#include <algorithm>

fmt::format_context::iterator fmt::formatter<gradus::Joined>::format(const gradus::Joined& joined,
                                                                     fmt::format_context& context) const {
  return std::ranges::copy(joined.str(), context.out()).out;
}
