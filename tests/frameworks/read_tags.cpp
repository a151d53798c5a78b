// Reads tags as run_ner does, for tag_checks.py: of each line "RULE TAG TAG ..." it prints the entities of the sentence,
// "TYPE:BEGIN:END ...". RULE is "default", or the scheme of strict reading. With "--score" lines are "GOLD TAG", empty
// ones end sentences, and the counts are printed as conlleval prints them.
#include <cstdio>
#include <iostream>
#include <sstream>

#include "core/error.h"
#include "tasks/ner/evaluation.h"

using namespace gradus;

namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream words(line);
  return {std::istream_iterator<std::string>(words), {}};
}

void print_entities(const std::string& line) {
  std::vector<std::string> tags = words_of(line);
  check(!tags.empty(), "an empty line, expected a rule and tags");
  const std::string rule = tags.front();
  tags.erase(tags.begin());
  const std::optional<TagScheme> scheme = find_scheme(rule);
  check(scheme || rule == "default", "'{}': expected default or a scheme", rule);
  std::string text;
  for (const Entity& entity : TagReader(tags, scheme).entities(std::span(tags)))
    text += fmt::format("{}{}:{}:{}", text.empty() ? "" : " ", entity.type, entity.begin, entity.end);
  fmt::print("{}\n", text);
}

// Counts what --assessment_method span counts.
void print_score(std::istream& in) {
  NerData data;
  LabelList labels({"O"});
  std::vector<std::vector<int32_t>> predicted;
  bool is_open = false;  // whether the next line goes on with the last sentence
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> tags = words_of(line);
    check(tags.empty() || tags.size() == 2, "'{}': expected two tags", line);
    if (!tags.empty() && !is_open) {
      data.sentences.emplace_back();
      predicted.emplace_back();
    }
    is_open = !tags.empty();
    if (!is_open) continue;
    for (const std::string& tag : tags) labels.add(tag);
    data.sentences.back().tags.push_back(tags[0]);
    predicted.back().push_back(labels.id(tags[1]));
  }
  fmt::print("{}", span_counts(data, labels, TagReader(labels.tags()), predicted).report());
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    if (argc > 1 && std::string_view(argv[1]) == "--score") {
      print_score(std::cin);
      return 0;
    }
    for (std::string line; std::getline(std::cin, line);) print_entities(line);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 2;
  }
}
