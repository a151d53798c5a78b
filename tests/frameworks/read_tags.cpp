// Reads tags as run_ner does, for tag_checks.py: of each line "RULE TAG TAG ..." it prints the entities of the sentence,
// "TYPE:BEGIN:END ...". RULE is "default", or the scheme of strict reading. With "--score" lines are "GOLD TAG", empty
// ones end sentences, and the counts are printed as conlleval prints them.
#include <cstdio>
#include <iostream>
#include <sstream>

#include "core/error.h"
#include "tasks/metrics/entities.h"

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

void print_score(std::istream& in) {
  ConllevalResult result;
  std::vector<std::string> gold, found;
  const auto end_sentence = [&] {
    count_entities(TagReader(gold).entities(std::span(gold)), TagReader(found).entities(std::span(found)),
                   result);
    for (size_t i = 0; i < gold.size(); ++i) result.correct_tokens += gold[i] == found[i] ? 1 : 0;
    result.tokens += std::ssize(gold);
    gold.clear();
    found.clear();
  };
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> tags = words_of(line);
    if (tags.empty()) {
      end_sentence();
      continue;
    }
    check(tags.size() == 2, "'{}': expected two tags", line);
    gold.push_back(tags[0]);
    found.push_back(tags[1]);
  }
  end_sentence();
  fmt::print("{}", result.report());
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
