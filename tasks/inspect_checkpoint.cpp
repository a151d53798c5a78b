// inspect_checkpoint: what is in a checkpoint: names, shapes, types and statistics of its tensors.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "nn/checkpoint_file.h"
#include "tasks/main.h"

using namespace gradus;
using Json = nlohmann::ordered_json;

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

Json describe(const StringTensor& tensor) {
  Json hex = Json::array();
  for (const std::string& value : tensor.values) {
    std::string digits;
    for (const char c : value) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
    hex.push_back(digits);
  }
  return {{"dtype", "string"}, {"shape", tensor.shape}, {"hex", hex}};
}

void print_json(const CheckpointFile& file, const std::string& path) {
  Json json{{"file", path}, {"format", name_of(file.format())}};
  if (file.format() == CheckpointFormat::safetensors)
    json["metadata"] = file.metadata().empty() ? Json() : Json(file.metadata());
  const auto ends = file.format() == CheckpointFormat::tensorflow ? std::pair<int64_t, int64_t>{6, 2}
                                                                  : std::pair<int64_t, int64_t>{8, 3};
  json["num_tensors"] = file.tensors().size() + file.strings().size();
  Json& tensors = json["tensors"] = Json::object();
  for (const TensorEntry& tensor : file.tensors()) {
    Json& described = tensors[tensor.name] = describe(tensor, ends);
    if (file.format() == CheckpointFormat::mindspore)
      described["ms_dtype"] = mindspore_type(long_name(tensor.dtype));
  }
  for (const StringTensor& tensor : file.strings()) tensors[tensor.name] = describe(tensor);
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
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
    fmt::print("{:{}}  {:8}  {:>16}", tensor.name, width, long_name(tensor.dtype),
               fmt::format("[{}]", fmt::join(tensor.shape, ", ")));
    if (count > 0) {
      fmt::print("  {:11.4g}  {:11.4g}  {:11.4g}  {:11.4g}", mean,
                 std::sqrt(std::max(0.0, s.squares / count - mean * mean)), s.least, s.most);
    }
    fmt::print("{}\n", s.nonfinite > 0 ? fmt::format("  {} not finite", s.nonfinite) : "");
  }
  for (const StringTensor& tensor : file.strings())
    fmt::print("{:{}}  {:8}  {:>16}\n", tensor.name, width, "string",
               fmt::format("[{}]", fmt::join(tensor.shape, ", ")));
  fmt::print("{} tensors, {} numbers, {} bytes\n", file.tensors().size() + file.strings().size(), elements,
             bytes);
}

int run(int argc, char** argv) {
  std::string path;
  bool json = false;
  CLI::App app(
      "Shows what is in a checkpoint: names, types, shapes and statistics of its tensors.\n"
      "Example: inspect_checkpoint bert_model.ckpt.index");
  app.add_option("file", path,
                 "*.safetensors, *.ckpt of MindSpore, the prefix or *.index of TensorFlow, or a folder with "
                 "one of them")
      ->required();
  app.add_flag("--json", json, "one JSON object, with every name and the first and last numbers");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_failure;
  }
  const CheckpointFile file(path);
  if (json) print_json(file, path);
  else print_table(file, path);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
