// Questions in rows: JSON objects and CSV.
#include <doctest/doctest.h>

#include "core/error.h"
#include "data/squad_text.h"
#include "tests/data/files.h"
#include "tests/json.h"

using namespace gradus;
using test::TempFile;

namespace {

using Strings = std::vector<std::string>;

void check_refused(const std::string& content, const std::string& message) {
  const TempFile file(content);
  CHECK_THROWS_WITH_AS(read_squad(file.path()), file.error(message).c_str(), Error);
}

// "id context answer@start ..." of each question.
Strings summary(const SquadData& data) {
  Strings lines;
  for (const SquadQuestion& question : data.questions) {
    lines.push_back(
        fmt::format("{} {}{}", question.id, question.context, question.is_impossible ? " none" : ""));
    for (const SquadAnswer& answer : question.answers)
      lines.back() += fmt::format(" {}@{}", answer.text, answer.start);
  }
  return lines;
}

const std::string red =
    R"({"id": "a", "title": "t", "context": "red hat", "question": "q", "answers": {"text": ["hat"], "answer_start": [4]}})";
const std::string blue =
    R"({"id": "b", "context": "blue hat", "question": "q", "answers": {"text": [], "answer_start": []}})";
const std::string red_again =
    R"({"id": "c", "context": "red hat", "question": "r", "answers": {"text": ["red"], "answer_start": [0]}})";

}  // namespace

TEST_CASE("squad rows of JSON: lines, a list, and \"data\" are the same, and a context is kept once") {
  for (const std::string& content :
       {"\n\n" + red + "\n" + blue + "\n" + red_again, " [" + red + ",\n" + blue + "," + red_again + "]",
        R"({"data": [)" + red + "," + blue + "," + red_again + "]}"}) {
    const TempFile file(content);
    CHECK(is_squad_file(file.path()));
    const SquadData data = read_squad(file.path());
    CHECK(summary(data) == Strings{"a 0 hat@4", "b 1 none", "c 0 red@0"});
    CHECK(data.contexts == Strings{"red hat", "blue hat"});
    CHECK(data.has_impossible);
    CHECK(data.rows.empty());
    CHECK(data.notes.empty());
  }
  check_refused("[" + red + R"(, {"id": "x", "question": "q"}])", ": [1]: no \"paragraphs\"");
  check_refused("[" + red + R"(, {"context": "x", "question": "q"}])", ": [1]: no \"id\"");
  check_refused("[" + red + "," + red + "]", ": [1]: the id 'a' occurs twice");
  check_refused("[1]", ": expected a list of objects, found number in it");
  check_refused("[]", ": no question");
  check_refused(red + "\n3\n", ":2: expected an object, found number");
  check_refused(
      red + "\n\n" +
          R"({"id": "x", "context": "c", "question": "q", "answers": {"text": ["c"], "answer_start": [0, 1]}})",
      ":3: 1 answers, but 2 numbers in \"answer_start\"");
  // Articles may be such a list, too.
  const TempFile articles(
      R"([{"paragraphs": [{"context": "red hat", "qas": [{"id": "a", "question": "q"}]}]}])");
  CHECK(summary(read_squad(articles.path())) == Strings{"a 0"});
}

TEST_CASE("squad rows of JSON are kept as they are written") {
  const TempFile lines(" " + red + " \n" + blue);
  const SquadData data = read_squad(lines.path(), true);
  REQUIRE(data.rows.size() == 2);
  CHECK(data.rows[0].text == red);
  CHECK(data.rows[1].where == lines.error(":2"));
  CHECK(data.rows[1].question == 1);
  CHECK_FALSE(data.table);
  const TempFile list("[" + red + "\n,\n" + blue + "]");
  const SquadData listed = read_squad(list.path(), true);
  REQUIRE(listed.rows.size() == 2);
  CHECK(json_of(listed.rows[0].text) == json_of(red));
  CHECK(listed.rows[1].where == list.error(": [1]"));
}

TEST_CASE("squad rows of CSV: ids, places, several answers, none") {
  const TempFile file(
      "\xEF\xBB\xBFsep=;\r\n"
      "Title;ID;Context;question;answer_start;Answer_Text\r\n"
      "t; a ;\"a \"\"red\"\"\r\nhat; red\";who?;3;red\r\n"
      ";;;;;\r\n"
      "t;b;\xC3\xA4 red red;who?;;red\r\n"
      "t;a;\"a \"\"red\"\"\nhat; red\";who?;8.0;hat\r\n"
      "t;c;\xC3\xA4 red red;where?;;\r\n");
  CHECK(is_squad_file(file.path()));
  const SquadData data = read_squad(file.path(), true);
  CHECK(summary(data) == Strings{"a 0 red@3 hat@8", "b 1 red@2", "c 1 none"});
  CHECK(data.contexts == Strings{"a \"red\"\nhat; red", "\u00E4 red red"});
  CHECK(data.has_impossible);
  CHECK(data.notes == Strings{"CSV with a semicolon between cells", "columns that are not read: Title",
                              "1 empty line is left out",
                              "1 row is a further one of a question: line 7 of that on line 3",
                              "1 answer without a place in the text: the first where it stands is taken",
                              "1 of them stands there more than once: 'red' 2 times, on line 6"});
  REQUIRE(data.rows.size() == 4);
  CHECK(data.rows[0].text == "t; a ;\"a \"\"red\"\"\nhat; red\";who?;3;red");
  CHECK(data.rows[2].question == 0);
  CHECK(data.rows[3].where == file.error(":9"));
  REQUIRE(data.table);
  CHECK(data.table->preamble == "sep=;");
  CHECK(data.table->has_mark);
  CHECK(data.table->ends_in_crlf);
}

TEST_CASE("squad rows of CSV without ids are numbered; those of one context and question are one") {
  const TempFile file("question\tcontext\ttext\nq\ta b\ta\nr\ta b\tb\nq\ta b\tb\nq\tb\tb\n");
  const SquadData data = read_squad(file.path());
  CHECK(summary(data) == Strings{"1 0 a@0 b@2", "2 0 b@2", "3 1 b@0"});
  CHECK_FALSE(data.has_impossible);
  CHECK(data.notes == Strings{"CSV with a tab between cells",
                              "no column 'id': the questions are numbered from 1",
                              "1 row is a further one of a question: line 4 of that on line 2",
                              "4 answers without a place in the text: the first where each stands is taken"});
  // New questions have no answers.
  const TempFile asked("context,question\na,q\n");
  const SquadData questions = read_squad(asked.path());
  CHECK(summary(questions) == Strings{"1 0"});
  CHECK_FALSE(questions.has_impossible);
  CHECK(questions.notes == Strings{"CSV with a comma between cells", "no column with answers",
                                   "no column 'id': the questions are numbered from 1"});
}

TEST_CASE("squad rows of CSV may say whether there is an answer") {
  const TempFile file(
      "id,context,question,answer,answer_start,is_impossible\n"
      "a,red hat,q,hat,4.0,False\nb,red hat,r,hat,4,TRUE\nc,red hat,s,,,1\nd,red hat,t,,,\ne,red "
      "hat,u,,,0\n");
  const SquadData data = read_squad(file.path());
  CHECK(summary(data) == Strings{"a 0 hat@4", "b 0 none", "c 0 none", "d 0 none", "e 0"});
  CHECK(data.has_impossible);
  CHECK(data.notes == Strings{"CSV with a comma between cells",
                              "1 question that can't be answered has answers, which are left out"});
}

TEST_CASE("squad rows of CSV that are refused") {
  const std::string head = "id,context,question,answer,answer_start\n";
  const std::string known =
      ": expected context, question, and if they are there answer (or answer_text, text), answer_start, id, "
      "is_impossible";
  const std::string taken = ":1: taken for CSV, as JSON begins with a brace or a bracket: no column ";
  check_refused("id,question\n", taken + "'context', found id, question" + known);
  check_refused("context,answer\n", taken + "'question', found context, answer" + known);
  check_refused("some text\n", taken + "'context', found some text" + known);
  check_refused("context,question,Context\n", ":1: several columns named 'context'");
  check_refused(head, ": no question below the header");
  check_refused(head + "x,c,q,c,0\n" + "y,c,q,c\n",
                ":3: found 4 columns: expected 5: id, context, question, answer, answer_start, with a comma "
                "between");
  check_refused(head + "x,\"a\nb\",q,c,\n", ":2: the answer 'c' is not in the context 'a<U+000A>b'");
  for (const std::string start : {"-1", "3", "one", "1.5"})
    check_refused(head + "x,a c,q,c," + start + "\n",
                  ":2: the answer_start is '" + start +
                      "': expected a number from 0 that is below the context's 3 characters, or nothing");
  check_refused(head + " ,c,q,c,\n", ":2: the id is empty");
  check_refused(head + "x,c, ,c,\n", ":2: the question is empty");
  check_refused(
      head + "x,c,q,c,\ny,c,q,c,\nx,c,r,c,\n",
      ":4: the id 'x' is that of line 2 with another question: expected one of its own, or the same "
      "question for a further answer");
  check_refused(head + "x,c,q,c,\nx,d,q,d,\n",
                ":3: the id 'x' is that of line 2 with another context: expected one of its own, or the same "
                "context for a further answer");
  check_refused(
      head + "x,c,q,c,\nx,c,q,,\n",
      ":3: the question has no answer here, but one on line 2: expected one in all of its rows or in "
      "none");
  check_refused("context,question,is_impossible\nc,q,perhaps\n",
                ":2: the is_impossible is 'perhaps': expected true, false, 1, 0 or nothing");
  check_refused("context,question\n\"c,q\n", ":2: a quotation mark begins a cell here, and none ends it");
}

TEST_CASE("squad rows in parts: every question once, each part with its contexts") {
  std::string lines, table = "id,context,question,answer\n";
  for (int i = 0; i < 30; ++i) {
    const std::string context = std::string(50, static_cast<char>('a' + i % 3));
    lines += fmt::format(R"({{"id": "{}", "context": "{}", "question": "q"}})"
                         "\n",
                         i, context);
    table += fmt::format("{},{},q,{}\n", i, context, context[0]);
  }
  for (const std::string& content : {lines, table}) {
    const TempFile file(content);
    const SquadData whole = read_squad(file.path());
    CHECK(whole.contexts.size() == 3);
    size_t parts = 0, questions = 0;
    const Strings notes = read_squad(file.path(), 120, [&](SquadData& part) {
      ++parts;
      CHECK(part.path == file.path());
      CHECK(part.contexts.size() == 3);
      for (const SquadQuestion& question : part.questions) {
        const SquadQuestion& same = whole.questions.at(questions++);
        CHECK(question.id == same.id);
        CHECK(part.contexts.at(static_cast<size_t>(question.context)) ==
              whole.contexts.at(static_cast<size_t>(same.context)));
      }
    });
    CHECK(questions == 30);
    CHECK(parts == 10);
    CHECK(notes == whole.notes);
  }
}

TEST_CASE("what is read as questions, and what as lines of text") {
  for (const char* text : {"{", "\n {\"a\"", "[{", " [\n {", "context,question",
                           "\n\"Question\"; \"CONTEXT\"\r\nx", "sep=|\r\nid|context|question\n"})
    CHECK_MESSAGE(begins_as_squad(text), text);
  for (const char* text : {"", "\n", "[", "[1] a text", "a context\na question\n", "context\nquestion\n",
                           "the context, a question\n", "sep=;\n"})
    CHECK_FALSE_MESSAGE(begins_as_squad(text), text);
  CHECK_FALSE(is_squad_file("-"));
  CHECK(is_squad_file(TempFile(test::gzipped("context,question\n")).path()));
}
