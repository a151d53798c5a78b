// export: what it writes, beside what, and what it refuses.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/io/json.h"
#include "data/tokenizer_config.h"
#include "data/word_piece.h"
#include "nn/bert_config.h"
#include "tests/files.h"
#include "tests/json.h"
#include "tests/nn/mindir_file.h"
#include "tests/nn/onnx_file.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

Words exporting(const std::string& model, const std::string& file, const Words& more = {}) {
  return joined({"--load_finetune_checkpoint_path=" + model, "--export_file_name=" + file}, more);
}

std::string print_export(const Words& flags) {
  const Outcome outcome = run_program("export", flags);
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(outcome.err.empty());
  return outcome.out;
}

void refuse_export(const Words& flags, const std::string& text) {
  const Outcome outcome = run_program("export", flags);
  CHECK(outcome.status == 2);
  CHECK_MESSAGE(contains(outcome.err, text), outcome.err << "expected: " << text);
}

Json json_in(const onnx_file::Model& model, const char* key) {
  return parse_json(model.metadata.at(key), key);
}

onnx_file::Tensor row(const std::vector<double>& values) { return {{1, std::ssize(values)}, values}; }

}  // namespace

TEST_CASE("an exported tagger finds the names that it has learned, by what its file says of text and tags") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--use_crf", "--crf_constraints", "--with_lstm", "--epoch_num=60",
                            "--learning_rate=1e-2", "--dropout=0", "--do_eval", "--eval_steps=1000"}));
  REQUIRE(tiny.score("span_f1") == 100);
  const std::string file = tiny.path("exported/names.onnx");
  const std::string log = print_export(exporting(tiny.path("save"), file, {"--viterbi"}));
  CHECK(contains(log, "is a tagger of 5 tags with a BiLSTM of 1 layer and a CRF\n"));
  CHECK(contains(log, "wrote " + file + ": "));
  CHECK(names_in(tiny.path("exported")) ==
        Words{"config.json", "names.onnx", "tokenizer_config.json", "vocab.txt"});
  CHECK(file_content(tiny.path("exported/vocab.txt")) == file_content(tiny.path("save/best/vocab.txt")));
  CHECK(read_bert_config(tiny.path("exported/config.json")) ==
        read_bert_config(tiny.path("save/best/config.json")));

  const onnx_file::Model model = onnx_file::read(file);
  CHECK(model.metadata.at("task") == "ner");
  CHECK(model.metadata.at("decoding") == "tags");
  CHECK(json_in(model, "tokenizer")["tokenizer_class"] == "BertTokenizer");
  CHECK(json_in(model, "settings")["crf_constraints"] == true);
  const auto labels = json_in(model, "labels").get<std::vector<std::string>>();
  CHECK(json_in(model, "transitions").size() == labels.size());
  CHECK(json_in(model, "transitions")[0].size() == labels.size());
  CHECK(json_in(model, "start_transitions").size() == labels.size());

  // As another program would: pieces by the tokenizer beside the file, [CLS] and [SEP] around.
  const StoredTokenizer stored = read_tokenizer(tiny.path("exported"));
  const Tokenizer tokenizer(stored.vocab, stored.config.text_rules(TokenizerRules::hf), stored.config.added);
  const auto id = [&](const char* piece) { return static_cast<double>(stored.vocab.find(piece)); };
  int64_t words = 0, names = 0;
  std::vector<double> ids{id("[CLS]")}, places;
  Words tags;
  for (const std::string& line : lines_of(ner_sentences + "\n")) {
    const size_t blank = line.find(' ');
    if (blank != std::string::npos) {
      places.push_back(static_cast<double>(ids.size()));
      for (const Piece& piece : tokenizer.tokenize(line.substr(0, blank))) ids.push_back(piece.id);
      tags.push_back(line.substr(line.rfind(' ') + 1));
      continue;
    }
    if (tags.empty()) continue;
    ids.push_back(id("[SEP]"));
    const auto found =
        onnx_file::run(model.graph, {{"input_ids", row(ids)},
                                     {"attention_mask", row(std::vector<double>(ids.size(), 1))},
                                     {"token_type_ids", row(std::vector<double>(ids.size(), 0))},
                                     {"word_positions", row(places)}});
    for (size_t i = 0; i < tags.size(); ++i) {
      CHECK(labels.at(static_cast<size_t>(found.at("tags").values.at(i))) == tags[i]);
      ++words;
      names += tags[i] != "O";
    }
    ids = {id("[CLS]")};
    places.clear();
    tags.clear();
  }
  CHECK(words > 30);
  CHECK(names > 5);
}

TEST_CASE("each task is found from its folder, and named as it is when no name is given") {
  const TinyClassifier classes;
  const std::string classifier = classes.train_best();
  const TinySquad questions;
  questions.print(questions.learning("train.txt", 1));
  for (const auto& [model, name, task] :
       {std::tuple{classifier, "bert_classifier.onnx", "classification"},
        std::tuple{questions.path("save"), "bert_squad.onnx", "question_answering"}}) {
    const TemporaryFolder folder;
    const Outcome outcome =
        run_in_shell(command_of("export", {"--load_finetune_checkpoint_path=" + model}),
                     ">" + (folder / "log").string(), "cd " + folder.path().string() + " && exec");
    CHECK_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(onnx_file::read(folder / name).metadata.at("task") == task);
  }
  // The encoder below.
  const std::string file = classes.path("encoder/model.onnx");
  CHECK(contains(print_export(exporting(classifier, file, {"--task=encoder"})), "is an encoder\n"));
  CHECK(onnx_file::read(file).metadata.at("task") == "encoder");
  CHECK(read_bert_config(classes.path("encoder/config.json")).architecture == "BertModel");
  refuse_export(exporting(classifier, classes.path("no/model"), {"--task=run_ner"}),
                "config.json: no \"gradus_ner\": this is not a tagger trained by run_ner");
  refuse_export(exporting(classifier, classes.path("no/model"), {"--task=pretraining"}),
                "not all heads of pretraining are there: --task encoder exports what is below them");
}

TEST_CASE("export replaces nothing of another model, and says what it does not write") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--use_crf", "--max_steps=1"}));
  tiny.print(tiny.training({"--max_steps=1", "--save_finetune_checkpoint_path=" + tiny.path("other")}));
  const std::string model = tiny.path("save"), file = tiny.path("out/model");
  print_export(exporting(model, file));
  const auto before = contents_of(tiny.path("out"));
  refuse_export(exporting(model, file), "out/model.onnx' is there already: --overwrite replaces it");
  refuse_export(exporting(tiny.path("other"), tiny.path("out/second")),
                "config.json' is there already, and another model's: --overwrite replaces it");
  CHECK(contents_of(tiny.path("out")) == before);
  // The same model in other forms lies beside itself, weights and all.
  print_export(exporting(model, tiny.path("out/narrow"), {"--compute_type=fp16", "--external_data"}));
  CHECK(names_in(tiny.path("out")) == Words{"config.json", "model.onnx", "narrow.onnx", "narrow.onnx.data",
                                            "tokenizer_config.json", "vocab.txt"});
  print_export(exporting(tiny.path("other"), file, {"--overwrite"}));
  CHECK(onnx_file::read(file + ".onnx").metadata.at("decoding") == "argmax");
  CHECK(contents_of(tiny.path("out")) != before);

  refuse_export(exporting(tiny.path("other"), tiny.path("a"), {"--viterbi"}), "has no CRF");
  refuse_export(exporting(model, tiny.path("a"), {"--file_format=AIR"}), "takes ONNX as well");
  refuse_export(exporting(model, tiny.path("a"), {"--seq_length=1000"}),
                "--seq_length 1000 is above the model's max_position_embeddings");
  refuse_export({"--export_file_name=a"}, "--load_finetune_checkpoint_path is missing");
  refuse_export(exporting(tiny.path("nothing"), tiny.path("a")), "nothing");
  CHECK(!std::filesystem::exists(tiny.path("a.onnx")));
  CHECK(unfinished_files(tiny.path("out")).empty());
}

TEST_CASE(
    "a MINDIR file is of the sizes that it is asked for, and tells of its model what an ONNX file does") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--use_crf", "--with_lstm", "--max_steps=1"}));
  const std::string model = tiny.path("save"), onnx = tiny.path("onnx/model"), file = tiny.path("out/model");
  const Words mindir{"--file_format=MINDIR", "--seq_length=9"};
  print_export(exporting(model, onnx));
  CHECK(contains(print_export(exporting(model, file, mindir)), "wrote " + file + ".mindir: "));
  CHECK(names_in(tiny.path("out")) ==
        Words{"config.json", "model.mindir", "tokenizer_config.json", "vocab.txt"});
  const mindir_file::Model small = mindir_file::read(file + ".mindir");
  CHECK(small.user_info == onnx_file::read(onnx + ".onnx").metadata);
  CHECK(small.user_info.contains("transitions"));
  for (const mindir_file::Value& input : small.inputs) CHECK(input.dims == std::vector<int64_t>{1, 9});
  CHECK(small.outputs.at(0).dims == std::vector<int64_t>{1, 9, 5});

  const auto before = contents_of(tiny.path("out"));
  refuse_export(exporting(model, file, mindir),
                "out/model.mindir' is there already: --overwrite replaces it");
  CHECK(contents_of(tiny.path("out")) == before);
  const Words split = joined(mindir, {"--external_data", "--export_batch_size=3", "--compute_type=fp16"});
  print_export(exporting(model, file, split));
  CHECK(names_in(tiny.path("out/model_variables")) == Words{"data_0"});
  CHECK(mindir_file::read(file + "_graph.mindir").outputs.at(0).dims == std::vector<int64_t>{3, 9, 5});
  refuse_export(exporting(model, file, split), "out/model_graph.mindir' is there already: --overwrite");
  std::filesystem::remove(file + "_graph.mindir");
  refuse_export(exporting(model, file, split), "out/model_variables/data_0' is there already: --overwrite");
  print_export(exporting(model, file, joined(split, {"--overwrite"})));
  CHECK(unfinished_files(tiny.path("out")).empty());

  const auto refuse = [&](const Words& flags, const char* text) {
    refuse_export(exporting(model, tiny.path("no/model"), joined({"--file_format=MINDIR"}, flags)), text);
  };
  refuse({"--export_batch_size=0"}, "--export_batch_size 0: a MINDIR file fixes its sizes");
  refuse({"--seq_length=0"}, "--seq_length 0: a MINDIR file fixes its sizes");
  refuse({}, "--seq_length 128 is above the model's max_position_embeddings 32");
  refuse({"--seq_length=9", "--viterbi"},
         "--viterbi: the best tags need a loop, and none is written into MINDIR files");
  refuse({"--seq_length=9", "--compute_type=bf16"},
         "--compute_type bf16: MindSpore can't compute so on processors");
  CHECK(!std::filesystem::exists(tiny.path("no")));
}
