// vis_tfrecord_or_mindrecord: shows the records of a file.
#include <algorithm>
#include <filesystem>
#include <limits>

#include "core/error.h"
#include "core/io/bytes.h"
#include "core/io/crc32c.h"
#include "core/io/json.h"
#include "data/mind_record.h"
#include "data/tf_example.h"
#include "data/tf_record.h"
#include "tasks/main.h"
#include "tasks/options/options.h"

using namespace gradus;

namespace {

constexpr const char* purpose =
    "Shows the records of a TFRecord file or of a MindRecord set, with every column.";
constexpr const char* example = "vis_tfrecord_or_mindrecord --file_name train.mindrecord --limit 3";

struct Settings {
  std::string file_name;
  std::string vis_option = "auto";
  int64_t limit = 0;
  bool json = false;
};

std::string hex(std::string_view bytes) {
  std::string digits;
  for (const char c : bytes) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return digits;
}

Json as_json(const TfFeature& feature) {
  Json values = Json::array();
  switch (feature.kind) {
    case TfFeature::Kind::none:
      return {{"kind", nullptr}};
    case TfFeature::Kind::bytes:
      for (const std::string_view value : feature.bytes) values.push_back(hex(value));
      return {{"kind", "bytes"}, {"hex", values}};
    case TfFeature::Kind::floats:
      return {{"kind", "float"}, {"data", feature.floats}};
    case TfFeature::Kind::ints:
      return {{"kind", "int64"}, {"data", feature.ints}};
  }
  return {};
}

Json as_json(const MindRecordColumn& column, const MindRecordValue& value) {
  if (column.type == MindRecordColumn::Type::string) return value.bytes;
  if (column.type == MindRecordColumn::Type::bytes) return {{"bytes_hex", hex(value.bytes)}};
  Json data = column.is_integer() ? Json(value.ints) : Json(value.floats);
  if (!column.is_array()) return data[0];
  return {{"dtype", name_of(column.type)}, {"shape", value.shape}, {"data", std::move(data)}};
}

Json as_json(const MindRecordColumn& column) {
  Json type{{"type", name_of(column.type)}};
  if (column.is_array()) type["shape"] = column.shape;
  return type;
}

std::string line_of(const Json& json) { return json_text(json, -1, JsonStrings::replaced); }

// The text form of protocol buffers, of one feature.
std::string as_text(const TfFeature& feature) {
  std::string text;
  const auto list = [&](const char* name, const auto& values, const auto& show) {
    text += fmt::format("      {} {{\n", name);
    for (const auto& value : values) text += fmt::format("        value: {}\n", show(value));
    text += "      }\n";
  };
  const auto number = [](auto value) { return fmt::format("{}", value); };
  switch (feature.kind) {
    case TfFeature::Kind::none:
      break;
    case TfFeature::Kind::bytes:
      list("bytes_list", feature.bytes, [](std::string_view value) { return line_of(std::string(value)); });
      break;
    case TfFeature::Kind::floats:
      list("float_list", feature.floats, number);
      break;
    case TfFeature::Kind::ints:
      list("int64_list", feature.ints, number);
      break;
  }
  return text;
}

// Goes through a file, and tells what is in each record; JSON is one object, built piece by piece: a file may be large.
class TfRecordView {
 public:
  TfRecordView(const Settings& settings, int64_t limit) : settings_(settings), limit_(limit) {}

  void run() {
    TfRecordReader reader(settings_.file_name);
    if (settings_.json) fmt::print("{{\"file\":{},\"examples\":[", line_of(settings_.file_name));
    Json lengths = Json::array();
    for (std::string_view record; reader.record_number() < limit_ && reader.next(record);) {
      example_.parse(record, reader.where());
      if (settings_.json && !lengths.empty()) fmt::print(",");
      lengths.push_back(record.size());
      show();
    }
    if (settings_.json)
      fmt::print("],\"num_records\":{},\"record_lengths\":{}}}\n", lengths.size(), line_of(lengths));
    if (example_.unknown_fields() > 0)
      print_log(stderr, "warning: {}: {} fields are not of tf.train.Example: they are not shown\n",
                settings_.file_name, example_.unknown_fields());
  }

 private:
  void show() const {
    if (settings_.json) {
      Json features = Json::object();
      for (const auto& [name, feature] : example_.features()) features[std::string(name)] = as_json(feature);
      fmt::print("{}", line_of(features));
      return;
    }
    fmt::print("Start print tfrecord example: features {{\n");
    for (const auto& [name, feature] : example_.features()) {
      fmt::print("  feature {{\n    key: {}\n    value {{\n{}    }}\n  }}\n", line_of(std::string(name)),
                 as_text(feature));
    }
    fmt::print("}}\n");
  }

  const Settings& settings_;
  int64_t limit_;
  TfExample example_;
};

void view_mindrecord(const Settings& settings, int64_t limit) {
  MindRecordReader reader(settings.file_name);
  for (const std::string& warning : reader.warnings()) print_log(stderr, "warning: {}\n", warning);
  const std::vector<MindRecordColumn>& columns = reader.columns();
  if (settings.json) {
    Json schema = Json::object();
    for (const MindRecordColumn& column : columns) schema[column.name] = as_json(column);
    fmt::print("{{\"file\":{},\"schema\":{},\"num_rows\":{},\"rows_per_shard\":{},\"rows\":[",
               line_of(settings.file_name), line_of(schema), reader.rows(), line_of(reader.rows_per_shard()));
  }
  int64_t shown = 0;
  for (MindRecordRow row; shown < limit && reader.next(row); ++shown) {
    Json object = Json::object();
    for (size_t i = 0; i < columns.size(); ++i) object[columns[i].name] = as_json(columns[i], row[i]);
    if (settings.json) {
      fmt::print("{}{}", shown > 0 ? "," : "", line_of(object));
      continue;
    }
    fmt::print("value is: {{");
    for (size_t i = 0; i < columns.size(); ++i) {
      const Json& value = object[columns[i].name];
      fmt::print("{}'{}': {}", i > 0 ? ", " : "", columns[i].name,
                 line_of(value.contains("data") ? value["data"] : value));
    }
    fmt::print("}}\n");
  }
  if (settings.json) fmt::print("]}}\n");
}

// A TFRecord begins with a length and its checksum, a MindRecord file with the length of its header and the header. A
// file too short for either goes by its name.
bool looks_like_mindrecord(const std::string& path) {
  if (compression_of(path) != Compression::none) return false;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  check(file != nullptr, "cannot open '{}'", path);
  std::string begin(12, '\0');
  begin.resize(std::fread(begin.data(), 1, begin.size(), file));
  std::fclose(file);
  if (begin.size() < 12)
    return path.find("mindrecord") != std::string::npos || std::filesystem::exists(path + ".db");
  const uint64_t length = little_endian(std::string_view(begin).substr(0, 8));
  std::string expected;
  append_little_endian(expected, length, 8);
  append_little_endian(expected, mask_crc(crc32c(expected)), 4);
  return begin != expected;
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("vis_tfrecord_or_mindrecord", purpose, example);
  options.add("file_name", settings.file_name, "TFRecord file, or a file of a MindRecord set").file();
  options.add("vis_option", settings.vis_option, "what it is; auto: told by its first bytes")
      .choices({"auto", "vis_tfrecord", "vis_mindrecord"});
  options.add("limit", settings.limit, "records to show; 0: all").at_least(0);
  options.add("json", settings.json, "one JSON object, binary values in hexadecimal digits");
  if (!options.parse(argc, argv)) return 0;
  check(!settings.file_name.empty(), "--file_name is missing");
  const int64_t limit = settings.limit > 0 ? settings.limit : std::numeric_limits<int64_t>::max();
  if (settings.vis_option == "auto")
    settings.vis_option = looks_like_mindrecord(settings.file_name) ? "vis_mindrecord" : "vis_tfrecord";
  if (!settings.json) fmt::print("start {}:  {}\n", settings.vis_option, settings.file_name);
  if (settings.vis_option == "vis_mindrecord") view_mindrecord(settings, limit);
  else TfRecordView(settings, limit).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
