// Cuts texts with the tokenizer of a folder: a JSON string a line of standard input, the ids of its pieces as a JSON list
// a line of standard output. tokenizer_checks.py compares these with those of transformers.
//   usage: tokenize FOLDER [COPY]   COPY: a folder, which is made, to save the tokenizer to
#include <fmt/core.h>

#include <filesystem>
#include <iostream>

#include "core/error.h"
#include "core/io/json.h"
#include "data/tokenizer_config.h"
#include "data/word_piece.h"

using namespace gradus;

int main(int argc, char** argv) try {
  check(argc == 2 || argc == 3, "usage: tokenize FOLDER [COPY]");
  const StoredTokenizer stored = read_tokenizer(argv[1]);
  const Tokenizer tokenizer(stored.vocab, stored.config.text_rules(TokenizerRules::hf), stored.config.added);
  if (argc == 3) {
    std::filesystem::create_directories(argv[2]);
    write_tokenizer(argv[2], stored.vocab, stored.config);
  }
  for (const std::string& note : stored.notes) fmt::print(stderr, "note: {}\n", note);
  for (std::string line; std::getline(std::cin, line);) {
    Json ids = Json::array();
    for (const Piece& piece : tokenizer.tokenize(parse_json(line, "standard input").text()))
      ids.push_back(piece.id);
    fmt::print("{}\n", json_text(ids));
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "error: {}\n", error.what());
  return 2;
}
