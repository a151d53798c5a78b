#include "tasks/metrics/nltk_words.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "data/unicode.h"
#include "tasks/text/python_text.h"

namespace gradus {

namespace {

using Text = std::u32string;
using View = std::u32string_view;
using Words = std::vector<Text>;

bool contains(View set, char32_t code) { return set.find(code) != View::npos; }

// Puts blanks around what is a word of its own: `length_at(text, i)` characters from place i on, 0 when there is none.
template <class LengthAt>
Text set_apart(View text, LengthAt length_at) {
  Text result;
  for (size_t i = 0; i < text.size();) {
    const size_t length = length_at(text, i);
    if (length > 0) result += U' ';
    result += text.substr(i, std::max<size_t>(length, 1));
    if (length > 0) result += U' ';
    i += std::max<size_t>(length, 1);
  }
  return result;
}

// Opening quotation marks: a straight one at the beginning, or behind a blank or bracket.
Text open_quotes(const Text& sentence) {
  const auto quote_at = [](View t, size_t i) -> size_t { return contains(U"«“‘„", t[i]) ? 1 : 0; };
  const Text text = set_apart(sentence, quote_at);
  Text result;
  size_t begin = 0;
  if (text.starts_with(U'"')) {
    result = U" `` ";
    begin = 1;
  }
  for (size_t i = begin; i < text.size(); ++i) {
    const char32_t before = i > begin ? text[i - 1] : begin > 0 ? U' ' : U'x';
    const View rest = View(text).substr(i);
    const bool is_quote = rest.starts_with(U'"') || rest.starts_with(U"''");
    if (!is_quote || !contains(U" ([{<", before)) {
      result += text[i];
      continue;
    }
    result += U" `` ";
    if (text[i] != '"') ++i;
  }
  return result;
}

// Parts an apostrophe from the word behind it, unless this is a contraction's end: 's, 'll.
Text open_apostrophes(const Text& text) {
  Text result;
  for (size_t i = 0; i < text.size(); ++i) {
    result += text[i];
    if (text[i] != '\'' || (i > 0 && is_python_word(text[i - 1]))) continue;
    const auto begin = text.begin() + static_cast<ptrdiff_t>(i) + 1;
    const View word(begin, std::find_if_not(begin, text.end(), is_python_word));
    constexpr View ends[] = {U"re", U"ve", U"ll", U"m", U"t", U"s", U"d", U"n"};
    if (!word.empty() && std::ranges::find(ends, word) == std::end(ends)) result += U' ';
  }
  return result;
}

// Parts the last full stop from its word, closing quotation marks and brackets behind it.
Text end_sentence(Text text) {
  size_t at = text.size();
  while (at > 0 && is_python_space(text[at - 1])) --at;
  while (at > 0 && contains(U"])}>\"'»”’ ", text[at - 1])) --at;
  if (at < 2 || text[at - 1] != '.' || text[at - 2] == '.') return text;
  return text.substr(0, at - 1) + U" . " + text.substr(at);
}

// Parts a comma from the word before it, unless a digit follows. A comma that follows one is taken for part of the
// word behind.
Text part_commas(const Text& text) {
  Text result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_last = i + 1 == text.size();
    if (text[i] != ',' || (!is_last && category(text[i + 1]) == "Nd")) {
      result += text[i];
      continue;
    }
    result += U" , ";
    if (!is_last) result += text[++i];
  }
  return result;
}

size_t mark_at(View text, size_t i) {
  if (contains(U";@#$%&?![](){}<>", text[i]) || (text[i] >= 0x2012 && text[i] <= 0x2015)) return 1;
  const size_t dots = std::min(text.find_first_not_of(U'.', i), text.size()) - i;
  return dots >= 2 ? dots : 0;
}

Text close_quotes(const Text& text) {
  Text result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_double = View(text).substr(i).starts_with(U"''");
    if (text[i] == '"' || is_double) {
      result += U" '' ";
      i += is_double ? 1 : 0;
    } else if (contains(U"»”’", text[i])) {
      result += {U' ', text[i], U' '};
    } else {
      result += text[i];
    }
  }
  return result;
}

Words split_words(View text) {
  Words words(1);
  for (const char32_t code : text) {
    if (is_python_space(code)) words.emplace_back();
    else words.back() += code;
  }
  std::erase(words, U"");
  return words;
}

// Parts the first of `ends` that a word has, unless nothing or an apostrophe stands before it.
Words part_ends(const Words& words, std::initializer_list<View> ends) {
  Words result;
  for (const Text& word : words) {
    const auto end = std::ranges::find_if(ends, [&](View e) {
      return word.ends_with(e) && word.size() > e.size() && word[word.size() - e.size() - 1] != '\'';
    });
    const size_t length = end == ends.end() ? 0 : end->size();
    result.push_back(word.substr(0, word.size() - length));
    if (length > 0) result.emplace_back(*end);
  }
  return result;
}

// Two words written as one that begin at place i: "can" "not". Empty when there are none.
std::pair<View, View> contraction_at(View word, size_t i) {
  constexpr std::pair<View, View> contractions[] = {{U"can", U"not"}, {U"d", U"'ye"},  {U"gim", U"me"},
                                                    {U"gon", U"na"},  {U"got", U"ta"}, {U"lem", U"me"},
                                                    {U"more", U"'n"}, {U"wan", U"na"}};
  if (i > 0 && is_python_word(word[i - 1])) return {};
  for (const auto& [first, second] : contractions) {
    const View rest = word.substr(i);
    if (!rest.starts_with(first) || !rest.substr(first.size()).starts_with(second)) continue;
    const View behind = rest.substr(first.size() + second.size());
    if (behind.empty() || (first != U"wan" && !is_python_word(behind[0]))) return {first, second};
  }
  return {};
}

Words part_contractions(const Words& words) {
  Words result;
  for (const View word : words) {
    size_t begin = 0;  // of what is not in the result
    for (size_t i = 0; i < word.size(); ++i) {
      const auto [first, second] = contraction_at(word, i);
      if (first.empty()) continue;
      result.insert(result.end(), {Text(word.substr(begin, i - begin)), Text(first), Text(second)});
      begin = i + first.size() + second.size();
      i = begin - 1;
    }
    result.emplace_back(word.substr(begin));
  }
  std::erase(result, U"");
  return result;
}

}  // namespace

std::vector<std::u32string> nltk_words(const std::u32string& sentence) {
  const Text marked = set_apart(part_commas(end_sentence(open_apostrophes(open_quotes(sentence)))), mark_at);
  const Words words = part_ends(split_words(close_quotes(marked)), {U"'s", U"'m", U"'d", U"'"});
  return part_contractions(part_ends(words, {U"'ll", U"'re", U"'ve", U"n't"}));
}

}  // namespace gradus
