// JSON in tests.
#pragma once

#include <doctest/doctest.h>

#include <string_view>

#include "core/io/json.h"

namespace gradus {

// The value of a text that is JSON.
Json json_of(std::string_view text);

}  // namespace gradus

// How doctest shows one that is not what a test expects.
template <>
struct doctest::StringMaker<gradus::Json> {
  static String convert(const gradus::Json& json);
};
