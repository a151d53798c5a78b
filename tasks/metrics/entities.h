// Tags of words taken apart, and put together to entities.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// "B-PER" or "B_PER" is position 'B' of type "PER"; "B" alone has no type. Positions are those of BIO, BIOES,
// BILOU and BMES: B begins an entity, I and M go on, E and L end one, S and U are one of a single word, O is outside.
// The tags that models have for pieces and padding, "X", "[CLS]", "[SEP]" and "[PAD]", are outside too.
struct TagParts {
  char position;
  std::string_view type;  // lives as long as the tag
};

// Throws Error for anything else.
TagParts split_tag(std::string_view tag);
bool is_entity_tag(std::string_view tag);  // whether split_tag knows it

// Words [begin, end) of a sentence.
struct Entity {
  std::string type;
  int64_t begin = 0;
  int64_t end = 0;

  friend bool operator==(const Entity&, const Entity&) = default;
};

// The entities of one sentence, tagged in any of these schemes, in order. What a model may predict against
// the scheme is taken at its word: I, M or E without a beginning, or of another type than the word before,
// begins an entity. Throws Error for a tag that split_tag does not know.
std::vector<Entity> decode_entities(std::span<const std::string> tags);

// The tag in the scheme that has only B and I: the one that the CoNLL scorer parts entities by. With the letters of
// the others it would take "E-PER B-PER" for one entity.
std::string as_bio(std::string_view tag);

// The tag to hand to a scorer: "O" for every tag that is outside, which would otherwise count as an entity
// without a type, and the tag itself for all others.
std::string_view scored_tag(std::string_view tag);

}  // namespace gradus
