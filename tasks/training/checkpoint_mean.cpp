#include "tasks/training/checkpoint_mean.h"

#include "nn/checkpoints/model_files.h"
#include "tasks/model/checkpoint_directory.h"

namespace gradus {

std::vector<int64_t> last_steps(const std::filesystem::path& root, int64_t count, int64_t step) {
  std::vector<int64_t> steps = checkpoint_steps(root);
  std::erase_if(steps, [&](int64_t other) { return other > step; });
  if (std::ssize(steps) > count) steps.erase(steps.begin(), steps.end() - count);
  return steps;
}

void load_mean(const std::filesystem::path& root, const std::vector<int64_t>& steps, Parameters& parameters) {
  const Tensor& values = parameters.values();
  std::vector<double> sums(static_cast<size_t>(values.elements()));
  for (const int64_t step : steps) {
    const std::filesystem::path folder = root / CheckpointDirectory::checkpoint_name(step);
    load_tensors(folder.string(), parameters, {""}, 0);  // every tensor is required
    const std::vector<float> found = values.to_host();
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(found[i]);
  }
  std::vector<float> means(sums.size());
  for (size_t i = 0; i < sums.size(); ++i)
    means[i] = static_cast<float>(sums[i] / static_cast<double>(steps.size()));
  values.copy_from_host(means);
  parameters.refresh_copy();
}

}  // namespace gradus
