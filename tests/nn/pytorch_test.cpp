// Files of PyTorch's torch.save: what writers make of tensors, and what nobody should.
#include <doctest/doctest.h>

#include <map>

#include "core/dtype.h"
#include "nn/checkpoints/checkpoint_file.h"
#include "nn/checkpoints/model_tensors.h"
#include "nn/checkpoints/pytorch_checkpoint.h"
#include "nn/checkpoints/safetensors.h"
#include "tests/files.h"
#include "tests/nn/pytorch_file.h"

using namespace gradus;
using namespace gradus::torch_file;
namespace fs = std::filesystem;

namespace {

std::string six() { return bytes_of(std::vector<float>{0, 1, 2, 3, 4, 5}); }

// The numbers of the tensor "t", a view of the storage 0 .. 5, or the error without the file's path.
std::string read(const std::string& content) {
  const TemporaryFolder folder;
  const std::string path = folder.write("model.bin", content);
  std::string found;
  const std::string error = error_of([&] {
    const PyTorchCheckpoint file(path);
    for (const TensorEntry& tensor : file.tensors()) {
      std::vector<double> values(static_cast<size_t>(tensor.elements()));
      copy_as_double(tensor, 0, values);
      found += tensor.name + " " + tensor.dtype + " " + shape_text(tensor.shape) + ":";
      for (const double value : values) found += fmt::format(" {}", value);
      found += "\n";
    }
  });
  CHECK((error.empty() || error.starts_with(path + ": ")));
  return error.empty() ? found : error.substr(path.size() + 2);
}

std::string read_view(std::vector<int64_t> shape, std::vector<int64_t> strides, int64_t offset = 0) {
  const std::string value =
      dict({{"t", tensor({"FloatStorage", "0", 6, offset, std::move(shape), std::move(strides)})}});
  const std::string found = read(archive(value, {{"0", six()}}));
  CHECK(read(legacy(value, {{"0", six()}}, 4)) == found);
  return found;
}

// What is said of a pickle, as the object of an archive with the storage 0 .. 5.
std::string read_value(const std::string& value) { return read(archive(value, {{"0", six()}})); }

const std::string three = tensor({"FloatStorage", "0", 6, 1, {3}, {2}});
constexpr std::string_view three_text = "t F32 [3]: 1 3 5\n";

}  // namespace

TEST_CASE("files of PyTorch: views are what their strides say, and lie in the file where they can") {
  CHECK(read_view({2, 3}, {3, 1}) == "t F32 [2, 3]: 0 1 2 3 4 5\n");
  CHECK(read_view({3, 2}, {1, 3}) == "t F32 [3, 2]: 0 3 1 4 2 5\n");
  CHECK(read_view({2, 2}, {3, 1}, 1) == "t F32 [2, 2]: 1 2 4 5\n");
  CHECK(read_view({2, 3}, {0, 1}, 3) == "t F32 [2, 3]: 3 4 5 3 4 5\n");
  CHECK(read_view({3}, {2}) == "t F32 [3]: 0 2 4\n");
  CHECK(read_view({}, {}, 5) == "t F32 []: 5\n");
  CHECK(read_view({0, 3}, {3, 1}, 600) == "t F32 [0, 3]:\n");
  CHECK(read_view({1, 2, 1}, {INT64_MAX, 2, INT64_MAX}, 1) == "t F32 [1, 2, 1]: 1 3\n");
  const TemporaryFolder folder;
  const std::string value = dict({{"a", tensor({"FloatStorage", "0", 6, 0, {6}, {1}})},
                                  {"b", tensor({"FloatStorage", "0", 6, 2, {4}, {1}})}});
  const PyTorchCheckpoint file(folder.write("x.bin", archive(value, {{"0", six()}})));
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.tensors()[0].data.data() + 8 == file.tensors()[1].data.data());
}

TEST_CASE("files of PyTorch: every type of number, in either order of its bytes") {
  const auto read_type = [](const std::string& type, const std::string& bytes, size_t width) {
    const auto count = static_cast<int64_t>(bytes.size() / width);
    const std::string value = dict({{"t", tensor({type, "0", count, 0, {count}, {1}})}});
    std::string swapped = bytes;
    for (size_t i = 0; i < bytes.size(); ++i) swapped[i] = bytes[i / width * width + width - 1 - i % width];
    const std::string found = read(archive(value, {{"0", bytes}}));
    CHECK(read(archive(value, {{"0", swapped}}, "big")) == found);
    CHECK(read(legacy(value, {{"0", bytes}}, width)) == found);
    return found.substr(2);
  };
  CHECK(read_type("FloatStorage", bytes_of(std::vector<float>{-0.5, 3}), 4) == "F32 [2]: -0.5 3\n");
  CHECK(read_type("DoubleStorage", bytes_of(std::vector<double>{0.1}), 8) == "F64 [1]: 0.1\n");
  CHECK(read_type("HalfStorage", bytes_of(std::vector<uint16_t>{0x3e00, 0xc000}), 2) == "F16 [2]: 1.5 -2\n");
  CHECK(read_type("BFloat16Storage", bytes_of(std::vector<uint16_t>{0x3fc0}), 2) == "BF16 [1]: 1.5\n");
  CHECK(read_type("LongStorage", bytes_of(std::vector<int64_t>{-7, 1 << 30}), 8) ==
        "I64 [2]: -7 1073741824\n");
  CHECK(read_type("IntStorage", bytes_of(std::vector<int32_t>{-7}), 4) == "I32 [1]: -7\n");
  CHECK(read_type("ShortStorage", bytes_of(std::vector<int16_t>{-7}), 2) == "I16 [1]: -7\n");
  CHECK(read_type("CharStorage", bytes_of(std::vector<int8_t>{-7, 1}), 1) == "I8 [2]: -7 1\n");
  CHECK(read_type("ByteStorage", bytes_of(std::vector<uint8_t>{200}), 1) == "U8 [1]: 200\n");
  CHECK(read_type("BoolStorage", bytes_of(std::vector<uint8_t>{0, 1}), 1) == "BOOL [2]: 0 1\n");
}

TEST_CASE("files of PyTorch: weights are found where programs that train keep them, however they say it") {
  const std::string state = ordered_dict({{"t", three}});
  CHECK(read_value(state) == three_text);
  CHECK(read_value(dict(
            {{"state_dict", state}, {"epoch", number(3)}, {"loss", "G\x3f\xe0" + std::string(6, '\0')}})) ==
        three_text);
  CHECK(read_value(dict({{"model", dict({{"state_dict", state}})}, {"best", three}})) == three_text);
  CHECK(read_value(dict({{"t", three}, {"epoch", "N"}})) == three_text);
  CHECK(read_value(dict({{"model", state}, {"module", state}})) ==
        "tensors in 'model' and in 'module', expected one of them: save it alone");
  CHECK(read_value(dict({{"optimizer", state}, {"epoch", "N"}})) ==
        "a dict of 'optimizer', 'epoch', expected tensors, or some in a dict of the name state_dict, "
        "model_state_dict, model, module");
  CHECK(read_value("]") == "holds a list, expected a dict from names to tensors");
  CHECK(read_value(three) == "holds an object, expected a dict from names to tensors");
  CHECK(read_value(dict({{"t", three}, {"t", three}})) == "tensor 't': there are two of that name");
  CHECK(
      read_value("}(" + number(3) + three + "u").find("a tensor's name is a whole number, expected a text") !=
      std::string::npos);
  // A parameter; a buffer, which has a class; a type that has no class of storages; an object's attributes.
  const std::string utils = "torch._utils";
  CHECK(read_value(dict({{"t", call(global(utils, "_rebuild_parameter"), {three, "\x88", "}"})}})) ==
        three_text);
  const std::string made_of =
      tuple({storage("FloatStorage", "0", 6), number(1), numbers(std::vector<int64_t>{3}),
             numbers(std::vector<int64_t>{2}), "\x89", "}"});
  CHECK(read_value(dict({{"t", call(global("torch._tensor", "_rebuild_from_type_v2"),
                                    {global(utils, "_rebuild_tensor_v2"), global("torch", "Tensor"), made_of,
                                     "}"})}})) == three_text);
  const std::string bytes = tuple({text("storage"), global("torch.storage", "UntypedStorage"), text("0"),
                                   text("cpu"), number(24)}) +
                            "Q";
  const auto untyped = [&](const std::string& type, int64_t extent) {
    return read_value(
        dict({{"t", call(global(utils, "_rebuild_tensor_v3"),
                         {bytes, number(4), numbers(std::vector<int64_t>{extent}),
                          numbers(std::vector<int64_t>{1}), "\x89", "}", global("torch", type)})}}));
  };
  CHECK(untyped("uint16", 2) == "t U16 [2]: 0 16384\n");
  CHECK(untyped("uint16", 9) ==
        "tensor 't': shape [9] with strides [1] from element 4 on leaves its storage, which has 12 elements");
  CHECK(read_value(state + dict({{"_metadata", "}"}}) + "b") == three_text);
  // Python 2's texts, and its OrderedDict.
  CHECK(read_value(call(global("collections", "OrderedDict"), {"](](U\x01t" + three + "ee"})) == three_text);
  // Protocol 4's way to name things, and its memo.
  CHECK(read_value("\x8c\x0b"
                   "collections\x8c\x0bOrderedDict\x93\x94)R\x94(X" +
                   std::string("\x01\0\0\0t", 5) + "\x94" + three + "u0h\x01") == three_text);
}

TEST_CASE("files of PyTorch: what a pickle may not say is refused with its place, and nothing is run") {
  const std::string only =
      ", which is not read: expected nothing but tensors (torch._utils._rebuild_tensor_v2, ";
  for (const std::string& named :
       {global("posix", "system"), std::string("\x8c\x05posix\x8c\x06system\x93")}) {
    const std::string error = read_value(named + tuple({text("touch /tmp/owned")}) + "R");
    CHECK_MESSAGE(error.find("it names posix.system" + only) != std::string::npos, error);
  }
  CHECK(read_value(global("torch", "_utils._rebuild_tensor_v2")) != "");
  // A name is found byte by byte: the archive's first header takes 30 bytes, 14 of the name and 9 of padding, PROTO 2.
  CHECK(read_value(global("os", "x")).starts_with("pickle, byte 55: it names os.x, "));
  for (const std::string& bad : {std::string("(i"), std::string("\x81"), std::string("\x82\x01"),
                                 std::string("P0\n"), std::string("I1\n"), std::string("\xff")})
    CHECK_MESSAGE(read_value(bad + "N").find(", which torch doesn't write") != std::string::npos, bad);
  const auto says = [](const std::string& value, const std::string& expected) {
    const std::string error = read_value(value);
    CHECK_MESSAGE(error.find(expected) != std::string::npos, error);
  };
  says("NN", "it ends with 2 values, expected 1");
  says("(", "it ends with 0 values, expected 1");
  says("R", "there is no value for it");
  says("t", "there is no mark for it");
  says("N(a", "there is no value for it");
  says("NNa", "None where a list was expected");
  says("}(Nu", "a key without a value");
  says("h\x05", "nothing was noted as number 5");
  says("\x80\x06N", "protocol 6, expected 2 to 5");
  says("X\xff\xff\xff\x7f", "it needs 2147483647 bytes more");
  says("\x95" + std::string(8, '\x7f'), "a part of 9187201950435737471 bytes");
  says(std::string(1'000'000, '2' - 2), "there is no value for it");
  says("c" + std::string(300, 'a') + "\n", "a name without an end in 200 bytes");
  says(global("collections", "OrderedDict") + tuple({"](NNe"}) + "R", "an OrderedDict of anything but pairs");
  std::string many = "]";
  for (int i = 0; i < 500'000; ++i) many += "N0";
  says(many, "more than 1000000 instructions");
  says("NQ", "a storage: its description is None, expected a tuple");
  says(tuple({text("storage"), global("torch", "Size"), text("0"), text("cpu"), number(6)}) + "Q",
       "its class is torch.Size");
  says(tuple({text("module"), global("torch", "FloatStorage"), text("0"), text("cpu"), number(6)}) + "Q",
       "its kind is 'module'");
  says(dict({{"a", tensor({"FloatStorage", "0", 6, 0, {6}, {1}})},
             {"b", tensor({"IntStorage", "0", 6, 0, {6}, {1}})}}),
       "'0' is described twice, as 6 F32 and as 6 I32");
  // A dict that holds itself.
  says("}q\x01(" + text("model") + "h\x01u", "a dict of 'model', expected tensors");
}

TEST_CASE(
    "files of PyTorch: a view that leaves its storage, or a storage the file, is refused with the tensor") {
  CHECK(read_view({7}, {1}) ==
        "tensor 't': shape [7] with strides [1] from element 0 on leaves its storage, which has 6 elements");
  CHECK(read_view({1}, {1}, 6).find("leaves its storage") != std::string::npos);
  CHECK(read_view({2, 3}, {4, 1}).find("leaves its storage") != std::string::npos);
  CHECK(read_view({2}, {INT64_MAX}, 5).find("leaves its storage") != std::string::npos);
  CHECK(read_view({INT64_MAX, INT64_MAX}, {INT64_MAX, 0}).find("leaves its storage") != std::string::npos);
  CHECK(read_view({2}, {-1}, 3) == "tensor 't': its strides is -1, expected 0 or more");
  CHECK(read_view({-2}, {1}) == "tensor 't': its shape is -2, expected 0 or more");
  CHECK(read_view({2}, {1}, -1) == "tensor 't': its offset is -1, expected 0 or more");
  CHECK(read_view({2}, {1, 1}) == "tensor 't': shape [2] with strides [1, 1]");
  CHECK(read_view(std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1))
            .find("its shape has 65 dimensions, expected at most 64") != std::string::npos);
  // More numbers than there is memory for, out of one.
  CHECK(read_view({int64_t{1} << 62, 8}, {0, 0}).find("has too many elements to count") != std::string::npos);
  const View expanded{"FloatStorage", "0", 6, 0, {int64_t{1} << 40}, {0}};
  CHECK(read_value(dict({{"t", tensor(expanded)}}))
            .find("is expanded from fewer numbers, 4398046511104 bytes with others before it, expected at "
                  "most ") != std::string::npos);
  const std::string value = dict({{"t", tensor({"FloatStorage", "0", 6, 0, {6}, {1}})}});
  CHECK(read(archive(value, {{"0", six() + "x"}})) ==
        "tensor 't': its storage 'model/data/0' has 25 bytes, expected 6 elements of 4");
  CHECK(read(archive(value, {{"1", six()}})) ==
        "tensor 't': its storage 'model/data/0' is not in the archive");
  CHECK(read(legacy(value, {}, 4)) == "tensor 't': its storage '0' is not in the file");
  CHECK(read(legacy(value, {{"0", six()}, {"1", six()}}, 4)) == "storage '1' belongs to no tensor");
  CHECK(read(legacy(value, {{"0", six()}, {"0", six()}}, 4)) == "storage '0' is there twice");
  CHECK(read(legacy(value, {{"0", six()}}, 8)) == "storage '0' has 3 elements, expected 6");
  CHECK(read(legacy(value, {{"0", six()}}, 4) + "x") == "1 bytes after the last storage, expected none");
}

TEST_CASE("files of PyTorch: the archive around them, and what else may have their name") {
  const std::string value = dict({{"t", three}}), described = pickle(value);
  const auto read_entries = [&](const std::vector<Entry>& entries, bool large_end = false) {
    return read(zip(entries, large_end));
  };
  CHECK(read_entries({{"a/data.pkl", described, true}, {"a/data/0", six(), true}}, true) == three_text);
  CHECK(read_entries({{"a/data/0", six()}, {"a/", ""}, {"a/data.pkl", described}}) == three_text);
  CHECK(read_entries({{"a/data/0", six()}}) ==
        "a zip archive without */data.pkl, expected one of torch.save");
  CHECK(read_entries({{"a/data.pkl", described}, {"b/data.pkl", described}}) ==
        "'a/data.pkl' and 'b/data.pkl' in one archive, expected one");
  CHECK(read_entries({{"a/data.pkl", described}, {"a/data.pkl", described}}) ==
        "two entries have the name 'a/data.pkl'");
  CHECK(read(archive(value, {{"0", six()}}, "middle")) == "byteorder is 'middle', expected little or big");
  const std::string good = archive(value, {{"0", six()}});
  std::string changed = good;
  changed[good.find(six())] ^= 1;
  CHECK(read(changed).starts_with("entry 'model/data/0' has the checksum "));
  const auto with = [&](size_t at, char byte) {  // in the list's first entry
    std::string bad = good;
    bad[good.find("PK\x01\x02") + at] = byte;
    return read(bad);
  };
  CHECK(with(8, 1) == "entry 'model/data.pkl' is encrypted");
  CHECK(with(10, 8) ==
        "entry 'model/data.pkl' is compressed (method 8), expected it stored as it is, which is how "
        "torch.save writes");
  CHECK(with(42, 9) == "entry 'model/data.pkl' has no header at byte 9");
  CHECK(with(0, 'Q') == "entry 1 of 4 is not where the archive's list has it");
  CHECK(read(good.substr(0, good.size() - 1)) ==
        "the archive has no end: it was cut off, or is no zip archive");
  CHECK(read(good.substr(0, 30)) == "the archive has no end: it was cut off, or is no zip archive");
  CHECK(read("") ==
        "begins neither as a zip archive nor with torch's magic number, expected a file of torch.save");
  CHECK(read("version https://git-lfs.github.com/spec/v1\n")
            .starts_with("a pointer of Git LFS, not the file it stands for, expected a file of torch.save"));
  CHECK(read("\x80\x02}q.").starts_with("a pickle of Python, expected a file of torch.save"));
  std::string legacy_file = legacy(value, {{"0", six()}}, 4);
  legacy_file[19] ^= 1;  // of the version
  CHECK(read(legacy_file).starts_with("version "));
}

TEST_CASE("files of PyTorch: one that is cut off or changed anywhere is refused or read, never worse") {
  const std::string value =
      dict({{"state_dict",
             ordered_dict({{"t", three}, {"u", tensor({"FloatStorage", "0", 6, 0, {3, 2}, {1, 3}})}})},
            {"epoch", number(3)}});
  for (const std::string& good : {archive(value, {{"0", six()}}), legacy(value, {{"0", six()}}, 4)}) {
    CHECK(read(good) == std::string(three_text) + "u F32 [3, 2]: 0 3 1 4 2 5\n");
    for (size_t i = 0; i < good.size(); i += is_sanitized ? 3 : 1) {
      CHECK_FALSE(read(good.substr(0, i)).starts_with("t "));
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ 0x41);
      read(changed);
    }
  }
}

TEST_CASE("the fixtures of PyTorch's writers have the tensors of the same model's safetensors") {
  const fs::path fixtures = shared_folder("formats/fixtures");
  if (fixtures.empty()) return;
  const SafetensorsFile expected(fixtures / "safetensors/bert_cls.safetensors");
  for (const char* name : {"bert_cls_zip.bin", "bert_cls_legacy.bin"}) {
    const CheckpointFile file(fixtures / "pytorch_bin" / name);
    CHECK(file.format() == CheckpointFormat::pytorch);
    CHECK(file.names() == CheckpointFormat::safetensors);
    CHECK(file.tensors().size() == expected.tensors().size());
    for (const TensorEntry& tensor : file.tensors()) {
      const TensorEntry* same = expected.find(tensor.name);
      REQUIRE(same != nullptr);
      CHECK(tensor.dtype == same->dtype);
      CHECK(tensor.shape == same->shape);
      CHECK(std::ranges::equal(tensor.data, same->data));
    }
  }
}

TEST_CASE("a model in several files of PyTorch is found through its index, and each of them is checked") {
  const TemporaryFolder folder;
  const auto part = [](const std::string& name) { return archive(dict({{name, three}}), {{"0", six()}}); };
  folder.write("part-1.bin", part("a"));
  folder.write("part-2.bin", part("b"));
  const auto open = [&](const std::string& weight_map) -> std::string {
    const std::string index =
        folder.write("pytorch_model.bin.index.json", "{\"weight_map\":" + weight_map + "}");
    const std::string error = error_of([&] {
      const CheckpointFile file(folder.path());
      CHECK(file.files().size() == 2);
      REQUIRE(file.tensors().size() == 2);
      CHECK(file.tensors()[1].name == "b");
      CHECK(CheckpointFile(index).tensors().size() == 2);
    });
    return error.starts_with(index) ? error.substr(index.size() + 2) : error;
  };
  CHECK(open(R"({"a":"part-1.bin","b":"part-2.bin"})") == "");
  CHECK(open(R"({"a":"part-1.bin","b":"part-2.bin","c":"part-2.bin"})") ==
        "tensor 'c' is not in \"part-2.bin\"");
  CHECK(open(R"({"a":"part-1.bin","x":"part-2.bin"})") == "tensor 'b' is in part-2.bin, expected no file");
  CHECK(open(R"({"a":"part-1.bin","b":"part-3.bin"})") ==
        "cannot read '" + (folder / "part-3.bin").string() + "': No such file or directory");
  CHECK(open(R"({"a":"part-1.bin","b":"part-2.safetensors"})") ==
        "tensor 'b' is in file 'part-2.safetensors', expected a name *.bin without a folder");
  folder.write("part-2.bin", archive(dict({{"a", three}, {"b", three}}), {{"0", six()}}));
  CHECK(open(R"({"a":"part-1.bin","b":"part-2.bin"})") ==
        "tensor 'a' is in part-2.bin, expected \"part-1.bin\"");
}

TEST_CASE("a folder's model.safetensors comes before its pytorch_model.bin, and that before other formats") {
  const TemporaryFolder folder;
  const auto format = [&] { return CheckpointFile(folder.path()).format(); };
  folder.write("optimizer.pt", "of another program");
  folder.write("training_args.bin", "of another program");
  folder.write("model.ckpt", "of another program");
  const std::string file = folder.write("pytorch_model.bin", archive(dict({{"t", three}}), {{"0", six()}}));
  CHECK(format() == CheckpointFormat::pytorch);
  const std::vector<float> one{1};
  write_safetensors(folder / "model.safetensors",
                    std::vector{TensorEntry{"a", "F32", {1}, std::as_bytes(std::span(one))}});
  CHECK(format() == CheckpointFormat::safetensors);
  // Whatever it is called.
  for (const char* name : {"a.pt", "b.pth", "lightning.ckpt", "c"}) {
    fs::copy_file(file, folder / name);
    CHECK(CheckpointFile(folder / name).format() == CheckpointFormat::pytorch);
  }
  fs::remove(folder / "model.safetensors");
  fs::create_symlink("nowhere", folder / "model.safetensors");
  CHECK(error_of([&] { format(); }).find("model.safetensors: a link to a file that is not there") !=
        std::string::npos);
}

TEST_CASE("a folder of the hub's cache stands for the snapshot that its refs/main names") {
  const TemporaryFolder folder;
  const fs::path root = folder / "models--org--name", snapshots = root / "snapshots";
  fs::create_directories(root / "blobs");
  fs::create_directories(root / "refs");
  fs::create_directories(snapshots / "0123abcd");
  write_file(root / "blobs/77", archive(dict({{"t", three}}), {{"0", six()}}));
  fs::create_symlink("../../blobs/77", snapshots / "0123abcd/pytorch_model.bin");
  const auto open = [&] {
    std::string found;
    const std::string error = error_of([&] { found = CheckpointFile(root).path(); });
    if (error.empty()) CHECK(found == snapshots / "0123abcd/pytorch_model.bin");
    return error;
  };
  CHECK(open() == "");
  fs::create_directories(snapshots / "4567");
  CHECK(open() == root.string() + ": no refs/main, and 2 snapshots: name one of them: 0123abcd, 4567");
  write_file(root / "refs/main", "0123abcd\n");
  CHECK(open() == "");
  write_file(root / "refs/main", "89ab");
  CHECK(open() == root.string() +
                      ": refs/main names the snapshot 89ab, which is not there: download the model again, or "
                      "name one of these: 0123abcd, 4567");
  write_file(root / "refs/main", "../../..");
  CHECK(open() ==
        (root / "refs/main").string() + ": '../../..', expected the hexadecimal number of a commit");
  CHECK(CheckpointFile(snapshots / "0123abcd").tensors().size() == 1);
  CHECK(CheckpointFile(root / "blobs/77").tensors().size() == 1);
}

TEST_CASE("names of PyTorch's files are common ones, also with what wraps a model and in old spelling") {
  const TemporaryFolder folder;
  const std::string value = dict({{"module.bert.embeddings.LayerNorm.gamma", three},
                                  {"_orig_mod.module.embeddings.LayerNorm.beta", three},
                                  {"model.bert.pooler.dense.bias", three},
                                  {"module.classifier.bias", three},
                                  {"bert.embeddings.position_ids", three}});
  const ModelTensors model(folder.write("x.bin", archive(value, {{"0", six()}})));
  std::vector<std::string> names;
  for (const ModelTensors::Tensor& tensor : model.tensors()) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"bert.embeddings.LayerNorm.weight",
                                          "bert.embeddings.LayerNorm.bias", "bert.pooler.dense.bias",
                                          "classifier.bias"});
  CHECK(error_of([&] {
          write_model_tensors(model, CheckpointFormat::pytorch, folder / "y.bin");
        }).find("are read, not written") != std::string::npos);
}
