#include "data/ner_text.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Strings = std::vector<std::string>;

namespace {

NerData read(std::string_view text, NerTags tags = NerTags::required) {
  return read_ner(TempFile(text).path(), tags);
}

// Checks that the text is refused with "<path><message>".
void check_refused(std::string_view text, const std::string& message, NerTags tags = NerTags::required) {
  const TempFile file(text);
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(read_ner(file.path(), tags), file.error(message).c_str(), Error);
}

}  // namespace

TEST_CASE("columns: first is the word, last the tag, whatever parts them") {
  const NerData data = read(
      "-DOCSTART- -X- -X- O\n\nEU NNP B-ORG\nrejects\tVBZ \t O  \n\n\nPeter NNP B-PER\n-DOCSTART-\nBonn NNP "
      "B-LOC");
  REQUIRE(data.sentences.size() == 3);
  CHECK(data.labelled);
  CHECK(data.sentences[0].words == Strings{"EU", "rejects"});
  CHECK(data.sentences[0].tags == Strings{"B-ORG", "O"});
  CHECK(data.sentences[0].lines == std::vector<int64_t>{3, 4});
  CHECK(data.sentences[2].words == Strings{"Bonn"});
  CHECK(data.tags() == std::set<std::string>{"B-LOC", "B-ORG", "B-PER", "O"});
}

TEST_CASE("columns: BOM, CRLF, blank lines at the start and gzip make no difference") {
  const std::string text = "\xEF\xBB\xBF\r\n \t\r\n海 O\r\n钓\tB-LOC\r\n\r\n\u3000 O\r\n{ O\r\n";
  for (const std::string& bytes : {text, test::gzipped(text)}) {
    const NerData data = read(bytes);
    REQUIRE(data.sentences.size() == 2);
    CHECK(data.sentences[0].words == Strings{"海", "钓"});
    CHECK(data.sentences[0].tags == Strings{"O", "B-LOC"});
    CHECK(data.sentences[1].words == Strings{"\u3000", "{"});
  }
  CHECK(read("{ O\na O\n").sentences[0].words == Strings{"{", "a"});
}

TEST_CASE("columns: tags may be left out as a whole, when they are optional") {
  const NerData data = read("EU\nrejects\n\nPeter\n", NerTags::optional);
  CHECK_FALSE(data.labelled);
  REQUIRE(data.sentences.size() == 2);
  CHECK(data.sentences[0].words == Strings{"EU", "rejects"});
  CHECK(data.sentences[0].tags.empty());
  CHECK(read("EU B-ORG\n", NerTags::optional).labelled);
}

TEST_CASE("columns: what is missing is named with its line") {
  check_refused("EU B-ORG\nrejects\n", ":2: found only the word 'rejects': expected a word and its tag");
  check_refused("EU B-ORG \nrejects \t\n", ":2: found only the word 'rejects': expected a word and its tag");
  check_refused("a O\n\n\tO\n", ":3: found a blank at the start of '<U+0009>O': expected a word there");
  check_refused("a O\nb\n",
                ":2: 'b' has no tag, unlike the lines before: expected all words to have tags or none",
                NerTags::optional);
  check_refused("a\nb O\n",
                ":2: 'b' has a tag, unlike the lines before: expected all words to have tags or none",
                NerTags::optional);
  check_refused("-DOCSTART- O\n\nEU NNP B-NP B-ORG\n\nrejects VBZ B-VP\n",
                ":5: found 3 columns in 'rejects VBZ B-VP', the first line with a word has 4");
  check_refused("a O\nb c O\n", ":2: found 3 columns in 'b c O', the first line with a word has 2");
  check_refused("a O\nb\xC3 O\n", ":2: invalid UTF-8 at byte 1: found 0xc3");
  for (const char* nothing : {"", "\n\n", "-DOCSTART- O\n\n", "\xEF\xBB\xBF"}) {
    check_refused(nothing, ": no sentence found: expected word and tag columns, a table, or JSON lines");
  }
  CHECK_THROWS_AS(read_ner("no_such_file", NerTags::required), Error);
}

TEST_CASE("JSON lines: mentions become tags of characters") {
  const NerData data = read(
      "\n{\"text\": \"彭小军去a😀é市\", \"label\": {\"name\": {\"彭小军\": [[0, 2]]}, \"address\": {\"市\": "
      "[[7, 7]], "
      "\"😀é\": [[5, 6]]}}}\r\n{\"id\": 3, \"text\": \"中 国\", \"label\": {}}");
  REQUIRE(data.sentences.size() == 2);
  const NerSentence& first = data.sentences[0];
  CHECK(first.text == "彭小军去a😀é市");
  CHECK(first.words == Strings{"彭", "小", "军", "去", "a", "😀", "é", "市"});
  CHECK(first.tags == Strings{"B-name", "M-name", "E-name", "O", "O", "B-address", "E-address", "S-address"});
  CHECK(first.lines == std::vector<int64_t>(8, 2));
  CHECK(data.sentences[1].words == Strings{"中", " ", "国"});
  CHECK(data.sentences[1].tags == Strings(3, "O"));
  CHECK(data.overlapping_mentions == 0);
}

TEST_CASE("JSON lines: rows without label, and overlapping mentions") {
  const NerData unlabelled = read("{\"id\": 0, \"text\": \"四川\"}\n{\"text\": \"a\"}\n", NerTags::optional);
  CHECK_FALSE(unlabelled.labelled);
  CHECK(unlabelled.sentences[0].tags.empty());
  CHECK(unlabelled.sentences.size() == 2);
  const NerData overlap = read(R"({"text": "abc", "label": {"x": {"ab": [[0, 1]]}, "a": {"bc": [[1, 2]]}}})");
  CHECK(overlap.overlapping_mentions == 1);
  CHECK(overlap.sentences[0].tags == Strings{"B-x", "B-a", "E-a"});  // in the order of the file
}

TEST_CASE("JSON lines: what is wrong is named with its line") {
  const std::string good = R"({"text": "ab", "label": {}})"
                           "\n";
  check_refused(good + R"({"text": "ab"})", ":2: the row has no \"label\"");
  check_refused(good + R"({"text": "ab"})",
                ":2: the row has no \"label\", unlike the rows before: expected all rows to have one or none",
                NerTags::optional);
  check_refused(good + R"({"label": {}})", ":2: the row has no string \"text\"");
  check_refused(good + R"({"text": 1, "label": {}})", ":2: the row has no string \"text\"");
  check_refused(good + R"({"text": "", "label": {}})", ":2: \"text\" is empty");
  check_refused(good + "[1]", ":2: found a JSON array: expected an object with \"text\"");
  check_refused(good + R"({"text": "ab", "label": []})", ":2: \"label\" is a JSON array: expected an object");
  check_refused(good + R"({"text": "ab", "label": {"x": 1}})", ":2: x is a JSON number: expected an object");
  check_refused(good + R"({"text": "ab", "label": {"x": {"a": 1}}})",
                ":2: 'a' of x has 1: expected a list of [start, end]");
  for (const char* span : {"[0]", "[0,1,2]", "0", "[\"0\",1]", "[0.5,1]"}) {
    check_refused(good + R"({"text": "ab", "label": {"x": {"a": [)" + span + "]}}}",
                  std::string(":2: 'a' of x has the offsets ") + span + ": expected [start, end]");
  }
  for (const char* span : {"[-1,0]", "[1,0]", "[0,2]", "[0,18446744073709551615]"}) {
    check_refused(good + R"({"text": "ab", "label": {"x": {"a": [)" + span + "]}}}",
                  std::string(":2: 'a' of x has the offsets ") + span +
                      ": expected 0 <= start <= end < 2, the length of the text");
  }
  check_refused(good + R"({"text": "ab", "label": {"x": {"a": [[0, 0], [1, 1]]}}})",
                ":2: found 'b' at the offsets [1,1]: expected the mention 'a' of x");
  // The last one has a number that no double holds.
  for (const char* bad : {"{\"text\": \"a\"", "{\"text\": \"\\ud800\"}", "{text: 1}", "{", "{\"a\": 1} x",
                          "{\"text\": \"a\", \"label\": 1e999}"}) {
    CAPTURE(bad);
    const TempFile file(good + bad);
    CHECK_THROWS_WITH_AS(read_ner(file.path(), NerTags::required),
                         doctest::Contains((file.path() + ":2: invalid JSON: ").c_str()), Error);
  }
}

TEST_CASE("merging joins sentences until a full stop") {
  NerData data = read("a O\n\nb O\n. O\n\n. O\n\nc O\n\nd O\n");
  CHECK(merge_until_full_stop(data) == 2);
  REQUIRE(data.sentences.size() == 2);
  CHECK(data.sentences[0].words == Strings{"a", "b", "."});
  CHECK(data.sentences[0].tags.size() == 3);
  CHECK(data.sentences[0].lines == std::vector<int64_t>{1, 3, 4});
}

TEST_CASE("the shared data sets have the counts their descriptions state") {
  struct Expected {
    const char* file;
    size_t sentences, words;
    int64_t overlapping;
  };
  for (const Expected& expected :
       {Expected{"conll2003/train.txt", 14041, 203621, 0}, Expected{"conll2003/dev.txt", 3250, 51362, 0},
        Expected{"msra_ner/msra_test_bio.gz", 3442, 172601, 0},
        Expected{"chinese_ner/example.dev", 2318, 0, 0}, Expected{"cluener/train.json", 10748, 0, 2},
        Expected{"cluener/dev.json", 1343, 0, 0}, Expected{"cluener/test.json", 1345, 0, 0}}) {
    const std::string file = expected.file;
    const auto path = test::shared_file(file);
    if (!path) {
      MESSAGE("skipped: no shared file " << file);
      continue;
    }
    CAPTURE(file);
    NerData data = read_ner(*path, NerTags::optional);
    size_t count = 0;
    for (const NerSentence& sentence : data.sentences) count += sentence.words.size();
    CHECK(data.sentences.size() == expected.sentences);
    if (expected.words > 0) CHECK(count == expected.words);
    CHECK(data.overlapping_mentions == expected.overlapping);
    CHECK(data.labelled == (file != "cluener/test.json"));
    if (expected.sentences == 14041) {  // the number of examples that kyzhouhzau/BERT-NER makes of this file
      merge_until_full_stop(data);
      CHECK(data.sentences.size() == 6973);
    }
  }
}
