#include "tasks/squad/answers.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <utility>

#include "core/error.h"
#include "core/io/checked_json.h"
#include "data/text_file.h"
#include "tests/data/files.h"
#include "tests/files.h"

using namespace gradus;

namespace {

// Logits for the first questions of a file, and what google-research/bert's run_squad.py made of them.
struct Reference {
  std::string name, data;
  SquadOptions windows;
  bool version_2;
};

struct Logits {
  std::vector<float> start, end;
};

std::vector<Logits> read_logits(const std::string& path) {
  std::vector<Logits> logits;
  LineReader lines(path);
  for (std::string_view line; lines.next(line);) {
    const Json row = parse_json(line, lines.where());
    logits.push_back({row.at("start").get<std::vector<float>>(), row.at("end").get<std::vector<float>>()});
  }
  return logits;
}

SquadPredictions predict(const SquadData& data, const Vocab& vocab, const Reference& reference,
                         const std::vector<Logits>& logits, const Json& expected) {
  const Tokenizer tokenizer(vocab, TokenizerRules::google, true);
  SquadFeaturizer featurizer(data, tokenizer, reference.windows, SquadUse::evaluation, 2);
  AnswerOptions options;
  options.version_2 = reference.version_2;
  options.text = AnswerText::words;
  const AnswerFinder finder(vocab, options);
  SquadPredictions predictions;
  size_t next = 0;
  for (size_t q = 0; q < data.questions.size(); ++q) {
    if (!expected.contains(data.questions[q].id)) continue;
    const std::vector<SquadFeature> features = featurizer.run(std::vector<size_t>{q});
    std::vector<WindowLogits> windows;
    for (const SquadFeature& feature : features) {
      const Logits& row = logits.at(next++);
      windows.push_back({feature.window, row.start, row.end});
    }
    const auto context = static_cast<size_t>(data.questions[q].context);
    predictions.emplace_back(data.questions[q].id,
                             finder.run(data.contexts[context], featurizer.context(context), windows));
  }
  CHECK(next == logits.size());
  return predictions;
}

double score(const Json& candidate) {
  return candidate.at("start_logit").get<double>() + candidate.at("end_logit").get<double>();
}

// The reference added decimal fractions where a model gives floats: of sums that differ by less than floats can tell,
// either is the greater.
void check_candidates(const Json& found, Json expected) {
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (i + 1 < expected.size() && found[i].at("text") != expected[i].at("text") &&
        score(expected[i]) - score(expected[i + 1]) < 1e-6)
      std::swap(expected[i], expected[i + 1]);
    CHECK(found[i].at("text") == expected[i].at("text"));
    for (const char* name : {"probability", "start_logit", "end_logit"})
      CHECK(std::abs(found[i].at(name).get<double>() - expected[i].at(name).get<double>()) < 1e-6);
  }
}

void compare(const std::filesystem::path& folder, const Reference& reference) {
  CAPTURE(reference.name);
  const auto path = test::shared_file("squad/" + reference.data),
             vocabulary = test::shared_file("vocab/uncased.txt");
  if (!path || !vocabulary) return;
  const auto expected = [&](const std::string& what) {
    const std::string file = (folder / (reference.name + what)).string();
    return parse_json(file_content(file), file);
  };
  const Json answers = expected(".predictions.json"), candidates = expected(".nbest.json");
  const SquadPredictions predictions =
      predict(read_squad(*path), Vocab::load(*vocabulary), reference,
              read_logits((folder / (reference.name + ".logits.jsonl.gz")).string()), answers);
  CHECK(predictions_json(predictions) == file_content(folder / (reference.name + ".predictions.json")));
  const Json found = parse_json(nbest_predictions_json(predictions), "ours");
  REQUIRE(found.size() == candidates.size());
  for (const auto& [id, list] : candidates.members()) {
    CAPTURE(id);
    check_candidates(found.at(id), list);
  }
  if (!reference.version_2) return;
  const Json odds = parse_json(null_odds_json(predictions), "ours");
  const Json expected_odds = expected(".null_odds.json");
  REQUIRE(odds.size() == expected_odds.size());
  for (const auto& [id, value] : expected_odds.members())
    CHECK(std::abs(odds.at(id).get<double>() - value.get<double>()) < 1e-6);
}

// A context of letters, and a window of "[CLS] q [SEP] context [SEP]" that holds some of it.
struct Example {
  explicit Example(std::string context_text, TokenizerRules rules = TokenizerRules::google)
      : vocab(pieces()),
        text(std::move(context_text)),
        context(make_squad_context(text, Tokenizer(vocab, rules, true))) {}

  static std::vector<std::string> pieces() {
    std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "中", "国", "'"};
    for (char c = 'a'; c <= 'z'; ++c) {
      tokens.emplace_back(1, c);
      tokens.push_back(fmt::format("##{}", c));
    }
    return tokens;
  }

  std::vector<SquadWindow> windows(int32_t length = 384, int32_t stride = 128) const {
    const std::vector<Piece> question{{vocab.find("q"), 0, 1}};
    return make_squad_windows(question, context, {}, vocab, {length, stride, 1, AnswerSearch::characters});
  }

  SquadPrediction run(const AnswerOptions& options, const std::vector<SquadWindow>& all,
                      const std::vector<Logits>& logits) const {
    std::vector<WindowLogits> rows;
    for (size_t w = 0; w < all.size(); ++w) rows.push_back({all[w], logits[w].start, logits[w].end});
    return AnswerFinder(vocab, options).run(text, context, rows);
  }

  // The text of the pieces from one to another: these have the only logits above 0.
  std::string answer(size_t first, size_t last, AnswerText how) const {
    const std::vector<SquadWindow> all = windows();
    Logits logits{std::vector<float>(all[0].input_ids.size()), std::vector<float>(all[0].input_ids.size())};
    logits.start[3 + first] = logits.end[3 + last] = 9;
    AnswerOptions options;
    options.text = how;
    return run(options, all, {logits}).text;
  }

  Vocab vocab;
  std::string text;
  SquadContext context;
};

std::vector<std::string> texts(const SquadPrediction& prediction) {
  std::vector<std::string> result;
  for (const AnswerCandidate& candidate : prediction.n_best) result.push_back(candidate.text);
  return result;
}

AnswerOptions version_2(int32_t n_best_size = 20) {
  AnswerOptions options;
  options.version_2 = true;
  options.n_best_size = n_best_size;
  return options;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("squad answers are google-research/bert's") {
  const auto folder = shared_folder("formats/fixtures/squad_reference");
  if (folder.empty()) return;
  compare(folder, {"dev_article_3_short", "dev_v1.1_first24.json.gz", {192, 64, 24}, false});
  compare(folder, {"v2_article_0", "squad_v2_dev_sample.json.gz", {384, 128, 64}, true});
}

TEST_CASE("squad answers: texts of pieces, by words and by characters") {
  const Example example("(Ab)  c'S de.");
  // Pieces: [UNK] a ##b [UNK] c ' s d ##e [UNK]
  CHECK(example.answer(1, 2, AnswerText::characters) == "Ab");
  CHECK(example.answer(1, 2, AnswerText::words) == "Ab");
  CHECK(example.answer(2, 2, AnswerText::words) == "b");
  CHECK(example.answer(2, 4, AnswerText::characters) == "b)  c");
  CHECK(example.answer(2, 4, AnswerText::words) == "(Ab) c'S");  // the words have no [UNK]
  CHECK(example.answer(4, 7, AnswerText::words) == "c'S d");
  CHECK(example.answer(6, 8, AnswerText::characters) == "S de");
  // A space that parts tokens, but not words: characters don't stand one to one.
  const Example space("a\u00A0b c");
  CHECK(space.answer(1, 2, AnswerText::words) == "a\u00A0b c");
  CHECK(space.answer(1, 2, AnswerText::characters) == "b c");
  // Nor with an accent, which tokens lack.
  const Example accent("xy e\u0301z");
  CHECK(accent.answer(2, 2, AnswerText::words) == "e\u0301z");
  CHECK(accent.answer(2, 2, AnswerText::characters) == "e\u0301");
  const Example chinese("中国ab中");
  CHECK(chinese.answer(0, 1, AnswerText::words) == "中国");
  CHECK(chinese.answer(4, 4, AnswerText::words) == "中");
  CHECK(chinese.answer(1, 3, AnswerText::characters) == "国ab");
}

TEST_CASE("squad answers: an accent that the tokenizer drops belongs to its letter") {
  const Example accents("a cafe\u0301 b", TokenizerRules::hf);
  REQUIRE(accents.context.pieces.size() == 6);
  CHECK(accents.answer(1, 4, AnswerText::characters) == "cafe\u0301");
  CHECK(accents.answer(1, 5, AnswerText::characters) == "cafe\u0301 b");
  CHECK(accents.answer(1, 3, AnswerText::characters) == "caf");
}

TEST_CASE("squad answers: which spans are candidates") {
  const Example example("a b c d");
  const std::vector<SquadWindow> all = example.windows();  // [CLS] q [SEP] a b c d [SEP]
  AnswerOptions options;
  options.n_best_size = 3;
  // Equal sums are in the order of the starts, then of the ends; starts and ends beyond the best three don't count.
  SquadPrediction result = example.run(options, all, {{{0, 0, 0, 4, 4, 4, 3, 0}, {0, 0, 0, 1, 2, 2, 0, 0}}});
  CHECK(texts(result) == Texts{"a b", "a b c", "b"});
  CHECK(result.n_best[0].probability == doctest::Approx(1.0 / 3));
  // The best are in the question, or an end before the start.
  result = example.run(options, all, {{{9, 9, 0, 0, 0, 4, 0, 0}, {0, 9, 0, 8, 7, 0, 0, 0}}});
  CHECK(texts(result) == Texts{"a"});  // the best span all the same
  CHECK(result.n_best[0].probability == 1);
  options.text = AnswerText::words;
  result = example.run(options, all, {{{9, 9, 0, 0, 0, 4, 0, 0}, {0, 9, 0, 8, 7, 0, 0, 0}}});
  CHECK(texts(result) == Texts{"empty"});
  CHECK(result.n_best[0].probability == 1);
  CHECK(result.text == "empty");
  options.max_answer_length = 2;
  result = example.run(options, all, {{{0, 0, 0, 5, 4, 3, 0, 0}, {0, 0, 0, 0, 0, 8, 9, 0}}});
  CHECK(texts(result) == Texts{"b c", "c d", "c"});
  // The same text from other pieces is left out.
  const Example twice("a b a");
  options = {};
  options.n_best_size = 2;
  result = twice.run(options, twice.windows(), {{{0, 0, 0, 5, 0, 4, 0}, {0, 0, 0, 5, 0, 4, 0}}});
  CHECK(texts(result) == Texts{"a", "a b a"});
  CHECK(result.n_best[0].start_logit == 5);
}

TEST_CASE("squad answers: a start counts in the window with the most context") {
  const Example example("a b c d e f");
  const std::vector<SquadWindow> all = example.windows(8, 2);  // a b c d, c d e f
  REQUIRE(all.size() == 2);
  REQUIRE(all[0].max_context == std::vector<bool>{true, true, true, false});
  REQUIRE(all[1].max_context == std::vector<bool>{false, true, true, true});
  AnswerOptions options;
  options.n_best_size = 1;
  const Logits at_d{{0, 0, 0, 0, 0, 0, 5, 0}, {0, 0, 0, 0, 0, 0, 5, 0}};
  const Logits at_c{{0, 0, 0, 6, 0, 0, 0, 0}, {0, 0, 0, 6, 0, 0, 0, 0}};
  CHECK(example.run(options, all, {at_d, at_c}).text == "a b c d");
  options.text = AnswerText::words;
  CHECK(example.run(options, all, {at_d, at_c}).text == "empty");
  CHECK(example.run(options, all, {at_c, at_d}).text == "a");
}

TEST_CASE("squad answers: no answer, in version 2") {
  const Example example("a b");
  const std::vector<SquadWindow> all = example.windows();
  const Logits logits{{1.5F, 0, 0, 2, 0, 0}, {1, 0, 0, 3, 0, 0}};
  SquadPrediction result = example.run(version_2(), all, {logits});
  CHECK(result.text == "a");
  CHECK(result.null_odds == -2.5);
  CHECK(texts(result) == Texts{"a", "", "a b", "b"});
  AnswerOptions eager = version_2(1);
  eager.null_score_diff_threshold = -3;
  result = example.run(eager, all, {logits});
  CHECK(result.text.empty());
  CHECK(texts(result) == Texts{"a", ""});  // one more than n_best_size
  eager.null_score_diff_threshold = -2.5;  // not above it
  CHECK(example.run(eager, all, {logits}).text == "a");

  // Of several windows the least null score counts.
  const Example longer("a b c d e f");
  std::vector<Logits> two(2, {std::vector<float>(8), std::vector<float>(8)});
  two[0].start[0] = 7;
  two[1].end[0] = -2;
  result = longer.run(version_2(), longer.windows(8, 2), two);
  CHECK(result.null_odds == -2);
  CHECK(result.n_best.back().text.empty());
  CHECK(result.n_best.back().end_logit == -2);

  // Only "no answer" is a candidate.
  result = example.run(version_2(), all, {{{0, 9, 0, 0, 1, 0}, {4, 0, 0, 1, 0, 0}}});
  CHECK(texts(result).size() > 2);
  result = example.run(version_2(1), all, {{{0, 9, 0, 0, 1, 0}, {4, 0, 0, 1, 0, 0}}});
  CHECK(texts(result) == Texts{"", "a"});
  CHECK(result.null_odds == 3);
  CHECK(result.text.empty());
  AnswerOptions words = version_2(1);
  words.text = AnswerText::words;
  result = example.run(words, all, {{{0, 9, 0, 0, 1, 0}, {4, 0, 0, 1, 0, 0}}});
  CHECK(texts(result) == Texts{"empty", ""});
  CHECK(result.null_odds == 4);
  CHECK(result.text.empty());
}

TEST_CASE("squad answers: a question without windows") {
  const Example example(" ");
  REQUIRE(example.windows().empty());
  AnswerOptions options;
  CHECK(example.run(options, {}, {}).text.empty());
  CHECK(example.run(options, {}, {}).n_best.empty());
  options.text = AnswerText::words;
  CHECK(example.run(options, {}, {}).text == "empty");
  const SquadPrediction result = example.run(version_2(), {}, {});
  CHECK(result.text.empty());
  CHECK(result.null_odds == 1000000);
}

TEST_CASE("squad answers as files") {
  const SquadPredictions predictions{
      {"é\"", {"中\x7F\n", {{"中", 0.1, 1, 1e-7F}, {"", 1e-05, -0.5F, 1e20F}}, -2.5}},
      {"b", {"", {{"x", 1, 0, 0}}, 1e16}}};
  CHECK(predictions_json(predictions) ==
        "{\n    \"\\u00e9\\\"\": \"\\u4e2d\\u007f\\n\",\n    \"b\": \"\"\n}\n");
  CHECK(null_odds_json(predictions) == "{\n    \"\\u00e9\\\"\": -2.5,\n    \"b\": 1e+16\n}\n");
  CHECK(nbest_predictions_json(predictions) == R"({
    "\u00e9\"": [
        {
            "text": "\u4e2d",
            "probability": 0.1,
            "start_logit": 1.0,
            "end_logit": 1.0000000116860974e-07
        },
        {
            "text": "",
            "probability": 1e-05,
            "start_logit": -0.5,
            "end_logit": 1.0000000200408773e+20
        }
    ],
    "b": [
        {
            "text": "x",
            "probability": 1.0,
            "start_logit": 0.0,
            "end_logit": 0.0
        }
    ]
}
)");
  CHECK(predictions_json({}) == "{}\n");
}

TEST_CASE("squad answers: logits that don't fit are refused") {
  const Example example("a b");
  const std::vector<SquadWindow> all = example.windows();
  const std::vector<float> good(6);
  std::vector<float> bad = good;
  bad[4] = std::numeric_limits<float>::quiet_NaN();
  const auto run = [&](std::vector<float> start, std::vector<float> end) {
    return example.run(AnswerOptions{}, all, {{std::move(start), std::move(end)}});
  };
  CHECK_THROWS_WITH_AS(run(good, {1, 2}), "[squad] 2 end logits, expected 6 as the window has tokens", Error);
  CHECK_THROWS_WITH_AS(run(bad, good), "[squad] the start logit of token 4 is nan, expected a finite number",
                       Error);
  const Example other("a b c");
  CHECK_THROWS_WITH_AS(
      example.run(AnswerOptions{}, other.windows(), {{std::vector<float>(7), std::vector<float>(7)}}),
      "[squad] a window of 7 tokens with pieces 0 to 3 from token 3 on: the context has 2 pieces", Error);
  CHECK_THROWS_AS(example.run(AnswerOptions{}, {SquadWindow{}}, {{{}, {}}}), Error);
  AnswerOptions none;
  none.n_best_size = 0;
  CHECK_THROWS_WITH_AS(AnswerFinder(example.vocab, none),
                       "[squad] n_best_size 0, max_answer_length 30: expected 1 or more", Error);
}
