// A model's tensors in the checkpoints of three frameworks: names, layouts, and the way from any to any.
#include "nn/model_tensors.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/random.h"
#include "nn/mindspore_checkpoint.h"
#include "nn/safetensors.h"
#include "tests/files.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

using Values = std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>>;

Values values_of(const ModelTensors& model) {
  Values values;
  for (const ModelTensors::Tensor& tensor : model.tensors()) {
    int64_t size = 1;
    for (const int64_t extent : tensor.shape) size *= extent;
    std::vector<float> numbers(static_cast<size_t>(size));
    model.read(tensor, numbers);
    values[tensor.name] = {tensor.shape, numbers};
  }
  return values;
}

// Where a checkpoint of a format is written to in the tests.
std::string path_in(const TemporaryFolder& folder, CheckpointFormat format) {
  const std::string ending = format == CheckpointFormat::safetensors ? ".safetensors"
                             : format == CheckpointFormat::mindspore ? ".ckpt"
                                                                     : ".tf";
  return (folder / (std::string(name_of(format)) + ending)).string();
}

std::vector<float> random_floats(size_t count) {
  RandomSequence random(5, 5);
  std::vector<float> values(count);
  for (float& value : values) value = random.normal();
  return values;
}

}  // namespace

TEST_CASE("checkpoint names: each framework's, and back") {
  struct Names {
    const char *common, *tensorflow, *mindspore;
    bool transposed;
  };
  for (const Names& names :
       {Names{"bert.embeddings.word_embeddings.weight", "bert/embeddings/word_embeddings",
              "bert.bert.bert_embedding_lookup.embedding_table", false},
        Names{"bert.encoder.layer.11.attention.self.key.weight",
              "bert/encoder/layer_11/attention/self/key/kernel",
              "bert.bert.bert_encoder.layers.11.attention.attention.key_layer.weight", true},
        Names{"bert.encoder.layer.0.output.LayerNorm.weight", "bert/encoder/layer_0/output/LayerNorm/gamma",
              "bert.bert.bert_encoder.layers.0.output.layernorm.gamma", false},
        Names{"bert.pooler.dense.weight", "bert/pooler/dense/kernel", "bert.bert.dense.weight", true},
        Names{"cls.seq_relationship.weight", "cls/seq_relationship/output_weights", "bert.cls2.dense.weight",
              false},
        Names{"classifier.bias", "output_bias", "bert.dense_1.bias", false},
        Names{"qa_outputs.weight", "cls/squad/output_weights", "bert.dense1.weight", false}}) {
    CAPTURE(names.common);
    CHECK(name_in(CheckpointFormat::tensorflow, names.common)->name == names.tensorflow);
    CHECK(name_in(CheckpointFormat::tensorflow, names.common)->transposed == names.transposed);
    CHECK(name_in(CheckpointFormat::mindspore, names.common)->name == names.mindspore);
    CHECK(common_name(CheckpointFormat::tensorflow, names.tensorflow)->name == names.common);
    CHECK(common_name(CheckpointFormat::tensorflow, names.tensorflow)->transposed == names.transposed);
    CHECK(common_name(CheckpointFormat::mindspore, names.mindspore)->name == names.common);
    CHECK_FALSE(common_name(CheckpointFormat::mindspore, names.mindspore)->transposed);
  }
  const auto mindspore = [](const char* name) {
    return common_name(CheckpointFormat::mindspore, name)->name;
  };
  CHECK(mindspore("dense_1.weight") == "classifier.weight");
  CHECK(mindspore("bert.dense.bias") == "bert.pooler.dense.bias");
  CHECK(mindspore("bert_embedding_postprocessor.full_position_embeddings") ==
        "bert.embeddings.position_embeddings.weight");
  CHECK(mindspore("bert.lstm.weight_hh_l1_reverse") == "lstm.weight_hh_l1_reverse");
  const auto file = [](const char* name) { return common_name(CheckpointFormat::safetensors, name)->name; };
  CHECK(file("encoder.layer.3.output.LayerNorm.gamma") == "bert.encoder.layer.3.output.LayerNorm.weight");
  CHECK(file("bert.encoder.layer.3.output.dense.bias") == "bert.encoder.layer.3.output.dense.bias");
  CHECK(file("classifier.weight") == "classifier.weight");
  CHECK(file("anything.beta") == "anything.beta");
  CHECK_FALSE(common_name(CheckpointFormat::tensorflow, "bert/encoder/layer_x/output/dense/bias"));
  CHECK_FALSE(common_name(CheckpointFormat::mindspore, "fc.weight"));
  CHECK_FALSE(name_in(CheckpointFormat::tensorflow, "lstm.weight_ih_l0"));
  CHECK(is_state_or_buffer(CheckpointFormat::tensorflow, "bert/pooler/dense/kernel/adam_m"));
  CHECK(is_state_or_buffer(CheckpointFormat::mindspore, "adam_v.bert.bert.dense.weight"));
  CHECK(is_state_or_buffer(CheckpointFormat::safetensors, "embeddings.position_ids"));
  CHECK_FALSE(is_state_or_buffer(CheckpointFormat::safetensors, "global_step"));
  // A kernel of TensorFlow, and nothing else, is [in, out].
  CHECK(encoder_names(2).size() == 5 + 2 * 16);
  for (const std::string& common : encoder_names(2)) {
    CAPTURE(common);
    const CommonName name = *name_in(CheckpointFormat::tensorflow, common);
    CHECK(name.transposed == name.name.ends_with("/kernel"));
    CHECK(name.transposed == (common.ends_with(".weight") && common.find(".layer.") != std::string::npos &&
                              common.find("LayerNorm") == std::string::npos));
  }
  CHECK(layer_of("bert.encoder.layer.11.output.dense.bias") == 11);
  CHECK(layer_of("bert.pooler.dense.bias") == -1);
}

TEST_CASE(
    "the networks of the other frameworks are known whole, and stay the same on the way from any format to "
    "any") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  for (const char* name :
       {"ms_ckpt/bert_cls.ckpt", "ms_ckpt/bert_ner_crf_lstm.ckpt", "ms_ckpt/bert_pretrain.ckpt",
        "ms_ckpt/bert_squad.ckpt", "tf_checkpoint/bert_v1.ckpt", "tf_checkpoint/bert_v1_2shards.ckpt",
        "safetensors/bert_cls.safetensors", "safetensors/bert_ner.safetensors",
        "safetensors/bert_squad.safetensors"}) {
    CAPTURE(name);
    const ModelTensors original((fixtures / name).string());
    CHECK(original.unknown() == std::vector<std::string>{});
    const Values expected = values_of(original);
    CHECK(expected.contains("bert.encoder.layer.1.attention.self.query.weight"));
    for (const CheckpointFormat format :
         {CheckpointFormat::safetensors, CheckpointFormat::mindspore, CheckpointFormat::tensorflow}) {
      CAPTURE(name_of(format));
      const TemporaryFolder folder;
      const std::vector<std::string> left = write_model_tensors(original, format, path_in(folder, format));
      const ModelTensors written(path_in(folder, format));
      CHECK(written.format() == format);
      Values kept = expected;
      for (const std::string& missing : left) kept.erase(missing);
      CHECK(values_of(written) == kept);
      const bool only_lstm_and_crf = std::all_of(left.begin(), left.end(), [&](const std::string& missing) {
        return format == CheckpointFormat::tensorflow &&
               (missing.starts_with("lstm.") || missing.starts_with("crf."));
      });
      CHECK(only_lstm_and_crf);
    }
  }
}

TEST_CASE("MindSpore's CRF scores every sequence of tags as the three tensors do that it becomes") {
  constexpr size_t tags = 4, all = tags + 2, begin = tags, stop = tags + 1;
  std::vector<float> matrix = random_floats(all * all);
  for (size_t i = 0; i < all; ++i) matrix[begin * all + i] = matrix[i * all + stop] = -10000;
  const std::vector<float> weight = random_floats(all * 3), bias = random_floats(all);
  const TemporaryFolder folder;
  const std::string path = (folder / "crf.ckpt").string();
  write_mindspore_checkpoint(
      path,
      std::vector<TensorEntry>{{"loss.transitions", "F32", {all, all}, std::as_bytes(std::span(matrix))},
                               {"bert.dense_1.weight", "F32", {all, 3}, std::as_bytes(std::span(weight))},
                               {"bert.dense_1.bias", "F32", {all}, std::as_bytes(std::span(bias))}});
  Values model = values_of(ModelTensors(path));
  CHECK(model.at("classifier.weight").first == std::vector<int64_t>{tags, 3});
  CHECK(model.at("classifier.bias").second == std::vector<float>(bias.begin(), bias.begin() + tags));
  const std::vector<float>&between = model.at("crf.transitions").second,
        &first = model.at("crf.start_transitions").second, &last = model.at("crf.end_transitions").second;
  for (size_t a = 0; a < tags; ++a) {
    for (size_t b = 0; b < tags; ++b) {
      for (size_t c = 0; c < tags; ++c) {
        const float theirs =
            matrix[a * all + begin] + matrix[b * all + a] + matrix[c * all + b] + matrix[stop * all + c];
        CHECK(first[a] + between[a * tags + b] + between[b * tags + c] + last[c] == doctest::Approx(theirs));
      }
    }
  }
  const std::string back = (folder / "back.ckpt").string();
  write_model_tensors(ModelTensors(path), CheckpointFormat::mindspore, back);
  std::vector<float> again(all * all);
  copy_as_float(*MindSporeCheckpoint(back).find("loss.transitions"), again);
  matrix[stop * all + begin] = -10000;  // the score of no tag at all, which no sentence has
  CHECK(again == matrix);
}

TEST_CASE("a checkpoint is found by file, prefix and folder; what is none, or ambiguous, is said") {
  const TemporaryFolder folder;
  const std::vector<float> values(6, 1.0F);
  const auto write = [&](CheckpointFormat format, const std::string& name) {
    const std::string source = (folder / "source.safetensors").string();
    write_safetensors(source,
                      std::vector<TensorEntry>{
                          {"bert.pooler.dense.weight", "F32", {2, 3}, std::as_bytes(std::span(values))}});
    const ModelTensors model(source);
    fs::create_directories((folder / name).parent_path());
    write_model_tensors(model, format, (folder / name).string());
    fs::remove(source);
    return (folder / name).string();
  };
  const std::string tensorflow = write(CheckpointFormat::tensorflow, "tf/model.ckpt");
  for (const std::string& path : {tensorflow, tensorflow + ".index", (folder / "tf").string()})
    CHECK(CheckpointFile(path).format() == CheckpointFormat::tensorflow);
  const std::string mindspore = write(CheckpointFormat::mindspore, "ms/bert.ckpt");
  for (const std::string& path : {mindspore, (folder / "ms").string()})
    CHECK(CheckpointFile(path).format() == CheckpointFormat::mindspore);
  write(CheckpointFormat::mindspore, "ms/other.ckpt");
  const std::string ambiguous = (folder / "ms").string();
  CHECK_THROWS_WITH_AS(
      CheckpointFile{ambiguous},
      fmt::format("{0}: several checkpoints, name one of them: {0}/bert.ckpt, {0}/other.ckpt", ambiguous)
          .c_str(),
      Error);
  fs::create_directory(folder / "empty");
  CHECK_THROWS_AS(CheckpointFile((folder / "empty").string()), Error);
  CHECK_THROWS_AS(CheckpointFile((folder / "none.ckpt").string()), Error);
  CHECK_THROWS_AS(CheckpointFile(folder.write("text.txt", "text")), Error);
  const std::string twice = (folder / "twice.safetensors").string();
  write_safetensors(twice, std::vector<TensorEntry>{
                               {"bert.pooler.dense.bias", "F32", {6}, std::as_bytes(std::span(values))},
                               {"pooler.dense.bias", "F32", {6}, std::as_bytes(std::span(values))}});
  CHECK_THROWS_WITH_AS(
      ModelTensors{twice},
      (twice +
       ": the tensors 'bert.pooler.dense.bias' and 'pooler.dense.bias' are both bert.pooler.dense.bias")
          .c_str(),
      Error);
}
