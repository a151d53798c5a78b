#include "data/host_batch.h"

#include <algorithm>

namespace gradus {
namespace {

constexpr size_t alignment = 64;  // of parts, as memory of backends has it

}  // namespace

void HostBatch::add(std::string_view name, const Shape& shape, std::span<const int32_t> values) {
  add_bytes({name, DType::int32, shape, 0}, std::as_bytes(values));
}

void HostBatch::add(std::string_view name, const Shape& shape, std::span<const float> values) {
  add_bytes({name, DType::float32, shape, 0}, std::as_bytes(values));
}

void HostBatch::add_offsets(std::string_view name, std::span<const int32_t> offsets, int64_t longest) {
  add_bytes({name, DType::int32, {std::ssize(offsets)}, 0, longest}, std::as_bytes(offsets));
}

void HostBatch::add_bytes(Part part, std::span<const std::byte> bytes) {
  const auto wanted = static_cast<size_t>(part.shape.elements()) * size_of(part.dtype);
  check(bytes.size() == wanted, "[batch] part '{}' of shape {} has {} bytes, expected {}", part.name,
        part.shape, bytes.size(), wanted);
  check(std::ranges::find(parts_, part.name, &Part::name) == parts_.end(), "[batch] two parts are named '{}'",
        part.name);
  part.offset = (block_.size() + alignment - 1) / alignment * alignment;
  block_.resize(part.offset + bytes.size());
  std::ranges::copy(bytes, block_.begin() + static_cast<std::ptrdiff_t>(part.offset));
  parts_.push_back(part);
}

const HostBatch::Part& HostBatch::part(std::string_view name) const {
  const auto found = std::ranges::find(parts_, name, &Part::name);
  check(found != parts_.end(), "[batch] no part is named '{}'", name);
  return *found;
}

std::string HostBatch::form() const {
  std::string text = fmt::format("{} losses;", weights.size());
  for (const Part& part : parts_)
    text +=
        fmt::format("{} {} {} {} {};", part.name, name_of(part.dtype), part.shape, part.offset, part.longest);
  return text;
}

Batch::Batch(Backend& backend, const HostBatch& host)
    : Batch(Tensor::empty(backend, {std::ssize(host.block())}, DType::uint8), host) {}

Batch::Batch(Tensor block, const HostBatch& host) : host_(host), block_(std::move(block)) {
  check(block_.bytes() == host.block().size(), "[batch] {} bytes into a block of {}", host.block().size(),
        block_.bytes());
  block_.backend().copy_from_host(host.block().data(), block_);
}

Tensor Batch::operator[](std::string_view name) const {
  const HostBatch::Part& part = host_.part(name);
  return block_.within_bytes(part.offset, part.shape, part.dtype);
}

}  // namespace gradus
