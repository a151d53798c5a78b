// Kinds of questions, to tell which ones a model can't answer.
#pragma once

#include <string>
#include <string_view>

namespace gradus {

// The kind of an English or a Chinese question, by the first question word in it: "who", "how many", "what",
// "多少"; "other" without one. Throws Error on invalid UTF-8.
std::string_view question_kind(const std::string& question);

}  // namespace gradus
