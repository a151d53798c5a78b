// Using a tagger that run_ner has trained: scores, predictions, its files, and models of others to start from.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "data/unicode.h"
#include "nn/checkpoints/safetensors.h"
#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// Trains until the names of the sentences are known by heart, and returns the folder of the best checkpoint.
std::string train_well(const TinyNer& tiny, const Words& more = {}) {
  Words flags = tiny.training({"--epoch_num=40", "--eval_steps=1000"});
  flags.insert(flags.end(), more.begin(), more.end());
  tiny.print(flags);
  return tiny.path("save/best");
}

// The scores in a log, from the first line of the method's report on.
std::string report(const std::string& log, const std::string& first_word) {
  const std::string found = part_from(log, first_word);
  CHECK_MESSAGE(!found.empty(), "expected '" << first_word << "' in: " << log);
  return found;
}

// Characters [begin, end) of a text.
std::string characters(const std::string& text, size_t begin, size_t end) {
  std::string result;
  const auto all = split_characters(text);
  for (size_t i = begin; i < end; ++i) result += all.at(i);
  return result;
}

// "PER Anna, LOC Alden": the entities of a line of JSON; checks that their offsets are those of their texts.
std::string entities(const std::string& json_line, const std::string& text) {
  const Json row = json_of(json_line);
  CHECK(row.at("text") == text);
  std::string result;
  for (const Json& entity : row.at("entities").items()) {
    CHECK(entity.at("text") ==
          characters(text, entity.at("begin").get<size_t>(), entity.at("end").get<size_t>()));
    result += (result.empty() ? "" : ", ") + entity.at("type").text() + " " + entity.at("text").text();
  }
  return result;
}

const std::string clue_rows =
    R"({"text": "王伟住在青州", "label": {"name": {"王伟": [[0, 1]]}, "address": {"青州": [[4, 5]]}}}
{"text": "青州王伟", "label": {"address": {"青州": [[0, 1]]}, "name": {"王伟": [[2, 3]]}}}
{"text": "王住在青州", "label": {"name": {"王": [[0, 0]]}, "address": {"青州": [[3, 4]]}}}
)";

// Writes the encoder of a trained tagger as published checkpoints have it: names without "bert.", LayerNorm's gamma
// and beta, position ids, a pooler, and no head.
void write_published_model(const std::string& tagger, const fs::path& folder) {
  fs::create_directory(folder);
  fs::copy(tagger + "/vocab.txt", folder / "vocab.txt");
  Json config = json_of(file_content(tagger + "/config.json"));
  for (const char* key : {"gradus_ner", "id2label", "label2id"}) config.erase(key);
  write_file(folder / "config.json", json_text(config));

  const SafetensorsFile file(tagger + "/model.safetensors");
  std::vector<TensorEntry> entries;
  for (TensorEntry entry : file.tensors()) {
    if (!entry.name.starts_with("bert.")) continue;
    entry.name = entry.name.substr(std::string("bert.").size());
    if (entry.name.ends_with("LayerNorm.weight")) entry.name.replace(entry.name.size() - 6, 6, "gamma");
    if (entry.name.ends_with("LayerNorm.bias")) entry.name.replace(entry.name.size() - 4, 4, "beta");
    entries.push_back(entry);
  }
  std::vector<int64_t> positions(32);
  std::iota(positions.begin(), positions.end(), 0);
  const std::vector<float> pooler(16 * 16, 0.5F);
  entries.push_back({"embeddings.position_ids", "I64", {1, 32}, std::as_bytes(std::span(positions))});
  entries.push_back({"pooler.dense.weight", "F32", {16, 16}, std::as_bytes(std::span(pooler))});
  entries.push_back({"pooler.dense.bias", "F32", {16}, std::as_bytes(std::span(pooler).first(16))});
  write_safetensors((folder / "model.safetensors").string(), entries);
}

}  // namespace

TEST_CASE("a saved tagger scores as it did after training") {
  for (const char* head : {"--use_crf=false", "--use_crf=true"}) {
    const TinyNer tiny;
    const std::string trained = report(
        tiny.print(tiny.training({"--do_eval", "--epoch_num=20", "--eval_steps=1000", head, "--with_lstm"})),
        "processed ");
    const double f1 = tiny.score("span_f1");
    CHECK(f1 > 10);
    const std::string best = tiny.path("save/best");
    CHECK(report(tiny.print(tiny.scoring(best)), "processed ") == trained);
    CHECK(tiny.score("span_f1") == f1);
    CHECK(report(tiny.print(tiny.scoring(best, {"--eval_pad=given", "--eval_batch_size=5"})), "processed ") ==
          trained);
    CHECK(report(tiny.print(tiny.scoring(best + "/model.safetensors")), "processed ") == trained);
  }
}

TEST_CASE("a tagger that is trained further keeps its dropout unless another is asked for") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1", "--dropout=0.25"}));
  const auto dropout_after = [&](const std::string& flag) {
    const std::string saved = tiny.path("further" + flag);
    tiny.print({"--do_train", "--max_steps=1", "--seq_length=24",
                "--train_data_file_path=" + tiny.path("train.txt"),
                "--load_finetune_checkpoint_path=" + tiny.path("save/checkpoint-1"),
                "--save_finetune_checkpoint_path=" + saved, flag});
    const auto config = json_of(file_content(saved + "/checkpoint-1/config.json"));
    CHECK(config["gradus_ner"]["dropout"] == config["hidden_dropout_prob"]);
    return config["hidden_dropout_prob"].get<double>();
  };
  CHECK(dropout_after("--threads=1") == doctest::Approx(0.25));
  CHECK(dropout_after("--dropout=0.1") == doctest::Approx(0.1));
}

TEST_CASE("run_ner labels text as JSON with offsets in characters") {
  const TinyNer tiny;
  const std::string best = train_well(tiny);
  const Words predict{"--do_predict", "--seq_length=24", "--json", "--load_finetune_checkpoint_path=" + best};
  const std::vector<std::string> text{"Anna lives in Alden.", "", "  王“Clara”  met\tBoris Brom .",
                                      "\"Anna\\\" left .", "😀 the house is old ."};
  std::string input;
  for (const std::string& line : text) input += line + "\n";
  const std::vector<std::string> out = lines_of(tiny.print(predict, input));
  REQUIRE(out.size() == text.size());
  CHECK(entities(out[0], text[0]) == "PER Anna, LOC Alden");
  CHECK(entities(out[1], text[1]).empty());
  CHECK(entities(out[2], text[2]).find("PER Boris Brom") != std::string::npos);
  CHECK(entities(out[3], text[3]).find("PER Anna") != std::string::npos);
  entities(out[4], text[4]);

  // The same lines with a byte order mark and CRLF, and the last one unfinished.
  std::string dressed = "\xEF\xBB\xBF";
  for (const std::string& line : text) dressed += line + "\r\n";
  CHECK(lines_of(tiny.print(predict, dressed.substr(0, dressed.size() - 2))) == out);
  CHECK(tiny.print(predict, "").empty());
  // More lines than are read at a time.
  std::string many;
  for (int i = 0; i < 150; ++i) many += text[static_cast<size_t>(i) % text.size()] + "\n";
  const std::vector<std::string> out_of_many = lines_of(tiny.print(predict, many));
  REQUIRE(out_of_many.size() == 150);
  for (size_t i = 0; i < 150; ++i) CHECK(out_of_many[i] == out[i % text.size()]);
}

TEST_CASE("run_ner labels text in brackets, and leaves the rest of the line as it is") {
  const TinyNer tiny;
  const std::string best = train_well(tiny);
  const std::string file = tiny.write("text.txt", "Boris Brom   lives in Port Mill .\n\nAnna left .\n");
  CHECK(tiny.print({"--do_predict", "--seq_length=24", "--load_finetune_checkpoint_path=" + best,
                    "--predict_data_file_path=" + file}) ==
        "[Boris Brom](PER)   lives in [Port Mill](LOC) .\n\n[Anna](PER) left .\n");
}

TEST_CASE("run_ner trains and scores with labels for every piece") {
  for (const std::string protocol : {"x_pieces", "x_pieces_no_sep"}) {
    CAPTURE(protocol);
    const TinyNer tiny;
    const std::string best = train_well(tiny, {"--label_protocol=" + protocol});
    const std::string out = tiny.print(tiny.scoring(best));
    CHECK(report(out, "processed ")
              .starts_with("processed 64 tokens with 18 phrases; found: 18 phrases; correct: 18."));
    tiny.print(tiny.scoring(best, {"--assessment_method=BF1"}));
    CHECK(tiny.score("bf1") == 100);
    CHECK(tiny.print({"--do_predict", "--seq_length=24", "--load_finetune_checkpoint_path=" + best},
                     "Boris left .\n") == "[Boris](PER) left .\n");
  }
}

TEST_CASE("run_ner scores by every method, in any spelling of its name") {
  const TinyNer tiny;
  const std::string best = train_well(tiny);
  const auto score = [&](const std::string& method) {
    return tiny.print(tiny.scoring(best, {"--assessment_method=" + method}));
  };
  report(score("Span"),
         "processed 64 tokens with 18 phrases; found: 18 phrases; correct: 18.\naccuracy: 100.00%;");
  CHECK(tiny.score("span_f1") == 100);
  report(score("bf1"), "Precision 1.000000 \nRecall 1.000000 \nF1 1.000000 \n");
  CHECK(tiny.score("bf1") == 100);
  report(score("mf1"), "F1 1.000000 \n");
  CHECK(tiny.score("mf1") == 100);
  report(score("ACCURACY"), "acc_num 64 , total_num 64, accuracy 1.000000\n");
  CHECK(tiny.score("accuracy") == 100);
  report(score("Clue_Benchmark"), "label: LOC, F1: 1.000000\nlabel: PER, F1: 1.000000\navg F1: 1.000000\n");
  CHECK(tiny.score("clue_f1") == 100);
}

TEST_CASE("run_ner scores tokens alike wherever the label file puts O") {
  const TinyNer tiny;
  const std::string labels = tiny.write("labels.txt", "B-PER\nI-PER\nB-LOC\nI-LOC\nO\n");
  const std::string best =
      train_well(tiny, {"--label_file_path=" + labels, "--epoch_num=1", "--learning_rate=0"});
  // A tagger that has learned nothing: what is outside is not a true positive.
  const std::string outside = tiny.write("outside.txt", "the O\nhouse O\nis O\nold O\n. O\n");
  for (const std::string method : {"BF1", "MF1"}) {
    tiny.print(tiny.scoring(best, {"--assessment_method=" + method, "--eval_data_file_path=" + outside}));
    CHECK(tiny.score(method == "BF1" ? "bf1" : "mf1") == 0);
  }
}

TEST_CASE("run_ner trains on CLUENER's rows, scores by CLUE's rule and cuts text into characters") {
  const TinyNer tiny;
  const std::string rows = tiny.write("rows.json", clue_rows);
  const std::string types = tiny.write("types.txt", "name\naddress\n");
  const std::string best =
      train_well(tiny, {"--train_data_file_path=" + rows, "--eval_data_file_path=" + rows, "--epoch_num=60",
                        "--label_file_path=" + types, "--assessment_method=clue_benchmark"});
  const std::string out =
      tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + rows, "--assessment_method=CLUE_BENCHMARK"}));
  report(out, "label: address, F1: 1.000000\nlabel: name, F1: 1.000000\navg F1: 1.000000\n");
  tiny.print(tiny.scoring(best, {"--eval_data_file_path=" + rows, "--assessment_method=span"}));
  CHECK(tiny.score("span_f1") == 100);
  CHECK(tiny.print({"--do_predict", "--seq_length=24", "--load_finetune_checkpoint_path=" + best},
                   "王伟住在青州\n") == "[王伟](name)住在[青州](address)\n");
}

TEST_CASE("run_ner takes a configuration file in the form of the reference drivers") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--optimizer=AdamWeightDecay", "--save_finetune_checkpoint_path="}));
  const double loss = tiny.train_loss();
  std::string config =
      "device_target: CPU\nassessment_method: 'BF1'\ndo_eval: 'true'\n"
      "optimizer_cfg:\n  optimizer: AdamWeightDecay\n  AdamWeightDecay:\n    learning_rate: 0.005\n"
      "    decay_filter: ['layernorm', 'bias']\n    eps: 0.000001\n"
      "bert_net_cfg:\n  seq_length: 24\n  hidden_size: 16\n  num_hidden_layers: 1\n"
      "  compute_type: mstype.float32\n";
  for (const std::string& flag : tiny.training()) {
    const size_t equals = flag.find('=');
    const std::string name = flag.substr(2, equals - 2);
    const std::string value = equals == std::string::npos ? "'true'" : flag.substr(equals + 1);
    if (name != "learning_rate" && name != "seq_length" && name != "hidden_size" &&
        name != "num_hidden_layers")
      config += name + ": " + value + "\n";
  }
  const std::string path = tiny.write("task_ner.yaml", config);
  const std::string out = tiny.print({"--config_path", path, "--compute_type=mstype.float32"});
  report(out, "Precision ");
  CHECK(tiny.train_loss() == loss);
}

TEST_CASE("run_ner starts from a published model, and lists what is new and what is unused") {
  const TinyNer tiny;
  const std::string best = train_well(tiny, {"--epoch_num=1"});
  const fs::path published = tiny.path("published");
  write_published_model(best, published);
  const std::string out = tiny.print(
      tiny.training({"--load_pretrain_checkpoint_path=" + published.string(), "--learning_rate=0",
                     "--vocab_file_path=", "--save_finetune_checkpoint_path=" + tiny.path("other")}));
  CHECK(out.find("new in this model: classifier.weight, classifier.bias\n") != std::string::npos);
  CHECK(out.find("unused in " + published.string() + ": pooler.dense.bias, pooler.dense.weight\n") !=
        std::string::npos);
  const SafetensorsFile before(best + "/model.safetensors");
  const SafetensorsFile after(tiny.path("other/best/model.safetensors"));
  REQUIRE(after.tensors().size() == before.tensors().size());
  for (const TensorEntry& entry : before.tensors()) {
    CAPTURE(entry.name);
    const TensorEntry* kept = after.find(entry.name);
    REQUIRE(kept != nullptr);
    CHECK(std::equal(entry.data.begin(), entry.data.end(), kept->data.begin(), kept->data.end()) ==
          (entry.name != "classifier.weight" && entry.name != "classifier.bias"));
  }
}

TEST_CASE(
    "run_ner starts from TensorFlow's and MindSpore's checkpoints as from the same weights of transformers") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  fs::rename(tiny.path("save/best"), tiny.path("published"));
  const auto published = [&](const std::string& name) { return tiny.path("published/" + name); };
  // Trains from a checkpoint and returns the weights.
  const auto trained = [&](const std::string& checkpoint, const Words& more) {
    fs::remove_all(tiny.path("save"));
    const std::string log = tiny.print(tiny.beginning_with(checkpoint, more));
    CHECK(log.find("new in this model") == std::string::npos);
    return file_content(tiny.path("save/checkpoint-2/model.safetensors"));
  };
  const std::string googles = trained(tiny.path("published"), {"--hidden_act=gelu_tanh"});
  const std::string mindspores =
      trained(tiny.path("published"), {"--hidden_act=gelu_tanh", "--layer_norm_eps=1e-7"});
  CHECK(googles != mindspores);
  const std::string original = published("model.safetensors");
  const auto convert = [&](const std::string& format, const std::string& to) {
    const Outcome outcome = run_program("convert_checkpoint", {"--to", format, original, to});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  };
  convert("tensorflow", published("bert_model.ckpt"));
  convert("mindspore", tiny.path("bert.ckpt"));
  fs::remove(original);
  Json config = json_of(file_content(published("config.json")));
  for (const char* key : {"model_type", "architectures", "layer_norm_eps"}) config.erase(key);
  config["hidden_act"] = "gelu";
  fs::remove(published("config.json"));
  write_file(published("bert_config.json"), json_text(config));
  CHECK(trained(tiny.path("published"), {}) == googles);
  CHECK(trained(published("bert_model.ckpt"), {}) == googles);
  CHECK(trained(published("bert_model.ckpt.index"), {}) == googles);
  fs::copy(tiny.path("bert.ckpt"), published("bert.ckpt"));
  CHECK(trained(published("bert.ckpt"), {}) == mindspores);
  tiny.refuse(
      tiny.training({"--load_pretrain_checkpoint_path=" + tiny.path("published"), "--vocab_file_path="}),
      "several checkpoints, name one of them");
}

TEST_CASE("run_ner without data trains on the built-in sample and shows what it found") {
  const TinyNer tiny;
  const std::string out =
      tiny.print({"--max_steps=2", "--hidden_size=16", "--num_hidden_layers=1", "--threads=1", "--use_crf",
                  "--with_lstm", "--log_dir=" + tiny.path("log"),
                  "--save_finetune_checkpoint_path=" + tiny.path("save")});
  CHECK(part_from(out, "training data: ").starts_with("training data: 2000 sentences"));
  CHECK(part_from(out, "evaluation data: ").starts_with("evaluation data: 400 sentences"));
  CHECK(!fs::is_empty(tiny.path("log")));
  // A save folder stands for its best checkpoint.
  tiny.print({"--do_predict", "--load_finetune_checkpoint_path=" + tiny.path("save")},
             "Anna lives in Alden .\n");
}

TEST_CASE("run_ner goes on training a tagger of its own") {
  const TinyNer tiny;
  const std::string best = train_well(tiny);
  tiny.print(tiny.training({"--load_finetune_checkpoint_path=" + best, "--vocab_file_path=", "--max_steps=1",
                            "--save_finetune_checkpoint_path=" + tiny.path("more")}));
  CHECK(tiny.train_loss() < 0.1);
}

TEST_CASE("the built-in sample leaves no checkpoint behind, and takes values from a file") {
  const TinyNer tiny;
  const std::string yaml =
      tiny.write("c.yaml", "optimizer_cfg:\n  AdamWeightDecay:\n    learning_rate: 0.0005\n");
  const std::string out = tiny.print(
      {"--max_steps=1", "--hidden_size=16", "--num_hidden_layers=1", "--threads=1", "--config_path=" + yaml});
  CHECK(out.find("learning_rate                 = 0.0005 (" + yaml) != std::string::npos);
  CHECK(out.find("save_finetune_checkpoint_path = '' (built-in sample)") != std::string::npos);
}

TEST_CASE("special tokens with capitals do not make a vocabulary cased") {
  for (const bool cased : {false, true}) {
    const TinyNer tiny;
    const std::string words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n<S>\n<T>\nanna\nmet\n";
    const std::string vocab = tiny.write("other_vocab.txt", words + (cased ? "Anna\n" : ""));
    tiny.print(tiny.training({"--max_steps=1", "--vocab_file_path=" + vocab}));
    const std::string path = tiny.path("save/checkpoint-1/tokenizer_config.json");
    CHECK(json_of(file_content(path))["do_lower_case"] == !cased);
  }
}

TEST_CASE("predictions alone go to standard output; what was done to the text goes to standard error") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const std::string best = tiny.path("save/best");
  // One tensor more than the tagger has a place for.
  const SafetensorsFile file(best + "/model.safetensors");
  std::vector<TensorEntry> entries = file.tensors();
  const float one = 1;
  entries.push_back({"more", "F32", {1}, std::as_bytes(std::span(&one, 1))});
  const std::string more = tiny.path("more");
  fs::copy(best, more);
  write_safetensors(more + "/model.safetensors", entries);
  std::string text;
  for (int i = 0; i < 100; ++i) text += "Anna lives in Alden . ";
  const Outcome outcome = tiny.run(
      {"--do_predict", "--json", "--seq_length=24", "--threads=1", "--load_finetune_checkpoint_path=" + more},
      text);
  CHECK(outcome.status == 0);
  CHECK(outcome.out.starts_with("{\"text\":"));
  CHECK(outcome.err.find("unused in " + more + ": more\n") != std::string::npos);
  CHECK_MESSAGE(outcome.err.find("standard input: 1 sentence, 500 words, ") != std::string::npos,
                outcome.err);
  CHECK(outcome.err.find(", 1 sentence longer than the sequence\n") != std::string::npos);
}

TEST_CASE(
    "run_ner writes the scores of a training to the metrics, and to standard output as JSON when asked to") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  CHECK(tiny.score("span_f1") >= 0);
  CHECK(tiny.score("best_span_f1") >= 0);
  const std::string out = tiny.print(tiny.scoring(tiny.path("save"), {"--json", "--assessment_method=BF1"}));
  const auto scores = json_of(part_from(out, "{"));
  CHECK(scores["bf1"] == tiny.score("bf1"));
}
