#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "core/joined.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

namespace {

int64_t bytes_of(const std::string& path, const TensorHeader& tensor) {
  return tensor_bytes(fmt::format("{}: tensor '{}'", path, tensor.name), tensor.dtype, tensor.shape);
}

// A name, or the metadata.
std::string text_of(const std::string& path, const Json& value) try {
  return json_text(value);
} catch (const Error&) {
  fail("{}: a tensor's name or the metadata is not UTF-8", path);
}

// The header of tensors that follow each other in this order, padded so that the data begins at a multiple of
// the length field's size.
std::string header_of(const std::string& path, std::span<const TensorHeader* const> tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) header += fmt::format("\"__metadata__\":{},", text_of(path, metadata));
  std::set<std::string_view> names{"__metadata__"};
  int64_t begin = 0;
  for (const TensorHeader* tensor : tensors) {
    check(names.insert(tensor->name).second, "{}: tensor '{}': the name is taken", path, tensor->name);
    const int64_t bytes = bytes_of(path, *tensor);
    header += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},",
                          text_of(path, tensor->name), tensor->dtype, joined(tensor->shape, ","), begin,
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

void write_safetensors(const std::string& path, std::span<const TensorHeader> tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<void(AtomicFile& file, size_t i)>& write) {
  std::vector<const TensorHeader*> order;
  for (const TensorHeader& tensor : tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, [](const TensorHeader* tensor) {
    return std::tuple(element_type_rank(tensor->dtype), std::string_view(tensor->name));
  });
  const std::string header = header_of(path, order, metadata);
  const uint64_t header_bytes = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const TensorHeader* tensor : order) write(file, static_cast<size_t>(tensor - tensors.data()));
  file.commit();
}

void write_safetensors(const std::string& path, std::span<const TensorEntry> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<TensorHeader> headers;
  for (const TensorEntry& tensor : tensors) {
    check_bytes(fmt::format("{}: tensor '{}'", path, tensor.name), tensor);
    headers.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  write_safetensors(path, headers, metadata,
                    [&](AtomicFile& file, size_t i) { file.write(tensors[i].data); });
}

}  // namespace gradus
