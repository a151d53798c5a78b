// Lists in texts. fmt's own join() is compiled anew, with all that writes numbers, in every source that uses it.
#pragma once

#include <fmt/core.h>

#include <concepts>
#include <iterator>
#include <string>
#include <string_view>

namespace gradus {

// Formats as the items of a list with a separator between them. It refers to the list, and costs nothing before it is
// formatted.
class Joined {
 public:
  using Append = void (*)(const void* list, std::string_view separator, std::string& text);
  Joined(const void* list, std::string_view separator, Append append)
      : list_(list), separator_(separator), append_(append) {}

  std::string str() const {
    std::string text;
    append_(list_, separator_, text);
    return text;
  }

 private:
  const void* list_;
  std::string_view separator_;
  Append append_;
};

// "B-PER, I-PER" of a list of texts or numbers and ", ".
template <typename List>
Joined joined(const List& list, std::string_view separator) {
  return {&list, separator, [](const void* items, std::string_view between, std::string& text) {
            const List& all = *static_cast<const List*>(items);
            for (auto item = std::begin(all); item != std::end(all); ++item) {
              if (item != std::begin(all)) text += between;
              if constexpr (std::convertible_to<decltype(*item), std::string_view>) text += *item;
              else text += fmt::format("{}", *item);
            }
          }};
}

}  // namespace gradus

template <>
struct fmt::formatter<gradus::Joined> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  fmt::format_context::iterator format(const gradus::Joined& joined, fmt::format_context& context) const;
};
