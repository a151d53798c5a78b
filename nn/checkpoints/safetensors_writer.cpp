#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "core/backend.h"
#include "core/io/files.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/tensor_entry.h"

namespace gradus {

namespace {

// What the header says of a tensor.
struct Described {
  std::string_view name;
  std::string_view dtype;
  std::span<const int64_t> shape;
  int64_t bytes;
  size_t number;  // among those given
};

// The header of tensors that follow each other in this order, padded so that the data begins at a multiple of
// the length field's size.
std::string header_of(const std::string& path, std::span<const Described> tensors,
                      const std::map<std::string, std::string>& metadata) {
  using nlohmann::json;
  std::string header = "{";
  if (!metadata.empty()) header += fmt::format("\"__metadata__\":{},", json(metadata).dump());
  std::set<std::string_view> names{"__metadata__"};
  int64_t begin = 0;
  for (const Described& tensor : tensors) {
    check(names.insert(tensor.name).second, "{}: tensor '{}': the name is taken", path, tensor.name);
    header += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}},",
                          json(std::string(tensor.name)).dump(), tensor.dtype, fmt::join(tensor.shape, ","),
                          begin, begin + tensor.bytes);
    begin += tensor.bytes;
  }
  if (header.back() == ',') header.pop_back();
  header += '}';
  while (header.size() % safetensors_length_bytes != 0) header += ' ';
  check(header.size() <= safetensors_max_header_bytes, "{}: a header of {} bytes, expected at most {}", path,
        header.size(), safetensors_max_header_bytes);
  return header;
}

// Writes the file; write(file, number) has to write the bytes of a tensor.
template <typename Write>
void write_file(const std::string& path, std::vector<Described> tensors,
                const std::map<std::string, std::string>& metadata, Write&& write) {
  std::ranges::sort(tensors, {}, [](const Described& tensor) {
    return std::tuple(element_type_rank(tensor.dtype), tensor.name);
  });
  std::string header;
  try {
    header = header_of(path, tensors, metadata);
  } catch (const nlohmann::json::exception&) {
    fail("{}: a tensor's name or the metadata is not UTF-8", path);
  }
  const uint64_t header_bytes = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const Described& tensor : tensors) write(file, tensor.number);
  file.commit();
}

}  // namespace

void write_safetensors(const std::string& path, std::span<const TensorEntry> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<Described> described;
  for (const TensorEntry& tensor : tensors) {
    check_bytes(fmt::format("{}: tensor '{}'", path, tensor.name), tensor);
    described.push_back({tensor.name, tensor.dtype, tensor.shape, static_cast<int64_t>(tensor.data.size()),
                         described.size()});
  }
  write_file(path, std::move(described), metadata,
             [&](AtomicFile& file, size_t number) { file.write(tensors[number].data); });
}

void write_safetensors(const std::string& path, std::span<const SavedTensor> tensors) {
  std::vector<Described> described;
  std::vector<std::vector<int64_t>> shapes;
  shapes.reserve(tensors.size());
  for (const SavedTensor& tensor : tensors) {
    std::vector<int64_t>& shape = shapes.emplace_back();
    for (int i = 0; i < tensor.values.shape().rank(); ++i) shape.push_back(tensor.values.shape()[i]);
    described.push_back(
        {tensor.name, "F32", shape, static_cast<int64_t>(tensor.values.bytes()), described.size()});
  }
  std::vector<float> chunk;
  write_file(path, std::move(described), {{"format", "pt"}}, [&](AtomicFile& file, size_t number) {
    constexpr int64_t most = int64_t{1} << 18;  // 1 MiB: a checkpoint takes no memory beside the step's
    const Tensor& values = tensors[number].values;
    for (int64_t begin = 0; begin < values.elements(); begin += most) {
      const int64_t count = std::min(most, values.elements() - begin);
      chunk.resize(static_cast<size_t>(count));
      const Tensor part = values.view(begin, {count});
      part.backend().copy_to_host(part, chunk.data());
      file.write(std::as_bytes(std::span(chunk)));
    }
  });
}

}  // namespace gradus
