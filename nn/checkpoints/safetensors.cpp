#include "nn/checkpoints/safetensors.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/dtype.h"
#include "core/error.h"
#include "core/io/checked_json.h"
#include "core/io/file_kind.h"
#include "core/io/files.h"
#include "nn/checkpoints/shard_index.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

namespace {

// Member `key` of a tensor's description.
const Json& member(const Json& description, const char* key, const std::string& where) {
  const Json* found = description.find(key);
  check(found != nullptr, "{}: '{}' is missing", where, key);
  return *found;
}

std::vector<int64_t> unsigned_numbers(const Json& array, const char* key, const std::string& where) {
  check(array.is_array(), "{}: '{}' is of type {}, expected an array", where, key, array.type_name());
  std::vector<int64_t> numbers;
  for (const Json& number : array.items()) {
    const std::optional<int64_t> whole = number.whole();
    check(whole && *whole >= 0, "{}: {} in '{}', expected whole numbers from 0 to 2^63 - 1", where,
          json_text(number), key);
    numbers.push_back(*whole);
  }
  return numbers;
}

std::map<std::string, std::string> read_metadata(const Json& object, const std::string& path) {
  check(object.is_object(), "{}: '__metadata__' is of type {}, expected an object", path, object.type_name());
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : object.members()) {
    check(value.is_string(), "{}: '{}' in '__metadata__' is of type {}, expected a string", path, key,
          value.type_name());
    metadata[key] = value.text();
  }
  return metadata;
}

// A tensor and its bytes [begin, end) in the data.
struct Place {
  int64_t begin, end;
  TensorEntry entry;
};

Place read_place(const std::string& name, const Json& description, const std::string& where) {
  check(description.is_object(), "{}: described by type {}, expected an object", where,
        description.type_name());
  const Json& type = member(description, "dtype", where);
  check(type.is_string(), "{}: 'dtype' is of type {}, expected a string", where, type.type_name());
  const std::string& dtype = type.text();
  const auto shape = unsigned_numbers(member(description, "shape", where), "shape", where);
  const auto offsets = unsigned_numbers(member(description, "data_offsets", where), "data_offsets", where);
  check(offsets.size() == 2, "{}: {} numbers in 'data_offsets', expected 2", where, offsets.size());
  const int64_t begin = offsets[0], end = offsets[1];
  check(begin <= end, "{}: 'data_offsets' end at {}, before they begin at {}", where, end, begin);
  const int64_t bytes = tensor_bytes(where, dtype, shape);
  check(bytes == end - begin, "{}: 'data_offsets' span {} bytes, expected {} for {} {}", where, end - begin,
        bytes, dtype, shape_text(shape));
  return {begin, end, {name, dtype, shape, {}}};
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path)
    : path_(path), mapping_(std::make_shared<MappedFile>(path)) {
  const auto bytes = mapping_->bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool has_header = text.size() > safetensors_length_bytes && text[safetensors_length_bytes] == '{';
  if (!has_header) check_file_kind(text, path_, "a safetensors file");
  check(bytes.size() >= safetensors_length_bytes,
        "{}: {} bytes, expected at least the {} of the header's length", path_, bytes.size(),
        safetensors_length_bytes);
  std::memcpy(&header_bytes_, bytes.data(), safetensors_length_bytes);
  check(header_bytes_ <= safetensors_max_header_bytes, "{}: a header of {} bytes, expected at most {}", path_,
        header_bytes_, safetensors_max_header_bytes);
  check(header_bytes_ <= bytes.size() - safetensors_length_bytes,
        "{}: a header of {} bytes, but only {} follow", path_, header_bytes_,
        bytes.size() - safetensors_length_bytes);
  parse_header(text.substr(safetensors_length_bytes, header_bytes_),
               bytes.subspan(safetensors_length_bytes + header_bytes_));
}

void SafetensorsFile::parse_header(std::string_view header, std::span<const std::byte> data) {
  check(header.starts_with('{'), "{}: the header begins with '{}', expected '{{'", path_,
        header.substr(0, 1));
  const Json root = sorted(parse_json(header, path_ + ": header"));

  std::vector<Place> places;
  for (const auto& [name, description] : root.members()) {
    if (name == "__metadata__") metadata_ = read_metadata(description, path_);
    else places.push_back(read_place(name, description, fmt::format("{}: tensor '{}'", path_, name)));
  }
  std::ranges::sort(places, {}, [](const Place& place) { return std::pair(place.begin, place.end); });
  int64_t end = 0;
  for (Place& place : places) {
    check(place.begin == end, "{}: tensor '{}' begins at byte {} of the data, expected {}: tensors {}", path_,
          place.entry.name, place.begin, end, place.begin < end ? "overlap" : "leave a hole");
    end = place.end;
    check(static_cast<size_t>(end) <= data.size(),
          "{}: tensor '{}' ends at byte {} of the data, which has {}", path_, place.entry.name, end,
          data.size());
    place.entry.data = data.subspan(place.begin, place.end - place.begin);
    index_[place.entry.name] = tensors_.size();
    tensors_.push_back(std::move(place.entry));
  }
  check(static_cast<size_t>(end) == data.size(), "{}: {} bytes after the last tensor, expected none", path_,
        data.size() - end);
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

SafetensorsModel::SafetensorsModel(const std::string& path) {
  namespace fs = std::filesystem;
  std::string file = path;
  if (std::error_code ignored; fs::is_directory(path, ignored)) {
    const fs::path single = fs::path(path) / "model.safetensors";
    const fs::path index = fs::path(path) / "model.safetensors.index.json";
    check(fs::exists(single) || fs::exists(index),
          "{}: no model.safetensors and no model.safetensors.index.json in this folder", path);
    file = (fs::exists(single) ? single : index).string();
  }
  if (file.ends_with(".json")) open_shards(file);
  else files_.emplace_back(file);
}

void SafetensorsModel::open_shards(const std::string& index_path) {
  const ShardIndex index(index_path, ".safetensors");
  for (const std::string& name : index.files()) {
    const SafetensorsFile& file = files_.emplace_back(index.path_of(name));
    index.check_tensors(name, file.tensors());
  }
}

const TensorEntry* SafetensorsModel::find(std::string_view name) const {
  for (const SafetensorsFile& file : files_) {
    if (const TensorEntry* tensor = file.find(name)) return tensor;
  }
  return nullptr;
}

}  // namespace gradus
