// Training with run_classifier: what it learns, what it takes as the same data, early stopping, resuming, weights of
// classes.
#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

bool same_file(const TinyClassifier& tiny, const std::string& a, const std::string& b) {
  return file_content(tiny.path(a)) == file_content(tiny.path(b));
}

// Trains and scores on one file until it is known.
void learn(const TinyClassifier& tiny, const std::string& data, const Words& more = {}) {
  const std::string file = tiny.write("data.txt", data);
  Words flags{"--do_eval", "--train_data_file_path=" + file, "--eval_data_file_path=" + file};
  flags.insert(flags.end(), more.begin(), more.end());
  tiny.train_well(flags);
}

// Everything that draws random numbers or keeps state from step to step.
Words all_features(const TinyClassifier& tiny, const Words& more) {
  Words flags = tiny.training({"--dropout=0.1", "--train_batch_size=2", "--gradient_accumulation_steps=2",
                               "--class_weights=balanced", "--keep_checkpoints=1000"});
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

const std::vector<std::string> state_files{"model.safetensors", "optimizer.safetensors", "trainer_state.json",
                                           "config.json"};

}  // namespace

TEST_CASE("run_classifier learns two classes, three, pairs and scores") {
  const TinyClassifier tiny;
  learn(tiny, classified_texts);
  CHECK(tiny.score("accuracy") == 100);
  CHECK(tiny.score("eval_loss") < 0.1);
  std::string three;
  for (const std::string colour : {"red", "blue", "good"}) {
    for (const std::string thing : {"ball", "hat", "film", "book"})
      three += "the " + colour + " " + thing + "\t" + colour + "\n";
  }
  learn(tiny, three, {"--save_finetune_checkpoint_path=" + tiny.path("three")});
  CHECK(tiny.score("accuracy") == 100);
  CHECK(tiny.score("macro_f1") == 100);
  learn(tiny, classified_pairs, {"--save_finetune_checkpoint_path=" + tiny.path("pairs")});
  CHECK(tiny.score("accuracy") == 100);
  learn(
      tiny, scored_texts,
      {"--assessment_method=Spearman_correlation", "--save_finetune_checkpoint_path=" + tiny.path("scores")});
  CHECK(tiny.score("spearman_correlation") > 95);
  CHECK(tiny.score("pearson_correlation") > 95);
  CHECK(tiny.score("eval_loss") < 0.1);
}

TEST_CASE("run_classifier takes a byte order mark, CRLF and a missing last newline for what they are") {
  const TinyClassifier tiny;
  const auto loss = [&](const std::string& text) {
    tiny.print(tiny.training({"--max_steps=3", "--save_finetune_checkpoint_path=",
                              "--train_data_file_path=" + tiny.write("variant.txt", text)}));
    return tiny.train_loss();
  };
  const double clean = loss(classified_texts);
  const std::string shorn = classified_texts.substr(0, classified_texts.size() - 1);
  const std::string mark = "\xEF\xBB\xBF";
  for (const std::string& text :
       {mark + classified_texts, with_crlf(classified_texts), shorn, mark + with_crlf(shorn)})
    CHECK(loss(text) == clean);
  // A header, which may name the columns in another order.
  std::string table = "label\tid\tSentence\n";
  for (const std::string& line : lines_of(classified_texts)) {
    const size_t tab = line.find('\t');
    table += line.substr(tab + 1) + "\t7\t" + line.substr(0, tab) + "\n";
  }
  CHECK(loss(mark + table) == clean);
}

TEST_CASE("run_classifier reads the published forms") {
  const TinyClassifier tiny;
  const auto scored = [&](const std::string& task, const std::string& data, const std::string& method) {
    CAPTURE(task);
    const std::string file = tiny.write(task, data);
    const std::string out = tiny.print(
        tiny.training({"--do_eval", "--max_steps=1", "--task_name=" + task, "--train_data_file_path=" + file,
                       "--eval_data_file_path=" + file, "--save_finetune_checkpoint_path="}));
    CHECK(part_from(out, "evaluation data: ").starts_with("evaluation data: 2 examples, "));
    CHECK(part_from(out, "step 1: ").starts_with("step 1: " + method + " "));
    return out;
  };
  const std::string mrpc =
      "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tred\tred\n0\t3\t4\tred\t\"blue\n";
  CHECK(scored("MRPC", mrpc, "accuracy").find("labels: 0, 1\n") != std::string::npos);
  scored("cola", "gj04\t1\t\tthe film .\ngj04\t0\t*\tfilm the .\n", "mcc");
  scored("SST-2", "sentence\tlabel\ngood film\t1\nbad film\t0\n", "accuracy");
  scored("tnews", "{\"label\": \"100\", \"sentence\": \"好\"}\n{\"label\": 116, \"sentence\": \"好 film\"}\n",
         "accuracy");
  const std::string sts =
      "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
      "0\ta\tb\tc\td\te\tf\tred\tred\t5.000\n1\ta\tb\tc\td\te\tf\tred\tblue\t0.5\n";
  const std::string out = scored("STS-B", sts, "spearman_correlation");
  CHECK(out.find("Spearman Correlation is ") != std::string::npos);
  CHECK(out.find("always answering the mean, 2.7500, would give the loss 5.0625\n") != std::string::npos);
}

TEST_CASE("run_classifier finds the labels of a table, numbers in the order of their values") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("labels.txt", "good\t10\nbad\t9\nred\t-1\nblue\t10\n");
  const Words flags =
      tiny.training({"--max_steps=1", "--train_data_file_path=" + data, "--eval_data_file_path=" + data});
  CHECK(tiny.print(flags).find("\nlabels: -1, 9, 10\n") != std::string::npos);
  const auto config = json_of(file_content(tiny.path("save/best/config.json")));
  CHECK(config.at("id2label") == Json{{"0", "-1"}, {"1", "9"}, {"2", "10"}});
  CHECK(config.at("architectures") == Json::array({"BertForSequenceClassification"}));
  CHECK(config.at("problem_type") == "single_label_classification");
  // A list says another order.
  Words listed = flags;
  listed.push_back("--label_file_path=" + tiny.write("list.txt", "10\n-1\n9\n"));
  listed.push_back("--num_class=3");
  listed.emplace_back("--save_finetune_checkpoint_path=");
  CHECK(tiny.print(listed).find("\nlabels: 10, -1, 9\n") != std::string::npos);
}

TEST_CASE("run_classifier learns from records what it learns from the text") {
  const auto check_records = [](const std::string& task, const std::string& data, const Words& more) {
    CAPTURE(task);
    const TinyClassifier tiny;
    fs::create_directory(tiny.path("data"));
    for (const std::string name : {"data/train.tsv", "data/dev.tsv", "data/test.tsv"}) tiny.write(name, data);
    Words flags = tiny.training({"--max_steps=5", "--eval_steps=2", "--dropout=0.1", "--seq_length=16",
                                 "--train_data_file_path=" + tiny.path("data/train.tsv"),
                                 "--eval_data_file_path=" + tiny.path("data/dev.tsv")});
    flags.insert(flags.end(), more.begin(), more.end());
    tiny.print(flags);
    const double loss = tiny.train_loss(), eval_loss = tiny.score("eval_loss");
    for (const std::string format : {"mindrecord", "tfrecord"}) {
      CAPTURE(format);
      const std::string records = tiny.path(format);
      const std::string end = format == "mindrecord" ? ".mindrecord" : ".tf_record";
      const Outcome made = run_program("generate_classifier_records",
                                       {"--dataset_name=" + task, "--data_dir=" + tiny.path("data"),
                                        "--vocab_file=" + tiny.path("vocab.txt"), "--output_dir=" + records,
                                        "--max_seq_length=16", "--dataset_format=" + format});
      REQUIRE_MESSAGE(made.status == 0, made.err);
      const std::string train = records + "/train" + end, dev = records + "/eval" + end;
      Words of_records = flags;
      for (const std::string& flag :
           {"--dataset_format=" + format, "--train_data_file_path=" + train, "--eval_data_file_path=" + dev,
            "--save_finetune_checkpoint_path=" + tiny.path("save_" + format)})
        of_records.push_back(flag);
      tiny.print(of_records);
      CHECK(tiny.train_loss() == loss);
      CHECK(tiny.score("eval_loss") == eval_loss);
      CHECK(same_file(tiny, "save/checkpoint-5/model.safetensors",
                      "save_" + format + "/checkpoint-5/model.safetensors"));
      CHECK(same_file(tiny, "save/checkpoint-5/config.json", "save_" + format + "/checkpoint-5/config.json"));
    }
  };
  check_records("tsv", classified_texts, {"--class_weights=balanced"});
  check_records("tsv", classified_pairs, {});
  const std::string sts =
      "sentence1\tsentence2\tscore\nred\tred\t5\nred\tblue\t0.25\nred ball\tthe red\t4.4\n";
  check_records("sts_b", sts, {"--task_name=sts_b"});
}

TEST_CASE("a resumed classifier ends with the bits of one that ran through") {
  const TinyClassifier tiny;
  const Words flags{"--save_checkpoint_steps=2", "--eval_steps=1"};
  tiny.print(all_features(tiny, flags));
  const fs::path resumed = tiny.path("resumed");
  fs::create_directory(resumed);
  fs::copy(tiny.path("save/checkpoint-4"), resumed / "checkpoint-4", fs::copy_options::recursive);
  Words again = flags;
  again.emplace_back("--resume");
  again.push_back("--save_finetune_checkpoint_path=" + resumed.string());
  const std::string out = tiny.print(all_features(tiny, again));
  CHECK(out.find("resuming from " + (resumed / "checkpoint-4").string() + " at step 4\n") !=
        std::string::npos);
  for (const std::string& file : state_files) {
    CAPTURE(file);
    CHECK(same_file(tiny, "save/checkpoint-6/" + file, "resumed/checkpoint-6/" + file));
  }
}

TEST_CASE("run_classifier gives the same bits on any number of threads") {
  const TinyClassifier tiny;
  tiny.check_threads(tiny.training());
}

TEST_CASE("a classifier's training that is killed goes on to the same bits") {
  const TinyClassifier tiny;
  const Words flags = all_features(tiny, {"--save_checkpoint_steps=1", "--eval_steps=3", "--max_steps=40"});
  Words whole = flags;
  whole.push_back("--save_finetune_checkpoint_path=" + tiny.path("whole"));
  tiny.print(whole);
  Words resumed = flags;
  resumed.emplace_back("--resume");
  int kills = 0;
  for (const int milliseconds : {1, 30, 60}) kills += tiny.run_and_kill(resumed, milliseconds) ? 1 : 0;
  CHECK(kills > 0);
  tiny.print(resumed);
  CHECK(unfinished_files(tiny.path("save")) == Words{});
  for (const std::string& file : state_files) {
    CAPTURE(file);
    CHECK(same_file(tiny, "whole/checkpoint-40/" + file, "save/checkpoint-40/" + file));
  }
}

TEST_CASE("training stops early when the score stalls, keeps the best, and goes on with more patience") {
  const TinyClassifier tiny;
  // A learning rate of 0 changes nothing: the first evaluation stays the best.
  const auto train = [&](const std::string& save, const Words& more) {
    Words flags = tiny.training({"--do_eval", "--learning_rate=0", "--epoch_num=4",
                                 "--save_finetune_checkpoint_path=" + tiny.path(save)});
    flags.insert(flags.end(), more.begin(), more.end());
    return tiny.print(flags);
  };
  const std::string stalled = "none of the last 2 evaluations was better than that at step 1\n";
  const std::string out = train("save", {"--eval_steps=1", "--early_stopping_patience=2"});
  CHECK(out.find("stopping early: " + stalled) != std::string::npos);
  CHECK(tiny.score("steps") == 3);
  CHECK(fs::exists(tiny.path("save/checkpoint-3")));
  const auto best = json_of(file_content(tiny.path("save/best/trainer_state.json")));
  CHECK(best.at("step") == 1);
  CHECK(part_from(out, "best: ")
            .find(" at step 1, in " + tiny.path("save/best") + "; the model in use is that of step 3\n") !=
        std::string::npos);
  const std::string results = file_content(tiny.path("save/eval_results.txt"));
  CHECK(results.find("global_step = 3\n") != std::string::npos);

  // The same again has nothing to do, and says why; it scores all the same.
  const std::string again = train("save", {"--eval_steps=1", "--early_stopping_patience=2", "--resume"});
  CHECK(again.find("nothing is left to train: " + stalled) != std::string::npos);
  CHECK(again.find("acc_num ") != std::string::npos);
  CHECK(file_content(tiny.path("save/eval_results.txt")) == results);
  // With more patience it goes on as if it had not stopped.
  train("save", {"--eval_steps=1", "--early_stopping_patience=5", "--resume"});
  CHECK(tiny.score("steps") == 6);
  train("whole", {"--eval_steps=1", "--early_stopping_patience=5"});
  CHECK(tiny.score("steps") == 6);
  for (const std::string& file : state_files) {
    CAPTURE(file);
    CHECK(same_file(tiny, "whole/checkpoint-6/" + file, "save/checkpoint-6/" + file));
  }
}

TEST_CASE("classifiers train for as many steps as asked, and evaluate every so many") {
  const TinyClassifier tiny;
  const std::string out = tiny.print(tiny.training({"--max_steps=7", "--eval_steps=3"}));
  for (const int step : {3, 6, 7})
    CHECK(out.find(fmt::format("\nstep {}: accuracy ", step)) != std::string::npos);
  for (const int step : {1, 2, 4, 5}) CHECK(out.find(fmt::format("\nstep {}: ", step)) == std::string::npos);
  CHECK(tiny.score("steps") == 7);
}

TEST_CASE("two batches of weighted examples added up are one batch of twice the size") {
  const TinyClassifier tiny;
  for (const std::string weights : {"", "0.5,3", "balanced"}) {
    CAPTURE(weights);
    const auto loss = [&](const Words& batches) {
      Words flags = tiny.training({"--class_weights=" + weights, "--dropout=0", "--train_data_shuffle=false",
                                   "--max_steps=4", "--save_finetune_checkpoint_path="});
      flags.insert(flags.end(), batches.begin(), batches.end());
      tiny.print(flags);
      return tiny.train_loss();
    };
    const double added = loss({"--train_batch_size=3", "--gradient_accumulation_steps=2"});
    CHECK(added == doctest::Approx(loss({"--train_batch_size=6"})).epsilon(1e-5));
  }
}

TEST_CASE("weights of classes change what is learned, and are saved") {
  const TinyClassifier tiny;
  // Three of four texts are pos, and nothing tells which.
  const std::string data = tiny.write("same.txt", "film\tpos\nfilm\tpos\nfilm\tpos\nfilm\tneg\n");
  const auto probability = [&](const std::string& weights) {
    const std::string save = "save" + weights;
    const std::string best = tiny.path(save + "/best");
    tiny.train_well({"--epoch_num=200", "--train_data_file_path=" + data, "--eval_data_file_path=" + data,
                     "--class_weights=" + weights, "--save_finetune_checkpoint_path=" + tiny.path(save)});
    const auto row = json_of(tiny.print(tiny.predicting(best, {"--json"}), "film\n"));
    return row.at("probabilities").at("neg").get<double>();
  };
  // Names of labels in byte order: neg, pos.
  CHECK(probability("") == doctest::Approx(0.25).epsilon(0.1));
  CHECK(probability("balanced") == doctest::Approx(0.5).epsilon(0.1));
  CHECK(probability("9,1") == doctest::Approx(0.75).epsilon(0.1));
  const auto weights = [&](const std::string& path) {
    const auto config = json_of(file_content(tiny.path(path)));
    return config.at("gradus_classifier").at("class_weights").get<std::vector<double>>();
  };
  CHECK(weights("save9,1/best/config.json") == std::vector<double>{9, 1});
  const std::vector<double> balanced = weights("savebalanced/best/config.json");
  CHECK(balanced.at(0) == 2);
  CHECK(balanced.at(1) == doctest::Approx(2.0 / 3));
  // Trained further, they stay unless others are asked for.
  const auto further = [&](const std::string& name, const Words& more) {
    Words flags{"--do_train",
                "--max_steps=1",
                "--seq_length=24",
                "--train_data_file_path=" + data,
                "--load_finetune_checkpoint_path=" + tiny.path("save9,1/best"),
                "--save_finetune_checkpoint_path=" + tiny.path(name)};
    flags.insert(flags.end(), more.begin(), more.end());
    tiny.print(flags);
    return weights(name + "/checkpoint-1/config.json");
  };
  CHECK(further("kept", {}) == std::vector<double>{9, 1});
  CHECK(further("changed", {"--class_weights=2,3"}) == std::vector<double>{2, 3});
}

TEST_CASE("a collapsed training is named as such, at once and in the end") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("same.txt", "film\tpos\nfilm\tpos\nfilm\tpos\nfilm\tneg\nfilm\tneg\n");
  const std::string out = tiny.print(
      tiny.training({"--do_eval", "--max_steps=40", "--eval_steps=20", "--save_checkpoint_steps=100",
                     "--train_data_file_path=" + data, "--eval_data_file_path=" + data}));
  CHECK(out.find("\nstep 20: every prediction is 'pos'\n") != std::string::npos);
  CHECK(part_from(out, "gold \\ predicted") ==
        "gold \\ predicted  neg  pos\n"
        "neg                 0    2\n"
        "pos                 0    3\n"
        "always answering 'pos' would give accuracy 0.600000\n"
        "warning: every prediction is 'pos': the training was too short or has collapsed; another --seed, a "
        "lower "
        "--learning_rate or a larger --warmup_proportion may help\n");
}

TEST_CASE("a classifier starts from a tagger's encoder, and keeps nothing of its task") {
  const TinyClassifier tiny;
  const std::string words = tiny.write("words.txt", "film O\ngood B-PER\n");
  const Outcome tagger = run_program(
      "run_ner", tiny.training({"--max_steps=1", "--train_data_file_path=" + words, "--eval_data_file_path=",
                                "--save_finetune_checkpoint_path=" + tiny.path("tagger")}));
  REQUIRE_MESSAGE(tagger.status == 0, tagger.err);
  tiny.train_best({"--load_pretrain_checkpoint_path=" + tiny.path("tagger/checkpoint-1")});
  const auto config = json_of(file_content(tiny.path("save/best/config.json")));
  CHECK_FALSE(config.contains("gradus_ner"));
  CHECK(config.contains("gradus_classifier"));
}

TEST_CASE(
    "a resumed classifier that is scored on other data finds the best anew, and says so beside its JSON") {
  const TinyClassifier tiny;
  const std::string data = tiny.write("dev.tsv", "good film\tpos\nbad film\tneg\n");
  const auto train = [&](const Words& more) {
    Words flags{"--json", "--eval_data_file_path=" + data};
    flags.insert(flags.end(), more.begin(), more.end());
    const Outcome outcome = tiny.run(tiny.training(flags));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return outcome.err.find("note: the evaluation data was another") != std::string::npos;
  };
  CHECK_FALSE(train({"--max_steps=1"}));
  CHECK_FALSE(train({"--max_steps=2", "--resume"}));
  tiny.write("dev.tsv", "good film\tneg\nbad film\tneg\n");
  CHECK(train({"--max_steps=3", "--resume"}));
}
