#include "nn/checkpoints/model_files.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "nn/checkpoints/saved_tensors.h"

namespace gradus {
namespace {

void check_shape(const std::string& path, const ModelTensors::Tensor& found, const NamedTensor& tensor) {
  bool same = static_cast<int>(found.shape.size()) == tensor.shape.rank();
  for (int i = 0; same && i < tensor.shape.rank(); ++i)
    same = found.shape[static_cast<size_t>(i)] == tensor.shape[i];
  check(same, "{}: tensor '{}' has shape {}: the model expects {}", path, found.source,
        shape_text(found.shape), tensor.shape);
}

bool is_of_head(std::string_view name) {
  return name.starts_with("classifier.") || name.starts_with("crf.") || name.starts_with("qa_outputs.");
}

// Puts the labels of a head's tensor, along its first axis and in a CRF's transitions along both, in the model's order.
void reorder(const NamedTensor& tensor, const std::vector<int64_t>& rows, std::vector<float>& values) {
  const std::vector<float> stored = values;
  const size_t width = stored.size() / rows.size();
  const bool both = tensor.name == "crf.transitions";
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < width; ++c)
      values[r * width + c] =
          stored[static_cast<size_t>(rows[r]) * width + (both ? static_cast<size_t>(rows[c]) : c)];
  }
}

// The file's tensor for each of the model's, null where there is none and none is required.
std::vector<const ModelTensors::Tensor*> match_tensors(const ModelTensors& file, const Parameters& parameters,
                                                       const std::vector<std::string>& required,
                                                       const HeadRows& head) {
  std::vector<const ModelTensors::Tensor*> matched;
  for (const NamedTensor& tensor : parameters.tensors()) {
    const bool leaves = head.is_new && is_of_head(tensor.name);
    const ModelTensors::Tensor* found = leaves ? nullptr : file.find(tensor.name);
    if (found != nullptr) check_shape(file.path(), *found, tensor);
    const bool fatal = std::any_of(required.begin(), required.end(), [&](const std::string& prefix) {
      return tensor.name.starts_with(prefix);
    });
    check(found != nullptr || !fatal, "{}: tensor '{}' of shape {} is missing", file.path(), tensor.name,
          tensor.shape);
    matched.push_back(found);
  }
  return matched;
}

}  // namespace

void check_tensors(const ModelTensors& file, const Parameters& parameters,
                   const std::vector<std::string>& required, const HeadRows& head) {
  match_tensors(file, parameters, required, head);
}

LoadReport load_tensors(const std::string& path, Parameters& parameters,
                        const std::vector<std::string>& required, uint64_t seed, const HeadRows& head) {
  const ModelTensors file(path);
  LoadReport report;
  std::set<const ModelTensors::Tensor*> used;
  const std::vector<const ModelTensors::Tensor*> matched = match_tensors(file, parameters, required, head);
  for (size_t i = 0; i < matched.size(); ++i) {
    const NamedTensor& tensor = parameters.tensors()[i];
    if (matched[i] == nullptr) {
      parameters.initialize(tensor, seed);
      report.missing.push_back(tensor.name);
      continue;
    }
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    file.read(*matched[i], values);
    const auto bad = std::ranges::count_if(values, [](float value) { return !std::isfinite(value); });
    check(bad == 0, "{}: tensor '{}': {} of its {} values are infinite or not a number", path,
          matched[i]->source, bad, values.size());
    if (!head.rows.empty() && is_of_head(tensor.name)) reorder(tensor, head.rows, values);
    parameters.set(tensor, values);
    used.insert(matched[i]);
  }
  for (const ModelTensors::Tensor& tensor : file.tensors()) {
    if (!used.contains(&tensor)) report.unused.push_back(tensor.source);
  }
  report.unused.insert(report.unused.end(), file.unknown().begin(), file.unknown().end());
  parameters.refresh_copy();
  return report;
}

void save_tensors(const Parameters& parameters, const std::string& path, std::string_view model_type) {
  std::vector<SavedTensor> tensors;
  for (const NamedTensor& tensor : parameters.tensors())
    tensors.push_back({named_after(model_type, tensor.name), parameters.value(tensor)});
  save_tensors(path, tensors);
}

}  // namespace gradus
