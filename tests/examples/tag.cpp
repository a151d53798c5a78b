// Finds names in each line of standard input:  tag MODEL_FOLDER < text.txt
#include <iostream>

#include "tasks/pipeline.h"

int main(int, char** argv) {
  const gradus::Tagger tagger(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    for (const gradus::NamedSpan& name : tagger.tag(line))
      std::cout << name.type << '\t' << name.text << '\n';
  }
}
