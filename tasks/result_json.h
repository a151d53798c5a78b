// What the models of tasks/pipeline.h answer as JSON, the form in which other languages and other machines get it. Places
// count Unicode code points of the text, as Python's strings do. Texts are UTF-8. All functions throw Error for a text
// that is not, a place that is not in it, and a number that is infinite or none: JSON has no such numbers, and a model
// that gives them answers nothing.
#pragma once

#include <string>
#include <vector>

#include "core/io/json.h"
#include "tasks/pipeline.h"

namespace gradus {

// The names of a text, in its order: {"entities": [{"type": "PER", "text": "Anna", "start": 0, "end": 4}]}
Json result_json(const std::string& text, const std::vector<NamedSpan>& names);

// A class, with those of all in the order of their ids, the labels that hold, likewise, or a score:
// {"label": "pos", "probability": 0.9, "probabilities": {"neg": 0.1, "pos": 0.9}},
// {"labels": [{"label": "insult", "probability": 0.8}], "probabilities": {"insult": 0.8, "threat": 0.1}} or {"score": 2.5}
Json result_json(const Classification& result);

// An answer, and its place in the context where there is one:
// {"answer": "Alden", "probability": 0.8, "start": 14, "end": 19} or {"answer": "", "probability": 0.7}
Json result_json(const std::string& context, const FoundAnswer& answer);

}  // namespace gradus
