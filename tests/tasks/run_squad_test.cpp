// Using a model that run_squad has trained: answers, scores and the files it writes.
#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;
namespace fs = std::filesystem;

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

  const Json answer = json_of(tiny.print(tiny.using_it("--do_predict", {"--json"}),
                                         "anna lives in alden . boris is in brom\nwhere is boris ?\n"));
  CHECK(answer.at("question") == "where is boris ?");
  CHECK(answer.at("answer") == "brom");
  CHECK(answer.at("start") == 34);
  CHECK(answer.at("end") == 38);
  CHECK(answer.at("n_best")[0].at("probability") == answer.at("probability"));
}

TEST_CASE("run_squad answers in int8 what it answers in float32, once calibrated") {
  if (!has_int8()) return;
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 60));
  const std::string calibrated = tiny.print(
      tiny.using_it("--calibrate=" + tiny.path("train.txt"), {"--output_dir=" + tiny.path("int8")}));
  CHECK(calibrated.find("calibrate: fp32: f1 100.00, ") != std::string::npos);
  CHECK(calibrated.find(R"({"exact_match": 100.0, "f1": 100.0})") != std::string::npos);
  const std::string input = "anna lives in alden . boris is in brom\nwhere is boris ?\n";
  const std::string answers = tiny.print(tiny.using_it("--do_predict", {"--compute_type=int8"}), input);
  CHECK(answers.starts_with("brom\t"));
}

TEST_CASE("run_squad answers a file without answers and writes what it predicts") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 30, {"--output_dir=" + tiny.path("none")}));
  Json file = toy_questions();
  edit_questions(file, [](Json& question) { question.erase("answers"); });
  tiny.write("asked.json", json_text(file));
  tiny.print(tiny.using_it("--do_predict", {"--predict_data_file_path=" + tiny.path("asked.json"),
                                            "--output_dir=" + tiny.path("out")}));
  for (const char* name : {"predictions.json", "nbest_predictions.json"})
    CHECK(file_content(tiny.path(fmt::format("out/{}", name))) ==
          file_content(tiny.path(fmt::format("none/{}", name))));
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
      tiny.json("save/best/config.json").at("gradus_squad").at("null_score_diff_threshold").number();

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
        run_program("generate_squad_records",
                    {"--train_file=" + tiny.path("train.txt"), "--predict_file=" + tiny.path("train.txt"),
                     "--do_shuffle=false", "--vocab_file=" + tiny.path("vocab.txt"), "--max_seq_length=32",
                     "--max_query_length=10", "--doc_stride=8", "--dataset_format=" + format,
                     "--output_dir=" + tiny.path(format)});
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

TEST_CASE("run_squad finds the threshold that leaves everything without an answer when that is best") {
  const TinySquad tiny;
  // Questions that are almost all impossible, and a model that has learned nothing.
  Json file = toy_questions_with_none();
  edit_questions(file, [](Json& question) {
    question["is_impossible"] = true;
    question["answers"] = Json::array();
  });
  tiny.write("none.json", json_text(file));
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
    for (const auto& [id, answers] : wanted.members()) {
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
  Json& paragraphs = file["data"][0]["paragraphs"];
  for (size_t i = 0; i < paragraphs.size(); ++i)
    paragraphs[i]["context"] = filling + paragraphs[i]["context"].text();
  edit_questions(file, [&](Json& question) {
    Json& start = question["answers"][0]["answer_start"];
    start = start.get<size_t>() + filling.size();
  });
  tiny.write("long.json", json_text(file));
  // 45 pieces, of which 24 or 25 fit beside the question, from every eighth on.
  const std::string out = tiny.print(tiny.learning("long.json", 40));
  CHECK(out.find("training data: 8 questions, 32 windows") != std::string::npos);
  CHECK(tiny.score("f1") == 100);
}

TEST_CASE("run_squad scores Chinese texts as CMRC 2018 does") {
  const TinySquad tiny;
  const std::string context = "\u5317\u4EAC\u5728\u4E2D\u6587";
  const Json file = squad_file(
      Json::array({{{"context", context},
                    {"qas", Json::array({squad_question("1", "\u54EA\u5728", context, "\u5317\u4EAC")})}}}));
  tiny.write("chinese.json", json_text(file));
  const std::string out = tiny.print(tiny.learning("chinese.json", 40));
  CHECK(out.find(R"({"AVERAGE":100.0,"F1":100.0,"EM":100.0,"TOTAL":1})") != std::string::npos);
  CHECK(tiny.score("cmrc_f1") == 100);
  CHECK(tiny.json("save/predictions.json").at("1") == "\u5317\u4EAC");
  const std::string squad = tiny.print(tiny.using_it(
      "--do_eval", {"--assessment_method=SQuAD", "--eval_data_file_path=" + tiny.path("chinese.json")}));
  CHECK(squad.find(R"({"exact_match": 100.0, "f1": 100.0})") != std::string::npos);
}

TEST_CASE("run_squad's answers keep to a line, and leave the evaluation's files alone") {
  const TinySquad tiny;
  tiny.print(tiny.learning("train.txt", 30));
  const std::string kept = file_content(tiny.path("save/predictions.json"));
  Json file = toy_questions();
  file["data"][0]["paragraphs"][0]["qas"][0]["question"] = "where\tdoes\nanna live ?";
  const std::string asked = tiny.write("asked.json", "\xEF\xBB\xBF" + json_text(file));
  const std::string out = tiny.print(
      tiny.using_it("--do_eval", {"--do_predict", "--json", "--eval_data_file_path=" + tiny.path("train.txt"),
                                  "--predict_data_file_path=" + asked, "--output_dir=" + tiny.path("save")}));
  CHECK(file_content(tiny.path("save/predictions.json")) == kept);
  CHECK(tiny.json("save/test_predictions.json").size() == 8);
  // Scores, then answers: nothing but objects.
  const std::vector<std::string> lines = lines_of(out);
  CHECK(lines.size() == 9);
  for (const std::string& line : lines) CHECK(json_of(line).is_object());

  const std::string plain = tiny.print(tiny.using_it("--do_predict", {"--predict_data_file_path=" + asked}));
  CHECK(lines_of(plain).size() == 8);
  CHECK(plain.find("\twhere does anna live ?\n") != std::string::npos);
  // A line of blanks parts texts as an empty one does; a text without a piece has no answer.
  const std::string blank = tiny.print(tiny.using_it("--do_predict"),
                                       "\u200D\nwho ?\n \t\nanna lives in alden\nwhere does anna live ?\n");
  CHECK(blank.starts_with("\t0.0000\twho ?\n"));
  const std::string as_json = tiny.print(tiny.using_it("--do_predict", {"--json"}), "\u200D\nwho ?\n");
  CHECK(json_of(as_json).at("n_best") == Json::array());
  CHECK(lines_of(blank).size() == 2);
}
