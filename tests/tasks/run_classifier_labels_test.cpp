// run_classifier on texts with any number of labels: learned, scored, predicted in every form, kept with the model.
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/files.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"

using namespace gradus;

namespace {

// What labelled_texts says, with a column for each label.
std::string columns() {
  std::string table = "id,text,good,bad,film,book\n";
  const Words lines = lines_of(labelled_texts);
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t tab = lines[i].find('\t');
    table += fmt::format("{},{}", i, lines[i].substr(0, tab));
    for (const std::string label : {"good", "bad", "film", "book"})
      table += lines[i].find(label, tab) == std::string::npos ? ",0" : ",1";
    table += '\n';
  }
  return table;
}

// And as JSON lines.
std::string objects() {
  std::string rows;
  const Words lines = lines_of(labelled_texts);
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t tab = lines[i].find('\t');
    Json labels = Json::array();
    for (const std::string label : {"good", "bad", "film", "book"})
      if (lines[i].find(label, tab) != std::string::npos) labels.push_back(label);
    rows += json_text({{"text", lines[i].substr(0, tab)}, {"labels", labels}}) + "\n";
  }
  return rows;
}

Words on(const std::string& data, const Words& more = several_labels) {
  return joined({"--train_data_file_path=" + data, "--eval_data_file_path=" + data}, more);
}

}  // namespace

TEST_CASE("any number of labels is learned, scored and predicted, and the folder says so to transformers") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("labels.tsv", labelled_texts);
  const std::string best = tiny.train_well(joined(on(data), {"--epoch_num=250"}));
  const Json config = json_of(file_content(best + "/config.json"));
  CHECK(config.at("problem_type") == "multi_label_classification");
  CHECK(config.at("id2label").size() == 4);
  tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + data}));
  for (const std::string score :
       {"micro_f1", "macro_f1", "micro_average_precision", "macro_average_precision", "subset_accuracy"})
    CHECK_MESSAGE(tiny.score(score) == doctest::Approx(100), score);
  CHECK(tiny.score("eval_loss") < 0.1);

  const std::string texts = "good book\nthe play\n";
  const Words lines = lines_of(tiny.print(tiny.predicting(best), texts));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("book,good\t0."));
  CHECK(lines[0].ends_with("\tgood book"));
  CHECK(lines[1] == "\t\tthe play");
  const Words rows = lines_of(tiny.print(tiny.predicting(best, {"--json"}), texts));
  REQUIRE(rows.size() == 2);
  CHECK(json_text(json_of(rows[0]).at("labels")) == R"(["book","good"])");
  CHECK(json_of(rows[0]).at("probabilities").size() == 4);
  CHECK(json_of(rows[1]).at("labels").empty());

  const std::string table = tiny.write("new.csv", "id,text\n7,\"good book\"\n8,the play\n");
  const Words filled = lines_of(
      tiny.print(tiny.predicting(best, {"--predict_form=table", "--predict_data_file_path=" + table})));
  REQUIRE(filled.size() == 3);
  CHECK(filled[0] ==
        "id,text,predicted_labels,probability_bad,probability_book,probability_film,probability_good");
  CHECK(filled[1].starts_with("7,\"good book\",\"book,good\",0."));
  CHECK(filled[2].starts_with("8,the play,,0."));
}

TEST_CASE("labels in cells, in columns of 0 and 1 and in JSON lists are the same") {
  const TinyClassifier tiny;
  const Words names{"--label_columns=good,bad,film,book"};
  const std::string list = tiny.write("list.txt", "good\nbad\nfilm\nbook\n");
  const Words steps{"--max_steps=5", "--overwrite_output_dir", "--label_file_path=" + list};
  std::vector<double> losses;
  for (const auto& [name, text, how] : {std::tuple{"a.tsv", labelled_texts, several_labels},
                                        {"b.csv", columns(), names},
                                        {"c.json", objects(), several_labels}}) {
    tiny.print(tiny.training(joined(on(tiny.write(name, text), how), steps)));
    losses.push_back(tiny.train_loss());
  }
  CHECK(losses[0] == losses[1]);
  CHECK(losses[0] == losses[2]);
  // Their order is that of the columns where nothing else says it.
  const std::string best = tiny.train_best(on(tiny.path("b.csv"), joined(names, {"--overwrite_output_dir"})));
  CHECK(json_of(file_content(best + "/config.json")).at("id2label").at("0") == "good");
  // A trained model reads every form.
  for (const std::string name : {"a.tsv", "b.csv", "c.json"})
    tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + tiny.path(name)}));
}

TEST_CASE("thresholds are found on the evaluation data, kept, and decide") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("labels.tsv", labelled_texts);
  // Too little learned for any label to reach a half by itself.
  const std::string best =
      tiny.train_best(on(data, joined(several_labels, {"--tune_thresholds", "--do_eval"})));
  const double tuned = tiny.score("macro_f1");
  Json settings = json_of(file_content(best + "/config.json")).at("gradus_classifier");
  REQUIRE(settings.at("thresholds").size() == 4);
  tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + data}));
  CHECK(tiny.score("macro_f1") == doctest::Approx(tuned).epsilon(1e-9));
  settings["thresholds"] = Json::array({0, 1, 0, 1});
  edit_config(best, "gradus_classifier", settings);
  const Words line = lines_of(tiny.print(tiny.predicting(best), "good\n"));
  REQUIRE(line.size() == 1);
  CHECK(line[0].starts_with("bad,film\t"));  // the first and the third of bad, book, film and good
  settings["thresholds"] = Json::array();
  edit_config(best, "gradus_classifier", settings);
  tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + data}));
  CHECK(tiny.score("macro_f1") <= tuned);
}

TEST_CASE("a separator of one's own parts labels, and is written between them") {
  const TinyClassifier tiny;
  const std::string data = tiny.write(
      "labels.tsv", "text\tlabels\ngood film\tgood, really|film\nbad film\tfilm\ngood\tgood, really\n");
  const std::string best = tiny.train_best(on(data, joined(several_labels, {"--label_separator=|"})));
  Json settings = json_of(file_content(best + "/config.json")).at("gradus_classifier");
  settings["thresholds"] = Json::array({0, 0});
  edit_config(best, "gradus_classifier", settings);
  CHECK(tiny.print(tiny.predicting(best), "good\n").starts_with("film|good, really\t"));
  tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + data}));
  const std::string list = tiny.write("lists.json", R"({"text": "a", "labels": ["x, y"]})"
                                                    "\n");
  tiny.refuse(tiny.training(on(list)), "the label 'x, y' has a ',' in it, which stands between labels");
}

TEST_CASE("run_classifier refuses labels and options that are none of any number of labels") {
  const TinyClassifier tiny;
  const auto refuse = [&](const std::string& name, const std::string& text, const std::string& error,
                          const Words& more = several_labels) {
    const std::string path = tiny.write(name, text);
    tiny.refuse(tiny.training(on(path, more)), path + error);
  };
  const Words names{"--label_columns=good,bad"};
  refuse("a.tsv", "text\tlabels\na\tx,,y\n", ":2: an empty label in 'x,,y'");
  refuse("a.tsv", "text\tlabels\na\tx,x\n", ":2: the label 'x' is there twice");
  refuse("a.tsv", "text\tlabels\na\t\nb\t\n", ": no text has a label, and there is nothing to learn");
  refuse("a.csv", "text,good,bad\na,1,0\nb,2,0\n",
         ":3: 'good' is '2': expected 1 where the label holds, or 0", names);
  refuse("a.csv", "text,good\na,1\n", ":1: ", names);
  refuse("a.json",
         R"({"text": "a", "labels": [1, {}]})"
         "\n",
         ":1: \"labels\" is a JSON object");
  refuse("a.json",
         R"({"text": "a", "labels": ["x"]})"
         "\n",
         ":1: \"labels\" is a list: --problem_type multi_label_classification reads any number", {});
  refuse("a.json",
         R"({"text": "a", "good": true})"
         "\n",
         ":1: ", names);
  const std::string data = tiny.write("labels.tsv", labelled_texts);
  const std::string dev = tiny.write("dev.tsv", "text\tlabels\na\tgood\nb\tgood,odd\n");
  tiny.refuse(tiny.training(joined(on(data), {"--eval_data_file_path=" + dev})),
              dev + ":3: unknown label 'odd': expected one of bad, book, film, good");
  const auto refuse_options = [&](const Words& more, const std::string& error) {
    tiny.refuse(tiny.training(joined(on(data), more)), error);
  };
  refuse_options({"--class_weights=balanced"}, "--class_weights balanced: a text has any number of labels");
  refuse_options({"--label_smoothing=0.1"}, "--label_smoothing 0.1: a text has any number of labels");
  refuse_options({"--assessment_method=mcc"},
                 "--assessment_method mcc: --problem_type multi_label_classification is judged by micro_f1");
  refuse_options({"--label_separator=ab"}, "--label_separator 'ab': expected one character");
  refuse_options({"--task_name=sst2"}, "");
  tiny.refuse(tiny.training({"--tune_thresholds"}),
              "--tune_thresholds: --problem_type single_label_classification");
  tiny.refuse(tiny.training({"--label_columns=a", "--problem_type=regression"}), "--label_columns a: ");
  // A model of one kind is none of another.
  const std::string best = tiny.train_best(on(data));
  tiny.refuse(tiny.scoring(best, {"--problem_type=regression", "--eval_data_file_path=" + data}),
              "--problem_type regression: the classifier gives any number of labels a text");
  tiny.refuse(tiny.scoring(best, {"--assessment_method=accuracy", "--eval_data_file_path=" + data}),
              "--assessment_method accuracy: the classifier gives any number of labels a text");
}
