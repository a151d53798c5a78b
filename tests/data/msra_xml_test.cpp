#include "data/msra_xml.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/data/files.h"

using namespace gradus;
using gradus::test::TempFile;

namespace {

const std::string sentences =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<document>\n"
    "<sentence><w>我</w><w><NAMEX TYPE=\"LOCATION\">北京市</NAMEX></w>\n<w>和<NAMEX "
    "TYPE=\"PERSON\">王</NAMEX>说 &amp;</w></sentence>\n"
    "<sentence>\n  <w><TIMEX "
    "TYPE=\"DATE\">今天</TIMEX></w>\n</sentence>\n<sentence></sentence>\n</document>\n";

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += part + "|";
  return text;
}

std::string error_of(const std::string& content) {
  const TempFile file(content, ".xml");
  try {
    read_msra_xml(file.path());
  } catch (const Error& error) {
    const std::string text = error.what();
    REQUIRE(text.starts_with(file.path()));
    return text.substr(file.path().size());
  }
  return "no error";
}

}  // namespace

TEST_CASE("MSRA's XML: characters and tags, entities of chosen elements, gzip") {
  const TempFile plain(sentences, ".xml"), packed(gradus::test::gzipped(sentences), ".xml.gz");
  for (const TempFile* file : {&plain, &packed}) {
    const NerData data = read_msra_xml(file->path());
    REQUIRE(data.sentences.size() == 2);
    CHECK(joined(data.sentences[0].words) == "我|北|京|市|和|王|说| |&|");
    CHECK(joined(data.sentences[0].tags) == "O|B_LOCATION|M_LOCATION|E_LOCATION|O|S_PERSON|O|O|O|");
    CHECK(joined(data.sentences[1].tags) == "B_DATE|E_DATE|");
    CHECK(data.where(0, 0) == file->path() + ":3");
    CHECK(data.where(1, 0) == file->path() + ":5");
  }
  const NerData names = read_msra_xml(plain.path(), {"NAMEX"});
  CHECK(joined(names.sentences[1].tags) == "O|O|");
  CHECK(names.tags().contains("S_PERSON"));
}

TEST_CASE("MSRA's XML: what is wrong is said with its line") {
  CHECK(error_of("<d>\n<s><w>a</w>\n") != "no error");
  CHECK(error_of("").find("no error") == std::string::npos);
  CHECK(error_of("<d>\n</d>\n") == ": no sentence: expected elements of phrases in the outermost element");
  CHECK(error_of("<d>\n<s><w><NAMEX>a</NAMEX></w></s></d>") ==
        ":2: <NAMEX> has the TYPE '': expected a word");
  CHECK(error_of("<d><s>\n<w><N TYPE=\"P\">a<N TYPE=\"Q\">b</N></N></w></s></d>") ==
        ":2: <N> inside <N>: expected text alone");
  CHECK(error_of("<d>\n<s><w>a</w></s> and more</d>") == ":2: text outside a sentence: 'and more'");
  CHECK(error_of("<d>\n\n<s><w>a</x></s></d>").starts_with(":3: "));
  CHECK(error_of("<d><s><w>\xff</w></s></d>").starts_with(":1: invalid UTF-8"));
}

TEST_CASE("MSRA's XML: no text is lost, wherever it stands, and lines may end with CR") {
  const TempFile file("<d>\r<s>a<w><![CDATA[<b>]]></w>\r<NAMEX TYPE=\"PERSON\">cd</NAMEX></s>\r</d>\r",
                      ".xml");
  const NerData data = read_msra_xml(file.path());
  REQUIRE(data.sentences.size() == 1);
  CHECK(joined(data.sentences[0].words) == "a|<|b|>|c|d|");
  CHECK(joined(data.sentences[0].tags) == "O|O|O|O|B_PERSON|E_PERSON|");
  CHECK(data.where(0, 0) == file.path() + ":2");
}
