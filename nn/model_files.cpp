#include "nn/model_files.h"

#include <algorithm>
#include <set>

#include "nn/safetensors.h"

namespace gradus {
namespace {

// The names under which published files hold a tensor of ours.
std::vector<std::string> aliases(const std::string& name) {
  std::vector<std::string> names{name};
  const auto replaced = [](std::string text, std::string_view from, std::string_view to) {
    if (text.ends_with(from)) text.replace(text.size() - from.size(), from.size(), to);
    return text;
  };
  if (name.find("LayerNorm") != std::string::npos) {
    names.push_back(replaced(replaced(name, ".weight", ".gamma"), ".bias", ".beta"));
  }
  const size_t plain = names.size();
  for (size_t i = 0; i < plain; ++i) {
    if (names[i].starts_with("bert.")) names.push_back(names[i].substr(5));
  }
  return names;
}

const SafetensorsEntry* find_tensor(const SafetensorsModel& model, const std::string& name) {
  for (const std::string& alias : aliases(name)) {
    if (const SafetensorsEntry* entry = model.find(alias)) return entry;
  }
  return nullptr;
}

// A buffer of 0, 1, 2 ... that older transformers versions saved with the weights.
bool is_known_buffer(std::string_view name) { return name.ends_with("embeddings.position_ids"); }

void copy_tensor(const std::string& path, const SafetensorsEntry& entry, const NamedTensor& tensor,
                 const Tensor& target) {
  bool same = static_cast<int>(entry.shape.size()) == tensor.shape.rank();
  for (int i = 0; same && i < tensor.shape.rank(); ++i)
    same = entry.shape[static_cast<size_t>(i)] == tensor.shape[i];
  check(same, "{}: tensor '{}' has shape [{}]: the model expects {}", path, entry.name,
        fmt::join(entry.shape, ", "), tensor.shape);
  std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
  copy_as_float(entry, values);
  target.copy_from_host(values);
}

}  // namespace

LoadReport load_tensors(const std::string& path, Parameters& parameters,
                        const std::vector<std::string>& required, uint64_t seed) {
  const SafetensorsModel model(path);
  LoadReport report;
  std::set<std::string_view> used;
  for (const NamedTensor& tensor : parameters.tensors()) {
    if (const SafetensorsEntry* entry = find_tensor(model, tensor.name)) {
      copy_tensor(path, *entry, tensor, parameters.value(tensor));
      used.insert(entry->name);
      continue;
    }
    const bool fatal = std::any_of(required.begin(), required.end(), [&](const std::string& prefix) {
      return tensor.name.starts_with(prefix);
    });
    check(!fatal, "{}: tensor '{}' of shape {} is missing", path, tensor.name, tensor.shape);
    parameters.initialize(tensor, seed);
    report.missing.push_back(tensor.name);
  }
  for (const SafetensorsFile& file : model.files()) {
    for (const SafetensorsEntry& entry : file.tensors()) {
      if (!used.contains(entry.name) && !is_known_buffer(entry.name)) report.unused.push_back(entry.name);
    }
  }
  parameters.refresh_copy();
  return report;
}

void save_tensors(const Parameters& parameters, const std::string& path) {
  std::vector<std::vector<float>> values;
  std::vector<SafetensorsEntry> entries;
  values.reserve(parameters.tensors().size());
  for (const NamedTensor& tensor : parameters.tensors()) {
    values.push_back(parameters.value(tensor).to_host());
    std::vector<int64_t> shape;
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
    entries.push_back({tensor.name, "F32", std::move(shape), std::as_bytes(std::span(values.back()))});
  }
  write_safetensors(path, entries);
}

}  // namespace gradus
