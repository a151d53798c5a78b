// The library: what it answers is what the programs answer, and its examples run.
#include "tasks/pipeline.h"
#include "core/joined.h"

#include <doctest/doctest.h>
#include "tests/json.h"
#include "tests/places.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

// What an example prints.
std::string example(const std::string& name, const std::string& model, const std::string& input) {
  Process process({(place("GRADUS_EXAMPLES") / fmt::format("example_{}", name)).string(), model}, input);
  const Outcome outcome = process.wait();
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  return outcome.out;
}

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> rows;
  for (const std::string& line : lines_of(text)) rows.push_back(json_of(line));
  return rows;
}

}  // namespace

TEST_CASE("the tagger of a folder finds what run_ner finds") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--epoch_num=60", "--use_crf"}));
  const std::string model = tiny.path("save/best");
  const std::vector<std::string> texts{"Anna lives in Port Mill .", "", "Clara met Boris Brom in Alden ."};
  const std::vector<Json> expected = json_lines(tiny.print(
      tiny.predicting(model, {"--json", "--predict_form=text"}), fmt::format("{}\n", joined(texts, "\n"))));
  REQUIRE(expected.size() == texts.size());
  const Tagger tagger(model, {.threads = 1, .batch_size = 2, .seq_length = 24});
  const auto names = tagger.tag_all(texts);
  size_t found = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    Json entities = Json::array();
    for (const NamedSpan& name : names[i])
      entities.push_back(
          {{"type", name.type}, {"text", name.text}, {"begin", name.begin}, {"end", name.end}});
    CHECK(json_text(entities) == json_text(expected[i]["entities"]));
    found += names[i].size();
  }
  CHECK(found == 5);
  if (has_int8()) {
    const Tagger quick(model, {.compute_type = "int8", .seq_length = 24});
    for (size_t i = 0; i < texts.size(); ++i) CHECK(quick.tag(texts[i]).size() == names[i].size());
  }
  CHECK(tagger.tag_all({}).empty());
  CHECK(tagger.tag(texts[0]).size() == names[0].size());
  CHECK(example("tag", model, "Anna lives in Port Mill .\n") == "PER\tAnna\nLOC\tPort Mill\n");
  CHECK(contains(error_of([&] { tagger.tag_all({"Anna", "\xff"}); }), "text 1"));
  CHECK(contains(error_of([&] { Tagger(tiny.path("nowhere")); }), "nowhere"));
  CHECK(task_of(model) == ModelTask::tag);
  CHECK(task_of(tiny.path("save")) == ModelTask::tag);
  CHECK(contains(error_of([&] { task_of(tiny.path("nowhere")); }), "nowhere"));
  tiny.write("config.json", R"({"vocab_size": 100})");
  CHECK(contains(
      error_of([&] { task_of(tiny.path("")); }),
      "config.json: this is no model that was trained by one of run_ner, run_classifier, run_squad"));
  CHECK(contains(error_of([&] { Tagger(model, {.compute_type = "fp8"}); }),
                 "expected one of fp32, bf16, fp16, int8"));
  CHECK(contains(error_of([&] { Tagger(model, {.seq_length = 4000}); }), "4000"));
}

TEST_CASE("the classifier of a folder says what run_classifier says, of texts, pairs, labels and scores") {
  const TinyClassifier tiny;
  const std::string model = tiny.train_well({});
  const std::vector<std::string> texts{"the film is good", "bad play"};
  const std::vector<Json> expected =
      json_lines(tiny.print(tiny.predicting(model, {"--json"}), fmt::format("{}\n", joined(texts, "\n"))));
  const Classifier classifier(model, {.threads = 1, .seq_length = 24});
  CHECK(task_of(model) == ModelTask::classify);
  CHECK_FALSE(classifier.takes_pairs());
  const std::vector<Classification> results = classifier.classify_all(texts);
  REQUIRE(results.size() == 2);
  for (size_t i = 0; i < results.size(); ++i) {
    CHECK(results[i].label == expected[i]["label"]);
    for (const auto& [label, probability] : results[i].probabilities)
      CHECK(probability == expected[i]["probabilities"][label].get<double>());
  }
  CHECK(example("classify", model, "the film is good\n").starts_with("pos\t"));
  CHECK(contains(error_of([&] { classifier.classify_pairs({{"a", "b"}}); }), "single texts"));

  const std::string pairs = tiny.write("pairs.txt", classified_pairs),
                    scores = tiny.write("scores.txt", scored_texts);
  tiny.print(tiny.training({"--train_data_file_path=" + pairs, "--eval_data_file_path=" + pairs,
                            "--save_finetune_checkpoint_path=" + tiny.path("pairs")}));
  const Classifier of_pairs(tiny.path("pairs/best"), {.threads = 1, .seq_length = 24});
  CHECK(of_pairs.takes_pairs());
  const std::vector<Json> pair_lines =
      json_lines(tiny.print(tiny.predicting(tiny.path("pairs/best"), {"--json"}), "red ball\tgood\n"));
  CHECK(of_pairs.classify_pairs({{"red ball", "good"}})[0].probability ==
        pair_lines[0]["probabilities"][pair_lines[0]["label"].text()].get<double>());

  const std::string labelled = tiny.train_labels();
  const Json any_labels = json_of(tiny.print(tiny.predicting(labelled, {"--json"}), "good book\n"));
  const Classification labels = Classifier(labelled, {.threads = 1, .seq_length = 24}).classify("good book");
  CHECK(labels.gives == Classification::Gives::labels);
  REQUIRE(labels.labels.size() == 2);
  CHECK(labels.labels[0].first == "bad");
  CHECK(labels.labels[1].first == "film");
  for (const auto& [label, probability] : labels.labels)
    CHECK(probability == any_labels["probabilities"][label].get<double>());
  CHECK(labels.probabilities.size() == 4);
  CHECK(labels.label.empty());

  tiny.print(tiny.training({"--assessment_method=spearman", "--train_data_file_path=" + scores,
                            "--eval_data_file_path=" + scores,
                            "--save_finetune_checkpoint_path=" + tiny.path("scores")}));
  const std::vector<Json> score_lines =
      json_lines(tiny.print(tiny.predicting(tiny.path("scores/best"), {"--json"}), "good good film\n"));
  const Classifier of_scores(tiny.path("scores/best"), {.threads = 1, .seq_length = 24});
  const Classification score = of_scores.classify("good good film");
  CHECK(score.score == score_lines[0]["score"].get<double>());
  CHECK(score.label.empty());
}

TEST_CASE("the answerer of a folder answers as run_squad does") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 60, {}));
  const std::string model = tiny.path("save");
  const std::string context = "anna lives in alden . boris is in brom";
  const std::vector<std::string> questions{"where does anna live ?", "where is boris ?"};
  const std::vector<Json> expected = json_lines(tiny.print(
      tiny.using_it("--do_predict", {"--json"}), fmt::format("{}\n{}\n", context, joined(questions, "\n"))));
  REQUIRE(expected.size() == 2);
  CHECK(task_of(model) == ModelTask::answer);
  const Answerer answerer(model, {.threads = 1});
  const std::vector<FoundAnswer> answers = answerer.answer_all(context, questions);
  REQUIRE(answers.size() == 2);
  for (size_t i = 0; i < answers.size(); ++i) {
    CHECK(answers[i].text == expected[i]["answer"]);
    CHECK(answers[i].probability == expected[i]["probability"].get<double>());
    CHECK_FALSE(answers[i].text.empty());
    CHECK(context.substr(answers[i].begin, answers[i].end - answers[i].begin) == answers[i].text);
  }
  // Of a model whose answers are words joined by blanks, the place has the context's own blanks.
  tiny.print(tiny.learning("train.txt", 60,
                           {"--tokenizer=google", "--save_finetune_checkpoint_path=" + tiny.path("words")}));
  const std::string wide = "anna lives in   alden . boris is in brom";
  const FoundAnswer found = Answerer(tiny.path("words"), {.threads = 1}).answer(wide, questions[0]);
  REQUIRE_FALSE(found.text.empty());
  std::string place = wide.substr(found.begin, found.end - found.begin);
  if (const size_t blanks = place.find("   "); blanks != std::string::npos) place.erase(blanks, 2);
  CHECK(place == found.text);
  CHECK(answerer.answer_all(context, {}).empty());
  CHECK(lines_of(example("answer", model, fmt::format("{}\n{}\n", context, questions[0]))).size() == 1);
}
