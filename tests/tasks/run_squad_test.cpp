// run_squad, as its user runs it, on a task so small that it is learned in seconds: where people live.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/tasks/tiny_task.h"

using namespace gradus;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> names{"anna", "boris", "clara", "dora"},
    places{"alden", "brom", "colby", "dell"};

Json question(const std::string& id, const std::string& text, const std::string& context,
              const std::string& answer) {
  Json answers = Json::array();
  if (!answer.empty()) answers.push_back({{"text", answer}, {"answer_start", context.find(answer)}});
  return {{"id", id}, {"question", text}, {"answers", answers}};
}

Json file_of(const Json& paragraphs) {
  return {{"version", "1"}, {"data", {{{"title", "t"}, {"paragraphs", paragraphs}}}}};
}

// One text for each pair of people, and two questions about it.
Json toy_questions() {
  Json paragraphs = Json::array();
  for (size_t i = 0; i < names.size(); ++i) {
    const size_t k = (i + 1) % names.size();
    const std::string context =
        names[i] + " lives in " + places[i] + " . " + names[k] + " is in " + places[k];
    paragraphs.push_back(
        {{"context", context},
         {"qas",
          {question(fmt::format("a{}", i), "where does " + names[i] + " live ?", context, places[i]),
           question(fmt::format("b{}", i), "where is " + names[k] + " ?", context, places[k])}}});
  }
  return file_of(paragraphs);
}

// The same, version 2: of every text another question is asked, too, that it does not answer.
Json toy_questions_with_none() {
  Json file = toy_questions();
  for (Json& paragraph : file["data"][0]["paragraphs"]) {
    for (Json& qa : paragraph["qas"]) qa["is_impossible"] = false;
    Json none = question(fmt::format("n{}", std::string(paragraph["qas"][0]["id"])), "who ate the cake ?",
                         paragraph["context"], "");
    none["is_impossible"] = true;
    paragraph["qas"].push_back(none);
  }
  return file;
}

const std::string vocabulary = [] {
  std::string pieces =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n?\nlives\nin\nis\nwhere\ndoes\nlive\nwho\nate\nthe\ncake\n";
  for (const auto& words : {names, places}) {
    for (const std::string& word : words) pieces += word + "\n";
  }
  for (const char* character : {"\u4E2D", "\u6587", "\u5317", "\u4EAC", "\u5728", "\u54EA"})
    pieces += std::string(character) + "\n";
  return pieces;
}();

class TinySquad : public TinyTask {
 public:
  TinySquad() : TinyTask("run_squad", toy_questions().dump(), vocabulary) {
    write("v2.json", toy_questions_with_none().dump());
  }

  // Flags that train a model of hidden size 32 on a file for `epochs` epochs of 2 steps and score it on the same file.
  Words learning(const std::string& data, int epochs, const Words& more = {}) const {
    Words flags{"--do_eval",
                "--hidden_size=32",
                "--num_hidden_layers=2",
                "--intermediate_size=64",
                "--max_position_embeddings=64",
                "--seq_length=32",
                "--max_query_length=10",
                "--doc_stride=8",
                "--train_batch_size=6",
                "--dropout=0",
                "--epoch_num=" + std::to_string(epochs),
                "--eval_steps=1000",
                "--train_data_file_path=" + path(data),
                "--eval_data_file_path=" + path(data)};
    flags.insert(flags.end(), more.begin(), more.end());
    return training(flags);
  }
  // Flags that use the model in save.
  Words using_it(const std::string& what, const Words& more = {}) const {
    Words flags{what,
                "--threads=1",
                "--seq_length=32",
                "--max_query_length=10",
                "--doc_stride=8",
                "--load_finetune_checkpoint_path=" + path("save"),
                "--metrics_file=" + path("metrics.json")};
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  }

  Json json(const std::string& name) const { return Json::parse(file_content(path(name))); }
  Json settings(const std::string& checkpoint) const {
    return json(checkpoint + "/config.json").at("gradus_squad");
  }
};

}  // namespace

TEST_CASE("run_squad learns where people live, and answers what it is asked") {
  const TinySquad tiny;
  const std::string out = tiny.print(tiny.learning("train.txt", 60));
  CHECK(out.find("8 questions, 8 windows") != std::string::npos);
  CHECK(tiny.score("f1") == 100);
  CHECK(tiny.score("exact_match") == 100);
  CHECK(out.find(R"({"exact_match": 100.0, "f1": 100.0})") != std::string::npos);

  const Json predictions = tiny.json("save/predictions.json");
  CHECK(predictions.size() == 8);
  CHECK(predictions.at("a0") == "alden");
  CHECK(tiny.json("save/nbest_predictions.json").at("b1")[0].at("text") == "colby");
  CHECK_FALSE(fs::exists(tiny.path("save/null_odds.json")));

  const std::string input =
      "\xEF\xBB\xBF"
      "anna lives in alden . boris is in brom\r\nwhere does anna live ?\r\nwhere is boris ?\n"
      "\n\nclara lives in colby . dora is in dell\nwhere is dora ?";
  const std::string answers = tiny.print(tiny.using_it("--do_predict"), input);
  CHECK(answers.starts_with("alden\t"));
  CHECK(answers.find("\twhere does anna live ?\nbrom\t") != std::string::npos);
  CHECK(answers.find("\twhere is boris ?\ndell\t") != std::string::npos);
  CHECK(answers.ends_with("\twhere is dora ?\n"));

  const Json answer = Json::parse(tiny.print(tiny.using_it("--do_predict", {"--json"}),
                                             "anna lives in alden . boris is in brom\nwhere is boris ?\n"));
  CHECK(answer.at("question") == "where is boris ?");
  CHECK(answer.at("answer") == "brom");
  CHECK(answer.at("n_best")[0].at("probability") == answer.at("probability"));
}

TEST_CASE("run_squad answers a file without answers and writes what it predicts") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 30, {"--output_dir=" + tiny.path("none")}));
  Json file = toy_questions();
  for (Json& paragraph : file["data"][0]["paragraphs"]) {
    for (Json& qa : paragraph["qas"]) qa.erase("answers");
  }
  tiny.write("asked.json", file.dump());
  tiny.print(tiny.using_it("--do_predict", {"--predict_data_file_path=" + tiny.path("asked.json"),
                                            "--output_dir=" + tiny.path("out")}));
  CHECK(tiny.json("out/predictions.json") == tiny.json("none/predictions.json"));
  CHECK(tiny.json("out/nbest_predictions.json") == tiny.json("none/nbest_predictions.json"));
}

TEST_CASE("run_squad recognises version 2, finds the threshold for no answer and keeps it with the model") {
  const TinySquad tiny;
  const std::string out = tiny.print(tiny.learning("v2.json", 120, {"--learning_rate=2e-3", "--seed=3"}));
  CHECK(out.find("4 questions without an answer") != std::string::npos);
  CHECK(tiny.score("f1") == 100);
  CHECK(tiny.score("no_answer_f1") == 100);
  CHECK(tiny.json("save/predictions.json").at("na0") == "");
  CHECK(tiny.json("save/null_odds.json").size() == 12);
  const double threshold =
      tiny.json("save/best/config.json").at("gradus_squad").at("null_score_diff_threshold");

  // Scored again, alone, the stored threshold counts.
  const std::string again =
      tiny.print(tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.path("v2.json")}));
  CHECK(again.find(fmt::format("null_score_diff_threshold {:.6f}", threshold)) != std::string::npos);
  CHECK(tiny.score("f1") == 100);
  const std::string text = "anna lives in alden . boris is in brom\nwho ate the cake ?\nwhere is boris ?\n";
  const std::string answers = tiny.print(tiny.using_it("--do_predict"), text);
  CHECK(answers.starts_with("\t"));
  CHECK(answers.find("\nbrom\t") != std::string::npos);
  // Below every question's odds nothing is answered; without no answers all are.
  const std::string none =
      tiny.print(tiny.using_it("--do_predict", {"--null_score_diff_threshold=-1000"}), text);
  CHECK(none.find("\n\t") != std::string::npos);
  const std::string always =
      tiny.print(tiny.using_it("--do_predict", {"--version_2_with_negative=false"}), text);
  CHECK_FALSE(always.starts_with("\t"));
}

TEST_CASE("run_squad learns the same from records as from text, to the last bit") {
  const TinySquad tiny;
  const Words google{"--tokenizer=google", "--train_data_shuffle=false"};
  const auto loss = [&](const Words& more) {
    Words flags = google;
    flags.insert(flags.end(), more.begin(), more.end());
    tiny.print(tiny.learning("train.txt", 3, flags));
    fs::remove_all(tiny.path("save"));
    return tiny.score("train_loss");
  };
  const double text = loss({});
  for (const std::string format : {"mindrecord", "tfrecord"}) {
    const Outcome made =
        Process(
            command_of("generate_squad_records",
                       {"--train_file=" + tiny.path("train.txt"), "--predict_file=" + tiny.path("train.txt"),
                        "--do_shuffle=false", "--vocab_file=" + tiny.path("vocab.txt"), "--max_seq_length=32",
                        "--max_query_length=10", "--doc_stride=8", "--dataset_format=" + format,
                        "--output_dir=" + tiny.path(format)}),
            "")
            .wait();
    REQUIRE_MESSAGE(made.status == 0, made.err);
    const std::string ending = format == "mindrecord" ? ".mindrecord" : ".tf_record";
    std::string train, eval;
    for (const auto& entry : fs::directory_iterator(tiny.path(format))) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with(".db")) continue;
      (name.starts_with("train") ? train : eval) = entry.path().string();
    }
    const Words records{"--dataset_format=" + format, "--train_data_file_path=" + train,
                        "--eval_data_file_path=" + eval, "--eval_json_path=" + tiny.path("train.txt")};
    CHECK(loss(records) == text);
    Words wrong = records;
    wrong.insert(wrong.end(), google.begin(), google.end());
    wrong.push_back("--max_query_length=3");
    wrong.push_back("--save_finetune_checkpoint_path=");
    tiny.refuse(tiny.learning("train.txt", 1, wrong), "were they made with other --seq_length");
    Words no_json{"--dataset_format=" + format, "--train_data_file_path=" + train,
                  "--eval_data_file_path=" + eval};
    tiny.refuse(tiny.learning("train.txt", 1, no_json), "give --eval_json_path");
  }
}

TEST_CASE("run_squad goes on after a stop to the same bits, the threshold included") {
  const TinySquad tiny;
  const Words steady{"--dropout=0.1",  "--gradient_accumulation_steps=2", "--train_batch_size=3",
                     "--eval_steps=2", "--save_checkpoint_steps=1",       "--keep_checkpoints=1000",
                     "--max_steps=6"};
  const auto train = [&](const std::string& folder, const Words& more = {}) {
    Words flags = steady;
    flags.push_back("--save_finetune_checkpoint_path=" + tiny.path(folder));
    flags.insert(flags.end(), more.begin(), more.end());
    tiny.print(tiny.learning("v2.json", 1, flags));
  };
  train("whole");
  fs::create_directories(tiny.path("resumed"));
  fs::copy(tiny.path("whole/checkpoint-3"), tiny.path("resumed/checkpoint-3"), fs::copy_options::recursive);
  train("resumed", {"--resume"});
  for (const char* step : {"4", "5", "6"}) {
    for (const char* file :
         {"model.safetensors", "optimizer.safetensors", "trainer_state.json", "config.json"}) {
      CAPTURE(step);
      CAPTURE(file);
      const std::string name = fmt::format("checkpoint-{}/{}", step, file);
      CHECK(file_content(tiny.path("whole/" + name)) == file_content(tiny.path("resumed/" + name)));
    }
  }
  CHECK(tiny.settings("whole/checkpoint-4").at("null_score_diff_threshold") != 0.0);
  // One that is given counts more than what was found.
  fs::create_directories(tiny.path("given"));
  fs::copy(tiny.path("whole/checkpoint-5"), tiny.path("given/checkpoint-5"), fs::copy_options::recursive);
  train("given", {"--resume", "--null_score_diff_threshold=0.25"});
  CHECK(tiny.settings("given/checkpoint-6").at("null_score_diff_threshold") == 0.25);
}

TEST_CASE("run_squad trained further learns that a text may not have the answer") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 5));
  CHECK(tiny.settings("save/best").at("version_2") == false);
  Words flags =
      tiny.using_it("--do_train", {"--train_data_file_path=" + tiny.path("v2.json"), "--epoch_num=1",
                                   "--save_finetune_checkpoint_path=" + tiny.path("more")});
  tiny.print(flags);
  CHECK(tiny.settings("more/checkpoint-1").at("version_2") == true);
}

TEST_CASE("run_squad finds the threshold that leaves everything without an answer when that is best") {
  const TinySquad tiny;
  // Questions that are almost all impossible, and a model that has learned nothing.
  Json file = toy_questions_with_none();
  for (Json& paragraph : file["data"][0]["paragraphs"]) {
    for (Json& qa : paragraph["qas"]) {
      qa["is_impossible"] = true;
      qa["answers"] = Json::array();
    }
  }
  tiny.write("none.json", file.dump());
  tiny.print(tiny.learning("none.json", 1, {"--learning_rate=0", "--end_learning_rate=0"}));
  CHECK(tiny.score("f1") == 100);
  CHECK(tiny.score("f1") == tiny.score("best_threshold_f1"));
}

TEST_CASE("run_squad answers alike whatever the batches") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 30));
  const Json wanted = tiny.json("save/nbest_predictions.json");
  for (const char* how : {"--eval_batch_size=1", "--eval_batch_size=3", "--eval_pad=given"}) {
    tiny.print(tiny.using_it("--do_eval", {how, "--eval_data_file_path=" + tiny.path("train.txt"),
                                           "--output_dir=" + tiny.path("out")}));
    const Json found = tiny.json("out/nbest_predictions.json");
    REQUIRE(found.size() == wanted.size());
    for (const auto& [id, answers] : wanted.items()) {
      CHECK(found.at(id)[0].at("text") == answers[0].at("text"));
      CHECK(std::abs(found.at(id)[0].at("probability").get<double>() -
                     answers[0].at("probability").get<double>()) < 1e-5);
    }
  }
}

TEST_CASE("run_squad finds answers far into a text, in the window that has them") {
  const TinySquad tiny;
  Json file = toy_questions();
  std::string filling;
  for (int i = 0; i < 12; ++i) filling += "the cake . ";
  for (Json& paragraph : file["data"][0]["paragraphs"]) {
    paragraph["context"] = filling + std::string(paragraph["context"]);
    for (Json& qa : paragraph["qas"])
      qa["answers"][0]["answer_start"] = qa["answers"][0]["answer_start"].get<size_t>() + filling.size();
  }
  tiny.write("long.json", file.dump());
  // 45 pieces, of which 24 or 25 fit beside the question, from every eighth on.
  const std::string out = tiny.print(tiny.learning("long.json", 40));
  CHECK(out.find("training data: 8 questions, 32 windows") != std::string::npos);
  CHECK(tiny.score("f1") == 100);
}

TEST_CASE("run_squad scores Chinese texts as CMRC 2018 does") {
  const TinySquad tiny;
  const std::string context = "\u5317\u4EAC\u5728\u4E2D\u6587";
  const Json file = file_of({{{"context", context},
                              {"qas",
                               {{{"id", "1"},
                                 {"question", "\u54EA\u5728"},
                                 {"answers", {{{"text", "\u5317\u4EAC"}, {"answer_start", 0}}}}}}}}});
  tiny.write("chinese.json", file.dump());
  const std::string out = tiny.print(tiny.learning("chinese.json", 40));
  CHECK(out.find(R"({"AVERAGE":100.0,"F1":100.0,"EM":100.0,"TOTAL":1})") != std::string::npos);
  CHECK(tiny.score("cmrc_f1") == 100);
  CHECK(tiny.json("save/predictions.json").at("1") == "\u5317\u4EAC");
  const std::string squad = tiny.print(tiny.using_it(
      "--do_eval", {"--assessment_method=SQuAD", "--eval_data_file_path=" + tiny.path("chinese.json")}));
  CHECK(squad.find(R"({"exact_match": 100.0, "f1": 100.0})") != std::string::npos);
}

TEST_CASE("run_squad trains on several files") {
  const TinySquad tiny;
  Json other = toy_questions();
  for (Json& paragraph : other["data"][0]["paragraphs"]) {
    for (Json& qa : paragraph["qas"]) qa["id"] = fmt::format("other{}", std::string(qa["id"]));
  }
  tiny.write("other.json", other.dump());
  const std::string out = tiny.print(tiny.learning(
      "train.txt", 1, {"--train_data_file_path=" + tiny.path("train.txt") + "," + tiny.path("other.json")}));
  CHECK(out.find("training data: 16 questions, 16 windows") != std::string::npos);

  const Json& qa = other["data"][0]["paragraphs"][0]["qas"][0];
  other["data"][0]["paragraphs"][0]["qas"] = {qa};
  other["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = -1;
  tiny.write("other.json", other.dump());
  const std::string moved =
      tiny.print(tiny.learning("train.txt", 1,
                               {"--train_data_file_path=" + tiny.path("other.json"),
                                "--save_finetune_checkpoint_path=" + tiny.path("second")}));
  CHECK(moved.find(", 1 answers found at another place than the data says\n") != std::string::npos);
}

TEST_CASE("run_squad goes on with other answers to score by, and finds the best anew") {
  const TinySquad tiny;
  Json file = toy_questions();
  const std::string dev = tiny.write("dev.json", file.dump());
  const auto train = [&](int steps, const Words& more) {
    Words flags{fmt::format("--max_steps={}", steps), "--eval_data_file_path=" + dev};
    flags.insert(flags.end(), more.begin(), more.end());
    const std::string out = tiny.print(tiny.learning("train.txt", 1, flags));
    return out.find("note: the evaluation data was another") != std::string::npos;
  };
  CHECK_FALSE(train(1, {}));
  CHECK_FALSE(train(2, {"--resume"}));
  file["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["text"] = "lives";
  tiny.write("dev.json", file.dump());
  CHECK(train(3, {"--resume"}));
}

TEST_CASE("run_squad tells of questions that nothing can be scored by, and of answers that are never given") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 1));
  Json file = toy_questions();
  Json& first = file["data"][0]["paragraphs"][0]["qas"];
  first[0]["answers"] = Json::array();
  const std::string some = tiny.print(
      tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.write("some.json", file.dump())}));
  CHECK(some.find("1 questions have no answer to score by: they count as wrong") != std::string::npos);
  for (Json& paragraph : file["data"][0]["paragraphs"]) {
    for (Json& qa : paragraph["qas"]) qa.erase("answers");
  }
  tiny.refuse(tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.write("none.json", file.dump())}),
              tiny.path("none.json") + ": no question has an answer to score by");
  // What is said to have no answer is right without one, and wrong where version 1 is asked for.
  const Words as_v2{"--eval_data_file_path=" + tiny.path("none.json"), "--version_2_with_negative=true"};
  CHECK(tiny.print(tiny.using_it("--do_eval", as_v2)).find("NoAns_exact") != std::string::npos);
  const Words as_v1{"--eval_data_file_path=" + tiny.path("v2.json"), "--version_2_with_negative=false"};
  CHECK(tiny.print(tiny.using_it("--do_eval", as_v1)).find("4 questions have no answer to score by") !=
        std::string::npos);
  // A threshold so low that no answer is always better.
  const std::string silent = tiny.print(
      tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.path("v2.json"),
                                  "--version_2_with_negative=true", "--null_score_diff_threshold=-1000"}));
  CHECK(silent.find("warning: no question is answered") != std::string::npos);
  // A text that nobody asks about is told of, though another one has questions.
  const Outcome asked =
      tiny.run(tiny.using_it("--do_predict"),
               "a text without a question\n\nanna lives in alden\nwhere does anna live ?\n");
  CHECK(asked.status == 0);
  CHECK(lines_of(asked.out).size() == 1);
  CHECK(asked.err.find("standard input:1: a text, but no question on the lines after it\n") !=
        std::string::npos);
}

TEST_CASE("run_squad's answers keep to a line, and leave the evaluation's files alone") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 30));
  const std::string kept = file_content(tiny.path("save/predictions.json"));
  Json file = toy_questions();
  file["data"][0]["paragraphs"][0]["qas"][0]["question"] = "where\tdoes\nanna live ?";
  const std::string asked = tiny.write("asked.json", "\xEF\xBB\xBF" + file.dump());
  const std::string out = tiny.print(
      tiny.using_it("--do_eval", {"--do_predict", "--json", "--eval_data_file_path=" + tiny.path("train.txt"),
                                  "--predict_data_file_path=" + asked, "--output_dir=" + tiny.path("save")}));
  CHECK(file_content(tiny.path("save/predictions.json")) == kept);
  CHECK(tiny.json("save/test_predictions.json").size() == 8);
  // Scores, then answers: nothing but objects.
  const std::vector<std::string> lines = lines_of(out);
  CHECK(lines.size() == 9);
  for (const std::string& line : lines) CHECK(Json::parse(line).is_object());

  const std::string plain = tiny.print(tiny.using_it("--do_predict", {"--predict_data_file_path=" + asked}));
  CHECK(lines_of(plain).size() == 8);
  CHECK(plain.find("\twhere does anna live ?\n") != std::string::npos);
  // A line of blanks parts texts as an empty one does; a text without a piece has no answer.
  const std::string blank = tiny.print(tiny.using_it("--do_predict"),
                                       "\u200D\nwho ?\n \t\nanna lives in alden\nwhere does anna live ?\n");
  CHECK(blank.starts_with("\t0.0000\twho ?\n"));
  const std::string as_json = tiny.print(tiny.using_it("--do_predict", {"--json"}), "\u200D\nwho ?\n");
  CHECK(Json::parse(as_json).at("n_best") == Json::array());
  CHECK(lines_of(blank).size() == 2);
}

TEST_CASE("run_squad says what is wrong with its input") {
  const TinySquad tiny;
  tiny.refuse({"--do_train"}, "--do_train needs --train_data_file_path");
  tiny.refuse(tiny.learning("train.txt", 1, {"--train_data_file_path=" + tiny.path("no.json")}), "no.json");
  tiny.write("bad.json", "{\"data\": [}");
  tiny.refuse(tiny.learning("train.txt", 1, {"--eval_data_file_path=" + tiny.path("bad.json")}), "bad.json");
  tiny.write("empty.json", "");
  tiny.refuse(tiny.learning("train.txt", 1, {"--train_data_file_path=" + tiny.path("empty.json")}),
              "empty.json");
  Json two = toy_questions();
  two["data"][0]["paragraphs"][0]["qas"][0]["answers"].push_back({{"text", "anna"}, {"answer_start", 0}});
  tiny.write("two.json", two.dump());
  tiny.refuse(tiny.learning("train.txt", 1, {"--train_data_file_path=" + tiny.path("two.json")}),
              "question 'a0'");
  tiny.refuse(tiny.learning("train.txt", 1, {"--seq_length=12"}), "leaves no room for the text");
  tiny.refuse(tiny.learning("train.txt", 1, {"--seq_length=65", "--max_position_embeddings=64"}),
              "--seq_length 65 is above");
  tiny.refuse(tiny.learning("train.txt", 1, {"--assessment_method=accuracy"}),
              "expected one of auto, squad, cmrc");
  tiny.refuse(tiny.learning("train.txt", 1, {"--doc_stride=0"}), "--doc_stride");

  tiny.print(tiny.learning("train.txt", 1));
  tiny.refuse(tiny.using_it("--do_predict"), "standard input:2", "anna lives in alden\nwhere \xFF\n");
  tiny.refuse(tiny.using_it("--do_eval"), "--do_eval needs --eval_data_file_path");
  tiny.refuse(tiny.using_it("--do_predict", {"--tokenizer=google"}),
              "--tokenizer google: the question answering model in");
  const Outcome other =
      Process(command_of("run_ner", {"--do_predict", "--load_finetune_checkpoint_path=" + tiny.path("save")}),
              "")
          .wait();
  CHECK(other.status == 2);
  CHECK(other.err.find("this is not a tagger trained by run_ner") != std::string::npos);
  tiny.write("lines.txt", "a text\nwho\n");
  tiny.refuse(tiny.using_it("--do_predict", {"--predict_data_file_path=" + tiny.path("lines.txt"),
                                             "--output_dir=" + tiny.path("lines")}),
              "answers to lines of text go to standard output");
  tiny.refuse(tiny.using_it("--do_predict"), "standard input:1: this looks like JSON",
              toy_questions().dump());
  tiny.refuse(tiny.using_it("--do_eval",
                            {"--assessment_method=cmrc", "--eval_data_file_path=" + tiny.path("v2.json")}),
              "that scorer knows no questions without an answer");
  tiny.refuse(tiny.learning("train.txt", 1, {"--eval_json_path=" + tiny.path("v2.json")}),
              "which of them to score on?");
  const std::string data = "--train_data_file_path=" + tiny.path("train.txt");
  tiny.refuse(tiny.learning("train.txt", 1, {data + ","}), "a comma with no file beside it");
  tiny.refuse(tiny.learning("train.txt", 1, {data + "," + tiny.path("train.txt")}), "is named twice");
  tiny.refuse(tiny.learning("train.txt", 1, {data + "," + tiny.path("./train.txt")}), "is named twice");
  tiny.refuse(
      tiny.learning("v2.json", 1, {"--version_2_with_negative=false"}),
      "--version_2_with_negative false: " + tiny.path("v2.json") + " has 4 questions without an answer");
  poison(tiny.path("save/best"), "qa_outputs.weight");
  tiny.refuse(tiny.using_it("--do_eval", {"--eval_data_file_path=" + tiny.path("train.txt")}),
              "question 'a0': the model gives an infinite number, or none");
  fs::remove_all(tiny.path("save"));
  tiny.print(tiny.learning("train.txt", 1));
  // Nothing is asked: nothing is answered.
  CHECK(tiny.print(tiny.using_it("--do_predict"), "").empty());
  CHECK(tiny.print(tiny.using_it("--do_predict"), "a text without a question\n").empty());
}
