// One text that a model is asked about, of whichever task.
#pragma once

#include <string>
#include <vector>

#include "tasks/model_request.h"

namespace gradus {

struct TextQuery {
  std::string text;               // to answer by: the context
  std::vector<std::string> more;  // the second text of a pair; questions
  std::string name = "text";      // what messages call it
};

// What a request asks about, one by one.
std::vector<TextQuery> queries_of(ModelRequest request, RequestKind kind);

}  // namespace gradus
