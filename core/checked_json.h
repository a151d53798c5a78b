// JSON from files nobody vouches for.
#pragma once

#include <nlohmann/json.hpp>

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

// Parses one JSON value that takes all of `text`. `where` stands for the file in error texts. Throws Error for
// invalid JSON or UTF-8, a name that occurs twice in one object, and nesting deeper than 64.
nlohmann::json parse_json(std::string_view text, std::string_view where);
// The same, with the names of an object in the text's order.
nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view where);

// Parses a value that need not fit into memory. `next_piece` gives the text piece by piece, and an empty one at its
// end. `take` is called with every object at its end; path[d] is the name by which the value at depth d is a member
// of an object, the whole value being at depth 0 and the object at path.size() - 1. An object for which `take`
// returns true is not kept in the result.
nlohmann::json parse_json(
    const std::function<std::string_view()>& next_piece, std::string_view where,
    const std::function<bool(std::span<const std::string> path, nlohmann::json& object)>& take);

}  // namespace gradus
