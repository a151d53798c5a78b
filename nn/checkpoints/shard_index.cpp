#include "nn/checkpoints/shard_index.h"

#include <filesystem>
#include <set>
#include <utility>

#include "core/error.h"
#include "core/io/checked_json.h"

namespace gradus {
namespace {

constexpr size_t most_index_bytes = 100'000'000;

bool is_plain_name(std::string_view name) {
  return name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos && name != "..";
}

}  // namespace

ShardIndex::ShardIndex(std::string path, std::string_view ending) : path_(std::move(path)) {
  const Json root = sorted(read_json(path_, most_index_bytes));
  check(root.contains("weight_map") && root["weight_map"].is_object(),
        "{}: no object 'weight_map', expected one from tensor names to file names", path_);
  std::set<std::string> names;
  for (const auto& [tensor, file] : root["weight_map"].members()) {
    check(file.is_string(), "{}: tensor '{}' is in a file of type {}, expected a string", path_, tensor,
          file.type_name());
    check(is_plain_name(file.text()) && file.text().ends_with(ending),
          "{}: tensor '{}' is in file '{}', expected a name *{} without a folder", path_, tensor, file.text(),
          ending);
    names.insert(file.text());
    weight_map_.emplace(tensor, file.text());
  }
  files_.assign(names.begin(), names.end());
}

std::string ShardIndex::path_of(const std::string& file) const {
  return (std::filesystem::path(path_).parent_path() / file).string();
}

void ShardIndex::check_tensors(const std::string& file, std::span<const TensorEntry> tensors) const {
  std::set<std::string_view> found;
  for (const TensorEntry& tensor : tensors) {
    const auto listed = weight_map_.find(tensor.name);
    check(listed != weight_map_.end() && listed->second == file, "{}: tensor '{}' is in {}, expected {}",
          path_, tensor.name, file,
          listed == weight_map_.end() ? "no file" : fmt::format("\"{}\"", listed->second));
    found.insert(tensor.name);
  }
  for (const auto& [tensor, listed] : weight_map_)
    check(listed != file || found.contains(tensor), "{}: tensor '{}' is not in \"{}\"", path_, tensor,
          listed);
}

}  // namespace gradus
