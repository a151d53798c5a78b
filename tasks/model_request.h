// What other languages and other machines ask of a model, as JSON, which nobody vouches for. A member that is missing, of
// another kind or unknown is an Error that names it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/json.h"
#include "tasks/pipeline.h"

namespace gradus {

// What a model is asked about: of texts, of pairs of texts, of questions about a context.
enum class RequestKind : uint8_t { texts, pairs, questions };

struct ModelRequest {
  bool one = false;                     // {"text": ...}, not {"texts": [...]}: the answer is no list either
  std::vector<std::string> texts = {};  // or questions
  std::vector<std::pair<std::string, std::string>> pairs = {};
  std::string context = {};  // of the questions
};

// Of texts {"text": "a"} or {"texts": ["a", ...]}, of pairs {"pair": ["a", "b"]} or {"pairs": [["a", "b"], ...]}, of
// questions {"context": "a", "question": "b"} or {"context": "a", "questions": ["b", ...]}. `where` stands for the
// request in messages.
ModelRequest parse_request(const Json& json, RequestKind kind, std::string_view where = "request");

// An object with members of PipelineOptions, by their names there; what is not in it keeps its default.
PipelineOptions parse_pipeline_options(const Json& json, std::string_view where = "options");

}  // namespace gradus
