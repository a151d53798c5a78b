#include "tasks/training/checkpoint_mean.h"

#include "nn/checkpoints/model_files.h"

namespace gradus {

void load_mean(const std::vector<std::filesystem::path>& folders, Parameters& parameters) {
  const Tensor& values = parameters.values();
  std::vector<double> sums(static_cast<size_t>(values.elements()));
  for (const std::filesystem::path& folder : folders) {
    load_tensors(folder.string(), parameters, {""}, 0);  // every tensor is required
    const std::vector<float> found = values.to_host();
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(found[i]);
  }
  std::vector<float> means(sums.size());
  for (size_t i = 0; i < sums.size(); ++i)
    means[i] = static_cast<float>(sums[i] / static_cast<double>(folders.size()));
  values.copy_from_host(means);
  parameters.refresh_copy();
}

}  // namespace gradus
