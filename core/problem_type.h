// What a text is given: the three problems that a head over its first token solves, by transformers' names.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace gradus {

// Whoever does something else for each has a switch without a default: a problem that is forgotten does not compile.
enum class ProblemType : uint8_t {
  single_label,  // one of the classes
  multi_label,   // any number of labels, each by itself
  regression     // a score
};

// What config.json calls them under "problem_type".
constexpr std::array<std::pair<ProblemType, std::string_view>, 3> problem_types{
    {{ProblemType::single_label, "single_label_classification"},
     {ProblemType::multi_label, "multi_label_classification"},
     {ProblemType::regression, "regression"}}};

constexpr std::string_view problem_name(ProblemType problem) {
  return problem_types[static_cast<size_t>(problem)].second;
}

// Nothing when it is the name of none.
constexpr std::optional<ProblemType> find_problem(std::string_view name) {
  for (const auto& [problem, its_name] : problem_types) {
    if (its_name == name) return problem;
  }
  return {};
}

// "single_label_classification, multi_label_classification or regression".
constexpr std::string_view problem_names =
    "single_label_classification, multi_label_classification or regression";

}  // namespace gradus
