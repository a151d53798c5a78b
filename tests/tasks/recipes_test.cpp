// The pages of docs/recipes that show how the commands of other systems' documents are given here: each command runs as it
// stands there, on small data.
#include <doctest/doctest.h>

#include "tests/tasks/mindspore_settings.h"
#include "tests/tasks/recipe_page.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

const std::string english_pieces =
    "Anna\nBoris\nClara\nBrom\nlives\nin\nAlden\nPort\nMill\nleft\nmet\nis\nold\nthe\nhouse\n.\n";

// Chinese names, a character a line.
const std::string chinese_names =
    "王 B-PER\n伟 I-PER\n住 O\n在 O\n青 B-LOC\n州 I-LOC\n。 O\n\n青 B-LOC\n州 I-LOC\n在 O\n。 O\n\n"
    "王 B-PER\n伟 I-PER\n在 O\n。 O\n\n在 O\n青 B-LOC\n州 I-LOC\n住 O\n。 O\n\n";
const std::string chinese_pieces = "王\n伟\n住\n在\n青\n州\n。\n";

// Pairs in the form of GLUE's MRPC.
std::string mrpc_pairs() {
  std::string table = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n";
  for (const std::string& line : lines_of(classified_pairs)) {
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    table += fmt::format("{}\t1\t2\t{}\t{}\n", line.ends_with("like") ? 1 : 0, line.substr(0, first),
                         line.substr(first + 1, second - first - 1));
  }
  return table;
}

}  // namespace

TEST_CASE("recipes: a page's blocks are told apart, and each has to say what becomes of it") {
  const TemporaryFolder folder;
  const auto blocks_in = [&](const std::string& text) { return recipe_blocks(folder.write("p.md", text)); };
  const auto blocks = blocks_in(
      "# A\n\n<!-- run -->\n\n    a \\\n      b\n\n    c\ntext\n\n<!-- not run: output -->\n\n    d\n");
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].marker == "run");
  CHECK(blocks[0].line == 5);
  CHECK(blocks[0].text == "a \\\n  b\n\nc\n");
  CHECK(blocks[1].text == "d\n");
  CHECK_THROWS_AS(blocks_in("text\n\n    a\n"), Error);
  CHECK_THROWS_AS(blocks_in("<!-- run -->\n\ntext\n\n    a\n"), Error);
  CHECK_THROWS_AS(blocks_in("<!-- run -->\n"), Error);
  CHECK_THROWS_AS(blocks_in("<!-- runs -->\n\n    a\n"), Error);
}

TEST_CASE("recipes: BERT-CRF on CoNLL-2003") {
  const RecipeFolder page("bert_crf_conll.md");
  page.write_all({"data/CoNLL-2003/train.txt", "data/CoNLL-2003/dev.txt", "data/CoNLL-2003/test.txt"},
                 ner_sentences);
  page.pretrained("TensorFlow/BERT-CRF/cased_L-12_H-768_A-12", "tensorflow", "bert_model.ckpt",
                  english_pieces);
  const std::vector<std::string> printed = page.run();
  REQUIRE(printed.size() == 4);
  CHECK(contains(printed[0], "left: DOCKERFILE: nothing runs in a container here\n"));
  CHECK(contains(printed[0], "--train_batch_size 32"));
  for (size_t i = 1; i < printed.size(); ++i)
    CHECK_MESSAGE(contains(printed[i], "processed 64 tokens with 18 phrases; found: "), printed[i]);
  // The script comes to what the page says that it comes to.
  CHECK(file_content(page.path("logs/label_test.txt")) == file_content(page.path("label_test.txt")));
}

TEST_CASE("recipes: BiLSTM-CRF for Chinese names") {
  const RecipeFolder page("bilstm_crf_chinese.md");
  page.write_all({"NERdata/train.txt", "NERdata/dev.txt", "NERdata/test.txt"}, chinese_names);
  page.pretrained("model", "tensorflow", "bert_model.ckpt", chinese_pieces);
  const std::vector<std::string> printed = page.run();
  REQUIRE(printed.size() == 5);
  const std::string gpu = file_content(page.path("loss+perf_gpu.txt")),
                    npu = file_content(page.path("loss+perf_npu.txt"));
  CHECK(contains(gpu, "left: -device_map: "));
  CHECK_FALSE(contains(npu, "left: "));
  for (const std::string& log : {gpu, npu}) {
    CHECK(contains(log, "train: true\neval: true\npredict: false\n"));
    CHECK(contains(log, "trained 2 steps"));
    CHECK_FALSE(contains(log, "--do_predict "));
  }
  CHECK(contains(printed[2], "--max_steps 5 --log_steps 1\n"));
  CHECK(contains(file_content(page.path("output/predict_score.txt")), "processed 20 tokens with 5 phrases"));
  CHECK(contains(printed[3], "--with_lstm\n"));
}

TEST_CASE("recipes: BERT on MRPC") {
  const RecipeFolder page("mrpc.md");
  page.write_all({"glue_data/MRPC/train.tsv", "glue_data/MRPC/dev.tsv", "glue_data/MRPC/test.tsv"},
                 mrpc_pairs());
  for (const char* folder : {"BertBase_ckpt", "BertLarge_ckpt"})
    page.pretrained(folder, "tensorflow", "bert_model.ckpt", "red\nblue\nball\nhat\ngood\nbad\n");
  const std::vector<std::string> printed = page.run();
  REQUIRE(printed.size() == 4);
  for (size_t i = 0; i < 2; ++i) {
    CHECK_MESSAGE(contains(printed[i], "---------Final Result--------\nFinal Precision Accuracy : 0."),
                  printed[i]);
    CHECK(contains(printed[i], "\nFinal Performance ms/step : "));
    CHECK(contains(printed[i], "\nFinal Training Duration sec : "));
  }
  CHECK(contains(printed[3], "left: -npu_bert_fused_gelu: of Ascend\n"));
  CHECK(lines_of(file_content(page.path("mrpc_output/test_results.tsv"))).size() == 10);
}

TEST_CASE("recipes: from a spreadsheet to classes in it") {
  const RecipeFolder page("spreadsheet.md");
  std::string labelled = "\xEF\xBB\xBFid;review;rating\r\n";
  for (const std::string& line : lines_of(classified_texts)) {
    const size_t tab = line.find('\t');
    labelled += fmt::format("7;\"{}; \"\"really\"\"\n.\";{}\r\n", line.substr(0, tab), line.substr(tab + 1));
  }
  page.write_all({"reviews.csv", "kept.csv"}, labelled + ";;\r\n");
  const std::string first = "1;\"a \"\"good\"\"\nfilm; yes\";", second = "2;bad;?";
  page.write("new.csv", "\xEF\xBB\xBFid;review;rating\r\n" + first + "\r\n" + second + "\r\n;;\r\n");
  page.pretrained("model", "safetensors", "model.safetensors", "film\ngood\nbook\nbad\nplay\nis\na\n;\n");
  const std::vector<std::string> printed = page.run();
  REQUIRE(printed.size() == 3);
  CHECK_MESSAGE(contains(printed[0], "reviews.csv: CSV with a semicolon between cells\n"), printed[0]);
  CHECK(contains(printed[0], "texts from column 2 (review), labels from column 3 (rating); not used: id\n"));
  CHECK(contains(printed[0], "1 empty line is left out\n"));
  CHECK(contains(printed[0], "labels: neg, pos\n"));
  CHECK(contains(printed[1], "12 examples"));
  CHECK(contains(printed[2], "new.csv: columns added: predicted_label, probability_neg, probability_pos\n"));
  const std::string table = file_content(page.path("labelled.csv"));
  CHECK(table.starts_with("\xEF\xBB\xBFid;review;rating;predicted_label;probability_neg;probability_pos\r\n" +
                          first + ";"));
  CHECK(contains(table, "\r\n" + second + ";"));
  CHECK(table.ends_with("\r\n"));
}

TEST_CASE("recipes: the scripts of transformers") {
  const RecipeFolder page("transformers.md");
  page.pretrained("bert", "safetensors", "model.safetensors",
                  english_pieces + "red\nblue\nball\nhat\ngood\nbad\nanna\nboris\nalden\nwhere\n?\n");
  page.write_all({"train.txt", "dev.txt"}, ner_sentences);
  page.write("text.txt", "Anna lives in Alden .\n");
  page.write_all({"MRPC/train.tsv", "MRPC/dev.tsv"}, mrpc_pairs());
  page.write_all({"train-v1.1.json", "dev-v1.1.json"}, json_text(toy_questions()));
  page.write_all({"wiki.txt", "other.txt"},
                 "Anna lives in Alden .\nthe house is old .\n\nBoris met Clara .\nClara left .\n");
  const std::vector<std::string> printed = page.run();
  REQUIRE(printed.size() == 4);
  CHECK(contains(printed[0], "processed 64 tokens with 18 phrases; found: "));
  CHECK(contains(printed[1], "acc_num "));
  CHECK(contains(printed[2], "\"exact_match\": "));
  CHECK(contains(printed[3], "masked_lm_accuracy"));
}

TEST_CASE("recipes: BERT-large on SQuAD") {
  const RecipeFolder page("squad_large.md");
  page.write("train-v1.1.json", json_text(toy_questions()));
  page.write("squad/dev-v1.1.json", json_text(toy_questions()));
  page.pretrained("squad", "mindspore", "bert_large_ascend_v130_enwiki_official_nlp_bs768_loss1.1.ckpt",
                  "anna\nboris\nclara\ndora\nalden\nbrom\ncolby\ndell\nlives\nin\nwhere\nis\n?\n");
  const std::vector<std::string> printed = page.run();
  if (!mpirun().empty()) {
    REQUIRE(printed.size() == 5);
    CHECK(contains(printed[1], "mpirun --allow-run-as-root -n 8 "));
    for (size_t i = 1; i < 3; ++i) CHECK_MESSAGE(contains(printed[i], "\"exact_match\": "), printed[i]);
  }
  CHECK(contains(printed.back(), "\"exact_match\": "));
  CHECK(std::filesystem::exists(page.path("squad_google/predictions.json")));
}

TEST_CASE("recipes: the scripts that no page shows, and a script by a link to it") {
  const RecipeFolder folder("mrpc.md");
  folder.pretrained("bert", "tensorflow", "bert_model.ckpt", "a\nb\n.\n");
  folder.write("text", "a b .\nb a .\n\na .\nb .\n");
  folder.shell(
      "build/tasks/generate_pretraining_records --input_file=text --output_file=examples.tfrecord "
      "--vocab_file=bert/vocab.txt "
      "--max_seq_length=16 --dataset_format=tfrecord");
  const std::string flags =
      "--input_file=examples.tfrecord --bert_config_file=bert/bert_config.json --max_seq_length=16 ";
  const std::string out = folder.shell(
      "sh tasks/compat/google/run_pretraining.sh " + flags +
      "--do_train=True --do_eval=True --num_warmup_steps=1 --max_predictions_per_seq=20 --output_dir=new");
  CHECK(contains(out, "left: -max_predictions_per_seq: the records have it\n"));
  CHECK(contains(out, "trained 2 steps"));
  folder.shell("sh tasks/compat/google/run_pretraining.sh " + flags +
               "--init_checkpoint=bert/bert_model.ckpt --do_train=True --output_dir=further");
  CHECK(contains(folder.shell("sh tasks/compat/google/run_pretraining.sh " + flags +
                              "--do_eval=True --output_dir=further"),
                 "masked_lm_accuracy"));
  CHECK(contains(
      folder.shell("ln -s \"$PWD/tasks/compat/mindspore/run_ner.sh\" linked.sh\nsh linked.sh --help"),
      "usage: bash run_ner.sh"));
}

TEST_CASE("recipes: MindSpore's BERT") {
  const RecipeFolder page("mindspore_bert.md");
  const std::string text = "青州在。\n王伟住。\n\n王伟在青州。\n住在青州。\n",
                    tnews =
                        "{\"label\": \"100\", \"sentence\": \"青州在。\"}\n{\"label\": \"116\", "
                        "\"sentence\": \"王伟住。\"}\n",
                    cluener =
                        "{\"text\": \"王伟住。\", \"label\": {\"name\": {\"王伟\": [[0, 1]]}}}\n{\"text\": "
                        "\"在青州。\", \"label\": {}}\n";
  page.pretrained("scripts", "mindspore", "checkpoint_bert-20000_1.ckpt",
                  chinese_pieces + "where\ndoes\nlive\nanna\nin\nalden\n");
  std::filesystem::remove(
      page.path("scripts/bert_config.json"));  // as there: the settings file has the shape
  page.write_all({"vocab.txt", "bert-base-uncased-vocab.txt", "squad/vocab.txt", "tnews/vocab.txt"},
                 file_content(page.path("scripts/vocab.txt")));
  std::filesystem::remove(page.path("scripts/vocab.txt"));
  page.write_all({"wiki-clean-aa/wiki_00", "wiki-clean-aa/wiki_01"}, text);
  page.write_all({"ClueNER/cluener_public/train.json", "ClueNER/cluener_public/dev.json",
                  "ClueNER/cluener_public/test.json"},
                 cluener);
  page.write_all(
      {"ChineseNER/data/example.train", "ChineseNER/data/example.dev", "ChineseNER/data/example.test"},
      chinese_names);
  page.write_all({"squad/train-v1.1.json", "squad/dev-v1.1.json"}, json_text(toy_questions()));
  page.write_all({"tnews/train.json", "tnews/dev.json", "tnews/test.json"}, tnews);
  page.write("msra_dataset.xml",
             R"(<a><sentence><w>住在</w><w><NAMEX TYPE="LOCATION">青州</NAMEX></w></sentence>
<sentence><w><NAMEX TYPE="PERSON">王伟</NAMEX></w></sentence></a>)");
  page.write("label2id_file", "LOCATION\nPERSON\n");
  page.shell(
      "build/tasks/generate_pretraining_records --input_file=wiki-clean-aa --output_dir=cn-wiki-128 "
      "--vocab_file=vocab.txt --max_seq_length=32\n"
      "build/tasks/generate_pretraining_records --input_file=wiki-clean-aa --output_dir=tfrecords_path "
      "--vocab_file=vocab.txt "
      "--max_seq_length=32 --dataset_format=tfrecord");
  page.write(
      "pretrain_config.yaml",
      pretraining_settings("bert_network: 'base'\ndata_dir: ''\neval_data_dir: \"\"\neval_ckpt: \"\"\n"));
  page.write_all({"task_classifier_config.yaml", "task_classifier_cpu_config.yaml"},
                 fine_tuning_settings("classifier", "assessment_method: \"Accuracy\"\nnum_class: 2\n"));
  page.write_all({"task_ner_config.yaml", "task_ner_cpu_config.yaml"},
                 fine_tuning_settings("ner",
                                      "assessment_method: \"BF1\"\nuse_crf: \"false\"\nwith_lstm: \"false\"\n"
                                      "vocab_file_path: \"\"\nlabel_file_path: \"\"\n"));
  page.write("task_squad_config.yaml",
             fine_tuning_settings("squad", "num_class: 2\nvocab_file_path: \"\"\neval_json_path: \"\"\n"));
  page.write(
      "scripts/ascend_distributed_launcher/hyper_parameter_config.ini",
      "[config]\ndistribute=true\nepoch_size=1\nconfig_path=pretrain_config.yaml\nvocab_file_path=vocab.txt\n"
      "save_checkpoint_path=./hccl\n");
  page.write(
      "hccl.json",
      R"({"version": "1.0", "server_count": "1", "status": "completed", "server_list": [{"server_id": "127.0.0.1",
    "device": [{"device_id": "0", "device_ip": "192.1.27.6", "rank_id": "0"}, {"device_id": "1", "device_ip": "192.2.27.6", "rank_id": "1"}]}]})");
  page.run();

  CHECK(contains(file_content(page.path("mindrecord.txt")), "input_ids"));
  CHECK(contains(file_content(page.path("pretraining_log.txt")), "trained 2 steps"));
  CHECK(contains(file_content(page.path("large_boost_eval.txt")), "masked_lm_accuracy"));
  for (const char* log : {"log.txt", "classifier_log.txt", "ner_log.txt", "squad_log.txt"})
    CHECK(contains(file_content(page.path(log)), "trained 2 steps"));
  CHECK(contains(file_content(page.path("ner_log.txt")), "\nF1 "));  // MF1's
  CHECK(contains(file_content(page.path("squad_log.txt")), "exact_match"));
  CHECK(contains(file_content(page.path("classifier_acc.log")), "acc_num "));
  CHECK(contains(file_content(page.path("ner_acc.log")), "\nF1 "));
  CHECK(file_content(page.path("acc.log")).starts_with("{\"exact_match\": "));
  CHECK(std::filesystem::exists(page.path("onnx/bert_classifier.onnx")));
  CHECK(std::filesystem::exists(page.path("onnx_ner/bert_ner.onnx")));
}
