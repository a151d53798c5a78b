#include "tasks/text_query.h"

#include <utility>

namespace gradus {

std::vector<TextQuery> queries_of(ModelRequest request, RequestKind kind) {
  const auto name = [&](const char* one, const char* many, size_t i) {
    return request.one ? std::string(one) : many + ("[" + std::to_string(i) + "]");
  };
  std::vector<TextQuery> queries;
  for (size_t i = 0; i < request.pairs.size(); ++i) {
    auto& [first, second] = request.pairs[i];
    queries.push_back({std::move(first), {std::move(second)}, name("pair", "pairs", i)});
  }
  for (size_t i = 0; i < request.texts.size(); ++i) {
    if (kind == RequestKind::questions)
      queries.push_back({request.context, {std::move(request.texts[i])}, name("question", "questions", i)});
    else queries.push_back({std::move(request.texts[i]), {}, name("text", "texts", i)});
  }
  return queries;
}

}  // namespace gradus
