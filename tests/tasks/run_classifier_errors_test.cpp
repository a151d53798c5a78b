// What run_classifier says to input that it can't work with: status 2, one line that names the place, nothing
// half-written.
#include <doctest/doctest.h>

#include <fstream>

#include "nn/checkpoints/safetensors.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// Refuses to train on this text.
void refuse_text(const TinyClassifier& tiny, const std::string& text, const std::string& error,
                 const Words& more = {}) {
  const std::string data = tiny.write("bad.txt", text);
  Words flags = tiny.training({"--train_data_file_path=" + data, "--eval_data_file_path="});
  flags.insert(flags.end(), more.begin(), more.end());
  tiny.refuse(flags, data + error);
  CHECK_FALSE(fs::exists(tiny.path("save")));
}

const Words scores{"--assessment_method=spearman_correlation"};

}  // namespace

TEST_CASE("run_classifier refuses a label that the training data or the list lack") {
  const TinyClassifier tiny;
  const std::string dev = tiny.write("dev.txt", "good\tpos\nbook\tneutral\n");
  tiny.refuse(tiny.training({"--eval_data_file_path=" + dev}),
              dev + ":2: unknown label 'neutral': expected one of neg, pos");
  const std::string list = tiny.write("list.txt", "pos\nmaybe\n");
  tiny.refuse(tiny.training({"--label_file_path=" + list}),
              tiny.path("train.txt") + ":2: unknown label 'neg': expected one of pos, maybe");
  const std::string best = tiny.train_best();
  tiny.refuse(tiny.scoring(best, {"--eval_data_file_path=" + dev}), dev + ":2: unknown label 'neutral'");
}

TEST_CASE("run_classifier refuses text that is not as its form says") {
  const TinyClassifier tiny;
  refuse_text(tiny, "good\tpos\nbad\n", ":2: found 1 columns: expected 2: text, label");
  refuse_text(tiny, "good\tpos\nbad\ta\tneg\n", ":2: found 3 columns: expected 2");
  refuse_text(tiny, "good\n", ":1: found 1 columns: expected text, label or text_a, text_b, label");
  refuse_text(tiny, "good\tpos\nbad\t\n", ":2: the label is empty");
  refuse_text(tiny,
              "good\tpos\nb\xFF"
              "d\tneg\n",
              ":2: ");
  refuse_text(tiny, "", ": no text found");
  refuse_text(tiny, "good\tpos\nfine\tpos\n",
              ": there is one label, 'pos', and nothing to tell it apart from");
  refuse_text(tiny, "a\tb\n", ":1: the header has the columns a, b: expected one named #1 String",
              {"--task_name=mrpc"});
  refuse_text(tiny, "{\"sentence\": \"a\"}\n",
              ":1: the object has the names sentence: expected one named label", {"--task_name=tnews"});
  refuse_text(tiny, "sentence\tlabel\ngood\t2\n", ":2: unknown label '2': expected one of 0, 1",
              {"--task_name=sst2"});
  refuse_text(tiny, "sentence1\tsentence2\tscore\na\tb\t5.5\n",
              ":2: found the score '5.5': expected a number from 0 to 5", {"--task_name=sts_b"});
  refuse_text(tiny, "good\t1\nbad\tlow\n", ":2: label 'low': expected a number", scores);
  refuse_text(tiny, "good\t1\nbad\tnan\n", ":2: label 'nan': expected a number", scores);
}

TEST_CASE("run_classifier refuses pairs where it knows single texts, and the reverse") {
  const TinyClassifier tiny;
  const std::string pairs = tiny.write("pairs.txt", replaced(classified_pairs, "like", "pos"));
  tiny.refuse(tiny.training({"--eval_data_file_path=" + pairs}), pairs + ":2: unknown label 'other'");
  const std::string dev = tiny.write("dev.txt", "red\tred\tpos\n");
  tiny.refuse(tiny.training({"--eval_data_file_path=" + dev}),
              dev + ": pairs, but the classifier is one of single texts");
  const std::string best = tiny.train_best();
  tiny.refuse(tiny.scoring(best, {"--eval_data_file_path=" + dev}),
              dev + ": pairs, but the classifier is one of single texts");
  const std::string file = tiny.write("mrpc", "Quality\t#1 String\t#2 String\n1\tred\tred\n");
  tiny.refuse(tiny.predicting(best, {"--task_name=mrpc", "--predict_data_file_path=" + file}),
              file + ": pairs, but the classifier was trained on single texts");
  const std::string save = tiny.path("pairs");
  tiny.print(
      tiny.training({"--max_steps=1", "--train_data_file_path=" + tiny.write("pairs.txt", classified_pairs),
                     "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + save}));
  const Outcome lines = tiny.run(tiny.predicting(save), "\nred\tgood\n");
  CHECK(lines.status == 1);
  CHECK(lines.out.starts_with(
      "error: line 1: 1 texts with tabs between, expected 2: the classifier was trained on "
      "pairs\n"));
}

TEST_CASE("run_classifier answers the lines it can read, and says of the others what is wrong") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::string input = "good\rred\tred\rbad \xFF line\r\nbad\r";
  const Words good = lines_of(tiny.print(tiny.predicting(best), "good\nbad\n"));
  const Outcome outcome = tiny.run(tiny.predicting(best, {"--output_dir=" + tiny.path("results")}), input);
  CHECK(outcome.status == 1);
  CHECK(
      lines_of(outcome.out) ==
      Words{
          good.at(0),
          "error: line 2: 2 texts with tabs between, expected 1: the classifier was trained on single texts",
          "error: line 3: invalid UTF-8 at byte 4: found 0xff", good.at(1)});
  CHECK(outcome.err ==
        "standard input: 2 of 4 lines could not be answered: each has an error in place of its answer\n");
  const Words rows = lines_of(file_content(tiny.path("results/test_results.tsv")));
  REQUIRE(rows.size() == 4);
  CHECK(rows[1] == "nan\tnan");
  const Words objects = lines_of(tiny.run(tiny.predicting(best, {"--json"}), input).out);
  REQUIRE(objects.size() == 4);
  CHECK(objects[2] == R"({"error":"line 3: invalid UTF-8 at byte 4: found 0xff","line":3})");
}

TEST_CASE("run_classifier tells how it understood a table, and takes the columns that are named") {
  const TinyClassifier tiny;
  const std::string table = tiny.write(
      "table.tsv",
      "id\tthing\tverdict\tkind\n9\tred ball\tgood\tlike\n4\tblue hat\tbad\tother\n7\tred hat\tgood\tlike\n");
  const Words columns{"--text_column=thing", "--text_pair_column", "3", "--label_column", "-1"};
  Words flags{"--max_steps=1", "--train_data_file_path=" + table, "--eval_data_file_path=" + table};
  flags.insert(flags.end(), columns.begin(), columns.end());
  const std::string log = tiny.print(tiny.training(flags));
  CHECK(log.find(table +
                 ": texts from column 2 (thing), second texts from column 3 (verdict), labels from column 4 "
                 "(kind); not used: id\n" +
                 table + ": first example: 'red ball' | 'good', label 'like'\n") != std::string::npos);
  Words use{"--predict_data_file_path=" + table};
  use.insert(use.end(), columns.begin(), columns.end());
  CHECK(lines_of(tiny.print(tiny.predicting(tiny.path("save/best"), use))).size() == 3);
  const std::string counted =
      tiny.write("counted.tsv", "0\tgood film\tpos\r1\tbad film\tneg\r2\tgood\tpos\r");
  CHECK(tiny.print(tiny.training(
                       {"--max_steps=1", "--train_data_file_path=" + counted,
                        "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + tiny.path("counted")}))
            .find(counted + ": first example: 'good film', label 'pos'\n") != std::string::npos);
  tiny.refuse(tiny.training({"--label_column=0"}), "--label_column 0: expected a number from 1");
  tiny.refuse(tiny.training({"--text_pair_column=2"}), "--text_column is missing");
}

TEST_CASE("run_classifier refuses pairs where the encoder has one type of tokens") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::string path = best + "/model.safetensors";
  // The table's first row alone.
  const SafetensorsFile file(path);
  std::vector<TensorEntry> entries = file.tensors();
  for (TensorEntry& entry : entries) {
    if (entry.name != "bert.embeddings.token_type_embeddings.weight") continue;
    entry.shape[0] = 1;
    entry.data = entry.data.first(entry.data.size() / 2);
  }
  fs::create_directory(tiny.path("narrow"));
  write_safetensors(tiny.path("narrow/model.safetensors"), entries);
  for (const std::string name : {"/config.json", "/vocab.txt"})
    fs::copy(best + name, tiny.path("narrow" + name));
  edit_config(tiny.path("narrow"), "type_vocab_size", 1);
  const auto flags = [&](const std::string& data) {
    return tiny.training({"--max_steps=1", "--load_pretrain_checkpoint_path=" + tiny.path("narrow"),
                          "--train_data_file_path=" + data,
                          "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + tiny.path("other")});
  };
  tiny.refuse(flags(tiny.write("pairs.txt", classified_pairs)),
              "the texts are pairs: the model has one type of tokens (type_vocab_size)");
  tiny.print(flags(tiny.path("train.txt")));
}

TEST_CASE("run_classifier refuses options that don't fit together") {
  const TinyClassifier tiny;
  const auto refused = [&](const Words& more, const std::string& text) {
    tiny.refuse(tiny.training(more), text);
  };
  refused({"--task_name=sts_b", "--assessment_method=f1"},
          "--assessment_method f1: the texts of --task_name sts_b have scores, not classes");
  refused(
      {"--task_name=mrpc", "--assessment_method=pearson"},
      "--assessment_method pearson_correlation compares numbers, the texts of --task_name mrpc have classes");
  refused({"--task_name=squad"}, "--task_name: found 'squad', expected one of tsv, csv, cola");
  refused({"--class_weights=1,x"}, "--class_weights: found 'x', expected balanced, or positive numbers");
  refused({"--class_weights=1,0"}, "--class_weights: found '0'");
  refused({"--class_weights=1,inf"}, "--class_weights: found 'inf'");
  refused({"--class_weights=1,1e38"},
          "--class_weights: found '1e38', expected balanced, or positive numbers up to ");
  refused({"--class_weights=1,2,"}, "--class_weights: found ''");
  refused({"--class_weights=1,2,3"},
          "--class_weights 1,2,3: 3 numbers, expected one for each of the 2 classes neg, pos");
  refused({"--num_class=3"}, "--num_class 3: there are 2 labels: neg, pos");
  const std::string list = tiny.write("list.txt", "neg\npos\nmixed\n");
  refused({"--label_file_path=" + list, "--class_weights=balanced"},
          "--class_weights balanced: the training data have no example of the class 'mixed'");
  for (const std::string& flag :
       Words{"--class_weights=balanced", "--label_file_path=" + list, "--num_class=2"})
    refused({"--assessment_method=spearman", flag}, ": there are scores to learn or to give, no classes");
  refused({"--early_stopping_patience=1", "--eval_data_file_path="},
          "--early_stopping_patience needs scores: give --eval_data_file_path");
  tiny.refuse({"--do_train"}, "--do_train needs --train_data_file_path");
  tiny.refuse({"--do_predict"}, "--do_predict needs a trained model: give --load_finetune_checkpoint_path");
  tiny.refuse({}, "At least one of --do_train, --do_eval and --do_predict must be true");
  CHECK_FALSE(fs::exists(tiny.path("save")));
}

TEST_CASE("run_classifier refuses to ask of a trained classifier what it is not") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const auto refused = [&](const std::string& flag, const std::string& text) {
    tiny.refuse(tiny.scoring(best, {flag}), text);
  };
  refused("--task_name=sts_b", "--task_name sts_b: the classifier gives classes, not scores");
  refused("--assessment_method=spearman",
          "--assessment_method spearman_correlation: the classifier gives classes");
  refused("--num_class=3", "--num_class 3: the classifier in '" + best + "' has 2");
  refused("--class_weights=1,2", "--class_weights 1,2: they count in training: add --do_train");
  refused("--hidden_size=32", "--hidden_size 32: the model in '" + best + "' has 16");
  const std::string list = tiny.write("list.txt", "pos\nneg\n");
  refused("--label_file_path=" + list,
          list + ": the labels pos, neg, the classifier in '" + best + "' has neg, pos");
  const std::string save = tiny.path("scores"), data = tiny.write("scores.txt", scored_texts);
  tiny.print(tiny.training({"--max_steps=1", "--assessment_method=spearman", "--train_data_file_path=" + data,
                            "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + save}));
  const auto scores_refused = [&](const std::string& flag, const std::string& text) {
    tiny.refuse(tiny.scoring(save, {"--eval_data_file_path=" + data, flag}), text);
  };
  scores_refused("--assessment_method=accuracy",
                 "--assessment_method accuracy: the classifier gives scores, not classes");
  scores_refused("--task_name=mrpc", "--task_name mrpc: the classifier gives scores, not classes");
  scores_refused("--label_file_path=" + list, "there are scores to learn or to give, no classes");
}

TEST_CASE("a tagger is no classifier, and a classifier no tagger") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::string words = tiny.write("words.txt", "film O\ngood B-PER\n");
  const auto run_ner = [&](const Words& flags) { return run_program("run_ner", flags); };
  const Outcome refused = run_ner(tiny.scoring(best, {"--eval_data_file_path=" + words}));
  CHECK(refused.status == 2);
  CHECK(refused.err ==
        fmt::format(
            "error: {}/config.json: no \"gradus_ner\": this is not a tagger trained by run_ner; --do_train "
            "with --load_pretrain_checkpoint_path makes one of a model's weights\n",
            best));
  const std::string tagger = tiny.path("tagger");
  CHECK(run_ner(tiny.training({"--max_steps=1", "--train_data_file_path=" + words,
                               "--eval_data_file_path=", "--save_finetune_checkpoint_path=" + tagger}))
            .status == 0);
  tiny.refuse(tiny.scoring(tagger), tagger +
                                        "/checkpoint-1/config.json: no \"gradus_classifier\": this is not a "
                                        "classifier trained by run_classifier; --do_train with "
                                        "--load_pretrain_checkpoint_path makes one of a model's weights");
}

TEST_CASE("run_classifier refuses a checkpoint that is broken") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::string where = best + "/config.json: \"gradus_classifier\": ";
  const auto config = json_of(file_content(best + "/config.json"));
  const auto refused = [&](const std::string& key, const Json& value, const std::string& text) {
    auto settings = config.at("gradus_classifier");
    settings[key] = value;
    edit_config(best, "gradus_classifier", settings);
    tiny.refuse(tiny.scoring(best), where + text);
    edit_config(best, "gradus_classifier", config.at("gradus_classifier"));
  };
  refused("task_name", "squad", "'task_name' is \"squad\", expected");
  refused("problem_type", "regression",
          "'problem_type' is \"regression\", expected a problem of 2 labels, which id2label has");
  refused(
      "problem_type", "ranking",
      "'problem_type' is \"ranking\", expected single_label_classification, multi_label_classification or "
      "regression");
  refused("thresholds", Json::array({0.5}),
          "'thresholds' is [0.5], expected a number for each label, or none");
  refused("thresholds", Json::array({0.5, 2}), "'thresholds' is [0.5,2], expected numbers from 0 to 1");
  refused("class_weights", Json::array({1, 2, 3}),
          "'class_weights' is [1,2,3], expected a number for each class, or none");
  refused("class_weights", Json::array({1, -2}), "'class_weights' is [1,-2], expected positive numbers");
  refused("class_weights", "much", "");
  refused("dropout", 1, "'dropout' is 1, expected a number from 0 to below 1");
  edit_config(best, "gradus_classifier", nullptr);
  tiny.refuse(tiny.scoring(best), where);
  edit_config(best, "gradus_classifier", config.at("gradus_classifier"));
  overload(best, "bert.embeddings.LayerNorm.weight");
  const std::string text = ": the model gives an infinite number, or none";
  tiny.refuse(tiny.scoring(best, {"--eval_pad=given"}), tiny.path("train.txt") + ":1" + text);
  tiny.refuse(tiny.predicting(best), "standard input:1" + text, "good\n");
  const std::string weights = file_content(best + "/model.safetensors");
  write_file(best + "/model.safetensors", weights.substr(0, weights.size() - 1));
  tiny.refuse(tiny.scoring(best), best + "/model.safetensors: ");
}

TEST_CASE("run_classifier refuses a vocabulary and records that are not the model's") {
  const TinyClassifier tiny;
  const std::string best = tiny.train_best();
  const std::string larger = tiny.write("larger.txt", file_content(tiny.path("vocab.txt")) + "one\nmore\n");
  tiny.refuse(tiny.scoring(best, {"--vocab_file_path=" + larger}),
              larger + ": the vocabulary has 23 pieces, the model's embedding table 21 rows");
  const std::string other =
      tiny.write("other.txt", replaced(file_content(tiny.path("vocab.txt")), "good\n", "evil\n"));
  const std::string message = "1 of the 21 pieces in " + best + "/vocab.txt are others here";
  tiny.refuse(tiny.scoring(best, {"--vocab_file_path=" + other}), message);
  tiny.refuse(tiny.training({"--load_pretrain_checkpoint_path=" + best, "--vocab_file_path=" + other,
                             "--save_finetune_checkpoint_path=" + tiny.path("second")}),
              message);
  // Pieces that a pretrained vocabulary keeps free may be given a meaning.
  const std::string free = replaced(file_content(best + "/vocab.txt"), "good\n", "[unused1]\n");
  std::ofstream(best + "/vocab.txt") << free;
  tiny.print(tiny.training({"--load_pretrain_checkpoint_path=" + best, "--vocab_file_path=" + other,
                            "--max_steps=1", "--save_finetune_checkpoint_path=" + tiny.path("second")}));

  fs::create_directory(tiny.path("data"));
  for (const std::string name : {"train", "dev", "test"})
    tiny.write("data/" + name + ".tsv", "good\tpos\nbad\tneg\nthe more\tmixed\n");
  const std::string records = tiny.path("records");
  const auto generate = [&](const Words& more) {
    Words flags{"--dataset_name=tsv", "--data_dir=" + tiny.path("data"), "--vocab_file=" + larger,
                "--output_dir=" + records, "--max_seq_length=16"};
    flags.insert(flags.end(), more.begin(), more.end());
    const Outcome made = run_program("generate_classifier_records", flags);
    REQUIRE_MESSAGE(made.status == 0, made.err);
  };
  generate({});
  const std::string train = records + "/train.mindrecord";
  const Words read{"--dataset_format=mindrecord", "--eval_data_file_path=" + train};
  tiny.refuse(
      tiny.scoring(best, read),
      records + "/label_list.txt: the records have the labels mixed, neg, pos, the classifier has neg, pos");
  fs::remove(records + "/label_list.txt");
  const Outcome beyond = tiny.run(tiny.scoring(best, read));
  CHECK(beyond.status == 2);
  CHECK(beyond.err.find("label_ids is 2: expected 0 to 1, there are 2 classes") != std::string::npos);
  Words training = tiny.training(read);
  training.push_back("--train_data_file_path=" + train);
  training.push_back("--save_finetune_checkpoint_path=" + tiny.path("other"));
  tiny.refuse(training, train + ": records hold the numbers of labels: name the file of their names");
  training.emplace_back("--num_class=3");
  const Outcome unknown = tiny.run(training);
  CHECK(unknown.status == 2);
  CHECK(unknown.err.find("21") != std::string::npos);  // the piece "more" is number 22 of 21
  training.push_back("--vocab_file_path=" + larger);
  CHECK(tiny.print(training).find("\nlabels: 0, 1, 2\n") != std::string::npos);
}

TEST_CASE("run_classifier says before the training that its results can't be written, or texts not be read") {
  const TinyClassifier tiny;
  const std::string file = tiny.write("file", "not a folder");
  const auto refused = [&](const std::string& flag, const std::string& text) {
    tiny.refuse(tiny.training({"--do_eval", flag}), text);
    CHECK_FALSE(fs::exists(tiny.path("save")));
  };
  const std::string nowhere = tiny.path("nowhere/file");
  refused("--metrics_file=" + nowhere, "cannot write '" + nowhere + "'");
  refused("--report=" + nowhere, "cannot write '" + nowhere + "'");
  refused("--output_dir=" + file, "'" + file + "'");
  refused("--output_dir=/proc/gradus", "cannot make folder '/proc/gradus'");
  CHECK(file_content(file) == "not a folder");
  tiny.refuse(tiny.training({"--do_predict", "--predict_data_file_path=" + nowhere}),
              "cannot open '" + nowhere + "'");
  CHECK_FALSE(fs::exists(tiny.path("save")));
  tiny.refuse(tiny.training({"--save_finetune_checkpoint_path=" + file}), "'" + file + "'");
}

TEST_CASE("a classifier's training goes on only from a checkpoint of the same classifier") {
  const TinyClassifier tiny;
  tiny.train_best({"--class_weights=balanced"});
  const std::string config = tiny.path("save/checkpoint-1/config.json");
  const auto refused = [&](const Words& more, const std::string& text) {
    Words flags = tiny.training({"--resume", "--max_steps=2", "--class_weights=balanced"});
    flags.insert(flags.end(), more.begin(), more.end());
    tiny.refuse(flags, text);
  };
  refused({"--class_weights=2,1"}, config + ": the checkpoint was made with ");
  refused({"--label_file_path=" + tiny.write("list.txt", "pos\nneg\n")},
          config + ": the checkpoint has the labels neg, pos, this run has pos, neg");
  const std::string other = tiny.write("other.txt", replaced(classified_texts, "very good", "the good"));
  refused({"--train_data_file_path=" + other}, "the checkpoint was made with other training data");
  refused({"--seed=2"}, "the checkpoint was made with seed 1, this run has 2");
  tiny.print(tiny.training({"--resume", "--max_steps=2", "--class_weights=balanced"}));
}

TEST_CASE("result files that nobody asked for by name do not replace somebody else's in the save folder") {
  const TinyClassifier tiny;
  fs::create_directory(tiny.path("save"));
  const std::string theirs = tiny.write("save/eval_results.txt", "mine");
  tiny.refuse(tiny.training({"--do_eval", "--max_steps=1"}),
              "'" + theirs +
                  "' is there already, and of no run that saved to this folder: name another one with "
                  "--output_dir");
  CHECK(file_content(theirs) == "mine");
  tiny.print(tiny.training({"--max_steps=1"}));  // writes none
  CHECK(file_content(theirs) == "mine");
  tiny.print(tiny.training({"--do_eval", "--max_steps=2", "--resume"}));
  CHECK(file_content(theirs) != "mine");
}
