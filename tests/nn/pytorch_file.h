// Files of PyTorch's torch.save, made byte by byte: pickles of its instructions, the archive around them, the older form.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/checkpoints/tensor_entry.h"

namespace gradus::torch_file {

// Each gives the instructions that leave one value.
std::string text(std::string_view value);
std::string number(int64_t value);
std::string global(std::string_view module, std::string_view name);
std::string tuple(const std::vector<std::string>& values);
std::string numbers(std::span<const int64_t> values);  // a tuple
std::string dict(const std::vector<std::pair<std::string, std::string>>& members);
std::string ordered_dict(const std::vector<std::pair<std::string, std::string>>& members);
std::string call(const std::string& callee, const std::vector<std::string>& arguments);
// A storage of torch's class `type`, "FloatStorage" or so.
std::string storage(std::string_view type, std::string_view key, int64_t elements);

// A view of a storage.
struct View {
  std::string type = "FloatStorage";
  std::string key = "0";
  int64_t elements = 0;  // of the storage
  int64_t offset = 0;
  std::vector<int64_t> shape, strides;
};
std::string tensor(const View& view);

// The whole pickle of a value.
std::string pickle(const std::string& value, int protocol = 2);

struct Entry {
  std::string name, content;
  bool large = false;  // its sizes are in 64 bits
};
std::string zip(const std::vector<Entry>& entries, bool large_end = false);

using Storages = std::vector<std::pair<std::string, std::string>>;  // key and bytes
// As torch.save writes a value, given by its instructions, and since version 1.6.
std::string archive(const std::string& value, const Storages& storages,
                    std::string_view byteorder = "little");
// As before: `width` is of an element of all storages.
std::string legacy(const std::string& value, const Storages& storages, size_t width);

// A dict of these tensors, each with a storage of its own.
std::string archive_of(std::span<const TensorEntry> tensors);

// The bytes of numbers.
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace gradus::torch_file
