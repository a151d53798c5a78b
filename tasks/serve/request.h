// What a client asks for, from the JSON of its request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/json.h"
#include "tasks/text_query.h"

namespace gradus {

// Texts of one request, and the bytes of all that is to be made tokens of: with many questions about one text it counts for each.
constexpr size_t most_texts = 1000, most_text_bytes = size_t{16} << 20;

// What a request says to the server; the rest of it is for the model.
struct ServedRequest {
  std::string model;  // empty: the first of the task
  std::optional<bool>
      truncate;  // whether a text that is too long may lose its end; not given: as the server is set
  Json rest;
};

// Takes "model": "..." and "truncate": true or false out of a request, where they are. Throws Error naming the member when they are
// anything else, and when the request is no object.
ServedRequest take_request(std::string_view body);

// The texts of a request, and whether it was one that is not in a list. Throws Error as parse_request() does, and when there are more
// texts or bytes than allowed.
struct ServedTexts {
  std::vector<TextQuery> queries;
  bool one;
};
ServedTexts texts_of(const Json& rest, RequestKind kind);

}  // namespace gradus
