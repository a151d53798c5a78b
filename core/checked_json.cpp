#include "core/checked_json.h"

#include <set>
#include <vector>

#include "core/error.h"

namespace gradus {

namespace {

constexpr int max_depth = 64;
constexpr size_t max_message = 300;  // the parser's messages quote what it read, however long

template <class Json>
Json parse(std::string_view text, std::string_view where) {
  std::vector<std::set<std::string>> names;  // of each object that is open
  using Event = typename Json::parse_event_t;
  const auto inspect = [&](int depth, Event event, Json& value) {
    check(depth < max_depth, "{}: JSON nested deeper than {}", where, max_depth);
    if (event == Event::object_start) {
      names.emplace_back();
    } else if (event == Event::object_end) {
      names.pop_back();
    } else if (event == Event::key) {
      const auto& name = value.template get_ref<const std::string&>();
      check(names.back().insert(name).second, "{}: the name '{}' occurs twice in one JSON object", where,
            name);
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), inspect);
  } catch (const nlohmann::json::exception& error) {
    const std::string_view message = error.what();  // "[json.exception.parse_error.101] parse error at ..."
    const size_t end_of_code = message.find("] ");
    fail("{}: invalid JSON: {}", where,
         message.substr(end_of_code == std::string_view::npos ? 0 : end_of_code + 2, max_message));
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text, std::string_view where) {
  return parse<nlohmann::json>(text, where);
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view where) {
  return parse<nlohmann::ordered_json>(text, where);
}

}  // namespace gradus
