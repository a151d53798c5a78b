#include "tests/json.h"

gradus::Json gradus::json_of(std::string_view text) { return parse_json(text, "JSON"); }

doctest::String doctest::StringMaker<gradus::Json>::convert(const gradus::Json& json) {
  return gradus::json_text(json, -1, gradus::JsonStrings::replaced).c_str();
}
