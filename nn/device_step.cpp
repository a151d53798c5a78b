#include "nn/device_step.h"

#include <algorithm>
#include <cstring>

namespace gradus {
namespace {

Tensor bytes_of(const Tensor& numbers, size_t begin, size_t end) {
  return numbers.slice(static_cast<int64_t>(begin), static_cast<int64_t>(end));
}

}  // namespace

DeviceStep::DeviceStep(Backend& backend)
    : numbers_(Tensor::zeros(backend, {static_cast<int64_t>(sizeof(StepNumbers))}, DType::uint8)),
      place_(numbers_.within_bytes(offsetof(StepNumbers, step), {2}, DType::int32)),
      loss_(numbers_.within_bytes(offsetof(StepNumbers, loss), {1}, DType::float32)),
      loss_scale_(numbers_.within_bytes(offsetof(StepNumbers, loss_scale), {1}, DType::float32)) {
  restore({});
}

void DeviceStep::begin(uint32_t step, LearningRate rate, std::span<const float> loss_factors) {
  check(loss_factors.size() <= StepNumbers::max_losses, "[step] {} losses: expected at most {}",
        loss_factors.size(), StepNumbers::max_losses);
  StepNumbers numbers;
  std::copy(loss_factors.begin(), loss_factors.end(), numbers.loss_factors.begin());
  numbers.learning_rate = rate.usual;
  numbers.learning_rate_after_skip = rate.after_skip;
  numbers.step = static_cast<int32_t>(step);
  numbers_.backend().copy_from_host(&numbers, bytes_of(numbers_, 0, step_numbers_told));
}

void DeviceStep::begin_micro_step(uint32_t micro_step) {
  check(micro_step < 1U << 16, "[step] micro-step {}: expected fewer than {}", micro_step, 1U << 16);
  const auto number = static_cast<int32_t>(micro_step);
  numbers_.backend().copy_from_host(&number, place_.slice(1, 2));
}

Variable DeviceStep::objective(const std::vector<Variable>& losses) const {
  const Tensor factors =
      numbers_.within_bytes(offsetof(StepNumbers, loss_factors), {std::ssize(losses)}, DType::float32);
  Variable sum = weighted_sum(losses, factors);
  numbers_.backend().add_backward({sum.value(), {loss_, true}});
  return sum;
}

void DeviceStep::restore(const StepNumbers& kept) {
  numbers_.backend().copy_from_host(reinterpret_cast<const std::byte*>(&kept) + step_numbers_kept,
                                    bytes_of(numbers_, step_numbers_kept, sizeof kept));
}

StepNumbers DeviceStep::Findings::wait() {
  StepNumbers numbers;
  const std::span<const std::byte> bytes = copy_->wait();
  check(bytes.size() == sizeof numbers, "[step] {} bytes of numbers, expected {}", bytes.size(),
        sizeof numbers);
  std::memcpy(&numbers, bytes.data(), sizeof numbers);
  return numbers;
}

}  // namespace gradus
