// The page at "/": type a text, see what the models say of it. It loads nothing from anywhere else.
#pragma once

#include <string_view>

namespace gradus {

extern const std::string_view page_html;     // page.html
extern const std::string_view openapi_json;  // openapi.json

}  // namespace gradus
