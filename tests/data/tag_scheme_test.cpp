#include "data/tag_scheme.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

using Tags = std::vector<std::string>;
using Entities = std::vector<Entity>;

Entities entities(const Tags& tags) { return TagReader(tags).entities(std::span(tags)); }
Entities strict(const Tags& tags, TagScheme scheme) {
  return TagReader(tags, scheme).entities(std::span(tags));
}

Entities from_json(const Json& json) {
  Entities result;
  for (const Json& entity : json.items())
    result.push_back({entity[0].text(), entity[1].integer(), entity[2].integer()});
  return result;
}

// The letters of a whole sequence, after which nothing is wrong with it.
bool is_well_formed(TagScheme scheme, const Tags& tags) {
  TagParts before;
  for (const std::string& tag : tags) {
    const TagParts next = split_tag(tag).value();
    if (!transition_allowed(scheme, before, next)) return false;
    before = next;
  }
  return transition_allowed(scheme, before, TagParts());
}

}  // namespace

TEST_CASE("a tag is a position, whatever its letter, and a type") {
  const auto parts = [](std::string_view tag, TagLetters letters = TagLetters::capital) {
    return split_tag(tag, letters).value();
  };
  CHECK(parts("B-PER") == TagParts{'B', "PER"});
  CHECK(parts("B_PER") == TagParts{'B', "PER"});
  CHECK(parts("M_book-title") == TagParts{'I', "book-title"});
  CHECK(parts("B-GPE-LOC") == TagParts{'B', "GPE-LOC"});
  CHECK(parts("L-ORG") == TagParts{'E', "ORG"});
  CHECK(parts("U-I-B") == TagParts{'S', "I-B"});
  for (const char* bare : {"B", "I", "E", "S", "B-", "I_"}) CHECK(parts(bare) == TagParts{bare[0], ""});
  for (const char* outside : {"O", "X", "[CLS]", "[SEP]", "[PAD]"}) CHECK(parts(outside) == TagParts{});
  CHECK(parts("b-per", TagLetters::any) == TagParts{'B', "per"});
  CHECK(parts("o", TagLetters::any) == TagParts{});
  for (const char* none : {"", "b-PER", "o", "BPER", "ORG", "Q-PER", "<START>", "0"})
    CHECK_FALSE(split_tag(none).has_value());
}

TEST_CASE("small letters are read as capitals where all tags are of entities") {
  const Tags small{"o", "b-per", "i-per"}, words{"O", "e-mail", "city"};
  CHECK(TagReader(small).reads_entities());
  CHECK(TagReader(small).parts("i-per") == TagParts{'I', "per"});
  CHECK_FALSE(TagReader(words).reads_entities());
  // A tag that is no entity's marks its word alone.
  CHECK(entities({"city", "city", "O", "e-mail"}) ==
        Entities{{"city", 0, 1}, {"city", 1, 2}, {"e-mail", 3, 4}});
  CHECK(entities({"B-PER", "I-PER", "NN"}) == Entities{{"PER", 0, 2}, {"NN", 2, 3}});
}

TEST_CASE("the same tag with either mark between position and type") {
  CHECK(same_tag("B-PER", "B_PER"));
  CHECK(same_tag("b-per", "b_per"));
  CHECK(same_tag("NN", "NN"));
  for (const auto& [a, b] : {std::pair("B-PER", "I-PER"), {"B-PER", "b-PER"}, {"M-PER", "I-PER"}, {"O", "X"}})
    CHECK_FALSE(same_tag(a, b));
}

TEST_CASE("entities of all schemes, and of sequences that break them") {
  CHECK(entities({"B-PER", "I-PER", "L-PER", "U-LOC", "U-LOC", "B-LOC", "L-LOC"}) ==
        Entities{{"PER", 0, 3}, {"LOC", 3, 4}, {"LOC", 4, 5}, {"LOC", 5, 7}});
  CHECK(entities({"B-PER", "I-PER", "O", "B-LOC", "B-LOC"}) ==
        Entities{{"PER", 0, 2}, {"LOC", 3, 4}, {"LOC", 4, 5}});
  CHECK(entities({"I-PER", "I-PER", "B-PER", "I-LOC"}) ==
        Entities{{"PER", 0, 2}, {"PER", 2, 3}, {"LOC", 3, 4}});
  CHECK(entities({"B_PER", "M_PER", "E_PER", "O", "S_PER"}) == Entities{{"PER", 0, 3}, {"PER", 4, 5}});
  CHECK(entities({"B", "I", "B", "O", "I"}) == Entities{{"", 0, 2}, {"", 2, 3}, {"", 4, 5}});
  CHECK(entities({"b-per", "i-per", "o", "e-per", "i-per"}) ==
        Entities{{"per", 0, 2}, {"per", 3, 4}, {"per", 4, 5}});
  // E and S end a name: the I behind them begins another.
  CHECK(entities({"B-PER", "E-PER", "I-PER", "X", "I-PER"}) ==
        Entities{{"PER", 0, 2}, {"PER", 2, 3}, {"PER", 4, 5}});
  CHECK(entities({"S-LOC", "I-LOC"}) == Entities{{"LOC", 0, 1}, {"LOC", 1, 2}});
  CHECK(entities({}).empty());
}

TEST_CASE("entities are those of seqeval, by default and strictly in each scheme") {
  const Json golden = json_of(file_content(source_file("tests/golden/entities.json")));
  int64_t rows = 0;
  for (const Json& row : golden["sequences"].items()) {
    const auto tags = row["tags"].get<Tags>();
    CAPTURE(json_text(row["tags"]));
    if (row.contains("default")) {
      CHECK(entities(tags) == from_json(row["default"]));
    } else {
      const std::string scheme = row["scheme"].text();
      CAPTURE(scheme);
      const bool closed = scheme == "IOBES" || scheme == "BILOU";
      CHECK(strict(tags, closed ? TagScheme::iobes : find_scheme(scheme).value()) ==
            from_json(row["strict"]));
    }
    ++rows;
  }
  CHECK(rows == 420);
}

TEST_CASE("strict reading refuses a position that the scheme doesn't have") {
  CHECK_THROWS_WITH_AS(strict({"B-PER", "E-PER"}, TagScheme::iob2),
                       "[tags] position E of type 'PER': IOB2 has OBI", Error);
  CHECK(strict({"I-PER", "O", "B-PER"}, TagScheme::iob2) == Entities{{"PER", 2, 3}});
}

TEST_CASE("which tags may follow which, by scheme") {
  const Tags iob1{"I-A", "I-A", "B-A", "I-A", "I-B", "O", "I-A"};
  const Tags iob2{"B-A", "I-A", "B-A", "I-A", "B-B", "O", "B-A"};
  const Tags ioe1{"I-A", "E-A", "I-A", "I-A", "I-B", "O", "I-A"};
  const Tags ioe2{"I-A", "E-A", "I-A", "E-A", "E-B", "O", "E-A"};
  const Tags iobes{"B-A", "E-A", "B-A", "E-A", "S-B", "O", "S-A"};
  const std::vector<std::pair<TagScheme, Tags>> good{{TagScheme::iob1, iob1},
                                                     {TagScheme::iob2, iob2},
                                                     {TagScheme::ioe1, ioe1},
                                                     {TagScheme::ioe2, ioe2},
                                                     {TagScheme::iobes, iobes}};
  for (const auto& [scheme, tags] : good) {
    CAPTURE(name_of(scheme));
    CHECK(is_well_formed(scheme, tags));
    // The same entities in all of them.
    CHECK(entities(tags) == entities(iob2));
    CHECK(find_scheme(name_of(scheme)) == scheme);
  }
  CHECK_FALSE(is_well_formed(TagScheme::iob1, iob2));
  CHECK_FALSE(is_well_formed(TagScheme::iob2, iob1));
  CHECK_FALSE(is_well_formed(TagScheme::ioe1, ioe2));
  CHECK_FALSE(is_well_formed(TagScheme::ioe2, ioe1));
  for (const Tags& bad : {Tags{"B-A", "O"}, Tags{"B-A"}, Tags{"I-A", "E-A"}, Tags{"B-A", "E-B"},
                          Tags{"S-A", "E-A"}, Tags{"B-A", "B-A", "E-A"}})
    CHECK_FALSE(is_well_formed(TagScheme::iobes, bad));
}

TEST_CASE("the schemes that a list of tags may be of") {
  using Schemes = std::vector<TagScheme>;
  const auto schemes = [](const Tags& tags) { return TagReader(tags).schemes(); };
  CHECK(schemes({"O", "B-A", "I-A"}) == Schemes{TagScheme::iob2, TagScheme::iob1});
  CHECK(schemes({"O", "I-A"}) == Schemes{TagScheme::iob2, TagScheme::iob1});
  CHECK(schemes({"O", "I-A", "E-A"}) == Schemes{TagScheme::ioe2, TagScheme::ioe1});
  for (const Tags& closed : {Tags{"S-A"}, Tags{"O", "U-A", "B-A", "L-A"}, Tags{"B_A", "M_A", "E_A"}})
    CHECK(schemes(closed) == Schemes{TagScheme::iobes});
}
