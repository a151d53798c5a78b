#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/io/files.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

namespace {

// The header of tensors that follow each other in this order, padded so that the data begins at a multiple of
// the length field's size.
std::string header_of(const std::string& path, std::span<const TensorEntry* const> tensors,
                      const std::map<std::string, std::string>& metadata) {
  using nlohmann::json;
  std::string header = "{";
  if (!metadata.empty()) header += fmt::format("\"__metadata__\":{},", json(metadata).dump());
  std::set<std::string_view> names{"__metadata__"};
  int64_t begin = 0;
  for (const TensorEntry* tensor : tensors) {
    const std::string where = fmt::format("{}: tensor '{}'", path, tensor->name);
    check(names.insert(tensor->name).second, "{}: the name is taken", where);
    check_bytes(where, *tensor);
    const auto bytes = static_cast<int64_t>(tensor->data.size());
    header += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},",
                          json(tensor->name).dump(), tensor->dtype, fmt::join(tensor->shape, ","), begin,
                          begin + bytes);
    begin += bytes;
  }
  if (header.back() == ',') header.pop_back();
  header += '}';
  while (header.size() % safetensors_length_bytes != 0) header += ' ';
  check(header.size() <= safetensors_max_header_bytes, "{}: a header of {} bytes, expected at most {}", path,
        header.size(), safetensors_max_header_bytes);
  return header;
}

}  // namespace

void write_safetensors(const std::string& path, std::span<const TensorEntry> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const TensorEntry*> order;
  for (const TensorEntry& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, [](const TensorEntry* tensor) {
    return std::tuple(element_type_rank(tensor->dtype), std::string_view(tensor->name));
  });
  std::string header;
  try {
    header = header_of(path, order, metadata);
  } catch (const nlohmann::json::exception&) {
    fail("{}: a tensor's name or the metadata is not UTF-8", path);
  }
  const uint64_t header_bytes = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const TensorEntry* tensor : order) file.write(tensor->data);
  file.commit();
}

}  // namespace gradus
