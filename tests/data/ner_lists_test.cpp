// Lists of words and tags in JSON lines, as `datasets` and the scripts of transformers write them.
#include "data/ner_lists.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Strings = std::vector<std::string>;

namespace {

NerData read(std::string_view text, NerTags tags = NerTags::required, const NerColumns& columns = {}) {
  return read_ner(TempFile(text, ".json").path(), tags, columns);
}

void check_refused(std::string_view text, const std::string& message, const NerColumns& columns = {},
                   NerTags tags = NerTags::required) {
  const TempFile file(text, ".json");
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(read_ner(file.path(), tags, columns), file.error(message).c_str(), Error);
}

NerColumns choose(const std::string& text, const std::string& label) {
  return {{"--text_column", text}, {"--label_column", label}};
}

const NerColumns numbered{{}, {}, {}, {"--label_file_path", {"O", "B-PER", "I-PER"}}};

}  // namespace

TEST_CASE("lists: an object is a sentence, under the names that datasets and transformers have") {
  const std::string text =
      R"({"id": "0", "tokens": ["Mira", "sang", "New Port"], "pos_tags": [22, 42, 0], "ner_tags": ["B-PER", "O", "B-LOC"]}

{"id": "1", "tokens": ["{"], "pos_tags": [1], "ner_tags": ["O"]})";
  for (const std::string& bytes : {text, "\xEF\xBB\xBF" + text, test::gzipped(text)}) {
    const NerData data = read(bytes);
    CHECK(data.labelled);
    REQUIRE(data.sentences.size() == 2);
    CHECK(data.sentences[0].words == Strings{"Mira", "sang", "New Port"});
    CHECK(data.sentences[0].tags == Strings{"B-PER", "O", "B-LOC"});
    CHECK(data.sentences[0].lines == std::vector<int64_t>{1, 1, 1});
    CHECK(data.sentences[0].text.empty());
    CHECK(data.sentences[1].lines == std::vector<int64_t>{3});
    CHECK(data.log() ==
          fmt::format("{0}: JSON lines: words from \"tokens\", tags from \"ner_tags\"; --text_column and "
                      "--label_column choose others\n{0}: names that are not read: id, pos_tags\n{0}: first "
                      "sentence: Mira/B-PER sang/O New Port/B-LOC\n",
                      data.path));
  }
  for (const char* tags : {"tags", "labels", "ner_tags"}) {
    CHECK(read(fmt::format(R"({{"words": ["a"], "{}": ["O"]}})", tags)).sentences[0].tags == Strings{"O"});
  }
  // A text beside the lists is told as not read; one without tags to a list is CLUENER's.
  CHECK(read(R"({"text": "a b", "words": ["a", "b"], "tags": ["O", "O"]})").notes[1] ==
        "names that are not read: text");
  CHECK(read(R"({"text": "ab", "words": ["ab"], "label": {}})").sentences[0].words == Strings{"a", "b"});
}

TEST_CASE("lists: names are chosen, and tags may be left out as a whole") {
  const std::string text = R"({"mots": ["Mira"], "words": ["x"], "genre": ["B-PER"], "tags": ["O"]})";
  const NerData data = read(text, NerTags::required, choose("mots", "genre"));
  CHECK(data.sentences[0].words == Strings{"Mira"});
  CHECK(data.sentences[0].tags == Strings{"B-PER"});
  check_refused(text,
                ":1: the row has no \"mot\" (--text_column), a list of words: its names are mots, words, "
                "genre, tags",
                choose("mot", ""));
  check_refused(
      text,
      ":1: the row has no \"2\" (--label_column), a list of tags: its names are mots, words, genre, "
      "tags",
      choose("", "2"));
  check_refused(text, ":1: words and tags both from \"tags\"", choose("tags", ""));
  check_refused(text, ": JSON lines, a sentence each: leave out --sentence_column",
                {{}, {}, {"--sentence_column", "id"}});
  const NerData bare = read("{\"tokens\": [\"Mira\"]}\n{\"tokens\": [\"sang\"]}", NerTags::optional);
  CHECK_FALSE(bare.labelled);
  CHECK(bare.sentences[1].tags.empty());
  CHECK(bare.notes[0].find("no tags") != std::string::npos);
}

TEST_CASE("lists: numbers are tags where a list names them") {
  const std::string text = R"({"tokens": ["Mira", "Brom", "sang"], "ner_tags": [1, 2, 0]})";
  const NerData data = read(text, NerTags::required, numbered);
  CHECK(data.sentences[0].tags == Strings{"B-PER", "I-PER", "O"});
  CHECK(data.notes[1] == "numbers are tags by their place in --label_file_path: 1 is B-PER");
  check_refused(text,
                ":1: \"ner_tags\" has the number 1: expected tags, or --label_file_path with the tags that "
                "numbers stand for, one a line from 0 on, O among them");
  for (const char* number : {"3", "-100", "18446744073709551615"}) {
    check_refused(fmt::format(R"({{"tokens": ["a"], "ner_tags": [{}]}})", number),
                  fmt::format(":1: \"ner_tags\" has the number {}: expected 0 to 2, of the tags that "
                              "--label_file_path names",
                              number),
                  numbered);
  }
}

TEST_CASE("lists: what has no word is left out and counted") {
  const NerData data = read(R"({"tokens": ["-DOCSTART-"], "ner_tags": ["O"]}
{"tokens": ["Mira"], "ner_tags": ["B-PER"]}
{"tokens": [], "ner_tags": []}
{"tokens": [], "ner_tags": []})");
  CHECK(data.sentences.size() == 1);
  CHECK(data.notes[1] == "2 empty lists and 1 -DOCSTART- are left out, the first in line 1");
  check_refused(R"({"tokens": [], "ner_tags": []})",
                ": no sentence found: expected word and tag columns, a table, or JSON lines");
}

TEST_CASE("lists: what is wrong is named with its line") {
  const std::string good = R"({"tokens": ["a"], "tags": ["O"]})"
                           "\n";
  check_refused(good + R"({"tokens": ["a", "b"], "tags": ["O"]})",
                ":2: \"tokens\" has 2 words, \"tags\" has 1 tag: expected as many");
  check_refused(good + R"({"tokens": ["a"], "tags": []})",
                ":2: \"tokens\" has 1 word, \"tags\" has 0 tags: expected as many");
  check_refused(good + R"({"tokens": "a b", "tags": ["O"]})",
                ":2: \"tokens\" is a JSON string: expected a list");
  check_refused(good + R"({"tokens": ["a"], "tags": null})", ":2: \"tags\" is a JSON null: expected a list");
  check_refused(good + R"({"tokens": ["a", ""], "tags": ["O", "O"]})",
                ":2: \"tokens\" has \"\" in place 2: expected a word");
  check_refused(good + R"({"tokens": ["a", 7], "tags": ["O", "O"]})",
                ":2: \"tokens\" has 7 in place 2: expected a word");
  for (const char* tag : {"\"\"", "null", "1.5", "[1]"}) {
    check_refused(good + fmt::format(R"({{"tokens": ["a"], "tags": [{}]}})", tag),
                  fmt::format(":2: \"tags\" has {}: expected a tag, or the number of one", tag), numbered);
  }
  check_refused(good + R"({"tokens": ["a"], "tags": ["B PER"]})",
                ":2: found the tag 'B PER': expected one without white space");
  check_refused(good + "{\"tokens\": [\"a\"], \"tags\": [\"B-PER\u00A0\"]}",
                ":2: found the tag 'B-PER<U+00A0>': expected none with the character U+00A0");
  check_refused(good + R"({"words": ["a"], "tags": ["O"]})", ":2: the row has no \"tokens\"");
  check_refused(good + R"({"tokens": ["a"]})",
                ":2: the row has no \"tags\", unlike the rows before: expected all rows to have one or none");
  check_refused("{\"tokens\": [\"a\"]}\n" + good,
                ":2: the row has a \"tags\", unlike the rows before: expected all rows to have one or none",
                {}, NerTags::optional);
  check_refused(good + "[1]", ":2: found a JSON array: expected an object with lists of words and tags");
  check_refused(R"({"id": 1})",
                ":1: the row has no \"text\", \"words\" or \"tokens\", a list of words: its names are id");
  check_refused(
      R"({"tokens": ["a"], "ner": ["O"]})",
      ":1: the row has no \"ner_tags\", \"tags\" or \"labels\", a list of tags: its names are tokens, ner");
}
