// Which columns have the words and the tags, as told and as found out.
#include "data/ner_columns.h"

#include <doctest/doctest.h>

#include <sstream>

#include "core/error.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Strings = std::vector<std::string>;

namespace {

NerColumns choose(const std::string& text, const std::string& label) {
  return {{"--text_column", text}, {"--label_column", label}};
}

NerData read(std::string_view text, NerTags tags = NerTags::required, const NerColumns& columns = {}) {
  return read_ner(TempFile(text).path(), tags, columns);
}

void check_refused(std::string_view text, const std::string& message, const NerColumns& columns = {},
                   NerTags tags = NerTags::required) {
  const TempFile file(text);
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(read_ner(file.path(), tags, columns), file.error(message).c_str(), Error);
}

}  // namespace

TEST_CASE("columns: numbers of the words are no words") {
  const std::string counted = "1 Mira NNP B-PER\n2 sang VBD O\n\n1 The DT O\n2 old JJ O\n3 town NN O\n";
  const NerData data = read(counted);
  REQUIRE(data.sentences.size() == 2);
  CHECK(data.sentences[0].words == Strings{"Mira", "sang"});
  CHECK(data.sentences[1].tags == Strings{"O", "O", "O"});
  CHECK(data.log() ==
        fmt::format(
            "{0}: words from column 2 of 4, tags from column 4, column 1 counts the words; --text_column and "
            "--label_column choose others\n{0}: first sentence: Mira/B-PER sang/O\n",
            data.path));
  CHECK(read("0 Mira B-PER\n1 sang O\n\n0 a O\n1 b O\n").sentences[1].words == Strings{"a", "b"});
  CHECK(read(counted, NerTags::required, choose("3", "-1")).sentences[0].words == Strings{"NNP", "VBD"});
  std::istringstream in(counted + "\n1 a x O\n3 b x O\n");
  LineReader lines(in, "in");
  NerColumnReader reader(lines, NerTags::required, {}, 1);
  NerSentence sentence;
  CHECK(reader.next(sentence));
  CHECK(reader.next(sentence));
  CHECK_THROWS_WITH_AS(reader.next(sentence),
                       "in:9: column 1 counts the words of a sentence: found '3', expected 2", Error);
  // Numbers that are words: no column is left for these, or they don't count.
  CHECK(read("1 O\n2 O\n3 O\n").sentences[0].words == Strings{"1", "2", "3"});
  CHECK(read("1 CD O\nof IN O\n2 CD O\n").sentences[0].words == Strings{"1", "of", "2"});
  CHECK(read("1 Mira\n2 sang\n3 .\n", NerTags::optional).sentences[0].words == Strings{"Mira", "sang", "."});
  CHECK(read("1 O\n2 O\n3 O\n", NerTags::optional).sentences[0].words == Strings{"1", "2", "3"});
}

TEST_CASE("columns: what would not be words is refused") {
  const std::string elsewhere = " --text_column says which has the words";
  check_refused("7 Mira O\n7 sang O\n7 . O\n\n8 a O\n", ":1: column 1 has numbers alone ('7'):" + elsewhere);
  std::string part;
  for (int i = 0; i < 12; ++i) part += "news/7 w" + std::to_string(i) + " O\n";
  check_refused(part, ":1: column 1 has 'news/7' on every line:" + elsewhere);
  CHECK(read(part, NerTags::required, choose("2", "")).sentences[0].words[3] == "w3");
}

TEST_CASE("columns: CoNLL-U") {
  const std::string rest = "\t_\tNOUN\t_\t_\t0\troot\t_\t";
  const std::string text = "# sent_id = 1\n# text = vámonos al mar\n1-2\tvámonos" + rest + "_\n1\tvamos" +
                           rest + "Entity=O\n2\tnos" + rest + "_\n2.1\tx" + rest +
                           "_\n\n# sent_id = 2\n1\ta b" + rest + "_\n";
  check_refused(
      text,
      ":3: 10 columns of which the first counts: this looks like CoNLL-U, which has no column of its "
      "own for names: --label_column says which has the tags");
  const NerData data = read(text, NerTags::required, choose("", "4"));
  REQUIRE(data.sentences.size() == 2);
  CHECK(data.sentences[0].words == Strings{"vamos", "nos"});
  CHECK(data.sentences[0].tags == Strings{"NOUN", "NOUN"});
  CHECK(data.sentences[1].words == Strings{"a b"});
  REQUIRE(data.notes.size() == 3);
  CHECK(data.notes[1] == "3 lines are taken for comments; line 1: # sent_id = 1");
  CHECK(data.notes[2] == "2 lines of ranges or of words not in the text are left out; line 3: 1-2");
  CHECK_FALSE(read(text, NerTags::optional).labelled);
  const NerData plus =
      read("# global.columns = ID FORM UPOS NER MISC\n1\tMira\tN\tB-PER\t_\n2\tsang\tV\tO\t_\n");
  CHECK(plus.sentences[0].words == Strings{"Mira", "sang"});
  CHECK(plus.sentences[0].tags == Strings{"B-PER", "O"});
}

TEST_CASE("columns: comments stand before a sentence, and are not the word #") {
  const NerData data = read(
      "# id a=1 domain=en\nMira _ _ B-PER\nsang _ _ O\n\n# id b=2 domain=en\n#\thttp://x [2009]\n# _ _ O\n1 "
      "_ _ "
      "O\n# _ _ O\n");
  REQUIRE(data.sentences.size() == 2);
  CHECK(data.sentences[0].words == Strings{"Mira", "sang"});
  CHECK(data.sentences[1].words == Strings{"#", "1", "#"});
  CHECK(data.notes[1] == "3 lines are taken for comments; line 1: # id a=1 domain=en");
  CHECK(read("#begin document (x); part 000\nMira B-PER\n\n#end document\n").sentences.size() == 1);
  CHECK(read("#tag O\n# SYM\na SYM\n").sentences[0].words == Strings{"#tag", "#", "a"});
  CHECK(read("#\nMira\n", NerTags::optional).sentences[0].words == Strings{"#", "Mira"});
}

TEST_CASE("columns: by number, from the end, by the header's names") {
  const std::string text = "Mira B-PER NNP x\nsang O VBD y\n";
  CHECK(read(text, NerTags::required, choose("", "2")).sentences[0].tags == Strings{"B-PER", "O"});
  CHECK(read(text, NerTags::required, choose("-1", "-3")).sentences[0].words == Strings{"x", "y"});
  check_refused(text, ":1: 4 columns, but --label_column 5", choose("", "5"));
  check_refused(text, ":1: 4 columns, but --text_column -5", choose("-5", "1"));
  check_refused(text,
                ":1: words and tags both from column 1: --text_column or --label_column chooses another",
                choose("", "1"));
  CHECK_THROWS_WITH_AS(
      choose("0", ""),
      "--text_column 0: expected a number from 1, one from -1 for columns from the end, or a "
      "name of the header",
      Error);
  const std::string named = "Token\tPOS\tNER\tid\n" + std::string("Mira\tNNP\tB-PER\t1\nsang\tVBD\tO\t2\n");
  const NerData data = read(named);
  CHECK(data.sentences[0].words == Strings{"Mira", "sang"});
  CHECK(data.sentences[0].tags == Strings{"B-PER", "O"});
  CHECK(data.notes[0].starts_with("words from column 1 of 4, tags from column 3, line 1 is a header"));
  CHECK(read(named, NerTags::required, choose("", "pos")).sentences[0].tags == Strings{"NNP", "VBD"});
  check_refused(named, ":2: no column named 'tag' (--label_column): the header has Token, POS, NER, id",
                choose("", "tag"));
  check_refused("{\"text\": \"a\", \"label\": {}}",
                ": JSON lines, which have no columns: leave out --text_column and --label_column",
                choose("1", ""));
}

TEST_CASE("columns: words may have blanks where tabs alone part columns evenly") {
  const NerData data = read("New Port\tB-LOC\nis\tO\n");
  CHECK(data.sentences[0].words == Strings{"New Port", "is"});
  CHECK(data.notes[0].starts_with("words from column 1 of 2, tags from column 2, tabs between columns;"));
  check_refused("New Port\tB-LOC\nis\t\n", ":2: no tag in column 2");
}

TEST_CASE("columns: blanks of other kinds are no separators, and are named") {
  const std::string part = " in it parts no columns: expected spaces or tabs";
  check_refused("Mira\u00A0B-PER\nsang\u00A0O\n", ":1: found the word 'Mira<U+00A0>B-PER': U+00A0" + part);
  check_refused("a O\nMira\u3000B-PER\n",
                ":2: found only the word 'Mira<U+3000>B-PER': expected a word and its tag; U+3000" + part);
  check_refused("sang\nMira\u2003B-PER\n", ":2: found 'Mira<U+2003>B-PER': U+2003" + part, {},
                NerTags::optional);
  check_refused("Mira\u200BB-PER\nsang\u200BO\n", ":1: found the word 'Mira<U+200B>B-PER': U+200B" + part, {},
                NerTags::optional);
  check_refused("a x O\nMira\u00A0y O\n",
                ":2: found 2 columns in 'Mira<U+00A0>y O', the first line with a word has 3; U+00A0" + part);
  for (const char* code : {"00A0", "200B", "FEFF"}) {
    std::string tag = "B-PER";
    tag += std::string(code) == "00A0" ? "\u00A0" : std::string(code) == "200B" ? "\u200B" : "\uFEFF";
    check_refused("a O\nMira " + tag + "\n",
                  fmt::format(":2: found the tag 'B-PER<U+{}>': expected none with the "
                              "character U+{}",
                              code, code));
  }
  check_refused("Mira B-PER\u2028sang O\n",
                ":1: found U+2028 in 'Mira B-PER<U+2028>sang O': it ends no line here");
  check_refused("a O\u0085b O\u0085", ":1: found U+0085 in 'a O<U+0085>b O<U+0085>': it ends no line here");
  // Numbers are written so, and such a character may be a word.
  const NerData data = read("10\u00A0000 B-NUM\n\u3000 O\n\u2028 O\n\uFEFFa O\n");
  CHECK(data.sentences[0].words == Strings{"10\u00A0000", "\u3000", "\u2028", "a"});
}

TEST_CASE("columns: sentences of a stream come when they are complete") {
  std::istringstream in("a O\rb O\r\rc O\r");
  LineReader lines(in, "in");
  NerColumnReader reader(lines, NerTags::required, {}, 1);
  NerSentence sentence;
  REQUIRE(reader.next(sentence));
  CHECK(sentence.words == Strings{"a", "b"});
  CHECK(lines.line_number() == 3);
  REQUIRE(reader.next(sentence));
  CHECK(sentence.lines == std::vector<int64_t>{4});
  CHECK_FALSE(reader.next(sentence));
}
