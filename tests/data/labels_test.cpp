#include "data/labels.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "data/text_file.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;

namespace {

std::vector<std::string> tags(const LabelList& labels) {
  std::vector<std::string> result;
  result.reserve(labels.size());
  for (int32_t id = 0; id < labels.size(); ++id) result.push_back(labels.tag(id));
  return result;
}
using Tags = std::vector<std::string>;

}  // namespace

TEST_CASE("labels from data start with O and are sorted") {
  CHECK(tags(LabelList::from_data({"I-PER", "O", "B-PER", "B-LOC"})) == Tags{"O", "B-LOC", "B-PER", "I-PER"});
  CHECK(tags(LabelList::from_data({})) == Tags{"O"});
}

TEST_CASE("a label file of tags keeps its order, one of entity types is expanded") {
  const TempFile with_o("[PAD]\r\nB-MISC\nI-MISC\n\n O\t\nX\n");
  const LabelList kept = LabelList::load(with_o.path());
  CHECK(tags(kept) == Tags{"[PAD]", "B-MISC", "I-MISC", "O", "X"});
  CHECK(kept.outside_id() == 3);
  CHECK(tags(LabelList::load(TempFile("B-A\nI-A").path())) == Tags{"O", "B-A", "I-A"});
  const LabelList types = LabelList::load(TempFile("address\nbook\n").path());
  CHECK(tags(types) == Tags{"O", "S_address", "B_address", "M_address", "E_address", "S_book", "B_book",
                            "M_book", "E_book"});
  CHECK(types.outside_id() == 0);
}

TEST_CASE("lists of small letters, and where a label stands") {
  CHECK(tags(LabelList::from_data({"b-per", "i-per", "o"})) == Tags{"o", "b-per", "i-per"});
  CHECK(tags(LabelList::from_data({"e-mail", "city", "o"})) == Tags{"O", "city", "e-mail", "o"});
  const TempFile small("b-per\n\ni-per\n");
  const LabelList labels = LabelList::load(small.path());
  CHECK(tags(labels) == Tags{"O", "b-per", "i-per"});
  CHECK(labels.where(2) == small.error(":3"));
  CHECK(labels.where(0) == small.path());
  // Entity types that begin like tags of small letters.
  const TempFile types("name\ne-commerce\n");
  const LabelList expanded = LabelList::load(types.path());
  CHECK(expanded.size() == 9);
  CHECK(expanded.where(expanded.id("B_e-commerce")) == types.error(":2"));
  CHECK(LabelList({"B-A"}).where(0).empty());
}

TEST_CASE("both separators name the same tag, unknown tags are refused with those allowed") {
  const LabelList labels = LabelList::from_types({"PER"});
  CHECK(labels.id("B-PER") == 2);
  CHECK(labels.id("B_PER") == 2);
  CHECK(labels.find("B-LOC") == -1);
  CHECK_THROWS_WITH_AS((void)labels.id("I-PER"),
                       "unknown label 'I-PER': expected one of O, S_PER, B_PER, M_PER, E_PER", Error);
  CHECK_THROWS_WITH_AS((void)labels.tag(5), "[labels] label id 5 is outside [0, 5)", Error);
}

TEST_CASE("label files that can't be used are refused") {
  const TempFile repeated("O\nB-A\nB_A\n");
  CHECK_THROWS_WITH_AS(LabelList::load(repeated.path()),
                       repeated.error(":3: the label 'B_A' is listed twice, in line 2 already").c_str(),
                       Error);
  const TempFile columns("O\nB-A 1\n");
  CHECK_THROWS_WITH_AS(LabelList::load(columns.path()),
                       columns.error(":2: found 'B-A 1': expected one label without white space").c_str(),
                       Error);
  const TempFile empty("\n\n");
  CHECK_THROWS_WITH_AS(LabelList::load(empty.path()),
                       empty.error(": no label found: expected one tag or entity type a line").c_str(),
                       Error);
  CHECK_THROWS_AS(LabelList::load("no_such_file"), Error);
  CHECK_THROWS_AS(LabelList({"O", "B-A", "B-A"}), Error);
  CHECK_THROWS_AS(LabelList({""}), Error);
}

TEST_CASE("a saved list is loaded again as it was") {
  LabelList labels = LabelList::from_data({"B-PER", "I-PER"});
  labels.add("X");
  labels.add("B_PER");  // is there already
  const TempFile file("");
  labels.save(file.path());
  CHECK(tags(LabelList::load(file.path())) == Tags{"O", "B-PER", "I-PER", "X"});
  const std::string nowhere = file.path() + ".d/labels.txt";
  CHECK_THROWS_WITH_AS(labels.save(nowhere),
                       ("cannot write '" + nowhere + "': No such file or directory").c_str(), Error);
}

TEST_CASE("lists of labels: line ends of all kinds, and blanks of other kinds") {
  const gradus::test::TempFile file("\uFEFFO\rB-PER\u00A0\r\nI-PER\n");
  CHECK(LabelList::load(file.path()).tags() == std::vector<std::string>{"O", "B-PER", "I-PER"});
  const gradus::test::TempFile odd("O\nB-PER\u3000I-PER\n");
  CHECK_THROWS_WITH_AS(
      LabelList::load(odd.path()),
      odd.error(":2: found 'B-PER<U+3000>I-PER': expected one label without white space").c_str(), Error);
}
