#include "data/basic_tokenizer.h"

#include <limits>
#include <utility>

#include "core/error.h"
#include "data/unicode.h"
#include "data/unicode_8.h"

namespace gradus {

namespace {

constexpr char32_t capital_sigma = 0x3A3;
constexpr char32_t final_sigma = 0x3C2;

bool in(char32_t code, char32_t first, char32_t last) { return code >= first && code <= last; }

// White space that cleaning doesn't drop: \t \n \r, and every separator (Zs, Zl, Zp).
bool is_space(char32_t code) {
  if (code < 0x80) return code == ' ' || code == '\t' || code == '\n' || code == '\r';
  return category(code)[0] == 'Z';
}

bool is_ascii_punctuation(char32_t code) {
  return in(code, 33, 47) || in(code, 58, 64) || in(code, 91, 96) || in(code, 123, 126);
}

// Lower case in the hf rules: pairs that Unicode added in 16.0 and 17.0 may be missing from the library's
// tables.
char32_t to_lower_unicode_17(char32_t code) {
  struct Pairs {
    char32_t first, last, lower;  // the lower-case letter of `first`
    char32_t step = 1;            // 2: capital and small letters alternate
  };
  constexpr Pairs added[] = {
      {0x1C89, 0x1C89, 0x1C8A},    {0xA7CB, 0xA7CB, 0x264},     {0xA7CC, 0xA7CE, 0xA7CD, 2},
      {0xA7D2, 0xA7D4, 0xA7D3, 2}, {0xA7DA, 0xA7DA, 0xA7DB},    {0xA7DC, 0xA7DC, 0x19B},
      {0x10D50, 0x10D65, 0x10D70}, {0x16EA0, 0x16EB8, 0x16EBB},
  };
  for (const Pairs& pairs : added) {
    if (in(code, pairs.first, pairs.last) && (code - pairs.first) % pairs.step == 0) {
      return pairs.lower + (code - pairs.first);
    }
  }
  return to_lower(code);
}

// Canonical decompositions younger than the hf rules' normaliser, which leaves these code points whole.
bool is_composite_since_unicode_13(char32_t code) {
  constexpr std::pair<char32_t, char32_t> added[] = {
      {0x105C9, 0x105E4}, {0x11383, 0x113C8}, {0x11938, 0x11938}, {0x16121, 0x16128}, {0x16D68, 0x16D6A}};
  for (const auto& [first, last] : added) {
    if (in(code, first, last)) return true;
  }
  return false;
}

// The code point that ends at text[pos], which moves to its first byte.
char32_t decode_backward(std::string_view text, size_t& pos) {
  do --pos;
  while (pos > 0 && (static_cast<unsigned char>(text[pos]) & 0xC0U) == 0x80);
  size_t begin = pos;
  return decode_utf8(text, begin);
}

}  // namespace

bool BasicTokenizer::is_dropped(char32_t code) const {
  if (code == '\t' || code == '\n' || code == '\r') return false;
  if (code == 0 || code == 0xFFFD) return true;
  const std::string_view name = category(code);
  if (name == "Cc") return true;
  if (rules_ == TokenizerRules::hf) return name == "Co" || unicode_8::is_format(code);
  return name == "Cf";
}

bool BasicTokenizer::is_punctuation(char32_t code) const {
  if (code < 0x80) return is_ascii_punctuation(code);
  return rules_ == TokenizerRules::hf ? unicode_8::is_punctuation(code) : category(code)[0] == 'P';
}

bool BasicTokenizer::is_ideograph(char32_t code) const {
  // The block of extension E starts at U+2B820; the hf rules have it start 256 characters later.
  const char32_t extension_e = rules_ == TokenizerRules::hf ? 0x2B920 : 0x2B820;
  return in(code, 0x4E00, 0x9FFF) || in(code, 0x3400, 0x4DBF) || in(code, 0x20000, 0x2A6DF) ||
         in(code, 0x2A700, 0x2B73F) || in(code, 0x2B740, 0x2B81F) || in(code, extension_e, 0x2CEAF) ||
         in(code, 0xF900, 0xFAFF) || in(code, 0x2F800, 0x2FA1F);
}

bool BasicTokenizer::is_accent(char32_t code) const {
  if (!do_lower_case_) return false;
  return rules_ == TokenizerRules::hf ? unicode_8::is_nonspacing_mark(code) : category(code) == "Mn";
}

BasicTokenizer::BasicTokenizer(TokenizerRules rules, bool do_lower_case, std::vector<SpecialToken> specials)
    : rules_(rules), do_lower_case_(do_lower_case) {
  if (rules == TokenizerRules::hf) specials_ = std::move(specials);
  for (const SpecialToken& token : specials_) {
    check(token.text.starts_with('['), "[tokenizer] special token '{}' doesn't start with '['", token.text);
  }
  std::vector<Info> table(0x10000);
  for (char32_t code = 0; code < table.size(); ++code) table[code] = classify(code);
  table_ = std::move(table);
}

Decomposition BasicTokenizer::normalise(char32_t code) const {
  Decomposition whole{{code}, 1};
  if (!do_lower_case_) return whole;
  if (rules_ != TokenizerRules::hf) return decompose(to_lower(code));
  Decomposition result = is_composite_since_unicode_13(code) ? whole : decompose(code);
  for (int i = 0; i < result.size; ++i) result.codes[i] = to_lower_unicode_17(result.codes[i]);
  return result;
}

BasicTokenizer::Info BasicTokenizer::classify(char32_t code) const {
  if (is_dropped(code)) return {Kind::dropped, 0};
  if (is_space(code)) return {Kind::space, 0};
  if (code == '[' && !specials_.empty()) return {Kind::special, 0};
  if (code == capital_sigma && rules_ != TokenizerRules::hf && do_lower_case_) return {Kind::special, 0};
  const Decomposition parts = normalise(code);
  char32_t kept = 0;
  int kept_count = 0;
  bool affects_order = false;
  for (int i = 0; i < parts.size; ++i) {
    const bool starter = !do_lower_case_ || combining_class(parts.codes[i]) == 0;
    if (is_accent(parts.codes[i])) {
      affects_order |= starter;
    } else {
      affects_order |= !starter;
      kept = parts.codes[i];
      ++kept_count;
    }
  }
  if (kept_count > 1 || affects_order) return {Kind::special, 0};
  if (kept_count == 0) return {Kind::dropped, 0};
  return {is_ideograph(code) || is_punctuation(kept) ? Kind::alone : Kind::letter, kept};
}

// One walk over a text.
class BasicTokenizer::Splitter {
 public:
  Splitter(const BasicTokenizer& rules, std::string_view text, BasicWords& out)
      : rules_(rules), text_(text), characters_(out.characters), words_(out.words) {}

  void run() {
    size_t pos = 0;
    while (pos < text_.size()) {
      const auto begin = static_cast<uint32_t>(pos);
      const char32_t code = decode_utf8(text_, pos);
      check(code != invalid_code, "[tokenizer] invalid UTF-8 at byte {}", begin);
      const auto end = static_cast<uint32_t>(pos);
      const Info info = rules_.info(code);
      switch (info.kind) {
        case Kind::letter:
          characters_.push_back({info.code, begin, end});
          break;
        case Kind::space:
          end_word();
          break;
        case Kind::dropped:
          break;
        case Kind::alone:
          add_alone({info.code, begin, end});
          break;
        case Kind::special:
          if (code == '[') {
            pos = bracket(begin);
          } else if (code == capital_sigma && rules_.rules_ != TokenizerRules::hf) {
            characters_.push_back({is_final_sigma(begin, end) ? final_sigma : to_lower(code), begin, end});
          } else {
            decomposed(code, begin, end);
          }
      }
    }
    end_word();
  }

 private:
  void end_word() {
    const auto end = static_cast<uint32_t>(characters_.size());
    if (end > word_begin_) words_.push_back({word_begin_, end});
    word_begin_ = order_begin_ = end;
  }

  void add_alone(Character character) {
    end_word();
    characters_.push_back(character);
    end_word();
  }

  // A special token, or the bracket as punctuation. Returns the position behind it.
  size_t bracket(uint32_t begin) {
    for (const SpecialToken& token : rules_.specials_) {
      if (!text_.substr(begin).starts_with(token.text)) continue;
      const auto end = static_cast<uint32_t>(begin + token.text.size());
      add_alone({U'[', begin, end});
      words_.back().special_id = token.id;
      return end;
    }
    add_alone({U'[', begin, begin + 1});
    return begin + 1;
  }

  // A character that becomes several, or whose parts take part in canonical ordering (Unicode 3.11, D109): a
  // combining character moves before those of a higher class, up to the last starter, dropped ones included.
  void decomposed(char32_t code, uint32_t begin, uint32_t end) {
    const Decomposition parts = rules_.normalise(code);
    for (int i = 0; i < parts.size; ++i) {
      const char32_t part = parts.codes[i];
      const int order = combining_class(part);
      if (rules_.is_accent(part)) {
        if (order == 0) order_begin_ = characters_.size();
      } else if (rules_.is_punctuation(part)) {
        add_alone({part, begin, end});
      } else {
        characters_.push_back({part, begin, end});
        size_t at = characters_.size() - 1;
        for (; order > 0 && at > order_begin_ && combining_class(characters_[at - 1].code) > order; --at) {
          characters_[at].code = characters_[at - 1].code;
        }
        characters_[at].code = part;
      }
    }
  }

  // Whether Python's str.lower() makes the sigma at [begin, end) a final one: a cased letter stands before it
  // in its word and none behind it, case-ignorable characters aside.
  bool is_final_sigma(size_t begin, size_t end) const {
    const auto is_transparent = [&](char32_t code) {
      return rules_.is_dropped(code) || (is_case_ignorable(code) && !is_space(code));
    };
    const auto is_letter = [&](char32_t code) { return is_cased(code) && !rules_.is_ideograph(code); };
    char32_t before = 0;
    do before = begin > 0 ? decode_backward(text_, begin) : U' ';
    while (is_transparent(before));
    if (!is_letter(before)) return false;
    char32_t after = 0;
    do after = end < text_.size() ? decode_utf8(text_, end) : U' ';
    while (after != invalid_code && is_transparent(after));
    return after == invalid_code || !is_letter(after);
  }

  const BasicTokenizer& rules_;
  std::string_view text_;
  std::vector<Character>& characters_;
  std::vector<BasicWords::Word>& words_;
  uint32_t word_begin_ = 0;
  size_t order_begin_ = 0;  // characters before this one keep their places
};

void BasicTokenizer::split(std::string_view text, BasicWords& out) const {
  check(text.size() <= std::numeric_limits<uint32_t>::max(),
        "[tokenizer] a text of {} bytes: at most {} are supported", text.size(),
        std::numeric_limits<uint32_t>::max());
  out.clear();
  Splitter(*this, text, out).run();
}

}  // namespace gradus
