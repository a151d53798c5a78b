// inspect_checkpoint and convert_checkpoint.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "core/io/protobuf.h"
#include "nn/checkpoints/safetensors.h"
#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

Json described_by_program(const std::string& path) {
  const Outcome outcome = run_program("inspect_checkpoint", {"--json", path});
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return json_of(outcome.out);
}

Json inspected(const std::string& path) { return described_by_program(path).at("tensors"); }

// What the program for files of that kind says of one, which takes `size` bytes. It gets no more memory than 16 MiB
// and twice that: a number in a file must not decide how much is allocated. (The sanitizers' own memory counts too,
// and is too much.)
Outcome looked_into(const std::string& kind, const std::string& path, [[maybe_unused]] uintmax_t size) {
  Words command;
  if (kind == "mindrecord" || kind == "tfrecord" || kind == "tf_example") {
    const std::string option = kind == "mindrecord" ? "vis_mindrecord" : "vis_tfrecord";
    command =
        command_of("vis_tfrecord_or_mindrecord", {"--json", "--vis_option=" + option, "--file_name=" + path});
  } else {
    command = command_of("inspect_checkpoint", {path});
  }
#ifndef __SANITIZE_ADDRESS__
  const std::string limit = fmt::format("ulimit -d {} && exec \"$@\"", ((16U << 20U) + 2 * size) >> 10U);
  command.insert(command.begin(), {"/bin/sh", "-c", limit, "sh"});
#endif
  return Process(command, "").wait();
}

// `expected` has also who wrote the fixture and what is remarkable about it; the program also says the format, how many
// tensors there are, and the type in MindSpore of each, which not all fixtures have.
void check_description(Json found, Json expected) {
  for (const char* key : {"producer", "note"}) expected.erase(key);
  for (const char* key : {"format", "num_tensors", "order", "crc"}) {
    if (!expected.contains(key)) found.erase(key);
  }
  for (const auto& [name, tensor] : expected.at("tensors").members()) {
    CAPTURE(name);
    REQUIRE(found.at("tensors").contains(name));
    Json& ours = found["tensors"][name];
    if (!tensor.contains("ms_dtype")) ours.erase("ms_dtype");
    for (const char* key : {"sum", "abs_sum"}) {
      if (!tensor.contains(key)) continue;
      const double sum = ours.at(key).number(), wanted = tensor.at(key).number();
      CHECK_MESSAGE(std::abs(sum - wanted) <= 1e-6 * std::abs(wanted), sum << " instead of " << wanted);
      ours[key] = tensor.at(key);
    }
    CHECK(ours == tensor);
  }
  CHECK(found == expected);
}

}  // namespace

TEST_CASE("inspect_checkpoint --json prints each fixture's description") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  int described = 0;
  // ms_saved.safetensors in ms_ckpt has no description.
  for (const char* kind : {"ms_ckpt", "tf_checkpoint", "safetensors"}) {
    for (const auto& entry : fs::directory_iterator(fixtures / kind)) {
      constexpr std::string_view ending = ".expected.json";
      const std::string path = entry.path().string();
      if (!path.ends_with(ending)) continue;
      CAPTURE(path);
      check_description(described_by_program(path.substr(0, path.size() - ending.size())),
                        json_of(file_content(path)));
      ++described;
    }
  }
  CHECK(described == 9 + 7 + 7);
  for (const std::string name : {"bert_cls_zip.bin", "bert_cls_legacy.bin"}) {  // of one model
    Json expected = json_of(file_content(fixtures / "pytorch_bin/bert_cls.expected.json"));
    expected.erase("files");
    expected["file"] = name;
    check_description(described_by_program((fixtures / "pytorch_bin" / name).string()), expected);
  }
}

TEST_CASE("inspect_checkpoint --json: texts as Python shows them, files of a model in parts") {
  const TemporaryFolder folder;
  // A text of MindSpore's, in UTF-32: no writer of ours makes one.
  const auto text_file = [&](const std::u32string& text) {
    protobuf::Writer tensor, value, checkpoint;
    const std::string bytes(reinterpret_cast<const char*>(text.data()), text.size() * sizeof(char32_t));
    tensor.bytes(2, "str");
    tensor.bytes(3, bytes);
    value.bytes(1, "t");
    value.bytes(2, tensor.str());
    checkpoint.bytes(1, value.str());
    return folder.write("text.ckpt", checkpoint.str());
  };
  const auto literal = [&](const std::u32string& text) {
    return described_by_program(text_file(text)).at("tensors").at("t");
  };
  CHECK(literal(U"a é") == Json{{"python", "'a é'"}});
  CHECK(literal(U"it's") == Json{{"python", "\"it's\""}});
  CHECK(literal(U"'\"\\") == Json{{"python", "'\\'\"\\\\'"}});
  CHECK(literal(U"\n\t\r\x01\xa0\u2028\U000e0001") ==
        Json{{"python", "'\\n\\t\\r\\x01\\xa0\\u2028\\U000e0001'"}});
  const std::vector<float> values(2, 1.0F);
  const auto part = [&](const char* name) {
    const std::string path = (folder / (std::string(name) + ".safetensors")).string();
    write_safetensors(path, std::vector<TensorEntry>{{name, "F32", {2}, std::as_bytes(std::span(values))}});
    return Json{{name, std::string(name) + ".safetensors"}};
  };
  Json map = part("a");
  map.update(part("b"));
  const Json found =
      described_by_program(folder.write("model.safetensors.index.json", json_text({{"weight_map", map}})));
  CHECK(found.at("file") == "model.safetensors.index.json");
  CHECK(found.at("files") == Json::array({"a.safetensors", "b.safetensors"}));
  CHECK(found.at("tensors").size() == 2);
}

TEST_CASE("our programs refuse each damaged fixture, or read what may be read, and say why") {
  const fs::path folder = shared_folder("formats/fixtures/bad");
  if (folder.empty()) return;
  const Json manifest = json_of(file_content(folder / "manifest.json"));
  std::map<std::string, int> refused;
  for (const Json& entry : manifest.at("entries").items()) {
    const std::string kind = entry.at("kind").text(), expected = entry.at("expect").text(),
                      path = (folder / entry.at("open").text()).string();
    CAPTURE(path);
    CAPTURE(entry.at("wrong").get<std::string>());
    uintmax_t size = 0;
    for (const Json& file : entry.at("files").items()) size += fs::file_size(folder / file.text());
    const Outcome outcome = looked_into(kind, path, size);
    if (outcome.status == 0) {
      REQUIRE_MESSAGE(expected.starts_with("refuse or read"), outcome.out.substr(0, 1000));
      if (expected.ends_with(" rows"))
        CHECK(expected == fmt::format("refuse or read {} rows", json_of(outcome.out).at("rows").size()));
      continue;
    }
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(outcome.err.starts_with("error: "), outcome.err);
    CHECK_MESSAGE(outcome.err.find(folder.string()) != std::string::npos, outcome.err);
    ++refused[kind];
  }
  // What is not refused: two sets whose index is missing or another's, and one whose schema names a column too many.
  CHECK(refused == std::map<std::string, int>{{"mindrecord", 31},
                                              {"ms_ckpt", 12},
                                              {"safetensors", 21},
                                              {"tf_checkpoint", 23},
                                              {"tf_example", 6},
                                              {"tfrecord", 9}});
}

TEST_CASE("inspect_checkpoint prints a table, and refuses what is no checkpoint") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const Outcome table =
      run_program("inspect_checkpoint", {(fixtures / "safetensors/bert_cls.safetensors").string()});
  CHECK(table.status == 0);
  CHECK(table.out.find("bert.embeddings.word_embeddings.weight") != std::string::npos);
  const Outcome none = run_program("inspect_checkpoint", {"/nowhere.ckpt"});
  CHECK(none.status == 2);
  CHECK(none.err == "error: cannot read '/nowhere.ckpt': no such file, and no /nowhere.ckpt.index\n");
  CHECK(run_program("inspect_checkpoint", {}).status == 2);
  const std::string legacy = (fixtures / "pytorch_bin/bert_cls_legacy.bin").string();
  CHECK(run_program("inspect_checkpoint", {legacy}).out.starts_with(legacy + ": pytorch\n"));
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
    const Outcome outcome = run_program("convert_checkpoint", {"--to", format, from, to});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(outcome.out.find("convert value num:") != std::string::npos);
    from = to;
  }
  Json expected = inspected(original);
  const Json found = inspected(from);
  for (const auto& [name, tensor] : found.members()) CHECK(tensor == expected.at(name));
  // The output layer is the word table, and its bias is cls.predictions.bias.
  for (const char* copy : {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"})
    expected.erase(copy);
  CHECK(found.size() == expected.size());
}

TEST_CASE("convert_checkpoint takes PyTorch's files, and what refers to them") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const TemporaryFolder folder;
  const Json expected = inspected((fixtures / "safetensors/bert_cls.safetensors").string());
  const fs::path hub = folder / "models--a--b", snapshot = hub / "snapshots/0abc";
  fs::create_directories(snapshot);
  fs::copy_file(fixtures / "pytorch_bin/bert_cls_zip.bin", snapshot / "part.bin");
  Json map = Json::object();
  for (const auto& [name, tensor] : expected.members()) map[name] = "part.bin";
  const std::string index = snapshot / "pytorch_model.bin.index.json";
  write_file(index, json_text({{"weight_map", map}}));
  write_file(snapshot / "config.json", "{}");
  for (const std::string& from :
       {(fixtures / "pytorch_bin/bert_cls_legacy.bin").string(), hub.string(), index}) {
    CAPTURE(from);
    const std::string to = folder / "a.safetensors";
    const Outcome outcome =
        run_program("convert_checkpoint", {"--to", "safetensors", "--overwrite", from, to});
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK((outcome.out.find("needs config.json of '" + snapshot.string()) != std::string::npos) ==
          (from.find("legacy") == std::string::npos));
    CHECK(inspected(to) == expected);
  }
}

TEST_CASE("a MindSpore file is read, whatever TensorFlow's is beside it") {
  const TemporaryFolder folder;
  const std::vector<float> values(3, 1.0F);
  const TensorEntry bias{"bert.pooler.dense.bias", "F32", {3}, std::as_bytes(std::span(values))};
  const std::string from = (folder / "from.safetensors").string(), both = (folder / "c.ckpt").string();
  write_safetensors(from, std::vector<TensorEntry>{bias});
  for (const char* format : {"tensorflow", "mindspore"})
    REQUIRE(run_program("convert_checkpoint", {"--to", format, "--allow_missing", from, both}).status == 0);
  CHECK(run_program("inspect_checkpoint", {both}).out.find("mindspore") != std::string::npos);
  CHECK(run_program("inspect_checkpoint", {both + ".index"}).out.find("tensorflow") != std::string::npos);
}

TEST_CASE("convert_checkpoint names what a CRF loses on the way to TensorFlow, and keeps all else") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const TemporaryFolder folder;
  const std::string from = (fixtures / "ms_ckpt/bert_ner_crf_lstm.ckpt").string(),
                    to = (folder / "crf").string();
  const Outcome outcome = run_program("convert_checkpoint", {"--to", "tensorflow", from, to});
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  const size_t at = outcome.out.find("without a place in that format, left out: ");
  REQUIRE(at != std::string::npos);
  const std::string left = outcome.out.substr(at, outcome.out.find('\n', at) - at);
  for (const char* name : {"crf.start_transitions", "crf.end_transitions", "lstm.weight_hh_l0_reverse"})
    CHECK_MESSAGE(left.find(name) != std::string::npos, left);
  CHECK(left.find("crf.transitions") == std::string::npos);
  CHECK(outcome.out.find("takes tanh of the classifier's output") != std::string::npos);
  const Json found = inspected(to);
  CHECK(found.contains("crf_loss/transitions"));
  CHECK(found.contains("project/logits/W"));
  CHECK_FALSE(found.contains("output_weights"));
  const Json original = inspected(from);
  CHECK(found.at("bert/pooler/dense/bias") == [&] {
    Json same = original.at("bert.bert.dense.bias");
    same.erase("ms_dtype");
    const std::vector<Json> first = same["first"].items(), last = same["last"].items();
    same["first"] = std::vector(first.begin(), first.begin() + 6);
    same["last"] = std::vector(last.end() - 2, last.end());
    return same;
  }());
}

TEST_CASE("convert_checkpoint refuses a file without an encoder, unless it may") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const TemporaryFolder folder;
  const std::string from = (fixtures / "ms_ckpt/small.ckpt").string(),
                    to = (folder / "x.safetensors").string();
  const Outcome refused = run_program("convert_checkpoint", {"--to", "safetensors", from, to});
  CHECK(refused.status == 2);
  CHECK(refused.err.find("no tensor is bert.embeddings.word_embeddings.weight") != std::string::npos);
  CHECK_FALSE(fs::exists(to));
  CHECK(run_program("convert_checkpoint", {"--to", "safetensors", "--allow_missing", from, to}).status == 0);
  const Outcome again =
      run_program("convert_checkpoint", {"--to", "safetensors", "--allow_missing", from, to});
  CHECK(again.status == 2);
  CHECK(again.err == "error: '" + to + "' is there already: --overwrite replaces it\n");
  CHECK(run_program("convert_checkpoint", {"--to", "safetensors", "--allow_missing", "--overwrite", from, to})
            .status == 0);
  for (const auto& [format, name] :
       {std::pair{"safetensors", "x.ckpt"}, {"mindspore", "x.txt"}, {"tensorflow", "x.index"}})
    CHECK(
        run_program("convert_checkpoint", {"--to", format, "--allow_missing", from, (folder / name).string()})
            .err.find("expected") != std::string::npos);
  CHECK(run_program("convert_checkpoint", {"--to", "pytorch", from, to})
            .err.find("--to pytorch: expected safetensors") != std::string::npos);
}

TEST_CASE("convert_checkpoint refuses odd shapes, and leaves out what holds no floats") {
  const TemporaryFolder folder;
  const std::vector<float> zeros(4000, 0.0F);
  const auto convert = [&](const std::vector<TensorEntry>& tensors, const std::string& format,
                           const std::string& to) {
    const std::string from = (folder / "from.safetensors").string();
    write_safetensors(from, tensors);
    return run_program("convert_checkpoint",
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
  CHECK(run_program("convert_checkpoint", {"--to", "mindspore", "--allow_missing", (folder / "b").string(),
                                           (folder / "b.ckpt").string()})
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
  CHECK(run_program("inspect_checkpoint", {(folder / "links").string()}).status == 2);
}

TEST_CASE("convert_checkpoint refuses weights that hold no floats, unless they may be missing") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1", "--eval_data_file_path="}));
  const SafetensorsFile file(tiny.path("save/checkpoint-1/model.safetensors"));
  const std::string query = "bert.encoder.layer.0.attention.self.query.weight",
                    bias = "bert.pooler.dense.bias";
  for (const char* type : {"I32", "U32"}) {
    std::vector<TensorEntry> entries = file.tensors();
    for (TensorEntry& entry : entries) {
      if (entry.name == query || entry.name == "classifier.bias") entry.dtype = type;
    }
    const std::string from = tiny.path("odd.safetensors");
    write_safetensors(from, entries);
    for (const auto& [format, to] : {std::pair("safetensors", "a.safetensors"),
                                     std::pair("mindspore", "a.ckpt"), std::pair("tensorflow", "a")}) {
      CAPTURE(format);
      const Words flags{"--to", format, "--overwrite", from, tiny.path(to)};
      const Outcome refused = run_program("convert_checkpoint", flags);
      CHECK(refused.status == 2);
      CHECK_MESSAGE(refused.err.find(from + ": 2 of " + std::to_string(entries.size()) +
                                     " weights hold no floats and can't be converted (--allow_missing leaves "
                                     "them out): " +
                                     query + ", classifier.bias\n") != std::string::npos,
                    refused.err);
      CHECK_FALSE(fs::exists(tiny.path(to)));
      Words allowed = flags;
      allowed.push_back("--allow_missing");
      const Outcome left = run_program("convert_checkpoint", allowed);
      CHECK(left.status == 0);
      CHECK_MESSAGE(
          left.out.find("not floats, left out: " + query + ", classifier.bias (2)\n") != std::string::npos,
          left.out);
    }
    for (const char* name : {"a.safetensors", "a.ckpt", "a.index", "a.data-00000-of-00001"})
      fs::remove(tiny.path(name));
  }
}

TEST_CASE("checkpoints that are something else are named, with what to do") {
  const TemporaryFolder folder;
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 123\n";
  for (const char* name : {"a.safetensors", "a.ckpt", "a.index", "a.bin", "a.safetensors.index.json"}) {
    const std::string path = folder.write(name, pointer);
    const Outcome outcome = run_program("inspect_checkpoint", {path});
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(outcome.err.find(path + ": a pointer of Git LFS, not the file it stands for, expected ") !=
                      std::string::npos,
                  outcome.err);
  }
  for (const auto& [name, bytes, what] :
       {std::tuple("b.ckpt", std::string("\x1f\x8b\x08\0\0", 5), ": gzip, expected a MindSpore checkpoint: "),
        std::tuple("b.safetensors", std::string("<!DOCTYPE html>\n"),
                   ": a web page, expected a safetensors file: "),
        std::tuple("c.index", std::string("\x1f\x8b\x08\0\0", 5),
                   ": gzip, expected the index of a TensorFlow"),
        std::tuple("model.h5", std::string("\x89HDF\r\n\x1a\n"),
                   ": HDF5, as of Keras, expected *.safetensors,")}) {
    const std::string path = folder.write(name, bytes);
    const Outcome outcome = run_program("inspect_checkpoint", {path});
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(outcome.err.find(path + what) != std::string::npos, outcome.err);
  }
}

TEST_CASE("a damaged shape does not fill the terminal") {
  const TemporaryFolder folder;
  std::string shape = "1";
  for (int i = 1; i < 100'000; ++i) shape += ",1";
  std::string header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[0,8]}}";
  std::string file(8, '\0');
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  const Outcome outcome =
      run_program("inspect_checkpoint", {folder.write("a.safetensors", file + header + "12345678")});
  CHECK(outcome.status == 2);
  CHECK_MESSAGE(
      outcome.err.find("span 8 bytes, expected 4 for F32 [1, 1, 1, 1, 1, 1, 1, 1, ... 100000 in all]") !=
          std::string::npos,
      outcome.err.substr(0, 1000));
}
