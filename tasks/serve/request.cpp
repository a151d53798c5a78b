#include "tasks/serve/request.h"

#include <utility>

#include "core/error.h"
#include "core/io/checked_json.h"

namespace gradus {

ServedRequest take_request(std::string_view body) {
  ServedRequest taken;
  taken.rest = parse_json(body, "request");
  const JsonField request(taken.rest, "request");
  if (const auto model = request.find("model")) taken.model = model->text();
  if (const auto truncate = request.find("truncate")) taken.truncate = truncate->boolean();
  taken.rest.erase("model");
  taken.rest.erase("truncate");
  return taken;
}

ServedTexts texts_of(const Json& rest, RequestKind kind) {
  ModelRequest request = parse_request(rest, kind);
  const size_t count = request.texts.size() + request.pairs.size();
  check(count <= most_texts, "request: {} texts, expected {} at most", count, most_texts);
  check(request.context.size() * count <= most_text_bytes,
        "request: {} questions about a context of {} bytes, expected {} bytes at most, counted for each "
        "question",
        count, request.context.size(), most_text_bytes);
  const bool one = request.one;
  return {queries_of(std::move(request), kind), one};
}

}  // namespace gradus
