// The commands of a page of docs/recipes, run as they stand there, in a folder with small data of the names that the page has.
#pragma once

#include <string>
#include <vector>

#include "tests/tasks/program.h"

namespace gradus {

// An indented block of a page. A comment before it says what becomes of it: <!-- run -->, <!-- run with mpirun -->, or
// <!-- not run: WHY -->.
struct RecipeBlock {
  int line = 0;  // of its first, from 1
  std::string marker;
  std::string text;
};

// Throws Error naming the line when a block has no such comment, or a comment no block.
std::vector<RecipeBlock> recipe_blocks(const std::string& page);

class RecipeFolder {
 public:
  // `page`: its name in docs/recipes.
  explicit RecipeFolder(const std::string& page);

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Writes a file, and the folders that it lies in.
  void write(const std::string& name, const std::string& content) const;
  // The same file under several names.
  void write_all(const std::vector<std::string>& names, const std::string& content) const;
  // Runs a command in the folder, which has to succeed; returns what it printed, standard error included.
  std::string shell(const std::string& command) const;
  // A pretrained model of one small layer with these pieces: a folder with vocab.txt, bert_config.json and weights in the
  // form that convert_checkpoint knows by this name, in the file of that name.
  void pretrained(const std::string& folder, const std::string& format, const std::string& file,
                  const std::string& pieces) const;

  // Runs all blocks of the page in their order, each in a shell of its own that stops at the first error, and returns what
  // they printed. Programs that train take two steps, on the processor, with one thread.
  std::vector<std::string> run() const;

 private:
  std::string page_;
  TemporaryFolder folder_;
};

}  // namespace gradus
