// Texts with a class or a score: their files and their labels.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "core/error.h"
#include "data/class_labels.h"
#include "data/classification_text.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;
using Strings = std::vector<std::string>;

namespace {

const std::string mrpc_header = "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n";
const std::string sts_header =
    "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n";

ClassificationData read(std::string_view text, const char* form,
                        ClassLabelUse use = ClassLabelUse::required) {
  return read_classification(TempFile(text).path(), classification_form(form), use);
}

const std::string chooses = "; --text_column, --text_pair_column and --label_column say which has what";

// Checks that the text is refused with "<path><message>".
void check_refused(std::string_view text, const char* form, const std::string& message,
                   ClassLabelUse use = ClassLabelUse::required) {
  const TempFile file(text);
  CAPTURE(text);
  CHECK_THROWS_WITH_AS(read_classification(file.path(), classification_form(form), use),
                       file.error(message).c_str(), Error);
}

}  // namespace

TEST_CASE("MRPC: pairs below a header, behind a byte order mark, quotation marks as text") {
  const std::string text = mrpc_header + "1\t7\t8\tHe \"said\t\"No .\r\n0\t9\t10\ta\tb";
  for (const std::string& bytes : {text, test::gzipped(text)}) {
    const ClassificationData data = read(bytes, "mrpc");
    REQUIRE(data.texts.size() == 2);
    CHECK(data.labelled);
    CHECK(data.texts[0].text_a == "He \"said");
    CHECK(data.texts[0].text_b == "\"No .");
    CHECK(data.texts[0].label == "1");
    CHECK(data.texts[1].line == 3);
    CHECK(data.where(1) == data.path + ":3");
    CHECK(data.label_counts() == std::map<std::string, int64_t>{{"0", 1}, {"1", 1}});
  }
  const ClassificationData test =
      read("index\t#1 ID\t#2 ID\t#1 String\t#2 String\n0\t1089874\t1089925\tA\tB\n", "mrpc",
           ClassLabelUse::optional);
  CHECK_FALSE(test.labelled);
  CHECK(test.texts.at(0).text_b == "B");
  CHECK(test.texts[0].label.empty());
  CHECK(test.label_counts().empty());
}

TEST_CASE("CoLA: four columns without a header, but the test set has one") {
  const ClassificationData data = read("gj04\t1\t\tThey drank.\nl-93\t0\t*\tThey drinks.\n", "cola");
  REQUIRE(data.texts.size() == 2);
  CHECK(data.texts[0].text_a == "They drank.");
  CHECK_FALSE(data.texts[0].text_b.has_value());
  CHECK(data.texts[1].label == "0");
  const ClassificationData test =
      read("index\tsentence\n0\tBill whistled.\n", "cola", ClassLabelUse::optional);
  CHECK_FALSE(test.labelled);
  CHECK(test.texts.at(0).text_a == "Bill whistled.");
  check_refused("index\tsentence\n0\tx\n", "cola",
                ":1: the header has the columns index, sentence: expected one named label");
  check_refused("gj04\t1\tx\n", "cola", ":1: found 3 columns: expected 4: source, label, mark, sentence");
}

TEST_CASE("SST-2 and STS-B: the header says what is where") {
  const ClassificationData data = read("sentence\tlabel\na fine film \t1\n", "sst2");
  CHECK(data.texts.at(0).text_a == "a fine film ");
  CHECK(data.texts[0].label == "1");
  CHECK(read("index\tsentence\n0\ta film\n", "sst2", ClassLabelUse::optional).texts.at(0).text_a == "a film");

  const std::string rest = "\tg\tf\t2012\t1\tnone\tnone\tA man.\tA dog.\t";
  const ClassificationData scored = read(sts_header + "0" + rest + "4.750\n1" + rest + "0\n", "sts_b");
  REQUIRE(scored.texts.size() == 2);
  CHECK(scored.texts[0].text_a == "A man.");
  CHECK(scored.texts[0].text_b == "A dog.");
  CHECK(scored.texts[0].score == 4.75F);
  CHECK(scored.texts[1].score == 0);
  CHECK(read(sts_header + "0" + rest + " 1e-50 \n", "sts_b").texts.at(0).score == 0);
  const ClassificationData test =
      read("index\tsentence1\tsentence2\n0\tA\tB\n", "sts_b", ClassLabelUse::optional);
  CHECK_FALSE(test.labelled);
  for (const char* score : {"5.001", "-0.1", "nan", "inf", "1e400", "4,5", "", " ", "+3", "0x1"}) {
    const std::string message =
        *score == '\0' || *score == ' '
            ? ":2: the label is empty"
            : fmt::format(":2: found the score '{}': expected a number from 0 to 5", score);
    check_refused(sts_header + "0" + rest + score + "\n", "sts_b", message);
  }
}

TEST_CASE("TNEWS: JSON lines with a label or without") {
  const ClassificationData data = read(
      "{\"label\": \"102\", \"label_desc\": \"x\", \"sentence\": \"江\\t疏影\", \"keywords\": \"\"}\n\n"
      "{\"sentence\": \"b\", \"label\": 116}\r\n",
      "tnews");
  REQUIRE(data.texts.size() == 2);
  CHECK(data.texts[0].text_a == "江\t疏影");
  CHECK(data.texts[0].label == "102");
  CHECK(data.texts[1].label == "116");
  CHECK(data.texts[1].line == 3);
  const ClassificationData test =
      read("{\"id\": 0, \"sentence\": \"a\"}\n", "tnews", ClassLabelUse::optional);
  CHECK_FALSE(test.labelled);

  const std::string good = "{\"sentence\": \"a\", \"label\": \"102\"}\n";
  check_refused(good + "{\"sentence\": \"a\"}", "tnews", ":2: the row has no \"label\"");
  check_refused(good + "{\"sentence\": \"a\"}", "tnews",
                ":2: the row has no \"label\", unlike the rows before: expected all rows to have one or none",
                ClassLabelUse::optional);
  check_refused("{\"label\": \"102\"}", "tnews",
                ":1: the object has the names label: expected one named sentence, as files of tnews have");
  check_refused("{\"sentence\": \"a\"}", "tnews",
                ":1: the object has the names sentence: expected one named label");
  check_refused(good + "{\"label\": \"102\"}", "tnews", ":2: the row has no string \"sentence\"");
  check_refused("{\"label\": \"102\", \"sentence\": 5}", "tnews", ":1: the row has no string \"sentence\"");
  check_refused("[1]", "tnews", ":1: found a JSON array: expected an object with \"sentence\"");
  check_refused("{\"label\": 1.5, \"sentence\": \"a\"}", "tnews",
                ":1: \"label\" is a JSON number: expected a string");
  check_refused("{\"label\": \"\", \"sentence\": \"a\"}", "tnews", ":1: the label is empty");
  const TempFile bad(good + "{\"sentence\": \"a\"");
  CHECK_THROWS_WITH_AS(read_classification(bad.path(), classification_form("tnews"), ClassLabelUse::required),
                       doctest::Contains((bad.path() + ":2: invalid JSON: ").c_str()), Error);
}

TEST_CASE(
    "labels that are found are in the order of their values when they are numbers, else of their bytes") {
  const auto labels = [](const Strings& names) {
    std::string text;
    for (const std::string& name : names) text += "a\t" + name + "\n";
    return read(text, "tsv").found_labels();
  };
  CHECK(labels({"10", "9", "-1", "9", "010"}) == Strings{"-1", "9", "010", "10"});
  CHECK(labels({"10", "9", "1.5"}) == Strings{"1.5", "10", "9"});
  CHECK(labels({"pos", "neg", "Neg", "10"}) == Strings{"10", "Neg", "neg", "pos"});
  CHECK(labels({"9", "99999999999999999999"}) == Strings{"9", "99999999999999999999"});
}

TEST_CASE("what is probably no label is not learned") {
  const auto refused = [](const std::string& text, const char* message) {
    CHECK_THROWS_WITH_AS(read(text, "tsv").found_labels(), doctest::Contains(message), Error);
  };
  const std::string rows = "a\tpos\nb\tneg\nc\tpos\nd\tneg\n";
  CHECK(read(rows + "e\tneutral\n", "tsv").found_labels() == Strings{"neg", "neutral", "pos"});
  refused("review\tsentiment\n" + rows, ":1: the label 'sentiment' is nowhere else: if this is a header");
  CHECK(read("text\tlabel\nreview\tsentiment\n" + rows, "tsv").found_labels() ==
        Strings{"neg", "pos", "sentiment"});
  std::string swapped;
  for (int i = 0; i < 20; ++i) swapped += fmt::format("pos\ttext {}\n", i % 11);
  refused(swapped, ": 20 texts have 11 different labels: expected the label in the last column");
  // With a header that says so they are labels all the same.
  CHECK(read("text\tlabel\n" + swapped, "tsv").found_labels().size() == 11);
  refused("a\tpos\nb\tpos\n", ": there is one label, 'pos', and nothing to tell it apart from");
}

TEST_CASE("a header of which only some names are known is no text") {
  const std::string some =
      ": expected a header with one column named text or sentence or text_a or sentence1 and one named "
      "label, or "
      "a first line that has none of these names; --text_column, --text_pair_column and --label_column name "
      "others";
  check_refused("text\tclass\na\tpos\n", "tsv", ":1: found text, class" + some);
  check_refused("review\tLabel\na\tpos\n", "tsv", ":1: found review, Label" + some);
  CHECK(read(" text\tLabel \na\tpos\n", "tsv").texts.at(0).label == "pos");
}

TEST_CASE("blanks around labels are no part of them, and empty lines no texts") {
  const ClassificationData data = read("a \t pos\n\nb\tpos \n\n", "tsv");
  REQUIRE(data.texts.size() == 2);
  CHECK(data.texts[0].text_a == "a ");
  CHECK(data.texts[1].line == 3);
  CHECK(data.label_counts() == std::map<std::string, int64_t>{{"pos", 2}});
  check_refused("a\t  \n", "tsv", ":1: the label is empty");
  const ClassificationData alone = read("a\n\nb\n", "tsv", ClassLabelUse::optional);
  CHECK(alone.texts.size() == 3);
}

TEST_CASE("a table of one's own: text and label, a pair and label, or what the header says") {
  const ClassificationData plain = read("good film\tpos\nbad \"film\tneg\n", "tsv");
  REQUIRE(plain.texts.size() == 2);
  CHECK(plain.texts[1].text_a == "bad \"film");
  CHECK(plain.label_counts() == std::map<std::string, int64_t>{{"neg", 1}, {"pos", 1}});
  const ClassificationData pairs = read("a\tb\tvery much so\n", "tsv");
  CHECK(pairs.texts.at(0).text_b == "b");
  CHECK(pairs.texts[0].label == "very much so");
  for (const char* header : {"label\tid\tSentence1\tsentence2", "Label\tsource\ttext_a\ttext_b"}) {
    const ClassificationData named = read(std::string(header) + "\nx\t1\ta\tb\n", "tsv");
    REQUIRE(named.texts.size() == 1);
    CHECK(named.texts[0].text_a == "a");
    CHECK(named.texts[0].text_b == "b");
    CHECK(named.texts[0].label == "x");
  }
  CHECK(read("text\tlabel\na\tx\n", "tsv").texts.size() == 1);
}

TEST_CASE("a table of one's own may lack the labels where they are optional") {
  const ClassLabelUse optional = ClassLabelUse::optional;
  const ClassificationData single = read("a text\n\nanother\n", "tsv", optional);
  CHECK_FALSE(single.labelled);
  REQUIRE(single.texts.size() == 3);  // an empty text is one, too
  CHECK(single.texts[1].text_a.empty());
  const ClassificationData pairs = read("index\ttext_a\ttext_b\n0\ta\tb\n", "tsv", optional);
  CHECK_FALSE(pairs.labelled);
  CHECK(pairs.texts.at(0).text_b == "b");
  CHECK(read("sentence\na\n", "tsv", optional).texts.size() == 1);
  CHECK(read("a\tx\n", "tsv", optional).labelled);
}

TEST_CASE("tables: what is wrong is named with its line") {
  const std::string mrpc = mrpc_header + "1\t7\t8\ta\tb\n";
  const std::string expected = ": expected 5: Quality, #1 ID, #2 ID, #1 String, #2 String";
  check_refused(mrpc + "1\t7\t8\ta\n", "mrpc", ":3: found 4 columns" + expected);
  check_refused(mrpc + "1\t7\t8\ta\tb\tc\n", "mrpc", ":3: found 6 columns" + expected);
  check_refused(mrpc + " \n", "mrpc", ":3: found 1 columns" + expected);
  check_refused(mrpc + "\t7\t8\ta\tb\n", "mrpc", ":3: the label is empty");
  check_refused(mrpc + "1\t7\t8\ta\xC3\tb\n", "mrpc", ":3: invalid UTF-8 at byte 7: found 0xc3");
  check_refused("1\t7\t8\ta\tb\n", "mrpc",
                ":1: the header has the columns 1, 7, 8, a, b: expected one named #1 String, as files "
                "of mrpc have; a table without a header is of the form tsv");
  check_refused("Quality\t#1 String\n", "mrpc",
                ":1: the header has the columns Quality, #1 String: expected one named #2 String");
  check_refused(
      "sentence\tsentence\tlabel\n", "sst2",
      ":1: the header has the columns sentence, sentence, label: expected one named sentence, not several");
  const std::string columns = ": expected text, label or text_a, text_b, label, or a header with such names";
  check_refused("a\n", "tsv", ":1: found 1 columns" + columns);
  check_refused("a\tb\tc\td\n", "tsv", ":1: found 4 columns" + columns + chooses, ClassLabelUse::optional);
  check_refused("a\tx\nb\n", "tsv", ":2: found 1 columns: expected 2: text, label");
  check_refused("text_a\ttext_b\na\tb\n", "tsv",
                ":1: the header has the columns text_a, text_b: expected one named label");
  for (const char* form : {"cola", "mrpc", "sst2", "sts_b", "tsv"})
    check_refused("", form, ": no text found: expected lines of columns with tabs between them",
                  ClassLabelUse::optional);
  check_refused(
      mrpc_header, "mrpc",
      ": no text found: expected lines of columns with tabs between them; texts from column 4 (#1 String), "
      "second texts from column 5 (#2 String), labels from column 1 (Quality); not used: #1 ID, #2 ID");
  check_refused(" \n", "tnews", ": no text found: expected a JSON object a line");
  CHECK_THROWS_AS(read_classification("no_such_file", classification_form("tsv"), ClassLabelUse::required),
                  Error);
}

TEST_CASE("tables of GLUE and SNLI are read by their headers") {
  const auto first = [](const std::string& text, ClassLabelUse use = ClassLabelUse::required) {
    const ClassificationText found = read(text, "tsv", use).texts.at(0);
    return Strings{found.text_a, found.text_b.value_or("none"), found.label};
  };
  CHECK(first("index\tquestion\tsentence\tlabel\n0\tq\ts\tentailment\n") == Strings{"q", "s", "entailment"});
  CHECK(first("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n7\t1\t2\tq\tr\t0\n") ==
        Strings{"q", "r", "0"});
  CHECK(first("index\tsentence1\tsentence2\n0\ta\tb\n", ClassLabelUse::optional) == Strings{"a", "b", ""});
  CHECK(
      first(
          "index\tgenre\tsentence1_parse\tsentence1\tsentence2\tlabel1\tgold_label\n0\tg\tp\ta\tb\tx\ty\n") ==
      Strings{"a", "b", "y"});
  CHECK(first("premise\thypothesis\tlabel\na\tb\t1\n") == Strings{"a", "b", "1"});
  const ClassificationData notes = read("index\tquestion\tsentence\tlabel\n0\tq\ts\tx\n", "tsv");
  REQUIRE(notes.notes.size() == 1);
  CHECK(notes.notes[0] ==
        "texts from column 2 (question), second texts from column 3 (sentence), labels from column 4 "
        "(label); not used: index");
  check_refused("text\tsentence\tlabel\na\tb\tx\n", "tsv",
                ":1: the header has the columns text, sentence, label: expected one text, or two of a pair: "
                "--text_column, --text_pair_column and --label_column say which");
  // Of a pair of which people did not agree nothing is learned, unless "-" is a label like others.
  const std::string disputed = "sentence1\tsentence2\tgold_label\na\tb\tneutral\nc\td\t-\ne\tf\tentailment\n";
  const ClassificationData agreed = read(disputed, "tsv");
  CHECK(agreed.texts.size() == 2);
  CHECK(agreed.notes.back() == "1 text with the label '-' is left out");
  CHECK(read("a\t-\nb\t+\n", "tsv").texts.size() == 2);
  const ClassificationData qqp = read("question1\tquestion2\tis_duplicate\na\tb\t0\nc\td\ne\tf\t1\n", "tsv");
  CHECK(qqp.texts.size() == 2);
  CHECK(qqp.notes.back() == "1 line of too few columns is left out, the first line 3");
}

TEST_CASE("JSON lines of one's own, and CLUE's") {
  const auto first = [](const std::string& text) {
    const ClassificationText found = read(text, "tsv", ClassLabelUse::optional).texts.at(0);
    return Strings{found.text_a, found.text_b.value_or("none"), found.label};
  };
  CHECK(first("{\"sentence1\": \"a\", \"sentence2\": \"b\", \"label\": 0}\n") == Strings{"a", "b", "0"});
  CHECK(first("{\"label\": \"11\", \"label_des\": \"x\", \"sentence\": \"s\"}\n") ==
        Strings{"s", "none", "11"});
  CHECK(first("{\"id\": 1, \"abst\": \"t\", \"keyword\": [\"a\", \"b c\"], \"label\": \"1\"}\n") ==
        Strings{"a b c", "t", "1"});
  CHECK(first("{\"text\": \"s\"}\r{\"text\": \"t\"}\r") == Strings{"s", "none", ""});
  const ClassificationData data = read("{\"text\": \"s\", \"label\": \"x\", \"more\": 1}\n", "tsv");
  CHECK(data.notes.back() == "names that are not read: more");
  const ClassificationColumns columns{{"--text_column", "body"}, {}, {"--label_column", "kind"}};
  const TempFile file("{\"body\": \"s\", \"kind\": \"x\"}\n");
  CHECK(read_classification(file.path(), classification_form("tsv"), ClassLabelUse::required, columns)
            .texts.at(0)
            .label == "x");
  check_refused("{\"body\": \"s\", \"label\": \"x\"}\n", "tsv",
                ":1: the object has the names body, label: expected one named text or sentence or text_a or "
                "sentence1; --text_column, --text_pair_column and --label_column name others");
  // SuperGLUE's labels are no strings, and BoolQ's question stands beside its text.
  CHECK(first("{\"question\": \"q\", \"passage\": \"p\", \"idx\": 0, \"label\": true}\n") ==
        Strings{"q", "p", "true"});
  // JSON of many lines, as of C3 and CMRC 2018, is not read a line at a time.
  for (const char* begin : {"[\n", "{\n", "[ [ \"a\",\n"}) {
    const std::string text = std::string(begin) + "\"b\"\n";
    check_refused(text, "tnews",
                  ":1: JSON begins here that goes on in the next line: expected an object a line");
    check_refused(text, "tsv",
                  ":1: found 1 columns: expected text, label or text_a, text_b, label, or a header with such "
                  "names; JSON is read as an object a line");
  }
  // A brace is text like any other.
  CHECK(read("{ is a brace\tx\n", "tsv").texts.at(0).text_a == "{ is a brace");
}

TEST_CASE("columns that count the lines are no texts") {
  const ClassificationData data = read("0\tgood\tpos\n1\tbad\tneg\n2\tgood\tpos\n", "tsv");
  CHECK(data.texts.at(1).text_a == "bad");
  CHECK_FALSE(data.texts[1].text_b.has_value());
  CHECK(data.texts[1].label == "neg");
  CHECK(data.log().ends_with(": first example: 'good', label 'pos'\n"));
  CHECK(data.notes.at(0) == "texts from column 2, labels from column 3; not used: index");
  CHECK(read("7\ta\tb\tx\n8\tc\td\ty\n", "tsv").texts.at(1).text_b == "d");
  CHECK(read("1\ta\n2\tb\n", "tsv", ClassLabelUse::optional).texts.at(0).text_a == "a");
  check_refused("7\tgood\tpos\n3\tbad\tneg\n9\tgood\tpos\n", "tsv",
                ":1: column 1 has numbers alone: expected texts" + chooses);
  check_refused("good\tpos\t1\nbad\tneg\t2\n", "tsv",
                ":1: the last of 3 columns counts the lines: expected labels there" + chooses);
  check_refused(
      "1\tgood\n2\tbad\n", "tsv",
      ":1: found 2 columns: expected text, label or text_a, text_b, label, or a header with such names" +
          chooses);
}

TEST_CASE("labels that look the same are the same, or refused") {
  CHECK(read("a\tpos\u00A0\nb\tpos\nc\tneg\u200B\nd\tneg\n", "tsv").label_counts() ==
        std::map<std::string, int64_t>{{"neg", 2}, {"pos", 2}});
  const ClassificationData data = read("a\tso so\nb\tso\u00A0so\nc\tso so\nd\tso\u00A0so\n", "tsv");
  CHECK_THROWS_WITH_AS(data.found_labels(),
                       doctest::Contains("the labels 'so so' and 'so<U+00A0>so' look the same"), Error);
  const ClassificationData cr = read("a\tpos\rb\tneg\r", "tsv");
  CHECK(cr.texts.size() == 2);
  check_refused(
      "a,pos\nb,neg\n", "tsv",
      ":1: found 1 columns: expected text, label or text_a, text_b, label, or a header with such names; tabs "
      "part columns here: --task_name csv is for tables with commas or semicolons between");
}

TEST_CASE("class labels: the order of the file is that of the ids") {
  const TempFile file("pos\n\n  not so good \nneg\r\n");
  const ClassLabels labels = ClassLabels::load(file.path());
  CHECK(labels.names() == Strings{"pos", "not so good", "neg"});
  CHECK(labels.id("neg") == 2);
  CHECK(labels.find("O") == -1);
  CHECK(labels.name(1) == "not so good");
  CHECK_THROWS_WITH_AS(labels.id("O"), "unknown label 'O': expected one of pos, not so good, neg", Error);
  CHECK_THROWS_AS(labels.name(3), Error);
  const TempFile copy("");
  labels.save(copy.path());
  CHECK(ClassLabels::load(copy.path()).names() == labels.names());
  const TempFile twice("a\nb\na\n"), none("\n");
  CHECK_THROWS_WITH_AS(ClassLabels::load(twice.path()),
                       twice.error(":3: the label 'a' is listed twice").c_str(), Error);
  CHECK_THROWS_WITH_AS(ClassLabels::load(none.path()),
                       none.error(": no label found: expected one a line").c_str(), Error);
  CHECK_THROWS_AS(ClassLabels({"a", ""}), Error);
  CHECK_THROWS_AS(ClassLabels({"a", "a"}), Error);
  CHECK_THROWS_AS(ClassLabels(Strings{}), Error);
}

TEST_CASE("the shared data sets have the counts their descriptions state") {
  using Counts = std::map<std::string, int64_t>;
  struct Expected {
    const char* file;
    const char* form;
    size_t size;
    Counts counts;
  };
  const Counts news{{"100", 1111}, {"101", 4081}, {"102", 4976}, {"103", 3991}, {"104", 5200},
                    {"106", 2107}, {"107", 4118}, {"108", 3437}, {"109", 5955}, {"110", 3632},
                    {"112", 3368}, {"113", 4851}, {"114", 257},  {"115", 2886}, {"116", 3390}};
  for (const Expected& expected : {Expected{"mrpc/train.tsv", "mrpc", 3667, {{"0", 1194}, {"1", 2473}}},
                                   {"mrpc/dev.tsv", "mrpc", 408, {{"0", 129}, {"1", 279}}},
                                   {"mrpc/msr_paraphrase_train.txt", "mrpc", 4076, {}},
                                   {"cola/train.tsv", "cola", 8551, {}},
                                   {"cola/dev.tsv", "cola", 1043, {{"0", 322}, {"1", 721}}},
                                   {"sst2/train.tsv.gz", "sst2", 67349, {}},
                                   {"sst2/dev.tsv", "sst2", 872, {}},
                                   {"sts_b/train.tsv", "sts_b", 5749, {}},
                                   {"sts_b/dev.tsv", "sts_b", 1500, {}},
                                   {"tnews/train.json.gz", "tnews", 53360, news},
                                   {"tnews/dev_first_half.json", "tnews", 5000, {}}}) {
    const auto path = test::shared_file(expected.file);
    if (!path) {
      MESSAGE("skipped: no shared file " << expected.file);
      continue;
    }
    CAPTURE(expected.file);
    const ClassificationData data =
        read_classification(*path, classification_form(expected.form), ClassLabelUse::required);
    CHECK(data.texts.size() == expected.size);
    const Counts counts = data.label_counts();
    if (!expected.counts.empty()) CHECK(counts == expected.counts);
    // Every label is one of the published ones.
    if (data.form->scores) continue;
    const ClassLabels labels(data.form->labels);
    for (const auto& [name, count] : counts) CHECK(labels.find(name) >= 0);
    CHECK(counts.size() == static_cast<size_t>(labels.size()));
  }
}

TEST_CASE("any number of labels: cells, columns of 0 and 1, JSON lists") {
  const auto read_several = [](std::string_view text, const std::string& label_columns = "",
                               ClassLabelUse use = ClassLabelUse::required) {
    ClassificationColumns columns;
    columns.several_labels = true;
    for (size_t begin = 0; begin < label_columns.size();) {
      const size_t end = std::min(label_columns.find(',', begin), label_columns.size());
      columns.label_columns.emplace_back("--label_columns", label_columns.substr(begin, end - begin));
      begin = end + 1;
    }
    return read_classification(TempFile(text).path(), classification_form("tsv"), use, columns);
  };
  const auto check_texts = [](const ClassificationData& data) {
    REQUIRE(data.texts.size() == 3);
    CHECK(data.several_labels);
    CHECK(data.labels_of(0) == Strings{"x", "y"});
    CHECK(data.labels_of(1).empty());
    CHECK(data.labels_of(2) == Strings{"y"});
    CHECK(data.label_counts() == std::map<std::string, int64_t>{{"x", 1}, {"y", 2}});
  };
  check_texts(read_several("text\tlabels\na\t x, y \nb\t \nc\ty\n"));
  const ClassificationData table =
      read_several("text\ty\tid\tx\na\t1\t7\tTRUE\nb\t0\t8\t0\nc\t1\t9\tfalse\n", "x,y");
  check_texts(table);
  CHECK(table.found_labels() == Strings{"x", "y"});
  CHECK(table.notes.front() ==
        "texts from column 1 (text), labels from column 4 (x), column 2 (y); not used: id");
  check_texts(
      read_several("{\"text\":\"a\",\"labels\":[\"x\",\"y\"]}\n{\"text\":\"b\",\"labels\":[]}\n"
                   "{\"text\":\"c\",\"labels\":\"y\"}\n"));
  check_texts(
      read_several("{\"text\":\"a\",\"x\":1,\"y\":true}\n{\"text\":\"b\",\"x\":0,\"y\":\"0\"}\n"
                   "{\"text\":\"c\",\"x\":false,\"y\":1}\n",
                   "x,y"));
  // A label on its own in the first line is no header, but as often as others.
  CHECK(read_several("a\tx\nb\tx\nc\ty\n").found_labels() == Strings{"x", "y"});
  // To predict, the columns may be missing, and what is there is left alone.
  CHECK_FALSE(read_several("text\tid\na\t1\n", "x,y", ClassLabelUse::optional).labelled);
  CHECK_FALSE(read_several("text\tx\na\t?\n", "x,y", ClassLabelUse::ignored).labelled);
  CHECK_THROWS_WITH_AS(read_several("text\tx\na\t1\n", "x,x"),
                       doctest::Contains(":1: --label_columns x: the column is one of texts, or named twice"),
                       Error);
  CHECK_THROWS_WITH_AS(read_several("text\tx\na\t1\n", "x,text"), doctest::Contains("named twice"), Error);
}
