#include "core/joined.h"
#include "data/squad_features.h"

#include <doctest/doctest.h>
#include <map>

#include "core/error.h"
#include "data/text_file.h"
#include "tests/data/files.h"
#include "tests/data/sha256.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

// Windows that google-research/bert made of some of the questions of a file.
struct Reference {
  std::string features, data;
  SquadUse use;
  int32_t max_seq_length, doc_stride, max_query_length;
};

void compare(const std::filesystem::path& folder, const Reference& reference) {
  CAPTURE(reference.features);
  const auto path = test::shared_file("squad/" + reference.data),
             vocabulary = test::shared_file("vocab/uncased.txt");
  if (!path || !vocabulary) return;
  std::vector<Json> expected;
  std::map<std::string, int> ids;
  LineReader lines((folder / reference.features).string());
  for (std::string_view line; lines.next(line);) {
    expected.push_back(json_of(line));
    ++ids[expected.back().at("qas_id").text()];
  }
  const SquadData data = read_squad(*path);
  std::vector<size_t> questions;
  for (size_t i = 0; i < data.questions.size(); ++i) {
    if (ids.contains(data.questions[i].id)) questions.push_back(i);
  }
  const Vocab vocab = Vocab::load(*vocabulary);
  const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  const SquadOptions options{reference.max_seq_length, reference.doc_stride, reference.max_query_length,
                             AnswerSearch::words};
  SquadFeaturizer featurizer(data, tokenizer, options, reference.use, 2);
  const std::vector<SquadFeature> features = featurizer.run(questions);
  REQUIRE(features.size() == expected.size());
  for (size_t i = 0; i < features.size(); ++i) {
    const Json& e = expected[i];
    const SquadWindow& window = features[i].window;
    CAPTURE(e.at("unique_id"));
    const SquadQuestion& question = data.questions[features[i].question];
    REQUIRE(question.id == e.at("qas_id"));
    REQUIRE(window.input_ids.size() == e.at("length"));
    CHECK(test::sha256(joined(window.input_ids, ",").str()).substr(0, 16) == e.at("ids_sha256"));
    CHECK(window.context_begin == e.at("segments_first_one"));
    std::string flags(window.input_ids.size(), '0');
    for (size_t p = 0; p < window.max_context.size(); ++p)
      flags[static_cast<size_t>(window.context_begin) + p] = window.max_context[p] ? '1' : '0';
    CHECK(flags == e.at("max_context"));
    if (reference.use == SquadUse::evaluation) continue;
    CHECK(window.start == e.at("start"));
    CHECK(window.end == e.at("end"));
    CHECK(question.is_impossible == e.at("impossible"));
  }
}

std::string squad_json(const std::string& context, const std::string& questions) {
  return R"({"data": [{"paragraphs": [{"context": ")" + context + R"(", "qas": [)" + questions + "]}]}]}";
}

Vocab letters() {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "的"};
  for (char c = 'a'; c <= 'z'; ++c) {
    tokens.emplace_back(1, c);
    tokens.push_back(fmt::format("##{}", c));
  }
  return Vocab(tokens);
}

// The text of an answer as its pieces' bytes.
std::string found(const std::string& text, const SquadAnswer& answer, AnswerSearch search) {
  const Vocab vocab = letters();
  const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  const SquadContext context = make_squad_context(text, tokenizer);
  const PieceSpan span = find_answer(text, context, answer, tokenizer, search);
  if (span.empty()) return "";
  const uint32_t begin = context.pieces[static_cast<size_t>(span.first)].begin;
  return fmt::format("{}:{}", begin,
                     text.substr(begin, context.pieces[static_cast<size_t>(span.last)].end - begin));
}

}  // namespace

TEST_CASE("squad windows are google-research/bert's") {
  const auto folder = shared_folder("formats/fixtures/squad_reference");
  if (folder.empty()) return;
  compare(folder, {"train_part2.features.jsonl.gz", "train_part2.json.gz", SquadUse::training, 384, 128, 64});
  compare(folder, {"dev_articles_0_1.features.jsonl.gz", "dev_v1.1_first24.json.gz", SquadUse::evaluation,
                   384, 128, 64});
  compare(folder, {"dev_article_3_short.features.jsonl.gz", "dev_v1.1_first24.json.gz", SquadUse::evaluation,
                   192, 64, 24});
  compare(folder, {"v2_article_0.features.jsonl.gz", "squad_v2_dev_sample.json.gz", SquadUse::evaluation, 384,
                   128, 64});
}

TEST_CASE("squad: what the data sets hold") {
  struct Count {
    const char* file;
    size_t contexts, questions;
    bool has_impossible;
  };
  for (const Count& count : {Count{"squad/train_part1.json.gz", 2430, 11877, false},
                             Count{"squad/squad_v2_dev_sample.json.gz", 173, 1407, true},
                             Count{"squad_chinese/cmrc2018_dev.json.gz", 848, 3219, false},
                             Count{"squad_chinese/drcd_dev.json.gz", 1000, 3524, false}}) {
    const auto path = test::shared_file(count.file);
    if (!path) {
      MESSAGE("skipped: no shared file data/" << count.file);
      return;
    }
    const SquadData data = read_squad(*path);
    CHECK(data.contexts.size() == count.contexts);
    CHECK(data.questions.size() == count.questions);
    CHECK(data.has_impossible == count.has_impossible);
  }
}

TEST_CASE("squad: the answer's pieces, by words and by characters") {
  const std::string text = "ab ab.ab  cd";
  // Within "ab.ab" the first run of pieces counts for one, the place for the other.
  CHECK(found(text, {"ab", 6}, AnswerSearch::words) == "3:ab");
  CHECK(found(text, {"ab", 6}, AnswerSearch::characters) == "6:ab");
  CHECK(found(text, {"ab.ab  cd", 3}, AnswerSearch::words) == "3:ab.ab  cd");
  CHECK(found(text, {"b", 1}, AnswerSearch::words) == "0:ab");
  CHECK(found(text, {"b", 1}, AnswerSearch::characters) == "1:b");
  // The wrong place: another text there, or the end of the context.
  CHECK(found(text, {"cd", 0}, AnswerSearch::words).empty());
  CHECK(found(text, {"cd", 0}, AnswerSearch::characters) == "10:cd");
  CHECK(found(text, {"ab", 5}, AnswerSearch::characters) == "6:ab");
  // Elsewhere than said, whole words come first; where it is said, parts of words are as good.
  CHECK(found("winning in in", {"in", 2}, AnswerSearch::characters) == "8:in");
  CHECK(found("winning in in", {"in", -1}, AnswerSearch::characters) == "8:in");
  CHECK(found("winning inn", {"in", -1}, AnswerSearch::characters) == "1:in");
  CHECK(found("winning in in", {"in", 1}, AnswerSearch::characters) == "1:in");
  CHECK(found(text, {"cd", 11}, AnswerSearch::words).empty());
  CHECK(found(text, {"xy", 0}, AnswerSearch::characters).empty());
  CHECK(found(text, {"", 0}, AnswerSearch::characters).empty());
  CHECK(found(text, {"", 0}, AnswerSearch::words).empty());
  CHECK(found("的的ab", {"的", 1}, AnswerSearch::words) == "0:的");
  CHECK(found("的的ab", {"的", 1}, AnswerSearch::characters) == "3:的");
  // Blanks before the first word are in none.
  CHECK(found("  ab", {" ", 0}, AnswerSearch::words).empty());
}

TEST_CASE("squad windows: strides, cut questions, empty contexts") {
  const TemporaryFolder folder;
  const Vocab vocab = letters();
  const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  const std::string question =
      R"({"id": "q", "question": "a b c d", "answers": [{"text": "f g", "answer_start": 10}]})";
  const SquadData data = read_squad(folder.write("a.json", squad_json("a b c d e f g h i j", question)));
  const SquadOptions options{10, 3, 3, AnswerSearch::characters};
  SquadFeaturizer featurizer(data, tokenizer, options, SquadUse::training, 1);
  const std::vector<SquadFeature> features = featurizer.run(std::vector<size_t>{0});
  // Room for 10 - 3 - 3 = 4 pieces: from 0, 3 and 6.
  REQUIRE(features.size() == 3);
  CHECK(features[1].window.first_piece == 3);
  CHECK(features[2].window.piece_count() == 4);
  CHECK(features[1].window.context_begin == 5);
  CHECK(features[0].window.end == 0);
  CHECK(features[1].window.start == 5 + 2);
  CHECK(features[1].window.end == 5 + 3);
  CHECK(featurizer.counts().str() ==
        "1 question, 3 windows, 2 windows without the answer, 1 question cut off");

  const SquadData empty =
      read_squad(folder.write("b.json", squad_json(" ", R"({"id": "q", "question": "a"})")));
  SquadFeaturizer none(empty, tokenizer, options, SquadUse::evaluation, 1);
  CHECK(none.run(std::vector<size_t>{0}).empty());
  CHECK(none.counts().str() == "1 question, 0 windows, 1 question about an empty context");

  const SquadData lost = read_squad(folder.write(
      "c.json",
      squad_json("a b", R"({"id": "x", "question": "a", "answers": [{"text": "c", "answer_start": 0}]})")));
  SquadFeaturizer loses(lost, tokenizer, options, SquadUse::training, 1);
  CHECK(loses.questions().empty());
  CHECK(loses.counts().str() == "0 questions, 0 windows, 1 question left out");
  CHECK(loses.left_out() ==
        std::vector<std::string>{"'x': the answer 'c' is not in the context, or has no word piece there"});

  CHECK_THROWS_AS(SquadFeaturizer(data, tokenizer, {6, 3, 3}, SquadUse::training, 1), Error);
  CHECK_THROWS_AS(SquadFeaturizer(data, tokenizer, {10, 0, 3}, SquadUse::training, 1), Error);
  CHECK_THROWS_WITH_AS(SquadFeaturizer(empty, tokenizer, options, SquadUse::training, 1),
                       (empty.path + ": question 'q': 0 answers: expected one to train on").c_str(), Error);
}

TEST_CASE("squad files in parts: every paragraph once, in order") {
  const TemporaryFolder folder;
  std::string articles;
  for (int a = 0; a < 6; ++a) {
    std::string paragraphs;
    for (int p = 0; p < a; ++p)
      paragraphs +=
          fmt::format("{}{{\"context\": \"{:050}\", \"qas\": [{{\"id\": \"{}-{}\", \"question\": \"q\"}}]}}",
                      p == 0 ? "" : ",\n", p, a, p);
    articles += fmt::format("{}{{\"title\": \"t\", \"paragraphs\": [{}]}}", a == 0 ? "" : ",\n", paragraphs);
  }
  const std::string path =
      folder.write("a.json", "{\"version\": \"1\", \"data\": [" + articles + "], \"more\": [{}]}");
  const SquadData whole = read_squad(path);
  REQUIRE(whole.questions.size() == 15);
  size_t parts = 0, questions = 0;
  read_squad(path, 200, [&](SquadData& part) {
    ++parts;
    CHECK(part.contexts.size() <= 4);
    for (const SquadQuestion& question : part.questions) {
      const SquadQuestion& same = whole.questions.at(questions++);
      CHECK(question.id == same.id);
      CHECK(part.contexts.at(static_cast<size_t>(question.context)) ==
            whole.contexts.at(static_cast<size_t>(same.context)));
    }
  });
  CHECK(parts == 4);
  CHECK(questions == 15);
}

TEST_CASE("squad files that are refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& content, const std::string& message) {
    const std::string path = folder.write("a.json", content);
    CHECK_THROWS_WITH_AS(read_squad(path), (path + ": " + message).c_str(), Error);
  };
  refused(R"({"rows": []})", "no \"data\"");
  refused(R"({"data": {}})", "\"data\" is object, expected a list");
  refused(R"({"data": [{}]})", "data[0]: no \"paragraphs\"");
  refused(R"({"data": [{"paragraphs": [3]}]})", "data[0]: expected a list of objects, found number in it");
  refused(R"({"data": [[]]})", "expected a list of objects, found array in it");
  refused(R"({"data": [{"paragraphs": {"a": {"context": "c", "qas": []}}}]})",
          "data[0]: \"paragraphs\" is object, expected a list");
  refused(R"({"data": []})", "no question");
  refused(squad_json("a", R"({"id": 0.5})"),
          "data[0].paragraphs[0].qas[0]: \"id\" is number, expected a text");
  refused(squad_json("a", R"({"question": "q"})"), "data[0].paragraphs[0].qas[0]: no \"id\"");
  refused(squad_json("a", R"({"id": "x", "question": "q"}, {"id": "x", "question": "q"})"),
          "data[0].paragraphs[0].qas[1]: the id 'x' occurs twice");
  refused(squad_json("a", R"({"id": "x", "question": "q", "is_impossible": "perhaps"})"),
          "data[0].paragraphs[0].qas[0]: \"is_impossible\" is \"perhaps\", expected true or false");
  const test::TempFile none(squad_json("a", R"({"id": "x", "question": "q", "is_impossible": true,
                                           "answers": [{"text": "", "answer_start": -1}]})"));
  CHECK(read_squad(none.path()).questions.at(0).answers.empty());
}

TEST_CASE("squad files as other programs write them") {
  const TemporaryFolder folder;
  const SquadData odd = read_squad(folder.write("odd.json",
                                                R"({"data": [{"paragraphs": [{"context": "red hat", "qas": [
          {"id": 12, "question": "q", "answers": [{"text": "hat", "answer_start": 900}]},
          {"id": "b", "question": "q", "answers": [{"text": "hat", "answer_start": "4"}], "is_impossible": "false"},
          {"id": "c", "question": "q", "answers": [{"text": "hat", "answer_start": 0}], "is_impossible": "True",
           "plausible_answers": []},
          {"id": "d", "question": "q", "answers": [{"text": "hat"}], "is_impossible": 0}]},
        {"context": "alone", "qas": []}]}]})"));
  REQUIRE(odd.questions.size() == 4);
  CHECK(odd.questions[0].id == "12");
  CHECK(odd.questions[0].answers.at(0).start == -1);
  CHECK(odd.questions[1].answers.at(0).start == 4);
  CHECK(odd.questions[2].is_impossible);
  CHECK(odd.questions[2].answers.empty());
  CHECK_FALSE(odd.questions[3].is_impossible);
  CHECK(odd.notes ==
        std::vector<std::string>{"names that are not read: plausible_answers",
                                 "1 id is a number, taken as its digits",
                                 "1 question that can't be answered has answers, which are left out",
                                 "2 answers without a place in the text: they are looked for",
                                 "1 text without a question is left out"});
  // The datasets of Hugging Face, as lines and in "data".
  const std::string rows[] = {
      R"({"id": "a", "title": "t", "context": "red hat", "question": "q", "answers": {"text": ["hat"], "answer_start": [4]}})",
      R"({"id": "b", "title": "t", "context": "red hat", "question": "r", "answers": {"text": [], "answer_start": []}})",
      R"({"id": "c", "title": "t", "context": "blue \"hat\"", "question": "s", "answers": {"text": ["hat"]}})"};
  for (const std::string& content : {rows[0] + "\r\n" + rows[1] + "\n" + rows[2] + "\n",
                                     "{\"data\": [" + rows[0] + "," + rows[1] + "," + rows[2] + "]}"}) {
    const SquadData data = read_squad(folder.write("rows.json", content));
    REQUIRE(data.questions.size() == 3);
    CHECK(data.contexts == std::vector<std::string>{"red hat", "blue \"hat\""});
    CHECK(data.questions[1].is_impossible);
    CHECK(data.has_impossible);
    CHECK(data.questions[2].context == 1);
    CHECK(data.questions[2].answers.at(0).start == -1);
  }
  const std::string path = folder.write("bad.json", rows[0] + "\n{\"id\": \"x\", \"context\": \"c\"}\n");
  CHECK_THROWS_WITH_AS(read_squad(path), (path + ":2: no \"question\"").c_str(), Error);
}

TEST_CASE("answers are found with the blanks the text has") {
  const auto found = [](const std::string& text, const std::string& answer, int64_t start) {
    const TextRange range = find_answer_text(text, {answer, start});
    return text.substr(range.begin, range.end - range.begin);
  };
  CHECK(found("a red  big\nhat", "red big hat", 2) == "red  big\nhat");
  CHECK(found("a red\u00A0hat and a red  hat", "red hat", 15) == "red  hat");
  CHECK(found("a red\u00A0hat", "red hat", -1) == "red\u00A0hat");
  CHECK(found("a redhat", "red hat", 2).empty());
  CHECK(found("red hat", " red ", 0) == "red");
  CHECK(found("red hat", " \n", 0).empty());

  const TemporaryFolder folder;
  const Vocab vocab = letters();
  const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  const SquadData data = read_squad(folder.write(
      "a.json",
      squad_json("a  b c", R"({"id": "x", "question": "a", "answers": [{"text": "a b", "answer_start": 0}]},
                                        {"id": "y", "question": "a", "answers": [{"text": "c", "answer_start": 77},
                                                                                 {"text": "b", "answer_start": 3}]})")));
  SquadFeaturizer featurizer(data, tokenizer, {20, 3, 3, AnswerSearch::characters}, SquadUse::training, 1);
  CHECK(featurizer.run(featurizer.questions()).size() == 2);
  CHECK(featurizer.counts().str() ==
        "2 questions, 2 windows, 1 answer found at another place than the data says, 1 answer with other "
        "blanks than "
        "the text, 1 question of several answers, the first of which counts");
}
