// Which columns of a table of texts with a class are what: chosen by a number or a name, or those of the training data.
#include <doctest/doctest.h>

#include "core/error.h"
#include "data/classification_text.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;

TEST_CASE(
    "a table has the columns that a model was trained on, unless others are chosen or some are missing") {
  ClassificationColumns columns;
  columns.usual = {"Review", "", "stars"};
  const auto read = [&](const char* text, ClassLabelUse use = ClassLabelUse::optional) {
    const TempFile file(text);
    return read_classification(file.path(), classification_form("tsv"), use, columns);
  };
  const ClassificationData both = read("id\tstars\treview\n9\t2\tgood\n");
  CHECK(both.texts[0].text_a == "good");
  CHECK(both.texts[0].label == "2");
  CHECK(both.column_names.text == "review");
  CHECK(both.column_names.label == "stars");
  CHECK(!read("id\treview\n9\tgood\n").labelled);
  CHECK(read("{\"stars\": 2, \"review\": \"good\", \"text\": \"bad\"}\n").texts[0].text_a == "good");
  CHECK(read("text\tlabel\nbad\t1\n").texts[0].text_a == "bad");
  CHECK(read("bad\t1\n").texts[0].label == "1");
  // Both texts of a pair, or neither.
  columns.usual = {"review", "reply", "stars"};
  CHECK(read("text\treply\tlabel\treview\na\tb\t1\tc\n").texts[0].text_b == "b");
  CHECK(!read("text\tlabel\treview\na\t1\tc\n").texts[0].text_b);
  // Each label's column, or none.
  columns.usual = {"review", "", "", {"good", "bad"}};
  columns.several_labels = true;
  CHECK(read("good\treview\tbad\n0\ta\t1\n").texts[0].labels == std::vector<std::string>{"bad"});
  CHECK(!read("good\treview\n0\ta\n").labelled);
  // What is chosen counts.
  columns = {};
  columns.text = {"--text_column", "2"};
  columns.usual = {"review", "", "stars"};
  CHECK(read("review\tstars\n9\t2\n").texts.size() == 2);
}

TEST_CASE("columns of a table by number and by name") {
  const auto chosen = [](const std::string& text, const std::string& a, const std::string& b,
                         const std::string& label, ClassLabelUse use = ClassLabelUse::required) {
    const TempFile file(text);
    return read_classification(file.path(), classification_form("tsv"), use,
                               {{"--text_column", a}, {"--text_pair_column", b}, {"--label_column", label}});
  };
  const std::string rows = "x\t9\tred\tball\ny\t7\tblue\that\n";
  const ClassificationData pairs = chosen(rows, "3", "-1", "1");
  CHECK(pairs.texts.at(0).text_a == "red");
  CHECK(pairs.texts[0].text_b == "ball");
  CHECK(pairs.texts[0].label == "x");
  CHECK(chosen(rows, "3", "", "").texts.at(1).label == "hat");
  CHECK_FALSE(chosen(rows, "3", "4", "", ClassLabelUse::optional).labelled);
  CHECK_THROWS_WITH_AS(chosen(rows, "5", "", ""), doctest::Contains(":1: 4 columns, but --text_column 5"),
                       Error);
  CHECK_THROWS_WITH_AS(chosen(rows, "4", "", ""), doctest::Contains("one for two things"), Error);
  const ClassificationData named =
      chosen("Review\tStars\tid\ngood\t5\t1\nbad\t1\t2\n", "review", "", "stars");
  REQUIRE(named.texts.size() == 2);
  CHECK(named.texts[0].label == "5");
  CHECK_THROWS_WITH_AS(
      chosen(rows, "review", "", "1"),
      doctest::Contains(":1: no column named 'review' (--text_column): the header has x, 9, red, ball"),
      Error);
}
