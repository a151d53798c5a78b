// inspect_checkpoint and convert_checkpoint.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "nn/safetensors.h"
#include "tests/tasks/program.h"

using namespace gradus;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

Outcome run(const std::string& program, const Words& flags) {
  return Process(command_of(program, flags), "").wait();
}

json inspected(const std::string& path) {
  const Outcome outcome = run("inspect_checkpoint", {"--json", path});
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return json::parse(outcome.out).at("tensors");
}

}  // namespace

TEST_CASE("inspect_checkpoint prints the fixtures' descriptions") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  for (const char* name : {"safetensors/bert_ner.safetensors", "safetensors/dtypes.safetensors",
                           "ms_ckpt/small.ckpt", "ms_ckpt/bert_ner_crf_lstm.ckpt", "ms_ckpt/chunked.ckpt",
                           "tf_checkpoint/bert_v1.ckpt", "tf_checkpoint/partitioned.ckpt"}) {
    CAPTURE(name);
    const json expected =
        json::parse(file_content(fixtures / (std::string(name) + ".expected.json"))).at("tensors");
    const json found = inspected((fixtures / name).string());
    CHECK(found.size() == expected.size());
    for (const auto& [tensor, description] : expected.items()) {
      CAPTURE(tensor);
      REQUIRE(found.contains(tensor));
      if (!description.contains("first")) continue;  // strings
      for (const char* key : {"dtype", "shape", "first", "last", "nbytes", "ms_dtype"}) {
        if (description.contains(key)) CHECK(found.at(tensor).at(key) == description.at(key));
      }
      for (const char* key : {"sum", "abs_sum"})
        CHECK(found.at(tensor).at(key).get<double>() ==
              doctest::Approx(description.at(key).get<double>()).epsilon(1e-12));
    }
  }
}

TEST_CASE("inspect_checkpoint prints a table, and refuses what is no checkpoint") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const Outcome table = run("inspect_checkpoint", {(fixtures / "safetensors/bert_cls.safetensors").string()});
  CHECK(table.status == 0);
  CHECK(table.out.find("bert.embeddings.word_embeddings.weight") != std::string::npos);
  const Outcome none = run("inspect_checkpoint", {"/nowhere.ckpt"});
  CHECK(none.status == 2);
  CHECK(none.err == "error: cannot read '/nowhere.ckpt': no such file, and no /nowhere.ckpt.index\n");
  CHECK(run("inspect_checkpoint", {}).status == 2);
}

TEST_CASE("convert_checkpoint goes through all formats and comes back with the same numbers") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const TemporaryFolder folder;
  const std::string original = (fixtures / "safetensors/bert_pretrain.safetensors").string();
  std::string from = original;
  for (const auto& [format, name] :
       {std::pair{"mindspore", "a.ckpt"}, {"tensorflow", "b.ckpt"}, {"safetensors", "c.safetensors"}}) {
    const std::string to = (folder / name).string();
    const Outcome outcome = run("convert_checkpoint", {"--to", format, from, to});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(outcome.out.find("convert value num:") != std::string::npos);
    from = to;
  }
  json expected = inspected(original);
  const json found = inspected(from);
  for (const auto& [name, tensor] : found.items()) CHECK(tensor == expected.at(name));
  // The output layer is the word table, and its bias is cls.predictions.bias.
  for (const char* copy : {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"})
    expected.erase(copy);
  CHECK(found.size() == expected.size());
}

TEST_CASE("convert_checkpoint names what a CRF loses on the way to TensorFlow, and keeps all else") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const TemporaryFolder folder;
  const std::string from = (fixtures / "ms_ckpt/bert_ner_crf_lstm.ckpt").string(),
                    to = (folder / "crf").string();
  const Outcome outcome = run("convert_checkpoint", {"--to", "tensorflow", from, to});
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const size_t at = outcome.out.find("without a place in that format, left out: ");
  REQUIRE(at != std::string::npos);
  const std::string left = outcome.out.substr(at, outcome.out.find('\n', at) - at);
  for (const char* name : {"crf.start_transitions", "crf.end_transitions", "lstm.weight_hh_l0_reverse"})
    CHECK_MESSAGE(left.find(name) != std::string::npos, left);
  CHECK(left.find("crf.transitions") == std::string::npos);
  CHECK(outcome.out.find("takes tanh of the classifier's output") != std::string::npos);
  const json found = inspected(to);
  CHECK(found.contains("crf_loss/transitions"));
  CHECK(found.contains("project/logits/W"));
  CHECK_FALSE(found.contains("output_weights"));
  const json original = inspected(from);
  CHECK(found.at("bert/pooler/dense/bias") == [&] {
    json same = original.at("bert.bert.dense.bias");
    same.erase("ms_dtype");
    same["first"] = json(std::vector(same["first"].begin(), same["first"].begin() + 6));
    same["last"] = json(std::vector(same["last"].end() - 2, same["last"].end()));
    return same;
  }());
}

TEST_CASE("convert_checkpoint refuses a file without an encoder, unless it may") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const TemporaryFolder folder;
  const std::string from = (fixtures / "ms_ckpt/small.ckpt").string(),
                    to = (folder / "x.safetensors").string();
  const Outcome refused = run("convert_checkpoint", {"--to", "safetensors", from, to});
  CHECK(refused.status == 2);
  CHECK(refused.err.find("no tensor is bert.embeddings.word_embeddings.weight") != std::string::npos);
  CHECK_FALSE(fs::exists(to));
  CHECK(run("convert_checkpoint", {"--to", "safetensors", "--allow_missing", from, to}).status == 0);
  const Outcome again = run("convert_checkpoint", {"--to", "safetensors", "--allow_missing", from, to});
  CHECK(again.status == 2);
  CHECK(again.err == "error: '" + to + "' is there already: --overwrite replaces it\n");
  CHECK(
      run("convert_checkpoint", {"--to", "safetensors", "--allow_missing", "--overwrite", from, to}).status ==
      0);
  for (const auto& [format, name] :
       {std::pair{"safetensors", "x.ckpt"}, {"mindspore", "x.txt"}, {"tensorflow", "x.index"}})
    CHECK(run("convert_checkpoint", {"--to", format, "--allow_missing", from, (folder / name).string()})
              .err.find("expected") != std::string::npos);
  CHECK(run("convert_checkpoint", {"--to", "pytorch", from, to})
            .err.find("--to pytorch: expected safetensors") != std::string::npos);
}

TEST_CASE("convert_checkpoint refuses odd shapes, and leaves out what holds no floats") {
  const TemporaryFolder folder;
  const std::vector<float> zeros(4000, 0.0F);
  const auto convert = [&](const std::vector<TensorEntry>& tensors, const std::string& format,
                           const std::string& to) {
    const std::string from = (folder / "from.safetensors").string();
    write_safetensors(from, tensors);
    return run("convert_checkpoint",
               {"--to", format, "--allow_missing", "--overwrite", from, (folder / to).string()});
  };
  const auto tensor = [&](const char* name, std::vector<int64_t> shape) {
    TensorEntry entry{name, "F32", std::move(shape), {}};
    entry.data = std::as_bytes(std::span(zeros)).first(static_cast<size_t>(entry.elements()) * sizeof(float));
    return entry;
  };
  const Outcome crf = convert({tensor("crf.transitions", {1, 1}), tensor("crf.start_transitions", {3000}),
                               tensor("crf.end_transitions", {3000})},
                              "mindspore", "a.ckpt");
  CHECK(crf.status == 2);
  CHECK(crf.err.find("tensor 'crf.transitions' has shape [1, 1]: the CRF has 3000 tags") !=
        std::string::npos);
  const Outcome bias = convert({tensor("crf.transitions", {2, 2}), tensor("crf.start_transitions", {2}),
                                tensor("crf.end_transitions", {2}), tensor("classifier.bias", {})},
                               "mindspore", "a.ckpt");
  CHECK(bias.status == 2);
  CHECK(bias.err.find("tensor 'classifier.bias' has shape []: the CRF has 2 tags") != std::string::npos);
  // An empty matrix is transposed there and back.
  CHECK(convert({tensor("bert.pooler.dense.weight", {3, 0})}, "tensorflow", "b").status == 0);
  CHECK(run("convert_checkpoint",
            {"--to", "mindspore", "--allow_missing", (folder / "b").string(), (folder / "b.ckpt").string()})
            .status == 0);
  std::vector<int64_t> positions(6);
  TensorEntry numbers{"embeddings.position_ids", "I64", {6}, std::as_bytes(std::span(positions))};
  CHECK(convert({tensor("bert.pooler.dense.bias", {3}), numbers}, "safetensors", "c.safetensors").status ==
        0);
  CHECK(inspected((folder / "c.safetensors").string()).size() == 1);
  numbers.name = "bert.pooler.dense.bias";
  CHECK(convert({numbers}, "safetensors", "c.safetensors").out.find("left out: bert.pooler.dense.bias") !=
        std::string::npos);
  fs::create_directory(folder / "links");
  fs::create_symlink("nowhere", folder / "links/a.ckpt");
  CHECK(run("inspect_checkpoint", {(folder / "links").string()}).status == 2);
}
