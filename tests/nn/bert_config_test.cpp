#include "nn/bert_config.h"

#include <doctest/doctest.h>

#include <map>

#include "core/error.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;

namespace {

BertConfig parse(const std::string& text, BertConfigFormat format = BertConfigFormat::hugging_face) {
  return parse_bert_config(text, "c.json", format);
}

// What parsing a configuration with these members beside vocab_size says.
std::string error_with(const std::string& members) {
  try {
    parse("{\"vocab_size\":100," + members + "}");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a BERT configuration has the published defaults") {
  const BertConfig config = parse(R"({"vocab_size": 30522})");
  CHECK(config.vocab_size == 30522);
  CHECK(config.hidden_size == 768);
  CHECK(config.num_hidden_layers == 12);
  CHECK(config.num_attention_heads == 12);
  CHECK(config.head_size() == 64);
  CHECK(config.intermediate_size == 3072);
  CHECK(config.hidden_act == Activation::gelu);
  CHECK(config.hidden_dropout_prob == 0.1);
  CHECK(config.attention_probs_dropout_prob == 0.1);
  CHECK(config.max_position_embeddings == 512);
  CHECK(config.type_vocab_size == 2);
  CHECK(config.initializer_range == 0.02);
  CHECK(config.layer_norm_eps == 1e-12);
  CHECK(config.labels.empty());
}

TEST_CASE("a BERT configuration takes every field") {
  const BertConfig config = parse(R"({
    "vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 5, "num_attention_heads": 4,
    "intermediate_size": 37, "hidden_act": "relu", "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0.25,
    "max_position_embeddings": 20, "type_vocab_size": 3, "initializer_range": 0.5, "layer_norm_eps": 1e-7,
    "id2label": {"1": "B-PER", "0": "O"}, "label2id": {"O": 0, "B-PER": 1},
    "model_type": "bert", "architectures": ["BertModel"], "position_embedding_type": "absolute",
    "pooler": {"type": [1, 2.5]}, "torch_dtype": "float16"})");
  CHECK(config.vocab_size == 99);
  CHECK(config.hidden_size == 32);
  CHECK(config.num_hidden_layers == 5);
  CHECK(config.num_attention_heads == 4);
  CHECK(config.intermediate_size == 37);
  CHECK(config.hidden_act == Activation::relu);
  CHECK(config.hidden_dropout_prob == 0);
  CHECK(config.attention_probs_dropout_prob == 0.25);
  CHECK(config.max_position_embeddings == 20);
  CHECK(config.type_vocab_size == 3);
  CHECK(config.initializer_range == 0.5);
  CHECK(config.layer_norm_eps == 1e-7);
  CHECK(config.labels == std::vector<std::string>{"O", "B-PER"});
  CHECK(config.other_keys == std::map<std::string, std::string>{{"pooler", R"({"type":[1,2.5]})"},
                                                                {"position_embedding_type", "\"absolute\""}});
}

TEST_CASE("gelu is exact in a Hugging Face file and the tanh form in Google's") {
  const auto activation = [](const std::string& name, BertConfigFormat format) {
    return parse("{\"vocab_size\":9,\"hidden_act\":\"" + name + "\"}", format).hidden_act;
  };
  CHECK(activation("gelu", BertConfigFormat::hugging_face) == Activation::gelu);
  CHECK(activation("gelu", BertConfigFormat::google) == Activation::gelu_tanh);
  for (const auto format : {BertConfigFormat::hugging_face, BertConfigFormat::google}) {
    CHECK(activation("gelu_new", format) == Activation::gelu_tanh);
    CHECK(activation("gelu_pytorch_tanh", format) == Activation::gelu_tanh);
    CHECK(activation("gelu_fast", format) == Activation::gelu_tanh);
    CHECK(activation("quick_gelu", format) == Activation::fast_gelu);
    CHECK(activation("fast_gelu", format) == Activation::fast_gelu);
    CHECK(activation("tanh", format) == Activation::tanh);
    CHECK(activation("linear", format) == Activation::none);
  }
  CHECK(parse(R"({"vocab_size":9})", BertConfigFormat::google).hidden_act == Activation::gelu_tanh);
  CHECK(parse(R"({"vocab_size":9})", BertConfigFormat::google).type_vocab_size == 16);

  const TemporaryFolder folder;
  write_file(folder / "bert_config.json", R"({"vocab_size":9})");
  CHECK(read_bert_config(folder / "bert_config.json").hidden_act == Activation::gelu_tanh);
  write_file(folder / "bert_config.json", R"({"vocab_size":9,"model_type":"bert"})");
  CHECK(read_bert_config(folder / "bert_config.json").hidden_act == Activation::gelu);
  write_file(folder / "config.json", R"({"vocab_size":9})");
  CHECK(read_bert_config(folder / "config.json").hidden_act == Activation::gelu);
}

TEST_CASE("a wrong BERT configuration is refused naming the field") {
  CHECK(error_with(R"("hidden_size":30,"num_attention_heads":4)") ==
        "c.json: 'hidden_size' is 30, expected a multiple of 'num_attention_heads', which is 4");
  CHECK(error_with(R"("hidden_size":"768")") ==
        "c.json: 'hidden_size' is \"768\", expected a whole number from 1 to 2147483647");
  for (const char* value : {"768.0", "0", "-5", "true", "null", "[]", "2147483648", "18446744073709551615"}) {
    CHECK(error_with(fmt::format("\"num_hidden_layers\":{}", value)) ==
          fmt::format("c.json: 'num_hidden_layers' is {}, expected a whole number from 1 to 2147483647",
                      value));
  }
  for (const char* value : {"1.0", "-0.1", "1"}) {
    CHECK(error_with(fmt::format("\"hidden_dropout_prob\":{}", value))
              .starts_with("c.json: 'hidden_dropout_prob' is "));
  }
  for (const char* eps : {"0", "1e-60", "1e+60"}) {
    CHECK(error_with(fmt::format(R"("layer_norm_eps":{})", eps)) ==
          fmt::format("c.json: 'layer_norm_eps' is {}, expected a number from 1.1754944e-38 to 3.4028235e+38",
                      eps));
  }
  CHECK(error_with(R"("initializer_range":1e+60)") ==
        "c.json: 'initializer_range' is 1e+60, expected 0 or more, at most 3.4028235e+38");
  CHECK(error_with(R"("layer_norm_eps":"small")") ==
        "c.json: 'layer_norm_eps' is \"small\", expected a number");
  CHECK(error_with(R"("initializer_range":-1)") ==
        "c.json: 'initializer_range' is -1, expected 0 or more, at most 3.4028235e+38");
  CHECK(error_with(R"("hidden_act":"swish")") ==
        "c.json: 'hidden_act' is 'swish', expected one of gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, "
        "gelu_tanh, quick_gelu, fast_gelu, relu, tanh, linear");
  CHECK(error_with(R"("hidden_act":null)") == "c.json: 'hidden_act' is null, expected a name");
  CHECK(error_with(R"("model_type":"roberta")") ==
        "c.json: 'model_type' is \"roberta\", expected \"bert\" or \"nezha\"");
  CHECK(error_with(R"("position_embedding_type":"relative_key")") ==
        "c.json: 'position_embedding_type' is \"relative_key\", expected \"absolute\": other models are not "
        "supported");
  CHECK(error_with(R"("is_decoder":true)") ==
        "c.json: 'is_decoder' is true, expected false: other models are not supported");
  CHECK(error_with(R"("hidden_size":8,"hidden_size":16)") ==
        "c.json: the name 'hidden_size' occurs twice in one JSON object");
  CHECK(error_with(R"("id2label":null)") == "no error");
  CHECK_THROWS_WITH_AS(parse("{}"), "c.json: 'vocab_size' is missing", Error);
  CHECK_THROWS_WITH_AS(parse("[]"), "c.json: the JSON is of type array, expected an object", Error);
  CHECK_THROWS_WITH_AS(
      parse("{\"vocab_size\":"),
      "c.json: invalid JSON: parse error at line 1, column 15: syntax error while parsing value - "
      "unexpected end of input; expected '[', '{', or a literal",
      Error);
  CHECK_THROWS_WITH_AS(read_bert_config("missing.json"),
                       "cannot read 'missing.json': No such file or directory", Error);
  CHECK_THROWS_AS(read_bert_config("/"), Error);
}

TEST_CASE("relative positions: sinusoids are NEZHA's, a trained table is MindSpore's") {
  const auto relative = [](const std::string& members) {
    const BertConfig config = parse("{\"vocab_size\":9" + members + "}");
    return fmt::format("{} {}", name_of(config.relative_positions), config.max_relative_position);
  };
  CHECK(relative("") == "none 0");
  CHECK(relative(R"(,"model_type":"bert")") == "none 0");
  CHECK(relative(R"(,"use_relative_positions":false,"use_relative_position":false)") == "none 0");
  CHECK(relative(R"(,"model_type":"nezha")") == "sinusoid 64");
  CHECK(relative(R"(,"model_type":"nezha","use_relative_position":true)") == "sinusoid 64");
  CHECK(relative(R"(,"model_type":"nezha","max_relative_position":7)") == "sinusoid 7");
  CHECK(relative(R"(,"use_relative_position":true)") == "sinusoid 64");
  CHECK(relative(R"(,"use_relative_positions":true)") == "trained 16");
  CHECK(relative(R"(,"use_relative_positions":true,"max_relative_position":64)") == "trained 64");

  // Without relative positions the number means nothing, and stays where it is.
  const BertConfig bert = parse(R"({"vocab_size":9,"max_relative_position":7})");
  CHECK(bert.max_relative_position == 0);
  CHECK(bert.other_keys.at("max_relative_position") == "7");

  CHECK(error_with(R"("use_relative_positions":1)") ==
        "c.json: 'use_relative_positions' is 1, expected true or false");
  CHECK(error_with(R"("use_relative_position":"yes")") ==
        "c.json: 'use_relative_position' is \"yes\", expected true or false");
  for (const char* number : {"0", "65537"})
    CHECK(error_with(fmt::format(R"("model_type":"nezha","max_relative_position":{})", number))
              .starts_with(fmt::format(
                  "c.json: 'max_relative_position' is {}, expected a whole number from 1 to ", number)));
  BertConfig odd = bert;
  odd.max_relative_position = 3;
  CHECK_THROWS_WITH_AS(odd.validate("odd"),
                       "odd: 'max_relative_position' is 3, expected 0 without relative positions", Error);
}

TEST_CASE("a configuration with relative positions is one of transformers' NEZHA, or of no class there") {
  const TemporaryFolder folder;
  const std::string path = folder / "config.json";
  BertConfig config = parse(R"({"vocab_size": 100, "hidden_size": 32, "num_attention_heads": 2,
    "model_type": "nezha", "max_relative_position": 20, "architectures": ["NezhaForSequenceClassification"]})");
  CHECK(config.architecture == "BertForSequenceClassification");
  CHECK(config.model_type() == "nezha");
  write_bert_config(path, config, config.architecture);
  CHECK(read_bert_config(path) == config);
  Json written = json_of(file_content(path));
  CHECK(written["model_type"] == "nezha");
  CHECK(written["max_relative_position"] == 20);
  CHECK(written["architectures"] == Json::array({"NezhaForSequenceClassification"}));
  CHECK_FALSE(written.contains("use_relative_positions"));

  config.relative_positions = RelativePositions::trained;
  CHECK(config.model_type() == "bert");
  write_bert_config(path, config, config.architecture);
  CHECK(read_bert_config(path) == config);
  written = json_of(file_content(path));
  CHECK_FALSE(written.contains("model_type"));
  CHECK(written["max_relative_position"] == 20);
  CHECK(written["use_relative_positions"] == true);
}

TEST_CASE("a written BERT configuration reads back the same, with what Hugging Face needs") {
  const TemporaryFolder folder;
  const std::string path = folder / "config.json";
  BertConfig config =
      parse(R"({"vocab_size": 100, "hidden_size": 32, "num_attention_heads": 2, "pad_token_id": 0,
    "layer_norm_eps": 1e-7, "directionality": "bidi"})");
  config.labels = {"O", "B-PER", "I-PER"};
  config.architecture = "BertForTokenClassification";
  for (const Activation activation : {Activation::gelu, Activation::gelu_tanh, Activation::fast_gelu,
                                      Activation::relu, Activation::tanh, Activation::none}) {
    config.hidden_act = activation;
    write_bert_config(path, config, "BertForTokenClassification");
    CHECK(read_bert_config(path) == config);
  }
  const Json written = json_of(file_content(path));
  CHECK(written["model_type"] == "bert");
  CHECK(written["architectures"] == Json::array({"BertForTokenClassification"}));
  CHECK(written["id2label"] == Json{{"0", "O"}, {"1", "B-PER"}, {"2", "I-PER"}});
  CHECK(written["label2id"] == Json{{"O", 0}, {"B-PER", 1}, {"I-PER", 2}});
  CHECK(written["pad_token_id"] == 0);
  CHECK(written["directionality"] == "bidi");
  CHECK(written["layer_norm_eps"] == 1e-7);
  CHECK(json_text(written["hidden_dropout_prob"]) == "0.1");

  config.labels.emplace_back("O");
  CHECK_THROWS_WITH_AS(write_bert_config(path, config, "BertForTokenClassification"),
                       fmt::format("{}: label 'O' occurs twice", path).c_str(), Error);
  config.labels = {"\xff"};
  CHECK_THROWS_AS(write_bert_config(path, config, "BertForTokenClassification"), Error);
  config.labels.clear();
  config.hidden_size = 33;
  CHECK_THROWS_AS(write_bert_config(path, config, "BertModel"), Error);
  config.hidden_size = 32;
  CHECK_THROWS_AS(write_bert_config(folder / "no/config.json", config, "BertModel"), Error);
  CHECK(json_of(file_content(path)) == written);
}

TEST_CASE("configurations of the shared models are read") {
  const std::filesystem::path folder = shared_folder("formats/fixtures/safetensors");
  if (folder.empty()) return;
  for (const char* name : {"bert_cls", "bert_ner", "bert_pretrain", "bert_squad"}) {
    CAPTURE(name);
    const Json forward = json_of(file_content(folder / (std::string(name) + ".forward.json")));
    const BertConfig config = parse(json_text(forward["config"]));
    CHECK(config.vocab_size == forward["config"]["vocab_size"]);
    CHECK(config.hidden_size == forward["config"]["hidden_size"]);
    CHECK(config.hidden_act == Activation::gelu);
  }
}
