// inspect_checkpoint and convert_checkpoint.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

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
  CHECK(run("convert_checkpoint", {"--to", "pytorch", from, to})
            .err.find("--to pytorch: expected safetensors") != std::string::npos);
}
