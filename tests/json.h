// JSON in tests.
#pragma once

#include <doctest/doctest.h>

#include <string_view>

#include "core/io/json.h"

namespace gradus {

// The value of a text that is JSON.
Json json_of(std::string_view text);
// Whether two answers are the same but for the rounding of their numbers, as those of a text alone and among others are: with other numbers of rows
// sums have other orders.
bool same_but_rounding(const Json& a, const Json& b);

}  // namespace gradus

// How doctest shows one that is not what a test expects.
template <>
struct doctest::StringMaker<gradus::Json> {
  static String convert(const gradus::Json& json);
};
