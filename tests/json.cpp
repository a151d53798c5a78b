#include "tests/json.h"

namespace gradus {

nlohmann::json json_of(std::string_view text) { return nlohmann::json::parse(text); }
nlohmann::ordered_json ordered_json_of(std::string_view text) { return nlohmann::ordered_json::parse(text); }

}  // namespace gradus

doctest::String doctest::StringMaker<nlohmann::json>::convert(const nlohmann::json& json) {
  return json.dump().c_str();
}
doctest::String doctest::StringMaker<nlohmann::ordered_json>::convert(const nlohmann::ordered_json& json) {
  return json.dump().c_str();
}
