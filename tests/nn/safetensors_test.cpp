#include "nn/checkpoints/safetensors.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <vector>

#include "core/error.h"
#include "tests/files.h"
#include "tests/json.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// A file's bytes: the header behind its length, then the data.
std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

// What reading a file of these bytes says.
std::string error_of(const std::string& content) {
  const TemporaryFolder folder;
  const std::string path = folder / "x.safetensors";
  write_file(path, content);
  try {
    const SafetensorsFile file(path);
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK(text.starts_with(path + ": "));
    return text.substr(path.size() + 2);
  }
  return "no error";
}

std::string error_of(const std::string& header, const std::string& data) {
  return error_of(file_of(header, data));
}

template <typename T>
TensorEntry entry(const std::string& name, const std::string& dtype, std::vector<int64_t> shape,
                  const std::vector<T>& values) {
  return {name, dtype, std::move(shape), std::as_bytes(std::span(values))};
}

// The elements as double, by the integer and float types that copy_as_float doesn't read, too.
std::vector<double> elements_of(const TensorEntry& tensor) {
  std::vector<double> values(static_cast<size_t>(tensor.elements()));
  const auto read = [&](auto stored) {
    CHECK(tensor.data.size() == values.size() * sizeof stored);
    for (size_t i = 0; i < values.size(); ++i) {
      std::memcpy(&stored, tensor.data.data() + i * sizeof stored, sizeof stored);
      values[i] = static_cast<double>(stored);
    }
  };
  if (tensor.dtype == "I64") read(int64_t{});
  else if (tensor.dtype == "F64") read(double{});
  else if (tensor.dtype == "I32") read(int32_t{});
  else if (tensor.dtype == "I16") read(int16_t{});
  else if (tensor.dtype == "I8") read(int8_t{});
  else if (tensor.dtype == "U8" || tensor.dtype == "BOOL") read(uint8_t{});
  else {
    std::vector<float> floats(values.size());
    copy_as_float(tensor, floats);
    values.assign(floats.begin(), floats.end());
  }
  return values;
}

void check_tensor(const TensorEntry& tensor, const Json& expected) {
  const std::map<std::string, std::string> long_names{
      {"F64", "float64"}, {"F32", "float32"}, {"F16", "float16"}, {"BF16", "bfloat16"}, {"I64", "int64"},
      {"I32", "int32"},   {"I16", "int16"},   {"I8", "int8"},     {"U8", "uint8"},      {"BOOL", "bool"}};
  CHECK(long_names.at(tensor.dtype) == expected["dtype"]);
  CHECK(tensor.shape == expected["shape"].get<std::vector<int64_t>>());
  CHECK(tensor.data.size() == expected["nbytes"]);
  const std::vector<double> values = elements_of(tensor);
  double sum = 0, absolute_sum = 0;
  for (const double value : values) {
    sum += value;
    absolute_sum += std::abs(value);
  }
  CHECK(sum == expected["sum"].get<double>());
  CHECK(absolute_sum == expected["abs_sum"].get<double>());
  const auto first = expected["first"].get<std::vector<double>>();
  const auto last = expected["last"].get<std::vector<double>>();
  REQUIRE(std::max(first.size(), last.size()) <= values.size());
  CHECK(std::equal(first.begin(), first.end(), values.begin()));
  CHECK(std::equal(last.rbegin(), last.rend(), values.rbegin()));
}

}  // namespace

TEST_CASE("safetensors files of the reference writer are read in full and written back to the same bytes") {
  const fs::path folder = shared_folder("formats/fixtures/safetensors");
  if (folder.empty()) return;
  const TemporaryFolder temporary;
  int files = 0;
  for (const auto& item : fs::directory_iterator(folder)) {
    if (item.path().extension() != ".safetensors") continue;
    CAPTURE(item.path().string());
    const Json expected = json_of(file_content(item.path().string() + ".expected.json"));
    const SafetensorsFile file(item.path());
    const Json no_metadata = Json::object();
    CHECK(Json(file.metadata()) == (expected["metadata"].is_null() ? no_metadata : expected["metadata"]));
    REQUIRE(file.tensors().size() == expected["tensors"].size());
    for (const auto& [name, description] : expected["tensors"].members()) {
      CAPTURE(name);
      const TensorEntry* tensor = file.find(name);
      REQUIRE(tensor != nullptr);
      check_tensor(*tensor, description);
    }
    const std::string copy = temporary / "copy.safetensors";
    write_safetensors(copy, file.tensors(), file.metadata());
    // The reference writer puts two entries of metadata in any order; all else has its place.
    if (file.metadata().size() < 2) CHECK(file_content(copy) == file_content(item.path()));
    else CHECK(file_content(copy).size() == file_content(item.path()).size());
    ++files;
  }
  CHECK(files >= 7);
}

TEST_CASE("malformed safetensors files are refused with the file's name") {
  const fs::path folder = shared_folder("formats/fixtures/bad");
  if (folder.empty()) return;
  int files = 0;
  const Json manifest = json_of(file_content(folder / "manifest.json"));
  for (const Json& item : manifest["entries"].items()) {
    if (item["kind"] != "safetensors") continue;
    const std::string path = folder / item["open"].get<std::string>();
    CAPTURE(path);
    std::string text = "no error";
    try {
      const SafetensorsFile file(path);
    } catch (const Error& error) {
      text = error.what();
    }
    CHECK(text.starts_with(path + ": "));
    ++files;
  }
  CHECK(files >= 20);
}

TEST_CASE("a safetensors file whose header lies is refused with the tensor's name") {
  const auto one = [](const std::string& description) { return "{\"a\":" + description + "}"; };
  CHECK(error_of("12345") == "5 bytes, expected at least the 8 of the header's length");
  CHECK(error_of("") == "0 bytes, expected at least the 8 of the header's length");
  CHECK(error_of(file_of("{}", "").substr(0, 9)) == "a header of 2 bytes, but only 1 follow");
  CHECK(error_of("", "") == "the header begins with '', expected '{'");
  CHECK(error_of(" {}", "") == "the header begins with ' ', expected '{'");
  CHECK(error_of("{} ", "x") == "1 bytes after the last tensor, expected none");
  CHECK(error_of("{}", "") == "no error");
  CHECK(error_of(one("3"), "") == "tensor 'a': described by type number, expected an object");
  CHECK(error_of(one(R"({"dtype":"F32","shape":[1]})"), "1234") == "tensor 'a': 'data_offsets' is missing");
  CHECK(error_of(one(R"({"dtype":"F32","data_offsets":[0,4]})"), "1234") == "tensor 'a': 'shape' is missing");
  CHECK(error_of(one(R"({"shape":[1],"data_offsets":[0,4]})"), "1234") == "tensor 'a': 'dtype' is missing");
  CHECK(error_of(one(R"({"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]})"), "1") ==
        "tensor 'a': dtype 'F8_E4M3' is not supported, expected one of U64 I64 F64 F32 U32 I32 BF16 F16 U16 "
        "I16 I8 U8 BOOL");
  CHECK(error_of(one(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})"), "1234") ==
        "tensor 'a': 1.5 in 'shape', expected whole numbers from 0 to 2^63 - 1");
  CHECK(error_of(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,2,4]})"), "1234") ==
        "tensor 'a': 3 numbers in 'data_offsets', expected 2");
  CHECK(error_of(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), "1234") ==
        "tensor 'a': 'data_offsets' end at 0, before they begin at 4");
  CHECK(error_of(one(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"), "") ==
        "tensor 'a': shape [4294967296, 4294967296] has too many elements to count");
  CHECK(error_of(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "1234") ==
        "tensor 'a' ends at byte 8 of the data, which has 4");
  CHECK(error_of(one(R"({"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]})"), "1234") ==
        "header: the name 'shape' occurs twice in one JSON object");
  CHECK(error_of(one(std::string(200, '[') + std::string(200, ']')), "") ==
        "header: JSON nested deeper than 64");
  CHECK(error_of(one("1e999"), "").starts_with("header: invalid JSON: "));
  CHECK(error_of("{\"\\ud800\":3}", "").starts_with("header: invalid JSON: "));
  CHECK_THROWS_WITH_AS(SafetensorsFile("missing.safetensors"),
                       "cannot read 'missing.safetensors': No such file or directory", Error);
  CHECK_THROWS_WITH_AS(SafetensorsFile("/"), "cannot read '/': Is a directory", Error);
  CHECK_THROWS_WITH_AS(SafetensorsFile("/dev/null"), "cannot read '/dev/null': not a regular file", Error);
}

TEST_CASE("cutting or changing any byte of a safetensors header never crashes the reader") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.safetensors";
  const std::vector<float> values{1, 2, 3, 4};
  write_safetensors(path, std::vector{entry("a", "F32", {2, 2}, values), entry("b", "F32", {4}, values)});
  const std::string good = file_content(path);
  const auto is_refused = [&](const std::string& content) {
    write_file(path, content);
    try {
      const SafetensorsFile file(path);
      for (const TensorEntry& tensor : file.tensors()) {
        CHECK(tensor.data.size() % static_cast<size_t>(std::max<int64_t>(1, tensor.elements())) == 0);
      }
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  CHECK_FALSE(is_refused(good));
  for (size_t length = 0; length < good.size(); ++length) CHECK(is_refused(good.substr(0, length)));
  int refused = 0;
  for (size_t i = 0; i < good.size() - 32; ++i) {
    for (const int change : {0x01, 0x10, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      refused += is_refused(bad);
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("pytorch_model.bin is refused by its first bytes") {
  CHECK(error_of("PK\x03\x04 and so on").starts_with("a zip archive, expected a safetensors file: "));
  CHECK(error_of("\x80\x02\x8a\x0a and so on")
            .starts_with("a pickle of PyTorch, expected a safetensors file: "));
}

TEST_CASE("safetensors of every float type convert to float32") {
  std::vector<uint16_t> bits(1 << 16);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  std::vector<float> values(bits.size());
  copy_as_float(entry("h", "F16", {65536}, bits), values);
  for (size_t i = 0; i < bits.size(); ++i) {
    const auto expected = static_cast<float>(std::bit_cast<_Float16>(bits[i]));
    if (std::isnan(expected)) REQUIRE(std::isnan(values[i]));
    else REQUIRE(std::bit_cast<uint32_t>(values[i]) == std::bit_cast<uint32_t>(expected));
  }
  copy_as_float(entry("b", "BF16", {256, 256}, bits), values);
  for (size_t i = 0; i < bits.size(); ++i) REQUIRE(std::bit_cast<uint32_t>(values[i]) == i << 16);

  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> doubles{0.1, -infinity, 1e-300};
  std::vector<float> three(3);
  copy_as_float(entry("d", "F64", {3}, doubles), three);
  CHECK(three == std::vector<float>{0.1F, -std::numeric_limits<float>::infinity(), 0.0F});
  CHECK_THROWS_WITH_AS(
      copy_as_float(entry("d", "F64", {1}, std::vector<double>{1e39}), std::span(three).first(1)),
      "[checkpoint] tensor 'd': 1e+39 is too large for float32", Error);
  CHECK_THROWS_WITH_AS(
      copy_as_float(entry("i", "I32", {3}, std::vector<int32_t>{1, 2, 3}), three),
      "[checkpoint] tensor 'i': dtype I32 is not a float type, expected F32, F16, BF16 or F64", Error);
  CHECK_THROWS_WITH_AS(copy_as_float(entry("d", "F64", {3}, doubles), values),
                       "[checkpoint] tensor 'd': room for 65536 values, expected 3", Error);
  CHECK_THROWS_AS(copy_as_float(entry("d", "F64", {4}, doubles), values), Error);
}

TEST_CASE("safetensors are written sorted and aligned, and read back") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.safetensors";
  const std::vector<float> weights{1, 2, 3, 4, 5, 6};
  const std::vector<uint8_t> small{7, 8, 9};
  const std::vector<int64_t> large{-1};
  const std::vector<TensorEntry> tensors{entry("z\"\n\xc3\xbc", "U8", {3}, small),
                                         entry("b", "F32", {2, 3}, weights), entry("step", "I64", {}, large),
                                         entry("a", "F32", {0, 4}, std::vector<float>{}),
                                         entry("five", "F32", {1, 1, 2, 1, 3}, weights)};
  write_safetensors(path, tensors);
  const SafetensorsFile file(path);
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  std::string order;
  for (const TensorEntry& tensor : file.tensors()) order += tensor.name + " ";
  CHECK(order == "step a b five z\"\n\xc3\xbc ");
  for (const TensorEntry& tensor : tensors) {
    const TensorEntry* read = file.find(tensor.name);
    REQUIRE(read != nullptr);
    CHECK(read->dtype == tensor.dtype);
    CHECK(read->shape == tensor.shape);
    CHECK(std::ranges::equal(read->data, tensor.data));
  }
  CHECK(file.find("c") == nullptr);
  CHECK((file_content(path).size() - 8 - 2 * 24 - 3) % 8 == 0);
  write_safetensors(path, {}, {});
  CHECK(file_content(path) == file_of("{}      ", ""));
}

TEST_CASE("the safetensors writer refuses what it could not read back") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.safetensors";
  const std::vector<float> values{1, 2};
  const auto good = entry("a", "F32", {2}, values);
  CHECK_THROWS_WITH_AS(write_safetensors(path, std::vector{good, good}),
                       fmt::format("{}: tensor 'a': the name is taken", path).c_str(), Error);
  CHECK_THROWS_WITH_AS(write_safetensors(path, std::vector{entry("a", "F32", {3}, values)}),
                       fmt::format("{}: tensor 'a': 8 bytes, expected 12 for F32 [3]", path).c_str(), Error);
  CHECK_THROWS_WITH_AS(
      write_safetensors(path, std::vector{entry("a", "F32", {-2}, values)}),
      fmt::format("{}: tensor 'a': dimension -2 in shape [-2], expected 0 or more", path).c_str(), Error);
  CHECK_THROWS_WITH_AS(write_safetensors(path, std::vector{entry("\xff", "F32", {2}, values)}),
                       fmt::format("{}: a tensor's name or the metadata is not UTF-8", path).c_str(), Error);
  CHECK_THROWS_AS(write_safetensors(path, std::vector{entry("a", "float", {2}, values)}), Error);
  CHECK_THROWS_AS(write_safetensors(path, std::vector{entry("__metadata__", "F32", {2}, values)}), Error);
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a failed write names the path and the reason, and leaves the old file and nothing else") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.safetensors";
  const auto only_file = [&] { return std::distance(fs::directory_iterator(folder.path()), {}) == 1; };
  const std::vector<float> values(100000, 1.0F);
  const std::vector<TensorEntry> tensors{entry("a", "F32", {100000}, values)};
  write_file(path, "old");

  // A limit on file sizes stands for a full disk: the write stops in the middle.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit limit = before;
  limit.rlim_cur = 65536;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::string text = "no error";
  try {
    write_safetensors(path, tensors);
  } catch (const Error& error) {
    text = error.what();
  }
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old_handler);
  CHECK(text == fmt::format("cannot write '{}': File too large", path));
  CHECK(file_content(path) == "old");
  CHECK(only_file());

  const std::string nowhere = folder / "no/x.safetensors";
  CHECK_THROWS_WITH_AS(write_safetensors(nowhere, tensors),
                       fmt::format("cannot write '{}': No such file or directory", nowhere).c_str(), Error);
  write_safetensors(path, tensors);
  CHECK(SafetensorsFile(path).tensors().size() == 1);
  CHECK(only_file());
  fs::create_directory(folder / "folder");
  CHECK_THROWS_AS(write_safetensors(folder / "folder", tensors), Error);
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 2);
}

TEST_CASE("a model in several safetensors files is found through its index") {
  const TemporaryFolder folder;
  const std::string root = folder / "";
  CHECK_THROWS_WITH_AS(
      SafetensorsModel{root},
      fmt::format("{}: no model.safetensors and no model.safetensors.index.json in this folder", root)
          .c_str(),
      Error);
  const std::vector<float> one{1}, two{2};
  write_safetensors(folder / "part-1.safetensors", std::vector{entry("a", "F32", {1}, one)});
  write_safetensors(folder / "part-2.safetensors", std::vector{entry("b", "F32", {1}, two)});
  const std::string index = folder / "model.safetensors.index.json";
  const auto error_with = [&](const std::string& weight_map) -> std::string {
    write_file(index, "{\"metadata\":{\"total_size\":8},\"weight_map\":" + weight_map + "}");
    try {
      const SafetensorsModel model(root);
      CHECK(model.files().size() == 2);
      for (const auto& [name, value] : {std::pair("a", 1.0F), std::pair("b", 2.0F)}) {
        REQUIRE(model.find(name) != nullptr);
        float read = 0;
        copy_as_float(*model.find(name), {&read, 1});
        CHECK(read == value);
      }
      CHECK(model.find("c") == nullptr);
      return "no error";
    } catch (const Error& error) {
      return std::string(error.what()).substr(index.size() + 2);
    }
  };
  CHECK(error_with(R"({"a":"part-1.safetensors","b":"part-2.safetensors"})") == "no error");
  CHECK(error_with(R"({"a":"part-1.safetensors","b":"../part-2.safetensors"})") ==
        "tensor 'b' is in file '../part-2.safetensors', expected a name *.safetensors without a folder");
  CHECK(error_with(R"({"a":"part-1.safetensors","b":2})") ==
        "tensor 'b' is in a file of type number, expected a string");
  CHECK(error_with(R"({"a":"part-1.safetensors","c":"part-2.safetensors"})") ==
        "tensor 'b' is in part-2.safetensors, expected no file");
  CHECK(error_with(R"({"a":"part-1.safetensors","c":"part-1.safetensors"})") ==
        "tensor 'c' is not in \"part-1.safetensors\"");
  CHECK(error_with(R"({"a":"part-1.safetensors","a":"part-2.safetensors"})") ==
        "the name 'a' occurs twice in one JSON object");
  CHECK(error_with("[]") == "no object 'weight_map', expected one from tensor names to file names");
  CHECK_THROWS_AS(SafetensorsModel(folder / "none.safetensors.index.json"), Error);
  // A single file comes first.
  fs::copy(folder / "part-1.safetensors", folder / "model.safetensors");
  CHECK(SafetensorsModel(root).files().size() == 1);
}
