// Checkpoints of MindSpore and TensorFlow: the fixtures that those wrote, damaged ones, and round trips.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "core/dtype.h"
#include "core/error.h"
#include "nn/checkpoints/mindspore_checkpoint.h"
#include "nn/checkpoints/tensorflow_checkpoint.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

std::vector<double> numbers_of(const TensorEntry& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.elements()));
  copy_as_double(tensor, 0, values);
  return values;
}

void check_tensor(const TensorEntry& tensor, const Json& expected) {
  CAPTURE(tensor.name);
  // bfloat16 is described as the float32 it was widened to.
  const bool widened = expected.contains("ms_dtype") && expected.at("ms_dtype") == "BFloat16";
  CHECK(long_name(tensor.dtype) == (widened ? "bfloat16" : expected["dtype"].get<std::string>()));
  CHECK(tensor.shape == expected["shape"].get<std::vector<int64_t>>());
  CHECK(tensor.data.size() == expected["nbytes"].get<size_t>() / (widened ? 2 : 1));
  const std::vector<double> values = numbers_of(tensor);
  double sum = 0, size = 0;
  for (const double value : values) {
    sum += value;
    size += std::abs(value);
  }
  CHECK(sum == doctest::Approx(expected["sum"].get<double>()).epsilon(1e-12));
  CHECK(size == doctest::Approx(expected["abs_sum"].get<double>()).epsilon(1e-12));
  const auto first = expected["first"].get<std::vector<double>>(),
             last = expected["last"].get<std::vector<double>>();
  REQUIRE(values.size() >= std::max(first.size(), last.size()));
  for (size_t i = 0; i < first.size(); ++i) CHECK(values[i] == first[i]);
  for (size_t i = 0; i < last.size(); ++i) CHECK(values[values.size() - last.size() + i] == last[i]);
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

// What both kinds of checkpoint have.
template <typename Checkpoint>
void check_all(const Checkpoint& checkpoint, const Json& expected) {
  CHECK(checkpoint.tensors().size() + checkpoint.strings().size() == expected["tensors"].size());
  for (const auto& [name, tensor] : expected["tensors"].members()) {
    if (!tensor.contains("dtype") || tensor.at("dtype") == "string") continue;  // among the strings
    const TensorEntry* found = checkpoint.find(name);
    REQUIRE_MESSAGE(found != nullptr, name);
    check_tensor(*found, tensor);
  }
  for (const StringTensor& strings : checkpoint.strings()) {
    const Json& tensor = expected["tensors"].at(strings.name);
    if (!tensor.contains("hex")) continue;
    CHECK(strings.shape == tensor["shape"].get<std::vector<int64_t>>());
    std::vector<std::string> values;
    // The descriptions have the first hundred bytes of each.
    for (const std::string& value : strings.values) values.push_back(hex(value.substr(0, 100)));
    CHECK(values == tensor["hex"].get<std::vector<std::string>>());
  }
  CHECK(checkpoint.find("no such tensor") == nullptr);
}

// Tensors of every type, with odd shapes and names; `bytes` keeps their memory.
std::vector<TensorEntry> some_tensors(std::vector<std::string>& bytes) {
  std::vector<TensorEntry> tensors;
  const std::vector<std::vector<int64_t>> shapes{{}, {3}, {0, 4}, {2, 3, 5}, {1}};
  size_t number = 0;
  bytes.reserve(element_types.size());
  for (const ElementType& element : element_types) {
    const std::string type(element.name);
    const auto& shape = shapes[number % shapes.size()];
    const auto size = static_cast<size_t>(tensor_bytes("test", type, shape));
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i)
      content[i] = static_cast<char>(type == "BOOL" ? i % 2 : (i * 37 + number) % 120);
    bytes.push_back(content);
    tensors.push_back({fmt::format("layer.{}/{}", number++, element.long_name), type, shape,
                       std::as_bytes(std::span(bytes.back()))});
  }
  return tensors;
}

template <typename Checkpoint>
void check_same(const Checkpoint& checkpoint, const std::vector<TensorEntry>& tensors) {
  CHECK(checkpoint.tensors().size() == tensors.size());
  for (const TensorEntry& tensor : tensors) {
    const TensorEntry* found = checkpoint.find(tensor.name);
    REQUIRE(found != nullptr);
    CHECK(found->dtype == tensor.dtype);
    CHECK(found->shape == tensor.shape);
    CHECK(std::ranges::equal(found->data, tensor.data));
  }
}

}  // namespace

TEST_CASE("MindSpore checkpoints: every fixture has the tensors that MindSpore wrote") {
  const fs::path folder = shared_folder("formats/fixtures/ms_ckpt");
  if (folder.empty()) return;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const Json expected = json_of(file_content(entry.path()));
    const std::string path = (folder / expected["file"].get<std::string>()).string();
    CAPTURE(path);
    const MindSporeCheckpoint checkpoint(path);
    check_all(checkpoint, expected);
    if (expected.contains("crc")) CHECK(checkpoint.has_checksum() == expected["crc"]);
    ++files;
  }
  CHECK(files >= 8);
}

TEST_CASE("TensorFlow checkpoints: every fixture has the tensors that TensorFlow wrote") {
  const fs::path folder = shared_folder("formats/fixtures/tf_checkpoint");
  if (folder.empty()) return;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const Json expected = json_of(file_content(entry.path()));
    const std::string prefix = (folder / expected["prefix"].get<std::string>()).string();
    CAPTURE(prefix);
    check_all(TensorFlowCheckpoint(prefix), expected);
    check_all(TensorFlowCheckpoint(prefix + ".index"), expected);
    ++files;
  }
  CHECK(files >= 7);
}

TEST_CASE("checkpoints of both kinds: each damaged fixture is refused, naming the file") {
  const fs::path folder = shared_folder("formats/fixtures/bad");
  if (folder.empty()) return;
  const Json manifest = json_of(file_content(folder / "manifest.json"));
  int refused = 0;
  for (const Json& entry : manifest["entries"].items()) {
    const std::string kind = entry["kind"].text(),
                      path = (folder / entry["open"].get<std::string>()).string();
    CAPTURE(path);
    CAPTURE(entry["wrong"].get<std::string>());
    std::string error;
    if (kind == "ms_ckpt") error = error_of([&] { MindSporeCheckpoint{path}; });
    else if (kind == "tf_checkpoint") error = error_of([&] { TensorFlowCheckpoint{path}; });
    else continue;
    CHECK_MESSAGE(error.find(path) != std::string::npos, error);
    ++refused;
  }
  CHECK(refused >= 34);
}

TEST_CASE(
    "MindSpore checkpoints: what is written is read again, whole or in parts, with a checksum or without") {
  const TemporaryFolder folder;
  std::vector<std::string> bytes;
  const std::vector<TensorEntry> tensors = some_tensors(bytes);
  for (const bool checksum : {false, true}) {
    for (const size_t part : {size_t{1} << 20, size_t{16}}) {
      const std::string path = folder / "x.ckpt";
      write_mindspore_checkpoint(path, tensors, {checksum, part});
      const MindSporeCheckpoint checkpoint(path);
      CHECK(checkpoint.has_checksum() == checksum);
      check_same(checkpoint, tensors);
    }
  }
  CHECK_THROWS_AS(write_mindspore_checkpoint(folder / "y.ckpt", std::vector{tensors[0], tensors[0]}), Error);
  CHECK_FALSE(fs::exists(folder / "y.ckpt"));
}

TEST_CASE("TensorFlow checkpoints: what is written is read again") {
  const TemporaryFolder folder;
  std::vector<std::string> bytes;
  std::vector<TensorEntry> tensors = some_tensors(bytes);
  const std::string prefix = folder / "model.ckpt";
  write_tensorflow_checkpoint(prefix, tensors);
  check_same(TensorFlowCheckpoint(prefix), tensors);
  write_tensorflow_checkpoint(prefix, {});
  CHECK(TensorFlowCheckpoint(prefix).tensors().empty());
  CHECK_THROWS_AS(write_tensorflow_checkpoint(folder / "y", std::vector{tensors[0], tensors[0]}), Error);
  CHECK_FALSE(fs::exists(folder / "y.index"));
}

TEST_CASE("checkpoints: a file that is cut off or changed anywhere is refused or read, never worse") {
  const TemporaryFolder folder;
  std::vector<std::string> bytes;
  const std::vector<TensorEntry> tensors = some_tensors(bytes);
  write_mindspore_checkpoint(folder / "x.ckpt", tensors, {true, 64});
  const std::string mindspore = file_content(folder / "x.ckpt");
  write_tensorflow_checkpoint(folder / "x", tensors);
  const std::string index = file_content(folder / "x.index");
  fs::copy_file(folder / "x.data-00000-of-00001", folder / "y.data-00000-of-00001");
  for (size_t i = 0; i < mindspore.size(); i += 3) {
    std::string changed = mindspore;
    changed[i] = static_cast<char>(changed[i] ^ 0x41);
    CAPTURE(i);
    CAPTURE(mindspore.size());
    CHECK(error_of([&] { MindSporeCheckpoint{folder.write("y.ckpt", changed)}; }) != "");
    // Cut between two tensors it is whole again.
    error_of([&] { MindSporeCheckpoint{folder.write("y.ckpt", mindspore.substr(0, i))}; });
  }
  for (size_t i = 0; i < index.size(); i += 3) {
    std::string changed = index;
    changed[i] = static_cast<char>(changed[i] ^ 0x41);
    folder.write("y.index", changed);
    error_of([&] { TensorFlowCheckpoint{folder / "y"}; });
    folder.write("y.index", index.substr(0, i));
    CHECK(error_of([&] { TensorFlowCheckpoint{folder / "y"}; }) != "");
  }
}
