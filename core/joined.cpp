#include "core/joined.h"

fmt::format_context::iterator fmt::formatter<gradus::Joined>::format(const gradus::Joined& joined,
                                                                     fmt::format_context& context) const {
  return fmt::format_to(context.out(), "{}", joined.str());
}
