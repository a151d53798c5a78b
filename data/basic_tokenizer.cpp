#include "data/basic_tokenizer.h"

#include <algorithm>
#include <functional>
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

// What a token that stands for a single word may not touch: \w of regular expressions in the hf rules.
bool is_word_character(char32_t code) {
  const std::string_view name = category(code);
  return name[0] == 'L' || name[0] == 'M' || name == "Nd" || name == "Nl" || name == "Pc" ||
         in(code, 0x200C, 0x200D) || in(code, 0x24B6, 0x24E9) || in(code, 0x1F130, 0x1F149) ||
         in(code, 0x1F150, 0x1F169) || in(code, 0x1F170, 0x1F189);
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
  if (rules_.rules == TokenizerRules::hf) return name == "Co" || unicode_8::is_format(code);
  return name == "Cf";
}

bool BasicTokenizer::is_punctuation(char32_t code) const {
  if (code < 0x80) return is_ascii_punctuation(code);
  return rules_.rules == TokenizerRules::hf ? unicode_8::is_punctuation(code) : category(code)[0] == 'P';
}

bool BasicTokenizer::is_ideograph(char32_t code) const {
  if (!rules_.tokenize_chinese_chars) return false;
  // The block of extension E starts at U+2B820; the hf rules have it start 256 characters later.
  const char32_t extension_e = rules_.rules == TokenizerRules::hf ? 0x2B920 : 0x2B820;
  return in(code, 0x4E00, 0x9FFF) || in(code, 0x3400, 0x4DBF) || in(code, 0x20000, 0x2A6DF) ||
         in(code, 0x2A700, 0x2B73F) || in(code, 0x2B740, 0x2B81F) || in(code, extension_e, 0x2CEAF) ||
         in(code, 0xF900, 0xFAFF) || in(code, 0x2F800, 0x2FA1F);
}

bool BasicTokenizer::is_accent(char32_t code) const {
  if (!rules_.strips_accents()) return false;
  return rules_.rules == TokenizerRules::hf ? unicode_8::is_nonspacing_mark(code) : category(code) == "Mn";
}

const BasicTokenizer::FirstCode* BasicTokenizer::first_code(char32_t code) const {
  const auto found = std::ranges::find(first_codes_, code, &FirstCode::code);
  return found == first_codes_.end() ? nullptr : &*found;
}

BasicTokenizer::Info BasicTokenizer::info(char32_t code) const {
  if (code < table_.size()) return table_[code];
  return first_code(code) != nullptr ? Info(Kind::special, 0) : classify(code);
}

const AddedToken* BasicTokenizer::added_at(std::string_view text, size_t begin) const {
  const auto found = std::ranges::find_if(
      added_, [&](const AddedToken& token) { return text.substr(begin).starts_with(token.text); });
  return found == added_.end() ? nullptr : &*found;
}

const BasicTokenizer::NormalizedToken* BasicTokenizer::normalized_at(std::span<const Character> part,
                                                                     size_t begin) const {
  const std::span rest = part.subspan(begin);
  auto token = std::ranges::lower_bound(normalized_, rest.front().code, {}, &NormalizedToken::first);
  for (; token != normalized_.end() && token->first() == rest.front().code; ++token) {
    if (token->codes.size() <= rest.size() &&
        std::ranges::equal(token->codes, rest.first(token->codes.size()), {}, {}, &Character::code))
      return &*token;
  }
  return nullptr;
}

Decomposition BasicTokenizer::normalise(char32_t code) const {
  constexpr char32_t capital_i_with_dot = 0x130;
  const Decomposition whole{{code}, 1};
  const bool lower = rules_.do_lower_case, strip = rules_.strips_accents();
  // Of all letters this one alone becomes two in lower case.
  if (lower && !strip && code == capital_i_with_dot) return {{U'i', 0x307}, 2};
  if (rules_.rules != TokenizerRules::hf) {
    const char32_t letter = lower ? to_lower(code) : code;
    return strip ? decompose(letter) : Decomposition{{letter}, 1};
  }
  Decomposition result = strip && !is_composite_since_unicode_13(code) ? decompose(code) : whole;
  for (int i = 0; lower && i < result.size; ++i) result.codes[i] = to_lower_unicode_17(result.codes[i]);
  return result;
}

BasicTokenizer::Info BasicTokenizer::classify(char32_t code) const {
  if (is_dropped(code)) return {Kind::dropped, 0};
  if (is_space(code)) return {Kind::space, 0};
  if (code == capital_sigma && rules_.rules != TokenizerRules::hf && rules_.do_lower_case)
    return {Kind::special, 0};
  const Decomposition parts = normalise(code);
  char32_t kept = 0;
  int kept_count = 0;
  bool affects_order = false;
  for (int i = 0; i < parts.size; ++i) {
    const bool starter = !rules_.strips_accents() || combining_class(parts.codes[i]) == 0;
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
  // Words; or parts, which are the stretches of normalised text between tokens of added_, blanks and all.
  enum class Result { words, parts };

  Splitter(const BasicTokenizer& rules, std::string_view text, BasicWords& out, Result result)
      : rules_(rules),
        text_(text),
        characters_(out.characters),
        words_(out.words),
        keeps_blanks_(result == Result::parts) {}

  void run() {
    size_t pos = 0;
    while (pos < text_.size()) {
      const auto begin = static_cast<uint32_t>(pos);
      const char32_t code = decode_utf8(text_, pos);
      check(code != invalid_code, "[tokenizer] invalid UTF-8 at byte {}", begin);
      const auto end = static_cast<uint32_t>(pos);
      const Info info = rules_.info(code);
      if (info.kind == Kind::letter) {
        characters_.push_back({info.code, begin, end});
      } else if (info.kind == Kind::special) {
        pos = special(code, begin, end);
      } else {
        take(info, code, begin, end);
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

  // Parts have blanks around ideographs, as an added token of ideographs has that was normalised by itself.
  void add_alone(Character character, bool ideograph) {
    if (keeps_blanks_) {
      if (ideograph) characters_.push_back({U' ', character.begin, character.begin});
      characters_.push_back(character);
      if (ideograph) characters_.push_back({U' ', character.end, character.end});
    } else {
      end_word();
      characters_.push_back(character);
      end_word();
    }
  }

  void take(Info info, char32_t code, uint32_t begin, uint32_t end) {
    switch (info.kind) {
      case Kind::letter:
        characters_.push_back({info.code, begin, end});
        break;
      case Kind::space:
        if (keeps_blanks_) characters_.push_back({U' ', begin, end});
        else end_word();
        break;
      case Kind::dropped:
        break;
      case Kind::alone:
        add_alone({info.code, begin, end}, keeps_blanks_ && rules_.is_ideograph(code));
        break;
      case Kind::special:
        if (code == capital_sigma && rules_.rules_.rules != TokenizerRules::hf) {
          characters_.push_back({is_final_sigma(begin, end) ? final_sigma : to_lower(code), begin, end});
        } else {
          decomposed(code, begin, end);
        }
    }
  }

  // An added token, or a character that is not as simple as others. Returns the position behind it.
  size_t special(char32_t code, uint32_t begin, uint32_t end) {
    const FirstCode* first = rules_.first_code(code);
    if (first == nullptr) {
      take({Kind::special, 0}, code, begin, end);
      return end;
    }
    if (begin >= searched_end_) {
      if (const AddedToken* token = rules_.added_at(text_, begin)) {
        searched_end_ = begin + token->text.size();
        if (!token->single_word || stands_alone(begin, searched_end_)) {
          end_word();
          characters_.push_back({code, begin, static_cast<uint32_t>(searched_end_)});
          end_word();
          words_.back().added_id = token->id;
          return searched_end_;
        }
      }
    }
    take(first->plain, code, begin, end);
    return end;
  }

  bool stands_alone(size_t begin, size_t end) const {
    if (begin > 0 && is_word_character(decode_backward(text_, begin))) return false;
    if (end == text_.size()) return true;
    const char32_t after = decode_utf8(text_, end);
    return after == invalid_code || !is_word_character(after);
  }

  // A character that becomes several, or whose parts take part in canonical ordering (Unicode 3.11, D109): a
  // combining character moves before those of a higher class, up to the last starter, dropped ones included.
  void decomposed(char32_t code, uint32_t begin, uint32_t end) {
    const Decomposition parts = rules_.normalise(code);
    for (int i = 0; i < parts.size; ++i) {
      const char32_t part = parts.codes[i];
      const int order = rules_.rules_.strips_accents() ? combining_class(part) : 0;
      if (rules_.is_accent(part)) {
        if (order == 0) order_begin_ = characters_.size();
      } else if (rules_.is_punctuation(part)) {
        add_alone({part, begin, end}, false);
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
  bool keeps_blanks_;
  uint32_t word_begin_ = 0;
  size_t order_begin_ = 0;   // characters before this one keep their places
  size_t searched_end_ = 0;  // bytes before this one are no more searched for added tokens
};

BasicTokenizer::BasicTokenizer(const TextRules& rules, std::vector<AddedToken> added) : rules_(rules) {
  table_.reserve(0x10000);
  for (char32_t code = 0; code < 0x10000; ++code) table_.push_back(classify(code));
  if (!added.empty()) add(std::move(added));
}

void BasicTokenizer::add(std::vector<AddedToken> added) {
  for (AddedToken& token : added) {
    check(!token.text.empty() && find_invalid_utf8(token.text) == std::string_view::npos,
          "[tokenizer] added token {} is empty or not valid UTF-8", token.id);
    if (!token.normalized) {
      added_.push_back(std::move(token));
      continue;
    }
    BasicWords normal;
    Splitter(*this, token.text, normal, Splitter::Result::parts).run();
    NormalizedToken found{{}, token.single_word, token.id};
    for (const Character& character : normal.characters) found.codes.push_back(character.code);
    if (!found.codes.empty()) normalized_.push_back(std::move(found));
  }
  std::ranges::stable_sort(added_, std::greater(), [](const AddedToken& t) { return t.text.size(); });
  std::ranges::stable_sort(normalized_, std::greater(),
                           [](const NormalizedToken& t) { return t.codes.size(); });
  std::ranges::stable_sort(normalized_, {}, &NormalizedToken::first);
  for (const AddedToken& token : added_) {
    size_t pos = 0;
    const char32_t code = decode_utf8(token.text, pos);
    if (first_code(code) != nullptr) continue;
    first_codes_.push_back({code, info(code)});
    if (code < table_.size()) table_[code] = {Kind::special, 0};
  }
}

void BasicTokenizer::split(std::string_view text, BasicWords& out) const {
  check(text.size() <= std::numeric_limits<uint32_t>::max(),
        "[tokenizer] a text of {} bytes: at most {} are supported", text.size(),
        std::numeric_limits<uint32_t>::max());
  out.clear();
  if (normalized_.empty()) return Splitter(*this, text, out, Splitter::Result::words).run();
  BasicWords parts;
  Splitter(*this, text, parts, Splitter::Result::parts).run();
  for (const BasicWords::Word& part : parts.words) {
    const std::span characters(parts.characters.data() + part.begin, part.end - part.begin);
    if (part.added_id >= 0) add_word(characters, part.added_id, out);
    else cut_part(characters, out);
  }
}

void BasicTokenizer::add_word(std::span<const Character> characters, int32_t added_id, BasicWords& out) {
  if (characters.empty()) return;
  const auto begin = static_cast<uint32_t>(out.characters.size());
  out.characters.insert(out.characters.end(), characters.begin(), characters.end());
  out.words.push_back({begin, static_cast<uint32_t>(out.characters.size()), added_id});
}

// The words of a stretch of normalised text, and the tokens of normalized_ in it.
void BasicTokenizer::cut_part(std::span<const Character> part, BasicWords& out) const {
  size_t word = 0;          // the begin of the word at i
  size_t searched_end = 0;  // of the last token found, whether it stood alone or not
  const auto end_word = [&](size_t end, size_t next) {
    add_word(part.subspan(word, end - word), -1, out);
    word = next;
  };
  for (size_t i = 0; i < part.size();) {
    const NormalizedToken* token = i >= searched_end ? normalized_at(part, i) : nullptr;
    if (token != nullptr) {
      searched_end = i + token->codes.size();
      const bool touched = (i > 0 && is_word_character(part[i - 1].code)) ||
                           (searched_end < part.size() && is_word_character(part[searched_end].code));
      if (!token->single_word || !touched) {
        end_word(i, searched_end);
        add_word(part.subspan(i, token->codes.size()), token->id, out);
        i = searched_end;
        continue;
      }
    }
    if (is_space(part[i].code)) {
      end_word(i, i + 1);
    } else if (is_punctuation(part[i].code)) {
      end_word(i, i);
      end_word(i + 1, i + 1);
    }
    ++i;
  }
  end_word(part.size(), part.size());
}

}  // namespace gradus
