// inspect_checkpoint: what is in a checkpoint: names, shapes, types and statistics of its tensors.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "core/counted.h"
#include "core/io/json.h"
#include "data/unicode.h"
#include "nn/checkpoints/checkpoint_file.h"
#include "tasks/main.h"
#include "tasks/options/arguments.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

struct Statistics {
  double sum = 0, abs_sum = 0, squares = 0;
  double least = std::numeric_limits<double>::infinity(), most = -least;
  int64_t nonfinite = 0;
};

std::vector<double> numbers(const TensorEntry& tensor, int64_t first, int64_t count) {
  std::vector<double> values(static_cast<size_t>(count));
  copy_as_double(tensor, first, values);
  return values;
}

Statistics statistics_of(const TensorEntry& tensor) {
  constexpr int64_t piece = 1 << 16;
  Statistics s;
  const int64_t elements = tensor.elements();
  for (int64_t first = 0; first < elements; first += piece) {
    for (const double value : numbers(tensor, first, std::min(piece, elements - first))) {
      s.sum += value;
      s.abs_sum += std::abs(value);
      s.squares += value * value;
      s.least = std::min(s.least, value);
      s.most = std::max(s.most, value);
      s.nonfinite += std::isfinite(value) ? 0 : 1;
    }
  }
  return s;
}

// "Float32" of "float32", "BFloat16" of "bfloat16", "UInt8" of "uint8".
std::string mindspore_type(std::string_view long_name) {
  std::string name(long_name);
  for (size_t i = 0; i < 2; ++i) {
    if (i == 0 || name.starts_with("Bf") || name.starts_with("Ui"))
      name[i] = static_cast<char>(std::toupper(name[i]));
  }
  return name;
}

// A text as Python's repr() shows it.
std::string python_literal(std::string_view text) {
  const bool double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string literal(1, quote);
  for (size_t pos = 0; pos < text.size();) {
    const size_t begin = pos;
    const char32_t code = decode_utf8(text, pos);
    check(code != invalid_code, "a text of MindSpore's with invalid UTF-8 at byte {}", begin);
    const std::string_view kind = category(code);
    if (code == static_cast<unsigned char>(quote) || code == U'\\') literal += '\\';
    if (code == U'\n') literal += "\\n";
    else if (code == U'\r') literal += "\\r";
    else if (code == U'\t') literal += "\\t";
    else if (code == U' ' || (kind[0] != 'C' && kind[0] != 'Z')) literal += text.substr(begin, pos - begin);
    else if (code < 0x100) literal += fmt::format("\\x{:02x}", static_cast<uint32_t>(code));
    else if (code < 0x10000) literal += fmt::format("\\u{:04x}", static_cast<uint32_t>(code));
    else literal += fmt::format("\\U{:08x}", static_cast<uint32_t>(code));
  }
  return literal + quote;
}

// `ends`: how many of the first and last numbers to give.
Json describe(const TensorEntry& tensor, std::pair<int64_t, int64_t> ends) {
  const Statistics s = statistics_of(tensor);
  const int64_t elements = tensor.elements(), head = std::min(ends.first, elements),
                tail = std::min(ends.second, elements);
  return {{"dtype", long_name(tensor.dtype)},
          {"shape", tensor.shape},
          {"sum", s.sum},
          {"abs_sum", s.abs_sum},
          {"first", numbers(tensor, 0, head)},
          {"last", numbers(tensor, elements - tail, tail)},
          {"nbytes", tensor.data.size()}};
}

// MindSpore's tensors have a type in MindSpore. NumPy has no bfloat16: such a tensor is described as the float32
// that it becomes.
Json describe_mindspore(const TensorEntry& tensor, std::pair<int64_t, int64_t> ends) {
  Json json = describe(tensor, ends);
  if (tensor.dtype == "BF16") {
    json["dtype"] = "float32";
    json["nbytes"] = tensor.elements() * static_cast<int64_t>(sizeof(float));
  }
  json["ms_dtype"] = mindspore_type(long_name(tensor.dtype));
  return json;
}

// A text of MindSpore's, or the first bytes of each of TensorFlow's strings.
Json describe(const StringTensor& tensor, CheckpointFormat format) {
  constexpr size_t most_bytes = 100;
  if (format == CheckpointFormat::mindspore) return {{"python", python_literal(tensor.values.at(0))}};
  Json hex = Json::array();
  for (const std::string& value : tensor.values) {
    std::string digits;
    for (const char c : std::string_view(value).substr(0, most_bytes))
      digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
    hex.push_back(digits);
  }
  return {{"dtype", "string"}, {"shape", tensor.shape}, {"hex", hex}};
}

std::string name_in_folder(const std::string& path) { return fs::path(path).filename().string(); }

// What there is to say of a checkpoint of that format apart from its tensors.
Json describe(const CheckpointFile& file) {
  const std::string name = name_in_folder(file.path());
  Json files = Json::array();
  for (const std::string& path : file.files()) files.push_back(name_in_folder(path));
  switch (file.format()) {
    case CheckpointFormat::tensorflow:
      return {{"prefix", name}, {"files", files}};
    case CheckpointFormat::mindspore: {
      Json order = Json::array();
      for (const TensorEntry& tensor : file.tensors()) order.push_back(tensor.name);
      for (const StringTensor& tensor : file.strings()) order.push_back(tensor.name);
      return {{"file", name}, {"order", order}, {"crc", file.has_checksum()}};
    }
    case CheckpointFormat::pytorch: {
      Json json{{"file", name}};
      if (file.files().size() > 1) json["files"] = files;
      return json;
    }
    case CheckpointFormat::safetensors:
      break;
  }
  Json json{{"file", name}, {"header_bytes", file.header_bytes()}};
  if (file.files().size() > 1) json["files"] = files;
  json["metadata"] = file.metadata().empty() ? Json() : Json(file.metadata());
  return json;
}

void print_json(const CheckpointFile& file) {
  Json json{{"format", name_of(file.format())}};
  json.update(describe(file));
  const bool mindspore = file.format() == CheckpointFormat::mindspore;
  const auto ends = file.format() == CheckpointFormat::tensorflow ? std::pair<int64_t, int64_t>{6, 2}
                                                                  : std::pair<int64_t, int64_t>{8, 3};
  json["num_tensors"] = file.tensors().size() + file.strings().size();
  Json& tensors = json["tensors"] = Json::object();
  for (const TensorEntry& tensor : file.tensors())
    tensors[tensor.name] = mindspore ? describe_mindspore(tensor, ends) : describe(tensor, ends);
  for (const StringTensor& tensor : file.strings()) tensors[tensor.name] = describe(tensor, file.format());
  fmt::print("{}\n", json_text(json, -1, JsonStrings::replaced));
}

void print_table(const CheckpointFile& file, const std::string& path) {
  int64_t elements = 0;
  size_t bytes = 0, width = 4;
  for (const TensorEntry& tensor : file.tensors()) width = std::max(width, tensor.name.size());
  fmt::print("{}: {}\n", path, name_of(file.format()));
  for (const auto& [key, value] : file.metadata()) fmt::print("  {} = {}\n", key, value);
  fmt::print("{:{}}  {:8}  {:>16}  {:>11}  {:>11}  {:>11}  {:>11}\n", "name", width, "type", "shape", "mean",
             "deviation", "least", "most");
  for (const TensorEntry& tensor : file.tensors()) {
    const Statistics s = statistics_of(tensor);
    const auto count = static_cast<double>(tensor.elements());
    elements += tensor.elements();
    bytes += tensor.data.size();
    const double mean = s.sum / count;
    fmt::print("{:{}}  {:8}  {:>16}", tensor.name, width, long_name(tensor.dtype), shape_text(tensor.shape));
    if (count > 0) {
      fmt::print("  {:11.4g}  {:11.4g}  {:11.4g}  {:11.4g}", mean,
                 std::sqrt(std::max(0.0, s.squares / count - mean * mean)), s.least, s.most);
    }
    fmt::print("{}\n", s.nonfinite > 0 ? fmt::format("  {} not finite", s.nonfinite) : "");
  }
  for (const StringTensor& tensor : file.strings())
    fmt::print("{:{}}  {:8}  {:>16}\n", tensor.name, width, "string", shape_text(tensor.shape));
  fmt::print("{}, {}, {}\n", counted(file.tensors().size() + file.strings().size(), "tensor"),
             counted(elements, "number"), counted(bytes, "byte"));
}

int run(int argc, char** argv) {
  std::string path;
  bool json = false;
  Arguments arguments("inspect_checkpoint",
                      "Shows what is in a checkpoint: names, types, shapes and statistics of its tensors.",
                      "inspect_checkpoint bert_model.ckpt.index");
  arguments.require("file", path, checkpoint_paths, PageOption::Value::file);
  arguments.add_flag(
      "--json", json,
      "one JSON object, with every name and the first and last numbers, or the first 100 bytes of a string");
  if (const std::optional<int> status = arguments.parse(argc, argv, exit_failure)) return *status;
  const CheckpointFile file(path);
  if (json) print_json(file);
  else print_table(file, path);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
