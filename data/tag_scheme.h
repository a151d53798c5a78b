// Tags of words that name entities: what each says, which may follow which, and the entities of a sequence of them.
// One reader for training, prediction, scores and reports.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// What a tag says of its word, whatever letters its scheme has for it.
struct TagParts {
  // 'O': outside all entities. 'B' begins one, 'I' (M in BMES) goes on with one, 'E' (L in BILOU) ends one, 'S' (U in
  // BILOU) is one of a single word.
  char position = 'O';
  // "PER" of "B-PER" and "B_PER", "GPE-LOC" of "B-GPE-LOC", nothing of "B". Lives as long as the tag.
  std::string_view type = {};

  friend bool operator==(const TagParts&, const TagParts&) = default;
};

// Whether small letters ("b-per", "o") stand for positions too.
enum class TagLetters { capital, any };

// Nothing for what is no tag of an entity. Outside are "O", and the tags that models have for pieces and padding: "X",
// "[CLS]", "[SEP]" and "[PAD]".
std::optional<TagParts> split_tag(std::string_view tag, TagLetters letters = TagLetters::capital);

// "B-PER" and "B_PER" are the same tag; "B-PER" and "b-PER" are two.
bool same_tag(std::string_view a, std::string_view b);
// "B-PER" of both: one text for all that are the same_tag().
std::string spelt_alike(std::string_view tag);

// How entities are written with the five positions. Ramshaw and Marcus 1995 (IOB1); Tjong Kim Sang and Veenstra 1999,
// "Representing Text Chunks" (the others).
enum class TagScheme {
  iob1,   // I; B for an entity right behind one of its type
  iob2,   // B begins every entity
  ioe1,   // I; E for the end of an entity right before one of its type
  ioe2,   // E ends every entity
  iobes,  // B begins and E ends every entity of several words, S is one of a single word: BIOES, BILOU, BMES
};

std::string_view name_of(TagScheme scheme);  // "IOB1", ..., "BIOES"
std::optional<TagScheme> find_scheme(std::string_view name);

bool has_position(TagScheme scheme, char position);
// Whether a tag may follow another in the scheme; TagParts() stands for both ends of a sentence.
bool transition_allowed(TagScheme scheme, const TagParts& before, const TagParts& next);

// Words [begin, end) of a sentence.
struct Entity {
  std::string type;
  int64_t begin = 0;
  int64_t end = 0;

  friend bool operator==(const Entity&, const Entity&) = default;
};

// The entities of a sentence, in order. All schemes are read by one rule, which takes what breaks them at its word: an
// entity begins at B and S, and at I and E behind anything but B and I of their type; it ends at E and S. These are the
// entities of seqeval (its default mode; github.com/chakki-works/seqeval), and with the tags of IOB1 and IOB2 those of
// conlleval (tasks/metrics/conlleval.h).
std::vector<Entity> read_entities(std::span<const TagParts> tags);

// Only those that are written as the scheme wants it: seqeval's strict mode with this scheme. Throws Error on a position
// that the scheme doesn't have.
std::vector<Entity> read_strict_entities(std::span<const TagParts> tags, TagScheme scheme);

// Reads the tags of a label list, or of some data.
class TagReader {
 public:
  // `tags` are all there are: small letters are read as capitals where every tag is an entity's then, so that "e-mail"
  // among "city" and "street" is no end of an entity. With a scheme entities are read strictly.
  explicit TagReader(std::span<const std::string> tags, std::optional<TagScheme> strict = std::nullopt);

  bool is_entity_tag(std::string_view tag) const { return split_tag(tag, letters_).has_value(); }
  // Whether all tags are those of entities; parts of speech, say, are not.
  bool reads_entities() const { return letters_ == TagLetters::any; }
  // A tag that is no entity's, a part of speech, marks its word alone: position 'S', the whole tag as its type.
  TagParts parts(std::string_view tag) const;
  // Of each tag; they live as long as these.
  std::vector<TagParts> parts(std::span<const std::string> tags) const;
  std::vector<Entity> entities(std::span<const TagParts> tags) const;
  std::vector<Entity> entities(std::span<const std::string> tags) const;

  // The schemes that have these tags, the likeliest first; at least one.
  const std::vector<TagScheme>& schemes() const { return schemes_; }

 private:
  TagLetters letters_ = TagLetters::capital;
  std::vector<TagScheme> schemes_;
  std::optional<TagScheme> strict_;
};

}  // namespace gradus
