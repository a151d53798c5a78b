// Gives each line of standard input a class:  classify MODEL_FOLDER < text.txt
#include <iostream>

#include "tasks/pipeline.h"

int main(int, char** argv) {
  const gradus::Classifier classifier(argv[1]);
  for (std::string line; std::getline(std::cin, line);) {
    const gradus::Classification result = classifier.classify(line);
    std::cout << result.label << '\t' << result.probability << '\n';
  }
}
