// JSON in tests. What parses and prints it is compiled once (json.cpp), not in every test.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string_view>

namespace gradus {

// The value of a text that is JSON.
nlohmann::json json_of(std::string_view text);
// The same, with the names of an object in the text's order.
nlohmann::ordered_json ordered_json_of(std::string_view text);

}  // namespace gradus

// How doctest shows them when they are not what a test expects.
template <>
struct doctest::StringMaker<nlohmann::json> {
  static String convert(const nlohmann::json& json);
};
template <>
struct doctest::StringMaker<nlohmann::ordered_json> {
  static String convert(const nlohmann::ordered_json& json);
};
