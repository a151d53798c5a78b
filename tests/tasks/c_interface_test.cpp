// The C interface, as a program sees it that links the library: the same answers as the programs', and an error for whatever
// a caller gets wrong.
#include "tasks/gradus.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "core/joined.h"
#include "core/version.h"
#include "tests/json.h"
#include "tests/places.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

const char* const one_thread = R"({"threads": 1, "seq_length": 24})";

// Takes a text of the library over; empty for NULL.
std::string taken(char* text) {
  const std::string copy = text == nullptr ? "" : text;
  gradus_free_text(text);
  return copy;
}

using Model = std::unique_ptr<gradus_model, decltype(&gradus_close)>;

Model opened(const std::string& folder, const char* options = one_thread) {
  char* error = nullptr;
  Model model(gradus_open(folder.c_str(), options, &error), gradus_close);
  INFO(taken(error));
  REQUIRE(model != nullptr);
  return model;
}

// The JSON that a call gives, which has to succeed.
template <typename Call>
Json answer_of(const Call& call) {
  char* error = nullptr;
  char* const text = call(&error);
  INFO(taken(error));
  REQUIRE(text != nullptr);
  return json_of(taken(text));
}

// What a call that has to fail says. It may be told not to.
template <typename Call>
std::string refused(const Call& call) {
  CHECK(call(nullptr) == nullptr);
  char* error = nullptr;
  CHECK(call(&error) == nullptr);
  return taken(error);
}

std::string refused_folder(const std::string& folder, const char* options = one_thread) {
  return refused([&](char** error) { return gradus_open(folder.c_str(), options, error); });
}

std::string refused_request(gradus_model* model, const char* request) {
  return refused([&](char** error) { return gradus_run(model, request, error); });
}

Json run(gradus_model* model, const Json& request) {
  const std::string text = json_text(request);
  return answer_of([&](char** error) { return gradus_run(model, text.c_str(), error); });
}

Json tag(gradus_model* model, const std::string& text) {
  return answer_of([&](char** error) { return gradus_tag(model, text.c_str(), error); });
}

// A line of run_ner --json, with the names that the library gives to places.
Json entities_of(const std::string& line) {
  const Json json = json_of(line);
  Json entities = Json::array();
  for (const Json& entity : json["entities"].items())
    entities.push_back({{"type", entity["type"]},
                        {"text", entity["text"]},
                        {"start", entity["begin"]},
                        {"end", entity["end"]}});
  return {{"entities", entities}};
}

std::string train_tagger(const TinyNer& tiny) {
  tiny.print(tiny.training({"--epoch_num=60", "--use_crf"}));
  return tiny.path("save/best");
}

// What an example prints: a command before the model's folder.
std::string example(const Words& command, const std::string& model, const std::string& input) {
  Process process(joined(command, {model}), input);
  const Outcome outcome = process.wait();
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  return outcome.out;
}

std::string c_example(const std::string& model, const std::string& input) {
  return example({(place("GRADUS_EXAMPLES") / "example_ask").string()}, model, input);
}

}  // namespace

TEST_CASE("c interface: a tagger finds what run_ner finds, in one text and in a thousand") {
  const TinyNer tiny;
  const std::string model = train_tagger(tiny);
  std::vector<std::string> texts{"Anna lives in Port Mill .", "\u00fcber Anna \U0001F600 Port Mill .", "",
                                 "Clara met Boris Brom in Alden ."};
  std::vector<std::string> expected = lines_of(tiny.print(
      tiny.predicting(model, {"--json", "--predict_form=text"}), fmt::format("{}\n", joined(texts, "\n"))));
  REQUIRE(expected.size() == texts.size());
  const Model tagger = opened(model);
  CHECK(std::string(gradus_task(tagger.get())) == "tag");
  for (size_t i = 0; i < texts.size(); ++i) CHECK(tag(tagger.get(), texts[i]) == entities_of(expected[i]));
  CHECK(
      json_text(tag(tagger.get(), texts[0])) ==
      R"({"entities":[{"type":"PER","text":"Anna","start":0,"end":4},{"type":"LOC","text":"Port Mill","start":14,"end":23}]})");

  Json all = Json::array(), results = Json::array();
  for (size_t i = 0; i < 1000; ++i) {
    all.push_back(texts[i % texts.size()]);
    results.push_back(entities_of(expected[i % texts.size()]));
  }
  CHECK(run(tagger.get(), {{"texts", all}}) == Json{{"results", results}});
  CHECK(run(tagger.get(), {{"text", texts[0]}}) == entities_of(expected[0]));
  CHECK(json_text(run(tagger.get(), {{"texts", Json::array()}})) == R"({"results":[]})");
  // A text that C can't end with its zero byte.
  CHECK(json_text(run(tagger.get(), {{"text", std::string("\0", 1)}})) == R"({"entities":[]})");

  std::string answers, requests;
  for (const std::string& text : texts) {
    answers += json_text(tag(tagger.get(), text)) + "\n";
    requests += json_text(Json{{"text", text}}) + "\n";
  }
  CHECK(c_example(model, fmt::format("{}\n", joined(texts, "\n"))) == answers);
  if (is_sanitized) {
    MESSAGE("skipped: Python does not load a library with sanitizers in it");
  } else {
    const std::vector<std::string> lines =
        lines_of(example({"/usr/bin/env", "GRADUS_LIBRARY=" + place("GRADUS_LIBRARY").string(), "python3",
                          "-B", source_file("tests/examples/gradus.py").string()},
                         model, requests));
    REQUIRE(lines.size() == texts.size());
    for (size_t i = 0; i < texts.size(); ++i) CHECK(json_of(lines[i]) == entities_of(expected[i]));
  }
}

TEST_CASE("c interface: whatever a caller gets wrong is an error that says so") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const std::string folder = tiny.path("save/best");
  CHECK(contains(refused_folder(tiny.path("nowhere")), "nowhere': expected a folder with a model"));
  CHECK(contains(refused_folder(tiny.path("")), "no config.json"));
  CHECK(contains(refused_folder("no\xffwhere"), "'no<0xff>where'"));
  CHECK(contains(refused_folder(""), "expected a folder"));
  CHECK(refused([](char** error) { return gradus_open(nullptr, nullptr, error); }) ==
        "gradus_open: the folder is NULL, expected a text");
  CHECK(contains(refused_folder(folder, ""), "options: "));
  CHECK(contains(refused_folder(folder, R"({"thread": 1})"), "options: 'thread' is unknown"));
  CHECK(contains(refused_folder(folder, R"({"compute_type": "fp8"})"),
                 "expected one of fp32, bf16, fp16, int8"));
  CHECK(contains(refused_folder(folder, R"({"device": "TPU"})"), "expected one of CPU, CUDA"));

  Model model = opened(folder);
  gradus_model* const handle = model.get();
  CHECK(refused([](char** error) { return gradus_tag(nullptr, "a", error); }) ==
        "gradus_tag: the model is NULL, expected one of gradus_open");
  CHECK(refused([&](char** error) { return gradus_tag(handle, nullptr, error); }) ==
        "gradus_tag: the text is NULL, expected a text");
  CHECK(contains(refused([&](char** error) { return gradus_tag(handle, "a\xff", error); }),
                 "text: invalid UTF-8 at byte 1: found 0xff"));
  CHECK(refused([&](char** error) { return gradus_classify(handle, "a", nullptr, error); }) ==
        fmt::format("gradus_classify: the model of '{}' is one to tag, expected one to classify", folder));
  CHECK(contains(refused([&](char** error) { return gradus_classify(handle, "a", "b", error); }),
                 "expected one to classify_pairs"));
  CHECK(contains(refused([&](char** error) { return gradus_answer(handle, "a", "b", error); }),
                 "is one to tag, expected one to answer"));
  CHECK(contains(refused_request(handle, nullptr), "the request is NULL"));
  CHECK(contains(refused_request(handle, ""), "request: "));
  CHECK(contains(refused_request(handle, "{\"text\": \"\xff\"}"), "request: "));
  CHECK(contains(refused_request(handle, R"({"text": "\ud800"})"), "request: "));
  CHECK(contains(refused_request(handle, R"({"question": "a"})"),
                 "'question' is unknown, expected text, texts"));
  // What is no handle at all is never looked into.
  char stray = 0;
  auto* const none = reinterpret_cast<gradus_model*>(&stray);
  CHECK(contains(refused_request(none, "{}"), "gradus_run: the model is none of gradus_open"));
  CHECK(gradus_task(none) == nullptr);
  CHECK(gradus_task(nullptr) == nullptr);
  gradus_close(none);
  gradus_close(nullptr);
  gradus_free_text(nullptr);

  const std::string ask = place("GRADUS_EXAMPLES") / "example_ask";
  for (const auto& [name, input, said] :
       {std::tuple{tiny.path("nowhere"), std::string(), "error: cannot read '"},
        {folder, std::string("a\xff\n"), "error: text: invalid UTF-8"},
        {folder, std::string(70000, 'a') + "\n", "error: a line of more than"}}) {
    const Outcome outcome = Process({ask, name}, input).wait();
    CHECK(outcome.status == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.starts_with(said));
  }

  model.reset();
  CHECK(gradus_task(handle) == nullptr);
  CHECK(refused_request(handle, R"({"text": "a"})") ==
        fmt::format("gradus_run: the model of '{}' is closed", folder));
  gradus_close(handle);
  // Another model is not taken for the closed one.
  const Model next = opened(folder);
  CHECK(next.get() != handle);
  CHECK(contains(refused_request(handle, R"({"text": "a"})"), "is closed"));
  CHECK(gradus_version() == version());
}

TEST_CASE(
    "c interface: two models in one process, asked by many threads at a time, answer as they do alone") {
  const TinyNer names;
  const TinyClassifier classes;
  const Model tagger = opened(train_tagger(names), R"({"threads": 2})"),
              classifier = opened(classes.train_best(), R"({"threads": 2})");
  const std::string text = "Anna lives in Port Mill .", film = "the film is good";
  const auto classify = [&] {
    return answer_of(
        [&](char** error) { return gradus_classify(classifier.get(), film.c_str(), nullptr, error); });
  };
  const Json alone = tag(tagger.get(), text), alone_too = classify();
  CHECK(alone["entities"].size() == 2);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const bool tags = (t + i) % 2 == 0;
        char* const answer = tags ? gradus_tag(tagger.get(), text.c_str(), nullptr)
                                  : gradus_classify(classifier.get(), film.c_str(), nullptr, nullptr);
        wrong += answer == nullptr || !(json_of(taken(answer)) == (tags ? alone : alone_too));
        wrong += gradus_task(tagger.get()) == nullptr;
        // Others that come and go don't disturb them.
        if (i == t) gradus_close(gradus_open(classes.path("save/best").c_str(), nullptr, nullptr));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("c interface: classes, labels, scores and pairs as run_classifier says them") {
  const TinyClassifier tiny;
  const std::string model = tiny.train_well({});
  const Json expected = json_of(tiny.print(tiny.predicting(model, {"--json"}), "the film is good\n"));
  const Model classifier = opened(model);
  CHECK(std::string(gradus_task(classifier.get())) == "classify");
  const Json result = run(classifier.get(), {{"text", "the film is good"}});
  CHECK(result["label"] == expected["label"]);
  CHECK(result["probabilities"] == expected["probabilities"]);
  CHECK(result["probability"] == result["probabilities"][result["label"].text()]);
  CHECK(run(classifier.get(), {{"texts", Json::array({"bad play", "the film is good"})}})["results"].size() ==
        2);
  CHECK(json_of(c_example(model, "the film is good\n")) == result);
  CHECK(run(classifier.get(), {{"text", ""}})["probabilities"].size() == 2);
  CHECK(contains(refused([&](char** error) { return gradus_classify(classifier.get(), "a", "b", error); }),
                 "is one to classify, expected one to classify_pairs"));

  const std::string pairs = tiny.write("pairs.txt", classified_pairs),
                    scores = tiny.write("scores.txt", scored_texts);
  tiny.print(tiny.training({"--train_data_file_path=" + pairs, "--eval_data_file_path=" + pairs,
                            "--save_finetune_checkpoint_path=" + tiny.path("pairs")}));
  const Model of_pairs = opened(tiny.path("pairs/best"));
  CHECK(std::string(gradus_task(of_pairs.get())) == "classify_pairs");
  const Json pair =
      answer_of([&](char** error) { return gradus_classify(of_pairs.get(), "red ball", "good", error); });
  CHECK(pair["probabilities"] == json_of(tiny.print(tiny.predicting(tiny.path("pairs/best"), {"--json"}),
                                                    "red ball\tgood\n"))["probabilities"]);
  CHECK(run(of_pairs.get(), {{"pairs", Json::array({Json::array({"red ball", "good"})})}})["results"][0] ==
        pair);
  CHECK(json_of(c_example(tiny.path("pairs/best"), "red ball\tgood\n")) == pair);

  const std::string labelled = tiny.train_labels();
  const Json labels = run(opened(labelled).get(), {{"text", "good book"}});
  REQUIRE(labels["labels"].size() == 2);
  CHECK(labels["labels"][0]["label"] == "bad");
  CHECK(labels["labels"][1]["label"] == "film");
  CHECK(labels["probabilities"] ==
        json_of(tiny.print(tiny.predicting(labelled, {"--json"}), "good book\n"))["probabilities"]);

  tiny.print(tiny.training({"--assessment_method=spearman", "--train_data_file_path=" + scores,
                            "--eval_data_file_path=" + scores,
                            "--save_finetune_checkpoint_path=" + tiny.path("scores")}));
  const Model of_scores = opened(tiny.path("scores/best"));
  const Json score =
      json_of(tiny.print(tiny.predicting(tiny.path("scores/best"), {"--json"}), "good film\n"))["score"];
  CHECK(run(of_scores.get(), {{"text", "good film"}}) == Json{{"score", score}});
  overload(tiny.path("scores/best"), "bert.embeddings.LayerNorm.weight");
  const Model infinite = opened(tiny.path("scores/best"));
  CHECK(contains(refused_request(infinite.get(), R"({"text": "good film"})"), "text: "));
}

TEST_CASE("c interface: answers as run_squad gives them, with their places") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 60, {}));
  const std::string model = tiny.path("save"), question = "where does anna live ?";
  const std::string context = "\u00fc anna lives in alden . boris is in brom";
  const Json expected = json_of(
      tiny.print(tiny.using_it("--do_predict", {"--json"}), fmt::format("{}\n{}\n", context, question)));
  const Model answerer = opened(model, R"({"threads": 1})");
  CHECK(std::string(gradus_task(answerer.get())) == "answer");
  const Json answer = answer_of(
      [&](char** error) { return gradus_answer(answerer.get(), context.c_str(), question.c_str(), error); });
  CHECK(answer["answer"] == expected["answer"]);
  CHECK(answer["probability"] == expected["probability"]);
  // One character before it has two bytes.
  const auto start = static_cast<size_t>(answer["start"].integer() + 1);
  CHECK(context.substr(start, answer["answer"].text().size()) == answer["answer"].text());
  CHECK(answer["end"].integer() - answer["start"].integer() == std::ssize(answer["answer"].text()));
  CHECK(same_but_rounding(
      run(answerer.get(), {{"context", context}, {"questions", Json::array({question, question})}}),
      Json{{"results", Json::array({answer, answer})}}));
  CHECK(json_text(run(answerer.get(), {{"context", ""}, {"question", question}})) ==
        R"({"answer":"","probability":0.0})");
  CHECK(json_of(c_example(model, fmt::format("{}\n{}\n", context, question))) == answer);
  CHECK(run(answerer.get(), {{"context", context}, {"question", ""}}).contains("answer"));
  CHECK(contains(refused([&](char** error) { return gradus_answer(answerer.get(), "\xff", "a", error); }),
                 "context: invalid UTF-8"));
}
