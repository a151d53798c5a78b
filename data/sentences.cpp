#include "data/sentences.h"

#include <algorithm>
#include <array>

#include "data/unicode.h"

namespace gradus {
namespace {

constexpr auto titles = std::to_array<std::string_view>(
    {"Mr",  "Mrs", "Ms",  "Dr", "Prof", "St",  "Gen", "Col", "Lt", "Sgt", "Capt", "Rev", "Hon",   "Sen",
     "Rep", "vs",  "Gov", "No", "pp",   "Vol", "Fig", "fig", "cf", "ca",  "ed",   "eds", "Messrs"});

bool is_ideographic_stop(char32_t c) { return c == U'。' || c == U'！' || c == U'？' || c == U'｡'; }

bool is_latin_stop(char32_t c) { return c == U'.' || c == U'!' || c == U'?' || c == U'…'; }

bool is_closing(char32_t c) {
  if (c == U'"' || c == U'\'') return true;
  const std::string_view kind = category(c);
  return kind == "Pe" || kind == "Pf";
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Whether the full stop that follows `text` belongs to its last word.
bool ends_in_abbreviation(std::string_view text) {
  const size_t space = text.find_last_of(" \t(\"");
  const std::string_view word = space == std::string_view::npos ? text : text.substr(space + 1);
  if (word.find('.') != std::string_view::npos) return true;
  const bool is_initial = word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z';
  return is_initial || std::find(titles.begin(), titles.end(), word) != titles.end();
}

// Finds the ends of sentences one after the other.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  std::vector<std::string_view> run() {
    while (at_ < text_.size()) {
      const size_t stop = at_;
      const char32_t c = decode_utf8(text_, at_);
      if (is_ideographic_stop(c)) {
        skip_closing();
        cut(at_);
      } else if (is_latin_stop(c)) {
        const bool lone = skip_closing() && c == U'.';
        if (begins_sentence() && !(lone && ends_in_abbreviation(text_.substr(begin_, stop - begin_))))
          cut(at_);
      }
    }
    cut(text_.size());
    return std::move(sentences_);
  }

 private:
  // Passes further stops and closing marks; whether there was none.
  bool skip_closing() {
    const size_t before = at_;
    while (at_ < text_.size()) {
      size_t next = at_;
      const char32_t c = decode_utf8(text_, next);
      if (!is_ideographic_stop(c) && !is_latin_stop(c) && !is_closing(c)) break;
      at_ = next;
    }
    return at_ == before;
  }

  // Whether blanks and then something else than a small letter follow.
  bool begins_sentence() const {
    size_t next = at_;
    while (next < text_.size() && is_blank(text_[next])) ++next;
    return next > at_ && next < text_.size() && category(decode_utf8(text_, next)) != "Ll";
  }

  void cut(size_t end) {
    const std::string_view sentence = trimmed(text_.substr(begin_, end - begin_));
    if (!sentence.empty()) sentences_.push_back(sentence);
    begin_ = end;
  }

  std::string_view text_;
  size_t begin_ = 0;  // of the sentence
  size_t at_ = 0;
  std::vector<std::string_view> sentences_;
};

}  // namespace

std::vector<std::string_view> split_sentences(std::string_view paragraph) { return Cutter(paragraph).run(); }

}  // namespace gradus
