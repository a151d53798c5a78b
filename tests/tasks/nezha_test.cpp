// Models with relative positions (NEZHA) in the programs: from scratch, saved and loaded again, from the files of
// transformers and MindSpore.
#include <doctest/doctest.h>

#include "nn/checkpoints/safetensors.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// Trains a tagger from scratch for one step and returns its folder.
std::string train_one(const TinyNer& tiny, const std::string& relative, const Words& more = {}) {
  Words flags = tiny.training({"--max_steps=1", "--relative_positions=" + relative,
                               "--save_finetune_checkpoint_path=" + tiny.path(relative)});
  flags.insert(flags.end(), more.begin(), more.end());
  tiny.print(flags);
  return tiny.path(relative + "/best");
}

// Flags that begin with a pretrained model and train it for two steps.
Words beginning_with(const TinyNer& tiny, const std::string& model, const Words& more = {}) {
  fs::remove_all(tiny.path("save"));
  return tiny.beginning_with(model, more);
}

// The weights that such a run ends with.
std::string weights_after(const TinyNer& tiny, const std::string& model, const Words& more = {}) {
  tiny.print(beginning_with(tiny, model, more));
  return file_content(tiny.path("save/checkpoint-2/model.safetensors"));
}

Json config_in(const std::string& folder) { return json_of(file_content(folder + "/config.json")); }

}  // namespace

TEST_CASE(
    "a tagger with relative positions learns, is saved, and scores and predicts the same when it is loaded") {
  for (const std::string relative : {"trained", "sinusoid"}) {
    CAPTURE(relative);
    const TinyNer tiny;
    const std::string log = tiny.print(tiny.training(
        {"--do_eval", "--epoch_num=20", "--eval_steps=1000", "--relative_positions=" + relative}));
    const std::string scores = part_from(log, "processed ");
    CHECK(tiny.score("span_f1") > 10);
    const std::string best = tiny.path("save/best");
    CHECK(part_from(tiny.print(tiny.scoring(best)), "processed ") == scores);
    const std::string predicted = tiny.print(tiny.predicting(best), "Anna lives in Alden .\n");
    const Json config = config_in(best);
    CHECK(config["max_relative_position"] == (relative == "trained" ? 16 : 64));
    CHECK(config.contains("model_type") == (relative == "sinusoid"));

    // Begun with as a pretrained model and not changed, it is the same model again.
    tiny.print(
        tiny.training({"--load_pretrain_checkpoint_path=" + best, "--vocab_file_path=", "--max_steps=1",
                       "--learning_rate=0", "--save_finetune_checkpoint_path=" + tiny.path("again")}));
    const std::string again = tiny.path("again/best");
    CHECK(file_content(again + "/model.safetensors") == file_content(best + "/model.safetensors"));
    CHECK(tiny.print(tiny.predicting(again), "Anna lives in Alden .\n") == predicted);
  }
}

TEST_CASE("a run with relative positions goes on to the same bits") {
  for (const std::string relative : {"trained", "sinusoid"}) {
    CAPTURE(relative);
    const TinyNer tiny;
    const auto run = [&](const std::string& folder, const Words& more) {
      Words flags =
          tiny.training({"--relative_positions=" + relative, "--max_steps=2", "--save_checkpoint_steps=1",
                         "--keep_checkpoints=2", "--save_finetune_checkpoint_path=" + tiny.path(folder)});
      flags.insert(flags.end(), more.begin(), more.end());
      tiny.print(flags);
      return file_content(tiny.path(folder + "/checkpoint-2/model.safetensors"));
    };
    const std::string whole = run("whole", {});
    fs::create_directory(tiny.path("parts"));
    fs::copy(tiny.path("whole/checkpoint-1"), tiny.path("parts/checkpoint-1"));
    CHECK(run("parts", {"--resume"}) == whole);
  }
}

TEST_CASE("a saved model with sinusoids is one of transformers' NEZHA, of which any form of names is read") {
  const TinyNer tiny;
  const std::string saved = train_one(tiny, "sinusoid", {"--max_relative_position=5"});
  const Json config = config_in(saved);
  CHECK(config["model_type"] == "nezha");
  CHECK(config["max_relative_position"] == 5);
  CHECK(config["architectures"] == Json::array({"NezhaForTokenClassification"}));
  const SafetensorsFile file(saved + "/model.safetensors");
  for (const TensorEntry& entry : file.tensors())
    CHECK_MESSAGE((entry.name.starts_with("nezha.") || entry.name.starts_with("classifier.")), entry.name);

  const std::string expected = weights_after(tiny, saved);
  // As its base model is published, and as the first programs with NEZHA called it, with what they saved beside.
  for (const std::string prefix : {"", "bert."}) {
    CAPTURE(prefix);
    const std::string folder = tiny.path("published" + prefix);
    fs::copy(saved, folder, fs::copy_options::recursive);
    const std::vector<float> sinusoids(24 * 24 * 8, 0.5F), positions(32 * 16, 0.25F);
    std::vector<TensorEntry> entries;
    for (TensorEntry entry : file.tensors()) {
      if (entry.name.starts_with("nezha.")) entry.name = prefix + entry.name.substr(6);
      entries.push_back(entry);
    }
    entries.push_back(
        {prefix + "encoder.layer.0.attention.self.relative_positions_encoding.positions_encoding",
         "F32",
         {24, 24, 8},
         std::as_bytes(std::span(sinusoids))});
    entries.push_back({prefix + "embeddings.position_embeddings.weight",
                       "F32",
                       {32, 16},
                       std::as_bytes(std::span(positions))});
    write_safetensors(folder + "/model.safetensors", entries);
    const std::string log = tiny.print(beginning_with(tiny, folder));
    CHECK(contains(log,
                   fmt::format("unused in {}: {}embeddings.position_embeddings.weight\n", folder, prefix)));
    CHECK(file_content(tiny.path("save/checkpoint-2/model.safetensors")) == expected);
  }
}

TEST_CASE("MindSpore's NEZHA is known by its tables, and its positions are told of as unused") {
  const TinyNer tiny;
  const std::string saved = train_one(tiny, "trained");
  const std::string expected =
      weights_after(tiny, saved, {"--hidden_act=gelu_tanh", "--layer_norm_eps=1e-7"});
  const std::string folder = tiny.path("mindspore");
  fs::create_directory(folder);
  fs::copy(saved + "/vocab.txt", folder);
  // With the table of positions that MindSpore's model has and does not use.
  const SafetensorsFile file(saved + "/model.safetensors");
  std::vector<TensorEntry> entries(file.tensors().begin(), file.tensors().end());
  const std::vector<float> positions(32 * 16, 0.25F);
  entries.push_back(
      {"bert.embeddings.position_embeddings.weight", "F32", {32, 16}, std::as_bytes(std::span(positions))});
  write_safetensors(tiny.path("whole.safetensors"), entries);
  const Outcome converted = run_program(
      "convert_checkpoint", {"--to", "mindspore", tiny.path("whole.safetensors"), folder + "/nezha.ckpt"});
  REQUIRE_MESSAGE(converted.status == 0, converted.err);
  Json config = config_in(saved);
  for (const char* key : {"layer_norm_eps", "id2label", "label2id", "gradus_ner", "architectures"})
    config.erase(key);
  for (const bool said : {true, false}) {
    CAPTURE(said);
    if (!said) {
      for (const char* key : {"use_relative_positions", "max_relative_position"}) config.erase(key);
    }
    write_file(folder + "/bert_config.json", json_text(config));
    const std::string log = tiny.print(beginning_with(tiny, folder));
    CHECK(contains(log, "bert_embedding_postprocessor.full_position_embedding.embedding_table\n"));
    CHECK(file_content(tiny.path("save/checkpoint-2/model.safetensors")) == expected);
  }
}

TEST_CASE(
    "relative positions are taken from options and configuration files, and stay those of a trained model") {
  const TinyNer tiny;
  const std::string bert = train_one(tiny, "none"), nezha = train_one(tiny, "sinusoid");
  // BERT's weights with sinusoids in place of its positions, if that is wanted.
  const std::string log = tiny.print(beginning_with(tiny, bert, {"--relative_positions=sinusoid"}));
  CHECK(contains(log, "unused in " + bert + ": bert.embeddings.position_embeddings.weight\n"));
  CHECK(config_in(tiny.path("save/checkpoint-2"))["max_relative_position"] == 64);
  tiny.refuse(
      beginning_with(tiny, bert, {"--relative_positions=trained"}),
      "tensor 'bert.encoder.layer.0.attention.self.relative_positions.weight' of shape [33, 8] is missing");
  tiny.refuse(beginning_with(tiny, bert, {"--max_relative_position=3"}),
              "--max_relative_position 3: the model in '" + bert + "' has no relative positions");
  tiny.refuse(beginning_with(tiny, nezha, {"--relative_positions=none"}),
              "tensor 'bert.embeddings.position_embeddings.weight' of shape [32, 16] is missing");
  tiny.refuse(tiny.scoring(nezha, {"--relative_positions=trained"}),
              "--relative_positions trained: the model in '" + nezha + "' has sinusoid");
  tiny.refuse(tiny.scoring(nezha, {"--max_relative_position=3"}),
              "--max_relative_position 3: the model in '" + nezha + "' has 64");
  tiny.print(tiny.scoring(nezha, {"--relative_positions=sinusoid", "--max_relative_position=64"}));
  tiny.refuse(tiny.training({"--max_relative_position=3"}),
              "--max_relative_position 3 is about relative positions, --relative_positions is none");
  tiny.refuse(tiny.training({"--relative_positions=relative"}),
              "expected one of auto, none, trained, sinusoid");

  for (const auto& [value, kept] : {std::pair("True", "trained"), std::pair("False", "none")}) {
    const std::string yaml =
        tiny.write("task.yaml", fmt::format("bert_net_cfg:\n  use_relative_positions: {}\n", value));
    tiny.print(tiny.training(
        {"--config_path=" + yaml, "--max_steps=1", "--save_finetune_checkpoint_path=" + tiny.path(value)}));
    CHECK(file_content(tiny.path(std::string(value) + "/best/model.safetensors")) ==
          file_content((kept == std::string("none") ? bert : train_one(tiny, kept)) + "/model.safetensors"));
  }
}

TEST_CASE("run_classifier and run_squad train, save and load models with relative positions") {
  for (const std::string relative : {"trained", "sinusoid"}) {
    CAPTURE(relative);
    const TinyClassifier classifier;
    classifier.print(classifier.training({"--do_eval", "--relative_positions=" + relative}));
    const double accuracy = classifier.score("accuracy");
    classifier.print(classifier.scoring(classifier.path("save/best")));
    CHECK(classifier.score("accuracy") == accuracy);

    const TinySquad squad;
    squad.print(squad.learning("train.txt", 2, {"--relative_positions=" + relative}));
    const double f1 = squad.score("f1");
    squad.print(squad.using_it("--do_eval", {"--eval_data_file_path=" + squad.path("train.txt")}));
    CHECK(squad.score("f1") == f1);
  }
}
