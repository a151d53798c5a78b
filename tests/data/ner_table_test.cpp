// Tables of a word a row, as spreadsheets and Kaggle's data have them.
#include "data/ner_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "core/error.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Strings = std::vector<std::string>;

namespace {

NerColumns choose(const std::string& text, const std::string& label, const std::string& sentence = {}) {
  return {{"--text_column", text}, {"--label_column", label}, {"--sentence_column", sentence}};
}

NerData read(std::string_view text, NerTags tags = NerTags::required,
             const NerColumns& columns = choose("", ""), const std::string& ending = ".csv") {
  return read_ner(TempFile(text, ending).path(), tags, columns);
}

void check_refused(std::string_view text, const std::string& message,
                   const NerColumns& columns = choose("", ""), NerTags tags = NerTags::required,
                   const std::string& ending = ".csv") {
  const TempFile file(text, ending);
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(read_ner(file.path(), tags, columns), file.error(message).c_str(), Error);
}

const std::string kaggle =
    "Sentence #,Word,POS,Tag\n"
    "Sentence: 1,Mira,NNP,B-PER\n,sang,VBD,O\n,\",\",\",\",O\n,\"\"\"\",``,O\n"
    "Sentence: 2,Bonn,NNP,B-LOC\n,10,CD,O\n";

}  // namespace

TEST_CASE("tables: a sentence ends where the column of sentences has another value") {
  std::string crlf;
  for (const char c : kaggle) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  for (const std::string& bytes :
       {kaggle, "\xEF\xBB\xBF" + crlf, "sep=,\r\n" + crlf, test::gzipped(kaggle)}) {
    const NerData data = read(bytes);
    CHECK(data.labelled);
    REQUIRE(data.sentences.size() == 2);
    CHECK(data.sentences[0].words == Strings{"Mira", "sang", ",", "\""});
    CHECK(data.sentences[0].tags == Strings{"B-PER", "O", "O", "O"});
    CHECK(data.sentences[1].words == Strings{"Bonn", "10"});
  }
  const NerData data = read(kaggle);
  CHECK(data.sentences[1].lines == std::vector<int64_t>{6, 7});
  CHECK(data.log() ==
        fmt::format("{0}: CSV with a comma between cells: words from column 2 (Word), tags from column 4 "
                    "(Tag), sentences by column 1 (Sentence #); --text_column, --label_column and "
                    "--sentence_column choose others; not read: POS\n{0}: first sentence: Mira/B-PER sang/O "
                    ",/O \"/O\n",
                    data.path));
  // Every row may have its value; rows of empty cells part nothing then.
  const NerData each = read("sentence_id;words;labels\n0;Mira;B-PER\n;;\n0;sang;O\n1;Bonn;B-LOC\n;;\n");
  REQUIRE(each.sentences.size() == 2);
  CHECK(each.sentences[0].words == Strings{"Mira", "sang"});
  CHECK(each.notes[1] == "2 empty rows are left out");
  const NerData again = read("sentence_id,words,labels\n0,a,O\n1,b,O\n0,c,O\n1,d,O\n");
  CHECK(again.sentences.size() == 4);
  CHECK(
      again.notes[1] ==
      "2 sentences have values that other rows before had, too, the first '0' in line 4: sentences of their "
      "own");
}

TEST_CASE("tables: without a column of sentences an empty row ends one") {
  const NerData data = read("word,tag\n\nMira,B-PER\nsang,O\n,\n\n-DOCSTART-,O\nBonn,B-LOC\n");
  REQUIRE(data.sentences.size() == 2);
  CHECK(data.sentences[1].words == Strings{"Bonn"});
  CHECK(data.notes[0].find("sentences end at empty rows;") != std::string::npos);
  CHECK(data.notes[1] == "1 row of -DOCSTART- is left out");
  CHECK(read("word,tag\nMira,B-PER\n-DOCSTART-,O\nsang,O\n").sentences.size() == 2);
  CHECK(read("word,tag\nMira,B-PER\nsang,O\n").notes[1] == "all words are one sentence");
}

TEST_CASE("tables: columns are chosen, by name or number") {
  const std::string text = "nr,mot,token,genre,tag\n1,Mira,x,B-PER,O\n2,sang,y,O,O\n";
  const NerData data = read(text, NerTags::required, choose("mot", "GENRE", "nr"));
  CHECK(data.sentences.size() == 2);
  CHECK(data.sentences[0].words == Strings{"Mira"});
  CHECK(data.sentences[0].tags == Strings{"B-PER"});
  CHECK(read(text, NerTags::required, choose("2", "-2", "1")).sentences[1].words == Strings{"sang"});
  CHECK(read(text).sentences[0].words == Strings{"x", "y"});
  check_refused(text, ":1: no column named 'mots' (--text_column): the header has nr, mot, token, genre, tag",
                choose("mots", ""));
  check_refused(text,
                ":1: the header has the columns nr, mot, token, genre, tag, and one is taken for two things: "
                "--text_column, --label_column and --sentence_column say which has what",
                choose("5", ""));
  check_refused("word,token,tag\na,b,O\n",
                ":1: the header has the columns word and token, either of which may have the words: "
                "--text_column says which");
  check_refused(
      "Sentence #,Sentence,POS,Tag\n1,a,b,O\n",
      ":1: the header has the columns Sentence #, Sentence, POS, Tag: expected one named word, words, "
      "token or tokens; --text_column names another");
  check_refused(
      "sentence_id,word,pos\n1,a,b\n",
      ":1: the header has the columns sentence_id, word, pos: expected one named tag, tags, label or "
      "labels; --label_column names another");
}

TEST_CASE("tables: tags may be left out as a whole, when they are optional") {
  for (const char* text : {"id,word\n1,Mira\n2,sang\n", "id,word,tag\n1,Mira,\n2,sang,\n"}) {
    const NerData data = read(text, NerTags::optional, choose("", "", "id"));
    CHECK_FALSE(data.labelled);
    REQUIRE(data.sentences.size() == 2);
    CHECK(data.sentences[0].tags.empty());
  }
  check_refused(
      "word,tag\na,\nb,O\n",
      ":3: 'b' has a tag in column 2 (tag), unlike the rows before: expected all words to have tags "
      "or none",
      choose("", ""), NerTags::optional);
  check_refused("word,tag\na,O\nb,\n", ":3: no tag in column 2 (tag)", choose("", ""), NerTags::optional);
}

TEST_CASE("tables: tabs part cells as they are, unless the file is called .csv") {
  const std::string text = "sentence_id\tword\ttag\n1\t\"\tO\n1\t\"a b\"\tO\n2\tBonn\tB-LOC\n";
  const NerData data = read(text, NerTags::required, choose("", ""), ".tsv");
  REQUIRE(data.sentences.size() == 2);
  CHECK(data.sentences[0].words == Strings{"\"", "\"a b\""});
  CHECK(data.notes[0].starts_with("a table with a tab between cells: words from column 2 (word)"));
  CHECK(data.notes[1].starts_with("1 word stands in quotation marks, which are taken for text"));
  CHECK(read(text, NerTags::required, choose("", "", "1"), ".txt").sentences.size() == 2);
  const NerData quoted = read("word\ttag\n\"a b\"\tO\n\"\"\"\"\tO\n");
  CHECK(quoted.sentences[0].words == Strings{"a b", "\""});
  // Columns are columns, whatever the header.
  CHECK(read(text, NerTags::required, choose("", ""), ".txt").sentences.size() == 1);
  CHECK(read("Token\tNER\n\"\tO\n", NerTags::required, choose("", ""), ".tsv").sentences[0].words ==
        Strings{"\""});
}

TEST_CASE("tables: columns with blanks between stay columns in a file called .csv") {
  CHECK(read("Mira B-PER\nsang O\n\nBonn B-LOC\n").sentences.size() == 2);
  CHECK(read("Mira\tNNP\tB-PER\nsang\tVBD\tO\n").sentences[0].tags == Strings{"B-PER", "O"});
  CHECK(read("word tag\n10,5 O\n").sentences[0].words == Strings{"10,5"});
  check_refused("Mira,B-PER\nsang,O\n",
                ":1: found 'Mira,B-PER': expected a header, with names as word and tag or those that "
                "--text_column and --label_column choose; or columns with spaces or tabs between");
}

TEST_CASE("tables: what is wrong is named with its line") {
  const std::string head = "word,tag\nMira,B-PER\n";
  check_refused(head + "sang\n", ":3: found 1 columns: expected 2: word, tag, with a comma between");
  check_refused(head + "sang,O,x\n", ":3: found 3 columns: expected 2: word, tag, with a comma between");
  check_refused(head + " ,O\n", ":3: no word in column 1 (word)");
  check_refused(head + "sang, \n", ":3: no tag in column 2 (tag)");
  check_refused(head + "sang,B PER\n", ":3: found the tag 'B PER': expected one without white space");
  check_refused(head + "sang,\u00A0O\n",
                ":3: found the tag '<U+00A0>O': expected none with the character U+00A0");
  check_refused(
      head + "\",O\nsaid,O\n\",O\n",
      ":3: found the word ',O<U+000A>said,O<U+000A>', with a line break: a quotation mark that is a word is "
      "written \"\"\"\"");
  check_refused(
      head + "a\"b\",O\n",
      ":3: a quotation mark that neither begins nor ends a cell: expected a cell with quotation marks "
      "in it between two of its own, and each in it twice");
  const TempFile json("{\"words\": [\"a\"]}\n", ".csv");
  LineReader lines(json.path());
  NerTableReader table(lines, std::nullopt, {});
  NerSentence sentence;
  CHECK_THROWS_WITH_AS(table.next(sentence),
                       json.error(": JSON lines: expected a table with a header and a word a row").c_str(),
                       Error);
  check_refused("word,tag\n", ": no sentence found: expected word and tag columns, a table, or JSON lines");
  check_refused(head + "caf\xE9,O\n",
                ":3: invalid UTF-8 at byte 3: found 0xe9; a spreadsheet saves UTF-8 as 'CSV UTF-8'");
}

TEST_CASE("tables and lists are read in parts as they are whole") {
  const std::string lists = R"({"words": ["Mira", "sang"], "tags": ["B-PER", "O"]}
{"words": ["Bonn"], "tags": ["B-LOC"]}
{"words": ["a"], "tags": ["O"]})";
  for (const auto& [text, ending] :
       {std::pair{kaggle + kaggle.substr(kaggle.find('\n') + 1), ".csv"}, std::pair{lists, ".json"}}) {
    const TempFile file(text, ending);
    const NerData whole = read_ner(file.path(), NerTags::required);
    std::vector<NerSentence> sentences;
    size_t parts = 0;
    const std::vector<std::string> notes =
        read_ner(file.path(), NerTags::required, {}, 2, [&](NerData& part) {
          ++parts;
          CHECK(part.labelled);
          std::ranges::move(part.sentences, std::back_inserter(sentences));
        });
    CHECK(parts > 1);
    CHECK(notes == whole.notes);
    REQUIRE(sentences.size() == whole.sentences.size());
    for (size_t i = 0; i < sentences.size(); ++i) {
      CHECK(sentences[i].words == whole.sentences[i].words);
      CHECK(sentences[i].tags == whole.sentences[i].tags);
      CHECK(sentences[i].lines == whole.sentences[i].lines);
    }
  }
}

TEST_CASE("tables: a reader hands out its rows as they stand, those between sentences too") {
  std::istringstream in("\nword,tag\n\"a\",O\n,\n-DOCSTART-,O\n\"b, c\",\"O\"\n\n");
  LineReader lines(in, "in.csv");
  NerTableReader reader(lines, std::nullopt, {});
  std::string kinds;
  Strings texts;
  const auto next = [&](NerSentence& sentence) {
    std::vector<NerTableRow> rows;
    const bool found = reader.next(sentence, &rows);
    for (const NerTableRow& row : rows) {
      kinds += "wde"[static_cast<size_t>(row.kind)];
      texts.push_back(row.text);
    }
    return found;
  };
  NerSentence sentence;
  REQUIRE(next(sentence));
  CHECK(kinds == "w");
  CHECK(reader.layout().header == "word,tag");
  CHECK(reader.layout().names == Strings{"word", "tag"});
  REQUIRE(next(sentence));
  CHECK(sentence.words == Strings{"b, c"});
  CHECK(sentence.tags.empty());
  CHECK_FALSE(next(sentence));
  CHECK(kinds == "wedwe");
  CHECK(texts == Strings{"\"a\",O", ",", "-DOCSTART-,O", "\"b, c\",\"O\"", ""});
  CHECK_FALSE(reader.labelled());
  CHECK(reader.notes()[0].find("tags left alone, sentences end at empty rows") != std::string::npos);
  CHECK(reader.notes()[0].ends_with("choose others; not read: tag"));
}
