#include "tests/json.h"

#include <algorithm>
#include <cmath>

gradus::Json gradus::json_of(std::string_view text) { return parse_json(text, "JSON"); }

bool gradus::same_but_rounding(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number())
    return std::abs(a.number() - b.number()) <= 1e-5 * std::max(std::abs(a.number()), std::abs(b.number()));
  if (a.is_array() && b.is_array()) {
    bool same = a.size() == b.size();
    for (size_t i = 0; same && i < a.size(); ++i) same = same_but_rounding(a[i], b[i]);
    return same;
  }
  if (a.is_object() && b.is_object())
    return std::ranges::equal(a.members(), b.members(), [](const auto& x, const auto& y) {
      return x.name == y.name && same_but_rounding(x.value, y.value);
    });
  return a == b;
}

doctest::String doctest::StringMaker<gradus::Json>::convert(const gradus::Json& json) {
  return gradus::json_text(json, -1, gradus::JsonStrings::replaced).c_str();
}
