#include "data/tag_scheme.h"

#include <algorithm>
#include <array>

#include "core/error.h"

namespace gradus {
namespace {

constexpr std::array<std::string_view, 5> outside_tags{"O", "X", "[CLS]", "[SEP]", "[PAD]"};

constexpr std::array<std::pair<TagScheme, std::string_view>, 5> scheme_names{{{TagScheme::iob1, "IOB1"},
                                                                              {TagScheme::iob2, "IOB2"},
                                                                              {TagScheme::ioe1, "IOE1"},
                                                                              {TagScheme::ioe2, "IOE2"},
                                                                              {TagScheme::iobes, "BIOES"}}};

bool is_one_of(char letter, std::string_view letters) {
  return letters.find(letter) != std::string_view::npos;
}

// The position that a letter stands for; 0 for none.
char position_of(char letter, TagLetters letters) {
  if (letters == TagLetters::any && letter >= 'a' && letter <= 'z')
    letter = static_cast<char>(letter - 'a' + 'A');
  switch (letter) {
    case 'M':
      return 'I';
    case 'L':
      return 'E';
    case 'U':
      return 'S';
    default:
      return is_one_of(letter, "BIES") ? letter : '\0';
  }
}

// One of these tags, then one of those, their types equal ('='), different ('!') or any ('*').
struct Pattern {
  std::string_view before, now;
  char types;
};

// Where the scheme wants an entity to begin, to go on, and to have ended before a tag; and the positions it has. The
// table is that of seqeval 1.2.2, with its limits: IOB1's B begins an entity only where the I behind it does not.
struct StrictRules {
  std::string_view positions;
  std::vector<Pattern> start, inside, end;
};

const StrictRules& strict_rules(TagScheme scheme) {
  constexpr std::string_view any = "OBIES";
  static const StrictRules iob1{"OBI",
                                {{"O", "I", '*'}, {"I", "I", '!'}, {"B", "I", '*'}, {"BI", "B", '='}},
                                {{"BI", "I", '='}},
                                {{"BI", "I", '!'}, {"BI", "O", '*'}, {"I", "B", '*'}, {"B", "B", '='}}};
  static const StrictRules iob2{
      "OBI", {{any, "B", '*'}}, {{"BI", "I", '='}}, {{"BI", "O", '*'}, {"BI", "I", '!'}, {"BI", "B", '*'}}};
  static const StrictRules ioe1{"OIE",
                                {{"OE", "I", '*'}, {"I", "I", '!'}, {"E", "E", '='}},
                                {{"I", "IE", '='}},
                                {{"I", "IE", '!'}, {"I", "O", '*'}, {"E", "IE", '='}}};
  static const StrictRules ioe2{
      "OIE", {{"OE", "IE", '*'}, {"I", "IE", '!'}}, {{"I", "IE", '='}}, {{"E", any, '*'}}};
  static const StrictRules iobes{any, {{any, "BS", '*'}}, {{"BI", "IE", '='}}, {{"SE", any, '*'}}};
  switch (scheme) {
    case TagScheme::iob1:
      return iob1;
    case TagScheme::iob2:
      return iob2;
    case TagScheme::ioe1:
      return ioe1;
    case TagScheme::ioe2:
      return ioe2;
    case TagScheme::iobes:
      return iobes;
  }
  fail("[tags] unknown scheme");
}

bool matches(const std::vector<Pattern>& patterns, const TagParts& before, const TagParts& now) {
  const bool same = before.type == now.type;
  return std::ranges::any_of(patterns, [&](const Pattern& pattern) {
    return is_one_of(before.position, pattern.before) && is_one_of(now.position, pattern.now) &&
           (pattern.types == '*' || same == (pattern.types == '='));
  });
}

std::vector<TagScheme> schemes_with(const std::string& positions) {
  const auto has = [&](char position) { return is_one_of(position, positions); };
  if (has('S') || (has('B') && has('E'))) return {TagScheme::iobes};
  if (has('E')) return {TagScheme::ioe2, TagScheme::ioe1};
  return {TagScheme::iob2, TagScheme::iob1};
}

}  // namespace

std::optional<TagParts> split_tag(std::string_view tag, TagLetters letters) {
  if (std::ranges::find(outside_tags, tag) != outside_tags.end()) return TagParts{};
  if (letters == TagLetters::any && tag == "o") return TagParts{};
  const char position = tag.empty() ? '\0' : position_of(tag[0], letters);
  if (position == '\0' || (tag.size() > 1 && tag[1] != '-' && tag[1] != '_')) return std::nullopt;
  return TagParts{position, tag.substr(std::min<size_t>(tag.size(), 2))};
}

bool same_tag(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto has_separator = [](std::string_view tag) { return tag[1] == '-' || tag[1] == '_'; };
  return a.size() == b.size() && a.size() > 2 && a[0] == b[0] && has_separator(a) && has_separator(b) &&
         a.substr(2) == b.substr(2) && split_tag(a, TagLetters::any).has_value();
}

std::string spelt_alike(std::string_view tag) {
  std::string alike(tag);
  if (tag.size() > 2 && tag[1] == '_' && split_tag(tag, TagLetters::any)) alike[1] = '-';
  return alike;
}

std::string_view name_of(TagScheme scheme) {
  return std::ranges::find(scheme_names, scheme, &decltype(scheme_names)::value_type::first)->second;
}

std::optional<TagScheme> find_scheme(std::string_view name) {
  const auto found = std::ranges::find(scheme_names, name, &decltype(scheme_names)::value_type::second);
  if (found == scheme_names.end()) return std::nullopt;
  return found->first;
}

bool has_position(TagScheme scheme, char position) {
  return is_one_of(position, strict_rules(scheme).positions);
}

bool transition_allowed(TagScheme scheme, const TagParts& before, const TagParts& next) {
  const bool same = before.type == next.type;
  const bool from_open = is_one_of(before.position, "BI");
  const bool to_inside = is_one_of(next.position, "IE");
  switch (scheme) {
    case TagScheme::iob1:
      return next.position != 'B' || (from_open && same);
    case TagScheme::iob2:
      return !to_inside || (from_open && same);
    case TagScheme::ioe1:
      return before.position != 'E' || (to_inside && same);
    case TagScheme::ioe2:
      return before.position != 'I' || (to_inside && same);
    case TagScheme::iobes:
      return from_open == to_inside && (!to_inside || same);
  }
  fail("[tags] unknown scheme");
}

std::vector<Entity> read_entities(std::span<const TagParts> tags) {
  std::vector<Entity> entities;
  bool is_open = false;  // whether the next word may go on with the last entity
  for (size_t i = 0; i < tags.size(); ++i) {
    const auto [position, type] = tags[i];
    if (position != 'O') {
      const bool begins = position == 'B' || position == 'S' || !is_open || entities.back().type != type;
      if (begins) entities.push_back({std::string(type), static_cast<int64_t>(i), 0});
      entities.back().end = static_cast<int64_t>(i + 1);
    }
    is_open = position == 'B' || position == 'I';
  }
  return entities;
}

std::vector<Entity> read_strict_entities(std::span<const TagParts> tags, TagScheme scheme) {
  const StrictRules& rules = strict_rules(scheme);
  const auto at = [&](size_t i) { return i < tags.size() ? tags[i] : TagParts(); };
  for (const TagParts& tag : tags)
    check(is_one_of(tag.position, rules.positions), "[tags] position {} of type '{}': {} has {}",
          tag.position, tag.type, name_of(scheme), rules.positions);
  std::vector<Entity> entities;
  TagParts before;
  for (size_t i = 0; i < tags.size();) {
    size_t end = i + 1;
    if (matches(rules.start, before, tags[i])) {
      while (end < tags.size() && matches(rules.inside, tags[end - 1], tags[end])) ++end;
      if (matches(rules.end, tags[end - 1], at(end)))
        entities.push_back({std::string(tags[i].type), static_cast<int64_t>(i), static_cast<int64_t>(end)});
    }
    before = tags[end - 1];
    i = end;
  }
  return entities;
}

TagReader::TagReader(std::span<const std::string> tags, std::optional<TagScheme> strict) : strict_(strict) {
  const auto all_are = [&](TagLetters letters) {
    return std::ranges::all_of(tags,
                               [&](const std::string& tag) { return split_tag(tag, letters).has_value(); });
  };
  if (all_are(TagLetters::any)) letters_ = TagLetters::any;
  std::string positions;
  for (const std::string& tag : tags) {
    if (is_entity_tag(tag)) positions += parts(tag).position;
  }
  schemes_ = schemes_with(positions);
}

TagParts TagReader::parts(std::string_view tag) const {
  return split_tag(tag, letters_).value_or(TagParts{'S', tag});
}

std::vector<TagParts> TagReader::parts(std::span<const std::string> tags) const {
  std::vector<TagParts> all;
  all.reserve(tags.size());
  for (const std::string& tag : tags) all.push_back(parts(tag));
  return all;
}

std::vector<Entity> TagReader::entities(std::span<const TagParts> tags) const {
  return strict_ ? read_strict_entities(tags, *strict_) : read_entities(tags);
}

std::vector<Entity> TagReader::entities(std::span<const std::string> tags) const {
  return entities(parts(tags));
}

}  // namespace gradus
