// Text put into HTML.
#pragma once

#include <string>
#include <string_view>

namespace gradus {

// The text as content of an element or as a quoted attribute, in HTML and in XML alike. Bytes that aren't
// valid UTF-8 and characters that neither allows become U+FFFD.
std::string escape_html(std::string_view text);

}  // namespace gradus
