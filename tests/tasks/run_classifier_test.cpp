// Using a classifier that run_classifier has trained: scores, predictions, and the files it writes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "core/error.h"
#include "tests/data/files.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// The evaluation's text: from the first rule on.
std::string report(const std::string& log) { return part_from(log, "=============="); }

// "eval_accuracy = 1" and so on, by name.
std::map<std::string, std::string> results(const std::string& path) {
  std::map<std::string, std::string> values;
  std::string previous;
  for (const std::string& line : lines_of(file_content(path))) {
    const size_t at = line.find(" = ");
    REQUIRE(at != std::string::npos);
    CHECK(previous < line);
    previous = line;
    values[line.substr(0, at)] = line.substr(at + 3);
  }
  return values;
}

std::vector<double> numbers(const std::string& line) {
  std::vector<double> values;
  std::istringstream in(line);
  for (double value = 0; in >> value;) values.push_back(value);
  return values;
}

}  // namespace

TEST_CASE("a classifier in int8 has the classes it has in float32, once calibrated") {
  if (!has_int8()) return;
  const TinyClassifier tiny;
  const std::string model = tiny.train_well({});
  const std::string exact = tiny.print(tiny.scoring(model));
  const std::string calibrated = tiny.print(tiny.scoring(model, {"--calibrate=" + tiny.path("train.txt")}));
  CHECK(calibrated.find("calibrate: fp32: accuracy 100.00, ") != std::string::npos);
  CHECK(report(calibrated) == report(exact));
  CHECK(report(tiny.print(tiny.scoring(model, {"--compute_type=int8"}))) == report(exact));
}

TEST_CASE("a saved classifier scores as it did after training, whatever the batches") {
  const TinyClassifier tiny;
  const std::string trained = report(tiny.print(tiny.training({"--do_eval", "--eval_steps=1000"})));
  CHECK(trained.find("acc_num ") != std::string::npos);
  const double loss = tiny.score("eval_loss");
  const std::string best = tiny.path("save/best");
  for (const std::string pad : {"given", "grouped"}) {
    for (const std::string size : {"1", "5", "12", "64", "1000000000"}) {
      CAPTURE(pad);
      CAPTURE(size);
      CHECK(report(tiny.print(tiny.scoring(best, {"--eval_pad=" + pad, "--eval_batch_size=" + size}))) ==
            trained);
      CHECK(tiny.score("eval_loss") == doctest::Approx(loss).epsilon(1e-6));
    }
  }
  CHECK(report(tiny.print(tiny.scoring(best + "/model.safetensors"))) == trained);
  CHECK(report(tiny.print(tiny.scoring(tiny.path("save")))) == trained);
}

TEST_CASE("every assessment method in every spelling of case") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::vector<std::pair<std::string, std::string>> methods{
      {"Accuracy", "acc_num "}, {"ACCURACY", "acc_num "}, {"f1", "Precision "},     {"F1", "Precision "},
      {"Mcc", "MCC "},          {"MCC", "MCC "},          {"macro_F1", "Macro F1 "}};
  for (const auto& [method, text] : methods) {
    CAPTURE(method);
    const std::string out = tiny.print(tiny.scoring(best, {"--assessment_method=" + method}));
    CHECK(out.find("\n" + text) != std::string::npos);
    CHECK(out.find("gold \\ predicted") != std::string::npos);
  }
  const std::string data = tiny.write("scores.txt", scored_texts);
  const std::string save = tiny.path("scores");
  tiny.print(tiny.training({"--max_steps=1", "--assessment_method=spearman", "--train_data_file_path=" + data,
                            "--eval_data_file_path=" + data, "--save_finetune_checkpoint_path=" + save}));
  for (const std::string method : {"Spearman_correlation", "PEARSON_correlation", "spearman", "Pearson"}) {
    CAPTURE(method);
    const std::string out =
        tiny.print(tiny.scoring(save, {"--eval_data_file_path=" + data, "--assessment_method=" + method}));
    CHECK(out.find(" Correlation is ") != std::string::npos);
  }
}

TEST_CASE("of more than two classes the F1 of all but the first is given where it was asked for") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("three.tsv", "good film\tpos\nbad film\tneg\nfilm\tneutral\n");
  tiny.print(tiny.training({"--max_steps=1", "--train_data_file_path=" + data}));
  const auto scores = [&](const std::string& method) {
    tiny.print(
        tiny.scoring(tiny.path("save"), {"--eval_data_file_path=" + data, "--assessment_method=" + method,
                                         "--output_dir=" + tiny.path("results")}));
    return results(tiny.path("results/eval_results.txt"));
  };
  CHECK_FALSE(scores("accuracy").contains("eval_f1"));
  CHECK(scores("accuracy").contains("eval_macro_f1"));
  CHECK(scores("f1").contains("eval_f1"));
}

TEST_CASE("numbers that are all alike are told of") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("scores.txt", scored_texts);
  const std::string out = tiny.print(
      tiny.training({"--do_eval", "--epoch_num=10", "--learning_rate=1e-2", "--assessment_method=spearman",
                     "--train_data_file_path=" + data, "--eval_data_file_path=" + data}));
  CHECK(out.find("warning: every prediction is ") == std::string::npos);
  const std::string best = tiny.path("save/best");
  edit_tensor(best, "classifier.weight", [](std::vector<float>& values) { std::ranges::fill(values, 0.0F); });
  CHECK(tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + data}))
            .find("warning: every prediction is ") != std::string::npos);
}

TEST_CASE("the result files have what the programs for BERT write") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_well({"--epoch_num=2"});
  const std::string folder = tiny.path("new/results");
  tiny.print(tiny.scoring(best, {"--do_predict", "--output_dir=" + folder}), "good film\nbad\n\n");
  const auto values = results(folder + "/eval_results.txt");
  CHECK(std::stod(values.at("eval_accuracy")) == doctest::Approx(tiny.score("accuracy") / 100));
  CHECK(std::stod(values.at("eval_loss")) == doctest::Approx(tiny.score("eval_loss")));
  CHECK(values.at("loss") == values.at("eval_loss"));
  CHECK(values.at("global_step") == "6");  // of the training, though this run had none
  CHECK(values.contains("eval_f1"));
  CHECK(values.contains("eval_mcc"));
  const std::vector<std::string> rows = lines_of(file_content(folder + "/test_results.tsv"));
  REQUIRE(rows.size() == 3);
  for (const std::string& row : rows) {
    CHECK(std::count(row.begin(), row.end(), '\t') == 1);
    const std::vector<double> probabilities = numbers(row);
    REQUIRE(probabilities.size() == 2);
    CHECK(probabilities[0] + probabilities[1] == doctest::Approx(1));
  }
  // Training puts them beside its checkpoints, unless told otherwise; with JSON as well.
  tiny.print(tiny.training(
      {"--do_eval", "--json", "--max_steps=2", "--save_finetune_checkpoint_path=" + tiny.path("other")}));
  CHECK(results(tiny.path("other/eval_results.txt")).at("global_step") == "2");
  CHECK_FALSE(fs::exists(tiny.path("other/test_results.tsv")));
}

TEST_CASE("run_classifier classifies lines, as text and as JSON") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_well();
  const std::vector<std::string> text{"good film", "", "  very \xE5\xA5\xBD\"bad\" .", "\xE2\x80\x8D",
                                      "the play is good"};
  std::string input;
  for (const std::string& line : text) input += line + "\n";
  const Outcome plain = tiny.run(tiny.predicting(best), input);
  REQUIRE_MESSAGE(plain.status == 0, plain.err);
  CHECK(plain.err == "standard input: 5 examples, 12 pieces, 2 texts without a piece\n");
  const std::vector<std::string> lines = lines_of(plain.out);
  REQUIRE(lines.size() == text.size());
  CHECK(lines[0].starts_with("pos\t0.9"));
  CHECK(lines[2].starts_with("neg\t0.9"));
  for (size_t i = 0; i < text.size(); ++i) CHECK(lines[i].ends_with("\t" + text[i]));

  const std::vector<std::string> out = lines_of(tiny.print(tiny.predicting(best, {"--json"}), input));
  REQUIRE(out.size() == text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const Json row = json_of(out[i]);
    CHECK(row.at("text") == text[i]);
    const double neg = row.at("probabilities").at("neg").number(),
                 pos = row.at("probabilities").at("pos").number();
    CHECK(neg + pos == doctest::Approx(1));
    CHECK(row.at("label") == (pos > neg ? "pos" : "neg"));
    CHECK(lines[i].starts_with(
        fmt::format("{}\t{:.4f}\t", row.at("label").get<std::string>(), std::max(neg, pos))));
  }
  // A byte order mark, CRLF and an unfinished last line make no difference; nor do more lines than are read at a time.
  const std::string dressed = "\xEF\xBB\xBF" + with_crlf(input);
  CHECK(tiny.print(tiny.predicting(best), dressed.substr(0, dressed.size() - 2)) == plain.out);
  CHECK(tiny.print(tiny.predicting(best, {"--predict_data_file_path=" + tiny.write("in.txt", dressed)})) ==
        plain.out);
  const std::string packed = tiny.write("in.gz", test::gzipped(dressed));
  CHECK(tiny.print(tiny.predicting(best, {"--predict_data_file_path=" + packed})) == plain.out);
  const std::string cut =
      tiny.write("cut.gz", file_content(packed).substr(0, file_content(packed).size() / 2));
  tiny.refuse(tiny.predicting(best, {"--predict_data_file_path=" + cut}), cut + ": damaged gzip");
  CHECK(tiny.print(tiny.predicting(best), "").empty());
  std::string many;
  for (int i = 0; i < 30; ++i) many += input;
  const std::vector<std::string> out_of_many = lines_of(tiny.print(tiny.predicting(best), many));
  REQUIRE(out_of_many.size() == 150);
  for (size_t i = 0; i < 150; ++i) CHECK(out_of_many[i].substr(0, 3) == lines[i % text.size()].substr(0, 3));
}

TEST_CASE("a text longer than the sequence is cut, and the log says so") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_well();
  std::string text = "good";
  for (int i = 0; i < 40; ++i) text += " film";
  const Outcome outcome = tiny.run(tiny.predicting(best), text + " bad\n");
  CHECK(outcome.status == 0);
  CHECK(outcome.out.ends_with("\t" + text + " bad\n"));
  CHECK(outcome.err ==
        "standard input: 1 example, 42 pieces, 1 example longer than the sequence, 20 pieces dropped\n");
}

TEST_CASE("pairs are predicted from two texts with a tab between") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("pairs.txt", classified_pairs);
  const std::string best =
      tiny.train_well({"--train_data_file_path=" + data, "--eval_data_file_path=" + data});
  const std::vector<std::string> lines =
      lines_of(tiny.print(tiny.predicting(best), "blue book\tgood\nred play\tvery bad\n\t\n"));
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("like\t0.9"));
  CHECK(lines[0].ends_with("\tblue book\tgood"));
  CHECK(lines[1].starts_with("other\t0.9"));
  const Json row = json_of(tiny.print(tiny.predicting(best, {"--json"}), "red ball\t\n"));
  CHECK(row.at("text_a") == "red ball");
  CHECK(row.at("text_b") == "");
}

TEST_CASE("scores are predicted as such") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("scores.txt", scored_texts);
  const std::string best = tiny.train_well(
      {"--assessment_method=pearson", "--train_data_file_path=" + data, "--eval_data_file_path=" + data});
  const auto config = json_of(file_content(best + "/config.json"));
  CHECK(config.at("problem_type") == "regression");
  CHECK(config.at("id2label").size() == 1);
  const std::string results = tiny.path("results");
  const std::string out =
      tiny.print(tiny.predicting(best, {"--output_dir=" + results}), "good good film\nbad bad book\n");
  const std::vector<std::string> lines = lines_of(out);
  REQUIRE(lines.size() == 2);
  CHECK(numbers(lines[0]).at(0) == doctest::Approx(2).epsilon(0.3));
  CHECK(numbers(lines[1]).at(0) == doctest::Approx(-2).epsilon(0.3));
  const std::vector<std::string> rows = lines_of(file_content(results + "/test_results.tsv"));
  REQUIRE(rows.size() == 2);
  CHECK(lines[0] == fmt::format("{:.4f}\tgood good film", std::stod(rows[0])));
  const Json row = json_of(tiny.print(tiny.predicting(best, {"--json"}), "good good film\n"));
  CHECK(row.at("score").get<double>() == doctest::Approx(std::stod(rows[0])));
  CHECK_FALSE(row.contains("label"));
}

TEST_CASE("a classifier is used on data in its own form, or in another") {
  const TinyClassifier tiny;
  const std::string sst =
      tiny.write("sst.tsv", "sentence\tlabel\ngood film\t1\nbad film\t0\nthe good book\t1\na bad play\t0\n");
  const std::string best =
      tiny.train_well({"--task_name=sst2", "--train_data_file_path=" + sst, "--eval_data_file_path=" + sst});
  // No --task_name: the checkpoint knows it.
  tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + sst}));
  CHECK(tiny.score("accuracy") == 100);
  const std::string test = tiny.write("test.tsv", "index\tsentence\n0\tgood film\n1\tbad film\n");
  const std::vector<std::string> lines =
      lines_of(tiny.print(tiny.predicting(best, {"--predict_data_file_path=" + test})));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("1\t0."));
  CHECK(lines[1].starts_with("0\t0."));
  const std::string own = tiny.write("own.tsv", "good film\t1\nbad film\t0\n");
  tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + own, "--task_name=tsv"}));
  CHECK(tiny.score("accuracy") == 100);
  const std::string texts = tiny.write("texts.txt", "good film\nbad film\n");
  CHECK(lines_of(tiny.print(
            tiny.predicting(best, {"--predict_data_file_path=" + texts, "--task_name=tsv"}))) == lines);
}

TEST_CASE("the help page of run_classifier has every option and examples") {
  const TinyClassifier tiny;
  const std::string help = tiny.print({"--help"});
  for (const std::string name :
       {"--task_name", "--num_class", "--label_file_path", "--class_weights", "--assessment_method",
        "--output_dir", "--do_predict", "--early_stopping_patience", "--eval_steps", "--resume",
        "--max_steps", "--seed"})
    CHECK_MESSAGE(help.find(name) != std::string::npos, name);
  CHECK(help.find("Example:\n  run_classifier --do_train") != std::string::npos);
  for (const std::string& line : lines_of(help)) CHECK_MESSAGE(line.size() <= 120, line);
}
