// Answers the questions on standard input by the text that is its first line:  answer MODEL_FOLDER < questions.txt
#include <iostream>

#include "tasks/pipeline.h"

int main(int, char** argv) {
  const gradus::Answerer answerer(argv[1]);
  std::string text;
  std::getline(std::cin, text);
  for (std::string question; std::getline(std::cin, question);) {
    const gradus::FoundAnswer answer = answerer.answer(text, question);
    std::cout << answer.text << '\t' << answer.probability << '\n';
  }
}
