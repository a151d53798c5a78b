#include "tasks/squad/question_words.h"

#include "tasks/text/python_text.h"

namespace gradus {
namespace {

struct QuestionWord {
  std::u32string_view word;
  std::string_view kind;
};

// Of those that begin at one place the first counts.
constexpr QuestionWord question_words[] = {
    {U"how many", "how many"}, {U"how much", "how many"}, {U"how", "how"},   {U"what", "what"},
    {U"who", "who"},           {U"whom", "who"},          {U"whose", "who"}, {U"when", "when"},
    {U"where", "where"},       {U"which", "which"},       {U"why", "why"},   {U"什么时候", "何时"},
    {U"何时", "何时"},         {U"哪一年", "何时"},       {U"哪年", "何时"}, {U"为什么", "为什么"},
    {U"为何", "为什么"},       {U"什么", "什么"},         {U"谁", "谁"},     {U"哪", "哪"},
    {U"何处", "哪"},           {U"多少", "多少"},         {U"几", "多少"},   {U"如何", "如何"},
    {U"怎么", "如何"},         {U"怎样", "如何"},
};

// Whether the word stands there, an English one between other characters than letters.
bool stands_at(const std::u32string& text, size_t at, std::u32string_view word) {
  if (text.compare(at, word.size(), word) != 0) return false;
  if (word.front() >= 0x80) return true;
  const size_t end = at + word.size();
  return (at == 0 || !is_python_word(text[at - 1])) && (end == text.size() || !is_python_word(text[end]));
}

}  // namespace

std::string_view question_kind(const std::string& question) {
  const std::u32string text = python_lower(decode(question));
  for (size_t at = 0; at < text.size(); ++at) {
    for (const auto& [word, kind] : question_words) {
      if (stands_at(text, at, word)) return kind;
    }
  }
  return "other";
}

}  // namespace gradus
