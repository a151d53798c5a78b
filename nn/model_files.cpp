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

const TensorEntry* find_tensor(const SafetensorsModel& model, const std::string& name) {
  for (const std::string& alias : aliases(name)) {
    if (const TensorEntry* entry = model.find(alias)) return entry;
  }
  return nullptr;
}

// A buffer of 0, 1, 2 ... that older transformers versions saved with the weights.
bool is_known_buffer(std::string_view name) { return name.ends_with("embeddings.position_ids"); }

void check_shape(const std::string& path, const TensorEntry& entry, const NamedTensor& tensor) {
  bool same = static_cast<int>(entry.shape.size()) == tensor.shape.rank();
  for (int i = 0; same && i < tensor.shape.rank(); ++i)
    same = entry.shape[static_cast<size_t>(i)] == tensor.shape[i];
  check(same, "{}: tensor '{}' has shape [{}]: the model expects {}", path, entry.name,
        fmt::join(entry.shape, ", "), tensor.shape);
}

// The file's tensor for each of the model's, null where there is none and none is required.
std::vector<const TensorEntry*> match_tensors(const std::string& path, const SafetensorsModel& model,
                                              const Parameters& parameters,
                                              const std::vector<std::string>& required) {
  std::vector<const TensorEntry*> entries;
  for (const NamedTensor& tensor : parameters.tensors()) {
    const TensorEntry* entry = find_tensor(model, tensor.name);
    if (entry != nullptr) check_shape(path, *entry, tensor);
    const bool fatal = std::any_of(required.begin(), required.end(), [&](const std::string& prefix) {
      return tensor.name.starts_with(prefix);
    });
    check(entry != nullptr || !fatal, "{}: tensor '{}' of shape {} is missing", path, tensor.name,
          tensor.shape);
    entries.push_back(entry);
  }
  return entries;
}

}  // namespace

void check_tensors(const std::string& path, const Parameters& parameters,
                   const std::vector<std::string>& required) {
  match_tensors(path, SafetensorsModel(path), parameters, required);
}

LoadReport load_tensors(const std::string& path, Parameters& parameters,
                        const std::vector<std::string>& required, uint64_t seed) {
  const SafetensorsModel model(path);
  LoadReport report;
  std::set<std::string_view> used;
  const std::vector<const TensorEntry*> entries = match_tensors(path, model, parameters, required);
  for (size_t i = 0; i < entries.size(); ++i) {
    const NamedTensor& tensor = parameters.tensors()[i];
    if (entries[i] == nullptr) {
      parameters.initialize(tensor, seed);
      report.missing.push_back(tensor.name);
      continue;
    }
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    copy_as_float(*entries[i], values);
    parameters.value(tensor).copy_from_host(values);
    used.insert(entries[i]->name);
  }
  for (const SafetensorsFile& file : model.files()) {
    for (const TensorEntry& entry : file.tensors()) {
      if (!used.contains(entry.name) && !is_known_buffer(entry.name)) report.unused.push_back(entry.name);
    }
  }
  parameters.refresh_copy();
  return report;
}

void save_tensors(const Parameters& parameters, const std::string& path) {
  std::vector<std::vector<float>> values;
  std::vector<TensorEntry> entries;
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
