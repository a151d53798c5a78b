// JSON from files nobody vouches for.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace gradus {

// Parses one JSON value that takes all of `text`. `where` stands for the file in error texts. Throws Error for
// invalid JSON or UTF-8, a name that occurs twice in one object, and nesting deeper than 64.
nlohmann::json parse_json(std::string_view text, std::string_view where);
// The same, with the names of an object in the text's order.
nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view where);

}  // namespace gradus
