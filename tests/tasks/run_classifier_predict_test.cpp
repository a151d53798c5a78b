// What run_classifier makes of tables: the table with predictions in it, JSON lines, and data sets by name.
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

const std::string mark = "\xEF\xBB\xBF";

// The same texts as a spreadsheet saves them.
std::string sheet() {
  std::string table = mark + "id;review;rating\r\n";
  for (const std::string& line : lines_of(classified_texts)) {
    const size_t tab = line.find('\t');
    table += fmt::format("7;\"{}; so\n\";{}\r\n", line.substr(0, tab), line.substr(tab + 1));
  }
  return table;
}

const Words columns{"--text_column=review", "--label_column=rating"};

// The file of a form's layout.
std::string sample(const std::string& name) { return source_file("tests/data/forms/" + name).string(); }

// "…;pos;0.250000;0.750000": whether a row ends with a class and its probability.
void check_added(const std::string& row, const std::string& begin, const std::string& delimiter) {
  CAPTURE(row);
  REQUIRE(row.starts_with(begin + delimiter));
  const std::string added = row.substr(begin.size() + 1);
  const size_t first = added.find(delimiter), second = added.find(delimiter, first + 1);
  REQUIRE(second != std::string::npos);
  const double neg = std::stod(added.substr(first + 1)), pos = std::stod(added.substr(second + 1));
  CHECK(added.substr(0, first) == (neg >= pos ? "neg" : "pos"));
  CHECK(neg + pos == doctest::Approx(1).epsilon(1e-5));
}

}  // namespace

TEST_CASE(
    "run_classifier: a spreadsheet's table is trained on, scored, and comes back with predictions in it") {
  const TinyClassifier tiny;
  const std::string table = tiny.write("reviews.csv", sheet());
  const std::string log =
      tiny.print(tiny.training(joined(Words{"--max_steps=1", "--do_eval", "--train_data_file_path=" + table,
                                            "--eval_data_file_path=" + table},
                                      columns)));
  CHECK_MESSAGE(log.find(table + ": CSV with a semicolon between cells\n" + table +
                         ": texts from column 2 (review), labels from column 3 (rating); not used: id\n") !=
                    std::string::npos,
                log);
  const std::string best = tiny.path("save/best");
  const std::string fresh =
      tiny.write("new.csv", mark +
                                "id;review;rating\r\n1;\"a \"\"good\"\"\nfilm; yes\";?\r\n"
                                "2;bad;\r\n;;\r\n");
  Words flags{"--predict_data_file_path=" + fresh, "--predict_form=table"};
  flags = joined(flags, columns);
  const Outcome outcome = tiny.run(tiny.predicting(best, flags));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const std::string head = mark + "id;review;rating;predicted_label;probability_neg;probability_pos\r\n";
  REQUIRE(outcome.out.starts_with(head));
  const std::string rest = outcome.out.substr(head.size());
  const size_t end = rest.find("\r\n");
  check_added(rest.substr(0, end), "1;\"a \"\"good\"\"\nfilm; yes\";?", ";");
  check_added(rest.substr(end + 2), "2;bad;", ";");
  CHECK(rest.ends_with("\r\n"));
  CHECK(outcome.err.find("the labels in column 3 (rating) left alone") != std::string::npos);
  CHECK(outcome.err.find("1 empty line is left out\n") != std::string::npos);
  CHECK(outcome.err.find("columns added: predicted_label, probability_neg, probability_pos\n") !=
        std::string::npos);
  // What came out goes in: once with other names, once refused.
  const std::string again = tiny.write("again.csv", outcome.out);
  flags[0] = "--predict_data_file_path=" + again;
  tiny.refuse(tiny.predicting(best, flags), again + ": the header has a column predicted_label already");
  // As text, and as objects.
  const Words plain{"--predict_data_file_path=" + fresh, "--text_column=review"};
  CHECK(lines_of(tiny.run(tiny.predicting(best, plain)).out).size() == 2);
  const Words objects =
      lines_of(tiny.run(tiny.predicting(best, joined(plain, {"--predict_form=jsonl"}))).out);
  REQUIRE(objects.size() == 2);
  CHECK(json_of(objects[0]).at("text") == "a \"good\"\nfilm; yes");
  CHECK(json_of(objects[0]).at("probabilities").size() == 2);
}

TEST_CASE("run_classifier: the table that was trained on can be predicted as it is") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const Words rows = lines_of(tiny.print(
      tiny.predicting(best, {"--predict_form=table", "--predict_data_file_path=" + tiny.path("train.txt")})));
  const Words given = lines_of(classified_texts);
  REQUIRE(rows.size() == given.size());
  for (size_t i = 0; i < rows.size(); ++i) check_added(rows[i], given[i], "\t");
  // Scores.
  const std::string data = tiny.write("scores.csv", "\"text\",label\n\"good, good\",2\nbad,-1\ngood,1\n");
  const std::string save = tiny.path("scores");
  tiny.print(tiny.training({"--max_steps=1", "--assessment_method=spearman", "--train_data_file_path=" + data,
                            "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + save}));
  const Words scored = lines_of(
      tiny.print(tiny.predicting(save, {"--predict_form=table", "--predict_data_file_path=" + data})));
  REQUIRE(scored.size() == 4);
  CHECK(scored[0] == "\"text\",label,predicted_score");
  CHECK(scored[1].starts_with("\"good, good\",2,"));
  CHECK_NOTHROW(std::stod(scored[1].substr(scored[1].rfind(',') + 1)));
}

TEST_CASE("run_classifier: a model knows the columns of the table that it was trained on") {
  const TinyClassifier tiny;
  const std::string table = tiny.write("reviews.csv", sheet());
  tiny.print(tiny.training(joined(Words{"--max_steps=1", "--do_eval", "--train_data_file_path=" + table,
                                        "--eval_data_file_path=" + table},
                                  columns)));
  const std::string best = tiny.path("save/best");
  const std::string scores = tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + table}));
  CHECK(scores.find("texts from column 2 (review), labels from column 3 (rating); not used: id\n") !=
        std::string::npos);
  const std::string fresh = tiny.write("new.csv", "id;review;place\n1;good;here\n2;bad;there\n");
  const Outcome outcome =
      tiny.run(tiny.predicting(best, {"--predict_data_file_path=" + fresh, "--predict_form=table"}));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(outcome.err.find("texts from column 2 (review), no labels; not used: id, place\n") !=
        std::string::npos);
  CHECK(lines_of(outcome.out).size() == 3);
  // Another table's are found as ever, and what was meant can be said.
  const std::string other = tiny.write("other.csv", "no,opinion,place\n1,good,here\n2,bad,there\n");
  tiny.refuse(tiny.predicting(best, {"--predict_data_file_path=" + other}),
              other +
                  ": pairs, but the classifier was trained on single texts: --text_column and "
                  "--text_pair_column say which columns are meant");
}

TEST_CASE("run_classifier: JSON lines come back with more in them") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::string first = R"({"text": "good", "label": 1.50, "more": {"a": [1e2]}})";
  const std::string file = tiny.write("x.json", first + " \n\n{\"text\": \"bad\"}\n");
  const Words flags{"--predict_data_file_path=" + file, "--predict_form=jsonl"};
  const Words objects = lines_of(tiny.run(tiny.predicting(best, flags)).out);
  REQUIRE(objects.size() == 2);
  CHECK(objects[0].starts_with(first.substr(0, first.size() - 1) + R"(,"predicted_label":")"));
  const Json object = json_of(objects[1]);
  CHECK(object.at("text") == "bad");
  CHECK(object.at("probabilities").contains(object.at("predicted_label").text()));
  tiny.refuse(tiny.predicting(best, {flags[0], "--predict_form=table"}),
              file + ": JSON lines: --predict_form table adds columns to a table");
  const std::string again = tiny.write("again.json", objects[1] + "\n");
  tiny.refuse(tiny.predicting(best, {"--predict_data_file_path=" + again, flags[1]}),
              again + ":1: the row has a \"predicted_label\" already");
  tiny.refuse(tiny.predicting(best, {"--predict_form=table"}),
              "--predict_form table: standard input has a text a line: name the file with a table");
  // Lines of text are objects of their own.
  CHECK(json_of(tiny.print(tiny.predicting(best, {"--predict_form=jsonl"}), "good\n")).at("text") == "good");
}

TEST_CASE("run_classifier: MNLI from its files to scores, matched and mismatched, and its predictions") {
  const TinyClassifier tiny;
  const std::string log = tiny.print(tiny.training({"--task_name=mnli", "--max_steps=1", "--do_eval",
                                                    "--train_data_file_path=" + sample("mnli.tsv"),
                                                    "--eval_data_file_path=" + sample("mnli.tsv")}));
  CHECK(log.find("labels: contradiction, entailment, neutral\n") != std::string::npos);
  CHECK(log.find("acc_num ") != std::string::npos);
  const std::string best = tiny.path("save/best");
  const std::string mismatched = tiny.print(
      tiny.scoring(best, {"--task_name=MNLI-mm", "--eval_data_file_path=" + sample("mnli_mm.tsv")}));
  CHECK(mismatched.find("1 text with the label '-' is left out\n") != std::string::npos);
  CHECK(mismatched.find("total_num 2,") != std::string::npos);
  const std::string diagnostic =
      tiny.print(tiny.scoring(best, {"--task_name=ax", "--eval_data_file_path=" + sample("ax.tsv")}));
  CHECK(diagnostic.find("\nMCC ") != std::string::npos);
  // A classifier of MNLI knows what its files look like.
  const Words rows = lines_of(tiny.print(tiny.predicting(
      best,
      {"--predict_form=table", "--predict_data_file_path=" + sample("mnli_mm.tsv"), "--task_name=mnli_mm"})));
  REQUIRE(rows.size() == 4);
  CHECK(
      rows[0].ends_with("\tgold_label\tpredicted_label\tprobability_contradiction\tprobability_"
                        "entailment\tprobability_neutral"));
}

TEST_CASE("run_classifier: predictions as the servers of GLUE and CLUE score them") {
  const TinyClassifier tiny;
  const auto trained = [&](const std::string& task, const std::string& file, const Words& more = {}) {
    const std::string save = tiny.path(task);
    tiny.print(
        tiny.training(joined(Words{"--task_name=" + task, "--max_steps=1", "--train_data_file_path=" + file,
                                   "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + save},
                             more)));
    return save;
  };
  const auto submitted = [&](const std::string& model, const std::string& file) {
    const Outcome outcome =
        tiny.run(tiny.predicting(model, {"--predict_form=submission", "--predict_data_file_path=" + file}));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return lines_of(outcome.out);
  };
  const auto is_class = [](std::string_view label) {
    return label == "contradiction" || label == "entailment" || label == "neutral";
  };
  const std::string mnli = trained("mnli", sample("mnli.tsv"));
  const std::string numbered =
      tiny.write("test_matched.tsv",
                 "index\tgenre\tsentence1\tsentence2\n3\tfiction\tgood\tbad\n\n9\tfiction\tbad\tgood\n");
  const Words rows = submitted(mnli, numbered);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0] == "index\tprediction");
  CHECK(rows[1].starts_with("3\t"));
  CHECK(is_class(rows[1].substr(2)));
  CHECK(rows[2].starts_with("9\t"));
  const Words counted =
      submitted(mnli, tiny.write("pairs.tsv", "sentence1\tsentence2\ngood\tbad\nbad\tgood\n"));
  REQUIRE(counted.size() == 3);
  CHECK(counted[1].starts_with("0\t"));
  CHECK(counted[2].starts_with("1\t"));
  // Of JSON lines an object each, with the number that is there.
  const Words objects =
      submitted(mnli, tiny.write("test.json", R"({"id": "7", "sentence1": "good", "sentence2": "bad"})"
                                              "\n"
                                              R"({"id": 12, "sentence1": "good", "sentence2": "bad"})"
                                              "\n"));
  REQUIRE(objects.size() == 2);
  CHECK(json_of(objects[0]).at("id").integer() == 7);
  CHECK(json_of(objects[1]).at("id").integer() == 12);
  CHECK(is_class(json_of(objects[1]).at("label").text()));
  CHECK(json_of(objects[0]).size() == 2);
  const Words scores = submitted(trained("sts_b", sample("sts_b.tsv")), sample("sts_b.tsv"));
  CHECK_NOTHROW(std::stod(scores.at(1).substr(scores[1].find('\t') + 1)));

  const std::string best = tiny.train_best();
  const Words asked{"--predict_form=submission"};
  tiny.refuse(tiny.predicting(best, asked), "--predict_form submission: standard input has a text a line");
  const std::string csv = tiny.write("a.csv", "text,id\ngood,1\n");
  tiny.refuse(tiny.predicting(best, joined(asked, {"--predict_data_file_path=" + csv})),
              csv + ": CSV: --predict_form submission is for GLUE's tables and CLUE's JSON lines");
}

TEST_CASE("run_classifier: measures of a data set, languages, delimiters") {
  const TinyClassifier tiny;
  const std::string log = tiny.print(tiny.training({"--task_name=qqp", "--max_steps=1", "--do_eval",
                                                    "--train_data_file_path=" + sample("qqp.tsv"),
                                                    "--eval_data_file_path=" + sample("qqp.tsv")}));
  CHECK_MESSAGE(log.find("\naccuracy ") != std::string::npos, log);
  CHECK(log.find(", f1 ") != std::string::npos);
  const std::string save = tiny.path("xnli");
  const Words xnli{"--task_name=xnli", "--max_steps=1", "--train_data_file_path=" + sample("xnli.tsv"),
                   "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + save};
  CHECK(tiny.print(tiny.training(joined(xnli, {"--language=de"})))
            .find("1 row of another language is left out: zh\n") != std::string::npos);
  tiny.refuse(tiny.training(joined(xnli, {"--resume=false", "--language=fr"})),
              "no row has the language 'fr': there are de, zh");
  tiny.refuse(tiny.training({"--task_name=mnli", "--language=zh"}),
              "--language zh: the tables of mnli have no column of languages");
  tiny.refuse(tiny.training({"--delimiter=dot"}), "--delimiter dot: expected comma, semicolon, tab or bar");
  // A classifier of one's own table is no classifier of CSV alone.
  const std::string own = tiny.path("own");
  tiny.print(tiny.training({"--task_name=csv", "--delimiter=tab", "--max_steps=1",
                            "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + own}));
  const std::string lines = tiny.write("lines.txt", "good, very good\nbad\n");
  CHECK(lines_of(tiny.print(tiny.predicting(own, {"--predict_data_file_path=" + lines})))
            .at(0)
            .ends_with("\tgood, very good"));
}
