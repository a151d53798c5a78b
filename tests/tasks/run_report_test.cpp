// The pages that --report writes.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tasks/squad/question_words.h"
#include "tests/json.h"
#include "tests/tasks/page.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

constexpr const char* headings = "//h2";

// A folder with a vocabulary, and a model so small that it trains in no time.
class TinyRun {
 public:
  explicit TinyRun(const std::string& words) {
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (const char c : words) vocabulary += c == ' ' ? '\n' : c;
    folder_.write("vocab.txt", vocabulary + "\n");
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    return folder_.write(name, text);
  }
  double metric(const std::string& name) const {
    return json_of(file_content(path("metrics.json"))).at(name).number();
  }

  // Trains two epochs on a file that is the evaluation data too, and returns the page.
  Page train(const std::string& program, const std::string& data, const Words& more) const {
    Words flags{"--do_train",
                "--do_eval",
                "--threads=1",
                "--hidden_size=16",
                "--num_hidden_layers=1",
                "--num_attention_heads=2",
                "--max_position_embeddings=64",
                "--seq_length=40",
                "--train_batch_size=2",
                "--epoch_num=2",
                "--vocab_file_path=" + path("vocab.txt"),
                "--train_data_file_path=" + data,
                "--eval_data_file_path=" + data,
                "--metrics_file=" + path("metrics.json"),
                "--report=" + path("report.html"),
                "--save_finetune_checkpoint_path=" + path("save")};
    flags.insert(flags.end(), more.begin(), more.end());
    const Outcome outcome = run_program(program, flags);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return Page(file_content(path("report.html")));
  }

 private:
  TemporaryFolder folder_;
};

// What the settings' table says of each option: "5 (command line)".
std::map<std::string, std::string> settings(const Page& page) {
  std::map<std::string, std::string> result;
  const Texts cells = page.texts("//details//tbody/tr/td");
  for (size_t i = 0; i + 2 < cells.size(); i += 3)
    result[cells[i]] = cells[i + 1] + " (" + cells[i + 2] + ")";
  return result;
}

std::string tile(const Page& page, const std::string& name) {
  const Texts names = page.texts("//ul[@class='tiles']//span[@class='name']");
  const auto at = std::ranges::find(names, name) - names.begin();
  const Texts values = page.texts("//ul[@class='tiles']//span[@class='value']");
  return at < std::ssize(values) ? values[static_cast<size_t>(at)] : "none";
}

bool contains(const Texts& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

}  // namespace

TEST_CASE("run_ner's page has scores, curves, types, sentences and settings") {
  const TinyNer tiny;
  const std::string file = tiny.path("report.html");
  const std::string out =
      tiny.print(tiny.training({"--do_eval", "--report=" + file, "--eval_steps=2", "--learning_rate=1e-5"}));
  CHECK(out.ends_with("\nreport: " + file + "\n"));
  const Page page(file_content(file));
  CHECK(!page.refers_to_others());
  CHECK(page.text("//h1") == "Named entities: train.txt");
  CHECK(page.texts(headings) == Texts{"The run", "Training loss", "Evaluation during the run",
                                      "Learning rate", "Gradient norm", "Each type", "Worst errors",
                                      "Settings"});
  CHECK(tile(page, "F1") == fmt::format("{:.2f}%", tiny.score("span_f1")));
  CHECK(tile(page, "recall") == fmt::format("{:.2f}%", tiny.score("span_recall")));
  CHECK(page.texts("//section[h2='Each type']//tbody/tr/td[5]") == Texts{"8", "10"});
  CHECK(contains(page.error_texts(), "Clara met Anna in Port Mill ."));
  CHECK(page.count("//mark[@class='missed']") > 0);
  const Texts facts = page.texts("//dl[@class='facts']/div");
  CHECK(contains(facts, "steps6"));
  CHECK(contains(facts, "passes over the data2"));
  const auto set = settings(page);
  CHECK(set.at("epoch_num") == "2 (command line)");
  CHECK(set.at("weight_decay") == "0.01 (default)");

  const Page scored = [&] {
    tiny.print(tiny.scoring(tiny.path("save/best"), {"--report=" + file, "--assessment_method=accuracy"}));
    return Page(file_content(file));
  }();
  CHECK(scored.texts(headings) ==
        Texts{"The run", "Each tag", "Which classes are taken for which", "Worst errors", "Settings"});
  CHECK(tile(scored, "accuracy") == fmt::format("{:.2f}%", tiny.score("accuracy")));
}

TEST_CASE("without evaluation data the page has the curves alone") {
  const TinyNer tiny;
  const std::string file = tiny.path("report.html");
  tiny.print(tiny.training({"--eval_data_file_path=", "--report=" + file}));
  const Page page(file_content(file));
  CHECK(page.text("//h1") == "Named entities: a training run");
  CHECK(page.texts(headings) ==
        Texts{"The run", "Training loss", "Learning rate", "Gradient norm", "Settings"});
  CHECK(page.count("//ul[@class='tiles']") == 0);
}

TEST_CASE("a page that can't be written, or has nothing to tell, is refused before any work") {
  const TinyNer tiny;
  tiny.refuse(tiny.training({"--report=" + tiny.path("missing/report.html")}), "missing/report.html");
  CHECK(!std::filesystem::exists(tiny.path("save")));
  tiny.refuse({"--do_predict", "--load_finetune_checkpoint_path=x", "--report=" + tiny.path("report.html")},
              "--report needs --do_train or --do_eval");
}

TEST_CASE("run_classifier's page has each class, the confusion matrix and every error") {
  const TinyRun tiny("good bad film book the a very is was");
  const std::string data = tiny.write(
      "data.tsv",
      "the film is good\tgood\na very bad film\tbad\nthe book was good\tgood\na very good book\tgood\n"
      "the film was bad\tbad\nthe book is bad\tbad\nthe very film\tgood\n");
  const Page page = tiny.train("run_classifier", data, {"--learning_rate=1e-5"});
  CHECK(!page.refers_to_others());
  CHECK(page.text("//h1") == "Classes of texts: data.tsv");
  CHECK(page.texts(headings) == Texts{"The run", "Training loss", "Evaluation during the run",
                                      "Learning rate", "Gradient norm", "Each class",
                                      "Which classes are taken for which", "Worst errors", "Settings"});
  CHECK(tile(page, "accuracy") == fmt::format("{:.2f}%", tiny.metric("accuracy")));
  CHECK(tile(page, "macro F1") == fmt::format("{:.2f}%", tiny.metric("macro_f1")));
  CHECK(tile(page, "without a model") == "57.14%");
  CHECK(contains(page.texts("//ul[@class='legend']/li"), "evaluation loss"));
  CHECK(page.texts("//section[h2='Each class']//tbody/tr/td[5]") == Texts{"3", "4"});
  // The errors: as many as the accuracy says, worst first, each with its text and where it stands.
  const double accuracy = tiny.metric("accuracy");
  const Texts texts = page.error_texts();
  CHECK(static_cast<double>(texts.size()) == doctest::Approx(7 * (100 - accuracy) / 100));
  REQUIRE(!texts.empty());
  const Texts places = page.texts("//p[@class='about']/b");
  REQUIRE(places.size() == texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto line = static_cast<size_t>(std::stoi(places[i].substr(std::string("data.tsv:").size())));
    CHECK(file_content(data).find(texts[i] + "\t") == [&] {
      size_t at = 0;
      for (size_t l = 1; l < line; ++l) at = file_content(data).find('\n', at) + 1;
      return at;
    }());
  }
  const Texts losses = page.texts("//p[@class='about']/span[starts-with(., 'loss')]/strong");
  CHECK(std::ranges::is_sorted(losses, std::greater(),
                               [](const std::string& text) { return std::stod(text); }));
}

TEST_CASE("of scores the page tells how far they are off") {
  const TinyRun tiny("good bad film book the a very is was");
  const std::string data = tiny.write("data.tsv",
                                      "sentence1\tsentence2\tscore\nthe film\ta film\t4.5\nbad book\tgood "
                                      "film\t0.25\nthe book\tthe book\t5\na film is\tbad was\t1\n");
  const Page page =
      tiny.train("run_classifier", data, {"--task_name=sts_b", "--assessment_method=spearman_correlation"});
  CHECK(page.text("//h1") == "Scores of texts: data.tsv");
  CHECK(tile(page, "Pearson correlation") == fmt::format("{:.2f}", tiny.metric("pearson_correlation")));
  CHECK(page.texts("//section[h2='Low and high scores']//tbody/tr/td[1]") ==
        Texts{"0 to below 1", "1 to below 2", "4 to 5"});
  CHECK(page.error_texts().size() == 4);
  CHECK(contains(page.error_texts(), "the book\nthe book"));
}

TEST_CASE("scores that are all equal make one band") {
  const TinyRun tiny("good bad film");
  const std::string data = tiny.write("data.tsv", "good film\t2.5\n");
  const Page page = tiny.train("run_classifier", data, {"--assessment_method=spearman_correlation"});
  CHECK(page.texts("//section[h2='Low and high scores']//tbody/tr/td[1]") == Texts{"2 to 3"});
}

TEST_CASE("run_squad's page has kinds of questions, and answers in their texts") {
  const TinyRun tiny("anna lives in alden since may boris left who when where why does live ? .");
  const auto question = [](const char* id, const char* text, const char* answer, int start) {
    Json json{{"id", id}, {"question", text}, {"answers", Json::array()}};
    json["is_impossible"] = answer == nullptr;
    if (answer != nullptr) json["answers"].push_back({{"text", answer}, {"answer_start", start}});
    return json;
  };
  const Json paragraph{{"context", "Anna lives in Alden since May. Boris left."},
                       {"qas", Json::array({question("a", "Who lives in Alden?", "Anna", 0),
                                            question("b", "Where does Anna live?", "Alden", 14),
                                            question("c", "Who left?", "Boris", 31),
                                            question("d", "Why does Boris live?", nullptr, 0)})}};
  const Json json{{"data", Json::array({{{"paragraphs", Json::array({paragraph})}}})}};
  const std::string data = tiny.write("data.json", json_text(json));
  const Words flags{"--max_query_length=10", "--learning_rate=1e-5"};
  const Page page = tiny.train("run_squad", data, flags);
  CHECK(!page.refers_to_others());
  CHECK(page.text("//h1") == "Answers to questions: data.json");
  CHECK(tile(page, "F1") == fmt::format("{:.2f}%", tiny.metric("f1")));
  CHECK(page.texts("//section[h2='Questions with and without an answer']//tbody/tr/td[2]") ==
        Texts{"3", "1"});
  CHECK(page.texts("//section[h2='Kinds of questions']//tbody/tr/td[1]") == Texts{"who", "where", "why"});
  const Texts texts = page.error_texts();
  REQUIRE(!texts.empty());
  for (const std::string& text : texts) CHECK(text == "Anna lives in Alden since May. Boris left.");
  const Words strict{"--max_query_length=10", "--learning_rate=0",
                     "--save_finetune_checkpoint_path=", "--null_score_diff_threshold=-1000"};
  const Page silent = tiny.train("run_squad", data, strict);
  CHECK(silent.texts("//section[h2='Questions with and without an answer']//tbody/tr/td[3]") ==
        Texts{"0", "0"});
  CHECK(silent.count("//ul[@class='notes']/li[starts-with(., 'no question is answered')]") == 1);
  Texts missed = silent.texts("//p[@class='text']/mark[@class='missed']/text()");
  std::ranges::sort(missed);
  CHECK(missed == Texts{"Alden", "Anna", "Boris"});
  const Texts asked = page.texts("//p[@class='about']/b");
  CHECK(std::ranges::all_of(asked, [](const std::string& text) { return text.ends_with("?"); }));
}

TEST_CASE("questions by their question words, in English and Chinese") {
  for (const auto& [question, kind] :
       {std::pair{"In what year did it end?", "what"}, std::pair{"How many of what?", "how many"},
        std::pair{"How?", "how"}, std::pair{"To whom was it given", "who"},
        std::pair{"Is it somewhere?", "other"}, std::pair{"Whatever happened WHEN it fell?", "when"},
        std::pair{"这是为什么？", "为什么"}, std::pair{"什么时候建成？", "何时"},
        std::pair{"它有多少人？", "多少"}, std::pair{"", "other"}}) {
    CAPTURE(question);
    CHECK(question_kind(question) == kind);
  }
}
