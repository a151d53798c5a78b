// The scripts of tasks/compat: how they read their arguments, and what they say of wrong ones. What they start is tested with the pages of
// docs/recipes.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/tasks/program.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// A folder in whose place of the programs there are some that tell their arguments, a line each.
struct Scripts {
  TemporaryFolder folder;

  Scripts() {
    for (const char* name : {"run_ner", "run_classifier", "run_squad", "run_pretrain", "run_pretrain_eval",
                             "conlleval", "infer", "generate_ner_records", "generate_pretraining_records"}) {
      folder.write(name, "#!/bin/sh\nfor word; do printf '[%s]' \"$word\"; done\necho\n");
      fs::permissions(folder / name, fs::perms::owner_all);
    }
    fs::create_directory(folder / "out");
    folder.write("test.txt", "a O\n");
  }

  Outcome run(const std::string& script, const Words& arguments, const Words& environment = {}) const {
    Words command = joined({"/usr/bin/env", "GRADUS_PROGRAMS=" + folder.path().string()}, environment);
    command = joined(std::move(command),
                     {"/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", folder.path().string(),
                      "/bin/sh", source_file("tasks/compat/" + script).string()});
    return Process(joined(std::move(command), arguments), "").wait();
  }
  // What the program was given.
  std::string given(const std::string& script, const Words& arguments) const {
    const Outcome outcome = run(script, arguments);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return outcome.out;
  }
  void refuse(const std::string& script, const Words& arguments, const std::string& text,
              const Words& environment = {}) const {
    const Outcome outcome = run(script, arguments, environment);
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(outcome.err.starts_with("error: " + text), outcome.err);
    CHECK(std::ranges::count(outcome.err, '\n') == 1);
  }
};

const Words classifier{"--task_name=MRPC", "--data_dir=glue", "--vocab_file=v", "--bert_config_file=c",
                       "--output_dir=out"};
const Words tagger{"-data_dir",        ".", "-vocab_file", "v",  "-bert_config", "c",
                   "-init_checkpoint", "m", "-output_dir", "out"};

}  // namespace

TEST_CASE("compat: flags are read as Python's argparse and absl read them") {
  const Scripts scripts;
  const auto given = [&](const Words& more) {
    return scripts.given("google/run_classifier.sh", joined(classifier, more));
  };
  const Words model{"--init_checkpoint=m"};
  CHECK(contains(given(joined(model, {"--do_train"})), "[--do_train]"));
  CHECK(contains(given({"--do_eval=True"}), "[--do_eval][--eval_data_file_path][glue/dev.tsv]"));
  CHECK(contains(given({"--do_eval", "true", "--do_predict", "False"}), "[--do_eval]"));
  CHECK_FALSE(contains(given({"--do_predict=1", "--nodo_eval"}), "[--do_eval]"));
  CHECK(contains(given({"--do_eval", "--max_seq_length", "64"}), "[--seq_length][64]"));
  CHECK(contains(given({"-do_eval", "-max_seq_length=64", "--max_seq=65"}), "[--seq_length][65]"));
  // Words with signs of the shell, and what stands behind --, come through as they are.
  const std::string odd = "a b'\"$HOME`x`\\*;é";
  CHECK(contains(given({"--do_eval", "--output_dir", odd}), "[--output_dir][" + odd + "]"));
  CHECK(contains(given({"--do_eval", "--", "--json", odd}), "[--json][" + odd + "]\n"));
  CHECK(contains(given({"--do_eval", "--use_tpu=False", "--npu_bert_debug", "--tpu_name", "x"}),
                 "left: -use_tpu: of TPUs\nleft: -npu_bert_debug: of Ascend\nleft: -tpu_name: of TPUs\n"));
}

TEST_CASE("compat: run_classifier.py's tasks are read from the files that it reads") {
  const Scripts scripts;
  const auto check_files = [&](const std::string& task, const std::string& train, const std::string& dev,
                               const std::string& test, const std::string& more = "") {
    CAPTURE(task);
    const Words flags{"--task_name=" + task, "--data_dir=d",        "--vocab_file=v", "--bert_config_file=c",
                      "--output_dir=out",    "--init_checkpoint=m", "--do_eval",      "--do_predict"};
    const std::string files = "[--do_predict][--predict_data_file_path][d/" + test +
                              "][--do_eval][--eval_data_file_path][d/" + dev + "]" + more + "\n";
    const std::string trained = scripts.given("google/run_classifier.sh", joined(flags, {"--do_train"}));
    CHECK_MESSAGE(contains(trained, "[--task_name][" + task + "][--train_data_file_path][d/" + train + "]"),
                  trained);
    CHECK_MESSAGE(contains(trained, files), trained);
    CHECK(contains(scripts.given("google/run_classifier.sh", flags), files));
  };
  check_files("CoLA", "train.tsv", "dev.tsv", "test.tsv");
  check_files("mrpc", "train.tsv", "dev.tsv", "test.tsv");
  check_files("MNLI", "train.tsv", "dev_matched.tsv", "test_matched.tsv");
  check_files("mnli_mm", "train.tsv", "dev_mismatched.tsv", "test_mismatched.tsv");
  check_files("XNLI", "multinli/multinli.train.zh.tsv", "xnli.dev.tsv", "xnli.test.tsv", "[--language][zh]");
}

TEST_CASE("compat: the command is told as it can be typed") {
  const Scripts scripts;
  const Outcome outcome = scripts.run("google/run_classifier.sh",
                                      joined(classifier, {"--do_eval", "--", "--report", "it's.html"}));
  CHECK(contains(outcome.err, "+ run_classifier --task_name MRPC "));
  CHECK(contains(outcome.err, "--report 'it'\\''s.html'\n"));
}

TEST_CASE("compat: wrong flags are refused, an unknown one with the nearest that there is") {
  const Scripts scripts;
  const auto refuse = [&](const Words& more, const std::string& text) {
    scripts.refuse("google/run_classifier.sh", joined(classifier, more), text);
  };
  refuse({"--do_trian"}, "unknown flag '--do_trian': did you mean -do_train?\n");
  refuse({"--traim_batch_size=3"}, "unknown flag '--traim_batch_size=3': did you mean -train_batch_size?\n");
  refuse({"--zzzzzz"}, "unknown flag '--zzzzzz' (--help lists what is allowed)\n");
  refuse({"--do_"}, "unknown flag '--do_': did you mean -do_train?\n");  // which of several it begins
  refuse({"--do_train=maybe"}, "-do_train: found 'maybe', expected true or false");
  refuse({"--do_train", "x"}, "unexpected 'x': flags begin with -");
  refuse({"--learning_rate"}, "--learning_rate: expected its value");
  refuse({}, "nothing to do: expected --do_train, --do_eval or --do_predict");
  refuse({"--do_train"}, "-init_checkpoint is missing");
  scripts.refuse("google/run_classifier.sh", {"--do_train", "--task_name=mrpc"}, "-data_dir is missing");
  scripts.refuse("google/train_full_1p.sh", {"--data_path=x"}, "-model_path is missing");
  scripts.refuse("google/train_full_1p.sh", {"--data_path=x", "--model_path=a", "--ckpt_path=b"},
                 "-ckpt_path 'b' and -model_path 'a'");
  scripts.refuse("google/run_pretraining.sh",
                 {"--input_file=a*", "--bert_config_file=b", "--output_dir=c", "--do_train"},
                 "-input_file: found 'a*', expected one file");
  scripts.refuse(
      "bert_ner/BERT_NER.sh",
      {"--task_name=pos", "--data_dir=d", "--vocab_file=v", "--bert_config_file=b", "--output_dir=o"},
      "-task_name: found 'pos', expected ner");
}

TEST_CASE("compat: run.sh of the BiLSTM-CRF turns off the phases whose flags are given") {
  const Scripts scripts;
  const auto given = [&](const Words& more) {
    return scripts.given("bilstm_crf/run.sh", joined(tagger, more));
  };
  const std::string all = given({});
  CHECK(contains(all, "train: true\neval: true\npredict: true\n"));
  CHECK(contains(all, "[--do_train][--do_eval]"));
  CHECK(contains(all, "[--bert_config_file][c]"));
  CHECK(contains(file_content(scripts.folder / "out/label_test.txt"), "[--do_predict]"));
  const std::string trained = given({"-do_predict", "-device_map", "5", "-dropout_rate=0.5"});
  CHECK(contains(trained, "predict: false\n"));
  CHECK(contains(trained, "left: -device_map: "));
  CHECK(contains(trained, "left: -dropout_rate: "));
  CHECK(contains(trained, "[--train_batch_size][64]"));
  const std::string predicted = given({"-do_train", "-do_eval"});
  CHECK_FALSE(contains(predicted, "[--do_train]"));
  scripts.refuse("bilstm_crf/run.sh", joined(tagger, {"-do_train"}),
                 "-do_train, -do_eval: training and scoring go together");
  scripts.refuse("bilstm_crf/run.sh", joined(tagger, {"-do_train", "-do_eval", "-do_predict"}),
                 "nothing to do: ");
  scripts.refuse("bilstm_crf/run.sh", joined(tagger, {"-do_predict=true"}),
                 "-do_predict=true: found a value, expected none");
  scripts.refuse("bilstm_crf/run.sh", joined(tagger, {"-batchsize", "3"}),
                 "unknown flag '-batchsize': did you mean -batch_size?");
}

TEST_CASE("compat: arguments by their place are checked") {
  const Scripts scripts;
  const std::string launch = "bert_ner/launch.sh";
  const Words environment{"DATASETS=x", "DATASETS_DIR=.", "RUN_MODEL_FILE=./tf1-bert-crf.sh"};
  scripts.refuse(launch, {"BERT-CRF", "32", "1"}, "found 3 arguments, expected MODEL_NAME", environment);
  scripts.refuse(launch, {"BERT", "32", "1", "FP32"}, "MODEL_NAME: found 'BERT'", environment);
  scripts.refuse(launch, {"BERT-CRF", "0", "1", "FP32"},
                 "BATCH_SIZE: found '0', expected a whole number, at least 1", environment);
  scripts.refuse(launch, {"BERT-CRF", "32", "8", "FP32"}, "DEVICE_COUNT: found '8', expected 1", environment);
  scripts.refuse(launch, {"BERT-CRF", "32", "1", "FP64"}, "PRECISION: found 'FP64', expected FP32 or TF32",
                 environment);
  scripts.refuse(launch, {"BERT-CRF", "32", "1", "FP32"},
                 "RUN_MODEL_FILE: cannot read './cased_L-12_H-768_A-12'", environment);
  scripts.refuse(launch, {"BERT-CRF", "32", "1", "FP32"}, "the environment variable DATASETS is missing");
  scripts.refuse(launch, {"BERT-CRF", "32", "1", "FP32"}, "RUN_MODEL_FILE: found 'x.sh', expected",
                 {"DATASETS=x", "DATASETS_DIR=.", "RUN_MODEL_FILE=x.sh"});

  const std::string pretrain = "mindspore/run_standalone_pretrain_ascend.sh",
                    several = "mindspore/run_distributed_pretrain_for_gpu.sh";
  scripts.refuse(pretrain, {"0", "1"}, "found 2 arguments, expected DEVICE_ID, EPOCH_SIZE and DATA_DIR");
  scripts.refuse(pretrain, {"x", "1", "."}, "DEVICE_ID: found 'x'");
  scripts.refuse(pretrain, {"0", "0", "."}, "EPOCH_SIZE: found '0'");
  scripts.refuse(pretrain, {"0", "1", "nowhere"}, "DATA_DIR: cannot read 'nowhere'");
  scripts.refuse(pretrain, {"0", "1", ".", "nowhere"}, "SCHEMA_DIR: cannot read 'nowhere'");
  scripts.refuse(several, {"."}, "found 1 arguments, expected DEVICE_NUM, EPOCH_SIZE and DATA_DIR");
  scripts.refuse(several, {"0", "1", "."}, "DEVICE_NUM: found '0'");
  const std::string infer = "mindspore/run_infer_cpp.sh";
  const auto inferred = [&](const Words& more) { return joined({".", "", ".", "mindrecord", ""}, more); };
  scripts.refuse(infer, inferred({"ner", "y"}), "found 7 arguments, expected MODEL, LABEL_PATH");
  scripts.refuse(infer, inferred({"pos", "y", "CPU"}),
                 "TASK: found 'pos', expected ner, ner_crf, classifier or squad");
  scripts.refuse(infer, inferred({"squad", "y", "CPU"}),
                 "TASK squad: expected VOCAB_FILE_PATH and EVAL_JSON_PATH");
  scripts.refuse(infer, inferred({"ner", "yes", "CPU"}), "NEED_PREPROCESS: found 'yes', expected y or n");
  scripts.refuse(infer, inferred({"ner", "y", "TPU"}), "DEVICE_TYPE: found 'TPU'");
  scripts.refuse(infer, inferred({"ner", "y", "CPU", "x"}), "DEVICE_ID: found 'x'");
  scripts.refuse(infer, {"none", "", ".", "text", "", "ner", "y", "CPU"}, "MODEL: cannot read 'none'");
  scripts.refuse(infer, {".", "", "", "text", "", "ner", "y", "CPU"}, "DATA_FILE_PATH: cannot read ''");
  scripts.folder.write("a.mindir", "");
  scripts.refuse(infer, {"a.mindir", "", ".", "text", "", "ner", "y", "CPU"},
                 "MODEL: found 'a.mindir', which runs in MindSpore alone");
  scripts.refuse("mindspore/run_ner.sh", {"one"}, "DEVICE_ID: found 'one'");
  scripts.refuse("mindspore/run_squad_gpu_distribute.sh", {}, "found 0 arguments, expected DEVICE_NUM");
  scripts.refuse("mindspore/generate_pretrain_mindrecords.sh", {"."},
                 "found 1 arguments, expected INPUT_FILES_PATH");
}

TEST_CASE(
    "compat: launchers keep a log, take the settings that lie there, and end with the program's status") {
  const Scripts scripts;
  CHECK(contains(scripts.given("mindspore/run_ner.sh", {"0", "--use_crf=true"}),
                 "there is no task_ner_config.yaml here"));
  CHECK(contains(file_content(scripts.folder / "ner_log.txt"), "[--device_id=0][--epoch_num=5]"));
  CHECK(contains(file_content(scripts.folder / "ner_log.txt"), "[--use_crf=true]\n"));
  scripts.folder.write("task_ner_config.yaml", "");
  CHECK(contains(scripts.given("mindspore/run_ner_gpu.sh", {}), "log: ner_log.txt\n"));
  CHECK(file_content(scripts.folder / "ner_log.txt")
            .starts_with("[--config_path=task_ner_config.yaml][--device_target=GPU]"));
  scripts.given("mindspore/run_ner.sh", {"--config_path", "other.yaml"});
  CHECK(file_content(scripts.folder / "ner_log.txt").starts_with("[--device_target=CPU]"));
  scripts.given("mindspore/run_standalone_pretrain_for_gpu.sh",
                {"3", "2", ".", "test.txt", "--batch_size=4"});
  CHECK(contains(file_content(scripts.folder / "log.txt"),
                 "[--device_target=GPU][--distribute=false][--epoch_size=2][--device_id=3]"));
  CHECK(contains(file_content(scripts.folder / "log.txt"),
                 "[--data_dir=.][--schema_dir=test.txt][--batch_size=4]"));
  CHECK(contains(scripts.given("mindspore/finetune_data_preprocess.sh",
                               {"--data_dir=/a/msra.xml", "--vocab_file=v", "--label2id=l", "--class_filter",
                                "NAMEX", "TIMEX", "--split_end=0.5"}),
                 "[--class_filter][NAMEX,TIMEX][--split_begin][0][--split_end][0.5]"));

  scripts.folder.write("run_squad", "#!/bin/sh\necho first\necho 'error: no data' >&2\nexit 7\n");
  const Outcome outcome = scripts.run("mindspore/run_squad.sh", {});
  CHECK(outcome.status == 7);
  CHECK(contains(outcome.err, "error: no data\n"));
}

TEST_CASE("compat: run_infer_cpp.sh has more arguments for SQuAD, and two programs where inputs are there") {
  const Scripts scripts;
  const std::string infer = "mindspore/run_infer_cpp.sh";
  const std::string tagged = scripts.given(
      infer, {".", "test.txt", ".", "tfrecord", "test.txt", "ner_crf", "y", "GPU", "3", "--threads=1"});
  CHECK(contains(tagged,
                 "[--task=ner_crf][--stage=all][--load_finetune_checkpoint_path=.][--dataset_format="
                 "tfrecord][--eval_data_file_path=.][--label_file_path=test.txt][--schema_file_path="
                 "test.txt][--assessment_method=BF1][--eval_batch_size=1][--device_target=GPU]"
                 "[--device_id=3][--threads=1]\n"));
  scripts.folder.write("a.onnx", "");
  const std::string answered = scripts.given(
      infer, {"a.onnx", "labels", ".", "mindrecord", "", "sqaud", "v", "dev.json", "n", "Ascend"});
  CHECK(contains(answered, "left: DEVICE_TYPE Ascend: the processor computes\nleft: LABEL_PATH: "));
  CHECK(contains(answered, "[--task=squad][--stage=infer][--exported_file=a.onnx]"));
  CHECK(contains(answered, "[--task=squad][--stage=postprocess][--exported_file=a.onnx]"));
  CHECK(contains(answered,
                 "[--vocab_file_path=v][--eval_json_path=dev.json][--eval_batch_size=1]"
                 "[--device_target=CPU][--device_id=0]\n"));
  CHECK_FALSE(contains(scripts.given(infer, {".", "", ".", "text", "", "classifier", "y", "CPU"}),
                       "assessment_method"));
}

TEST_CASE("compat: every script tells its usage with an example, and its flags are told of") {
  const Scripts scripts;
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source_file("tasks/compat"))) {
    const std::string text = entry.is_regular_file() ? file_content(entry.path()) : "";
    if (!text.starts_with("#!/bin/sh\n")) continue;
    INFO(entry.path().string());
    ++count;
    const std::string script = fs::relative(entry.path(), source_file("tasks/compat")).string();
    const Outcome outcome = scripts.run(script, {"--help"});
    CHECK(outcome.status == 0);
    CHECK(contains(outcome.out, "usage: "));
    CHECK(contains(outcome.out, "example: "));
    CHECK(contains(outcome.out, entry.path().filename().string()));
  }
  CHECK(count > 15);
}
