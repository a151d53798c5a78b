// A model's tensors in the checkpoints of three frameworks: names, layouts, and the way from any to any.
#include "nn/checkpoints/model_tensors.h"

#include <doctest/doctest.h>

#include <map>

#include "core/error.h"
#include "core/random.h"
#include "nn/checkpoints/checkpoint_file.h"
#include "nn/checkpoints/mindspore_checkpoint.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/tensorflow_checkpoint.h"
#include "tests/files.h"
#include "tests/normal_values.h"

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

std::vector<float> random_floats(size_t count) { return normal_values(static_cast<int64_t>(count), 5, 5); }

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
  for (const char* nezha : {"nezha.encoder.layer.3.output.dense.bias", "encoder.layer.3.output.dense.bias"})
    CHECK(file(nezha) == "bert.encoder.layer.3.output.dense.bias");
  CHECK(file("nezha.embeddings.LayerNorm.gamma") == "bert.embeddings.LayerNorm.weight");
  CHECK(file("nezha.encoder.layer.0.attention.self.relative_positions.weight") ==
        "bert.encoder.layer.0.attention.self.relative_positions.weight");
  CHECK(file("classifier.weight") == "classifier.weight");
  CHECK(file("anything.beta") == "anything.beta");
  CHECK_FALSE(common_name(CheckpointFormat::tensorflow, "bert/encoder/layer_x/output/dense/bias"));
  CHECK_FALSE(common_name(CheckpointFormat::mindspore, "fc.weight"));
  CHECK_FALSE(name_in(CheckpointFormat::tensorflow, "lstm.weight_ih_l0"));
  CHECK(is_state_or_buffer(CheckpointFormat::tensorflow, "bert/pooler/dense/kernel/adam_m"));
  CHECK(is_state_or_buffer(CheckpointFormat::mindspore, "adam_v.bert.bert.dense.weight"));
  for (const char* buffer :
       {"embeddings.position_ids", "nezha.embeddings.token_type_ids",
        "nezha.encoder.layer.0.attention.self.relative_positions_encoding.positions_encoding"})
    CHECK(is_state_or_buffer(CheckpointFormat::safetensors, buffer));
  CHECK_FALSE(is_state_or_buffer(CheckpointFormat::safetensors, "global_step"));
  // A kernel of TensorFlow, and nothing else, is [in, out].
  CHECK(encoder_names(2).size() == 4 + 2 * 16);
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

TEST_CASE("checkpoint names: of one framework only, and of the programs with a CRF") {
  using enum CheckpointFormat;
  const auto has = [](CheckpointFormat format, const char* name, const std::string& common, bool transposed) {
    const auto found = common_name(format, name);
    return found && found->name == common && found->transposed == transposed;
  };
  // NEZHA's tables, and the LSTM.
  std::vector<std::pair<std::string, std::string>> of_mindspore{
      {"bert.encoder.layer.7.attention.self.relative_positions.weight",
       "bert.bert.bert_encoder.layers.7.attention.attention._generate_relative_positions_embeddings."
       "embeddings_table"}};
  for (const std::string part : {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}) {
    of_mindspore.emplace_back("lstm." + part, "bert.lstm." + part);
    of_mindspore.emplace_back("lstm." + part + "_reverse", "bert.lstm." + part + "_reverse");
  }
  for (const auto& [common, mindspore_name] : of_mindspore) {
    CAPTURE(common);
    CHECK(name_in(mindspore, common)->name == mindspore_name);
    CHECK(name_in(safetensors, common)->name == common);
    CHECK_FALSE(name_in(tensorflow, common));
    for (const size_t prefix : {0, 5}) CHECK(has(mindspore, mindspore_name.c_str() + prefix, common, false));
    CHECK(has(safetensors, common.c_str(), common, false));
  }
  CHECK(layer_of(of_mindspore[0].first) == 7);
  CHECK(layer_of("lstm.weight_ih_l3") == -1);
  for (const char* odd : {"bert.lstm.weight_ih_l", "bert.lstm.weight_ih_l0_back", "bert.lstm.dense.weight"})
    CHECK_FALSE(common_name(mindspore, odd));
  // The CRFs of TensorFlow, and the classifier before one, which is [in, out].
  for (const char* name : {"crf_loss/transition", "crf_loss/transitions"})
    CHECK(has(tensorflow, name, "crf.transitions", false));
  CHECK(name_in(tensorflow, "crf.transitions")->name == "crf_loss/transitions");
  CHECK(has(tensorflow, "project/logits/W", "classifier.weight", true));
  CHECK(has(tensorflow, "project/logits/b", "classifier.bias", false));
  CHECK(name_in(tensorflow, "classifier.weight", true)->name == "project/logits/W");
  CHECK(name_in(tensorflow, "classifier.weight", true)->transposed);
  CHECK(name_in(tensorflow, "classifier.bias", true)->name == "project/logits/b");
  CHECK(name_in(tensorflow, "classifier.weight")->name == "output_weights");
  CHECK_FALSE(name_in(tensorflow, "classifier.weight")->transposed);
  CHECK(name_in(mindspore, "classifier.weight", true)->name == "bert.dense_1.weight");
  for (const char* common : {"crf.transitions", "crf.start_transitions", "crf.end_transitions"})
    CHECK_FALSE(name_in(mindspore, common));  // one matrix there
  for (const char* common : {"crf.start_transitions", "crf.end_transitions"})
    CHECK_FALSE(name_in(tensorflow, common));
  // The heads of pretraining: a kernel is [in, out] in TensorFlow, output weights are not.
  struct Head {
    const char *common, *tensorflow, *mindspore;
    bool transposed;
  };
  for (const Head& head :
       {Head{"cls.predictions.transform.dense.weight", "cls/predictions/transform/dense/kernel",
             "bert.cls1.dense.weight", true},
        Head{"cls.predictions.transform.dense.bias", "cls/predictions/transform/dense/bias",
             "bert.cls1.dense.bias", false},
        Head{"cls.predictions.transform.LayerNorm.weight", "cls/predictions/transform/LayerNorm/gamma",
             "bert.cls1.layernorm.gamma", false},
        Head{"cls.predictions.transform.LayerNorm.bias", "cls/predictions/transform/LayerNorm/beta",
             "bert.cls1.layernorm.beta", false},
        Head{"cls.predictions.bias", "cls/predictions/output_bias", "bert.cls1.output_bias", false},
        Head{"cls.seq_relationship.bias", "cls/seq_relationship/output_bias", "bert.cls2.dense.bias", false},
        Head{"classifier.weight", "output_weights", "bert.dense_1.weight", false},
        Head{"qa_outputs.bias", "cls/squad/output_bias", "bert.dense1.bias", false}}) {
    CAPTURE(head.common);
    CHECK(name_in(tensorflow, head.common)->name == head.tensorflow);
    CHECK(name_in(tensorflow, head.common)->transposed == head.transposed);
    CHECK(name_in(mindspore, head.common)->name == head.mindspore);
    CHECK(has(tensorflow, head.tensorflow, head.common, head.transposed));
    CHECK(has(mindspore, head.mindspore, head.common, false));
  }
  CHECK(has(safetensors, "cls.predictions.transform.LayerNorm.gamma",
            "cls.predictions.transform.LayerNorm.weight", false));
  CHECK(has(safetensors, "cls.predictions.transform.LayerNorm.beta",
            "cls.predictions.transform.LayerNorm.bias", false));
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
      for (const std::string& missing : left) {
        const bool crf = missing == "crf.start_transitions" || missing == "crf.end_transitions";
        CHECK_MESSAGE((crf || missing.starts_with("lstm.")), missing);
        CHECK(format == CheckpointFormat::tensorflow);
        if (!crf) kept.erase(missing);
        else std::ranges::fill(kept.at(missing).second, 0.0F);  // what TensorFlow's CRF scores there
      }
      CHECK(values_of(written) == kept);
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

TEST_CASE("TensorFlow's CRF is one without scores of first and last tags, and its classifier is turned") {
  constexpr size_t tags = 4, width = 3, all = tags + 2, begin = tags, stop = tags + 1;
  const std::vector<float> matrix = random_floats(tags * tags), weight = random_floats(width * tags),
                           bias = random_floats(tags);
  for (const char* name : {"crf_loss/transition", "crf_loss/transitions"}) {
    CAPTURE(name);
    const TemporaryFolder folder;
    const std::string path = (folder / "crf").string();
    write_tensorflow_checkpoint(
        path, std::vector<TensorEntry>{
                  {name, "F32", {tags, tags}, std::as_bytes(std::span(matrix))},
                  {"crf_loss/transitions/adam_m", "F32", {tags, tags}, std::as_bytes(std::span(matrix))},
                  {"project/logits/W", "F32", {width, tags}, std::as_bytes(std::span(weight))},
                  {"project/logits/b", "F32", {tags}, std::as_bytes(std::span(bias))}});
    const ModelTensors model(path);
    CHECK(model.unknown() == std::vector<std::string>{});
    const Values values = values_of(model);
    const std::vector<float> nothing(tags, 0.0F);
    CHECK(values.size() == 5);
    CHECK(values.at("crf.transitions") == Values::mapped_type{{tags, tags}, matrix});
    CHECK(values.at("crf.start_transitions") == Values::mapped_type{{tags}, nothing});
    CHECK(values.at("crf.end_transitions") == Values::mapped_type{{tags}, nothing});
    CHECK(values.at("classifier.weight").first == std::vector<int64_t>{tags, width});
    for (size_t tag = 0; tag < tags; ++tag) {
      for (size_t i = 0; i < width; ++i)
        CHECK(values.at("classifier.weight").second[tag * width + i] == weight[i * tags + tag]);
    }
    // In MindSpore START leads to every tag, and every tag to STOP, for nothing.
    const std::string mindspore = (folder / "crf.ckpt").string();
    CHECK(write_model_tensors(model, CheckpointFormat::mindspore, mindspore).empty());
    std::vector<float> scores(all * all);
    copy_as_float(*MindSporeCheckpoint(mindspore).find("loss.transitions"), scores);
    for (size_t a = 0; a < tags; ++a) {
      CHECK(scores[a * all + begin] == 0);
      CHECK(scores[stop * all + a] == 0);
      for (size_t b = 0; b < tags; ++b) CHECK(scores[b * all + a] == matrix[a * tags + b]);
    }
    // So nothing is left out on the way back.
    const std::string back = (folder / "back").string();
    CHECK(write_model_tensors(ModelTensors(mindspore), CheckpointFormat::tensorflow, back).empty());
    CHECK(values_of(ModelTensors(back)) == values);
    const TensorFlowCheckpoint written(back);
    CHECK(written.tensors().size() == 3);
    CHECK(written.find("crf_loss/transitions") != nullptr);
    CHECK(written.find("project/logits/W")->shape == std::vector<int64_t>{width, tags});
  }
}

TEST_CASE("what a format has no place for is left out by name: a CRF's first and last tags, NEZHA's tables") {
  constexpr int64_t tags = 3;
  const std::vector<float> matrix = random_floats(tags * tags), zeros(tags, 0.0F), scores{0, 0, 1};
  const auto entry = [](const char* name, const std::vector<int64_t>& shape,
                        const std::vector<float>& values) {
    return TensorEntry{name, "F32", shape, std::as_bytes(std::span(values))};
  };
  const TemporaryFolder folder;
  const auto left_of = [&](const std::vector<TensorEntry>& tensors, CheckpointFormat format) {
    const std::string path = (folder / "from.safetensors").string();
    write_safetensors(path, tensors);
    return write_model_tensors(ModelTensors(path), format, path_in(folder, format));
  };
  using enum CheckpointFormat;
  using Names = std::vector<std::string>;
  const TensorEntry transitions = entry("crf.transitions", {tags, tags}, matrix),
                    start = entry("crf.start_transitions", {tags}, scores),
                    no_start = entry("crf.start_transitions", {tags}, zeros),
                    end = entry("crf.end_transitions", {tags}, scores);
  CHECK(left_of({transitions, start, end}, tensorflow) ==
        Names{"crf.end_transitions", "crf.start_transitions"});
  CHECK(left_of({transitions, no_start, end}, tensorflow) == Names{"crf.end_transitions"});
  CHECK(left_of({transitions}, tensorflow).empty());
  CHECK(left_of({no_start}, tensorflow) == Names{"crf.start_transitions"});
  CHECK(left_of({transitions, start, end}, mindspore).empty());
  CHECK(left_of({transitions, start}, mindspore) == Names{"crf.start_transitions", "crf.transitions"});
  const char* nezha = "bert.encoder.layer.0.attention.self.relative_positions.weight";
  const std::vector<float> table = random_floats(33 * 4);
  CHECK(left_of({entry(nezha, {33, 4}, table)}, tensorflow) == Names{nezha});
  CHECK(left_of({entry(nezha, {33, 4}, table)}, mindspore).empty());
  CHECK(values_of(ModelTensors(path_in(folder, mindspore))) == Values{{nezha, {{33, 4}, table}}});
  // In safetensors files an encoder with computed sinusoids, in place of positions, is called nezha.
  const char* words = "bert.embeddings.word_embeddings.weight";
  const char* dense = "bert.encoder.layer.0.output.dense.weight";
  const std::vector<TensorEntry> sinusoids{entry(words, {33, 4}, table), entry(dense, {33, 4}, table)};
  const auto first_name = [&](std::vector<TensorEntry> tensors) {
    CHECK(left_of(tensors, safetensors).empty());
    const CheckpointFile file(path_in(folder, safetensors));
    return file.tensors().front().name;
  };
  CHECK(first_name(sinusoids) == "nezha.embeddings.word_embeddings.weight");
  for (const char* other : {"bert.embeddings.position_embeddings.weight", nezha}) {
    CHECK(first_name({sinusoids[0], sinusoids[1], entry(other, {33, 4}, table)}).starts_with("bert."));
  }
  CHECK(first_name({sinusoids[0]}).starts_with("bert."));
  // A matrix that is no CRF's.
  const std::string odd = (folder / "odd").string();
  write_tensorflow_checkpoint(odd, std::vector<TensorEntry>{entry("crf_loss/transitions", {9, 1}, matrix)});
  CHECK_THROWS_WITH_AS(ModelTensors{odd},
                       (odd + ": tensor 'crf_loss/transitions' has shape [9, 1]: expected a square matrix of "
                              "1 tags or more")
                           .c_str(),
                       Error);
  const std::vector<float> two{1, 2};
  // A CRF with a tag of its own for the beginning, as some programs have it, is not taken for one without.
  write_tensorflow_checkpoint(odd, std::vector<TensorEntry>{entry("crf_loss/transitions", {3, 3}, matrix),
                                                            entry("project/logits/b", {2}, two)});
  for (const CheckpointFormat format : {safetensors, mindspore})
    CHECK_THROWS_WITH_AS(write_model_tensors(ModelTensors(odd), format, path_in(folder, format)),
                         (odd + ": tensor 'project/logits/b' has shape [2]: the CRF has 3 tags").c_str(),
                         Error);
}

TEST_CASE("a safetensors file that MindSpore saved has MindSpore's names") {
  const fs::path fixtures = shared_folder("formats/fixtures/ms_ckpt");
  if (fixtures.empty()) return;
  CHECK(CheckpointFile((fixtures / "ms_saved.safetensors").string()).names() == CheckpointFormat::mindspore);
  const TemporaryFolder folder;
  for (const char* name : {"bert_ner_crf_lstm.ckpt", "bert_pretrain.ckpt", "bert_squad.ckpt"}) {
    const CheckpointFile original((fixtures / name).string());
    const std::string path = (folder / "x.safetensors").string();
    write_safetensors(path, original.tensors(), {{"format", "ms"}});
    const ModelTensors model(path);
    CHECK(model.format() == CheckpointFormat::safetensors);
    CHECK(model.unknown() == std::vector<std::string>{});
    CHECK(values_of(model) == values_of(ModelTensors((fixtures / name).string())));
    write_safetensors(path, original.tensors());
    CHECK(ModelTensors(path).find("bert.pooler.dense.weight") == nullptr);
  }
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
  fs::create_directory(folder / "pytorch");
  const std::string pickle = folder.write("pytorch/pytorch_model.bin", "PK");
  for (const std::string& path : {pickle, (folder / "pytorch").string()}) {
    CHECK_THROWS_WITH_AS(
        CheckpointFile{path},
        (pickle +
         ": begins neither as a zip archive nor with torch's magic number, expected a file of torch.save")
            .c_str(),
        Error);
  }
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
