// A batch as a value: on the host one block of bytes with named parts, which goes to a device in one copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.h"

namespace gradus {

// Everything that a step needs of its examples. Whoever makes one has checked the data: kernels trust it.
class HostBatch {
 public:
  int64_t examples = 0;          // sequences
  int64_t tokens = 0;            // of them, rows that fill up not counted
  std::vector<double> weights;   // for each loss what it is a mean over: examples, labelled words ...
  std::vector<int64_t> numbers;  // which examples they are, in their order here

  // Adds a part. `name` is a constant that outlives the batch. Throws Error on a name that is there, and on values that
  // are not as many as the shape says.
  void add(std::string_view name, const Shape& shape, std::span<const int32_t> values);
  void add(std::string_view name, const Shape& shape, std::span<const float> values);
  // Adds the offsets of sequences of which none has more rows than `longest`.
  void add_offsets(std::string_view name, std::span<const int32_t> offsets, int64_t longest);

  struct Part {
    std::string_view name;
    DType dtype;
    Shape shape;
    size_t offset;        // in the block
    int64_t longest = 0;  // of offsets
  };
  // Throws Error when there is none of that name.
  const Part& part(std::string_view name) const;
  std::span<const std::byte> block() const { return block_; }
  // What a step may depend on but for the values in the block: names, types, shapes and places of the parts, how long the longest
  // sequence is taken to be, and how many losses have a weight. Batches of equal form are computed on by the same calls.
  std::string form() const;

 private:
  void add_bytes(Part part, std::span<const std::byte> bytes);

  std::vector<std::byte> block_;
  std::vector<Part> parts_;
};

// The same on a device.
class Batch {
 public:
  // One copy takes all of it there.
  Batch(Backend& backend, const HostBatch& host);
  Batch(Backend& backend, HostBatch&& host) = delete;  // it keeps a reference
  // The same into a block that is there, as where a batch of this form was before.
  Batch(Tensor block, const HostBatch& host);

  const HostBatch& host() const { return host_; }
  const Tensor& block() const { return block_; }
  Tensor operator[](std::string_view name) const;
  Packing packing(std::string_view name) const { return {(*this)[name], host_.part(name).longest}; }

 private:
  const HostBatch& host_;
  Tensor block_;
};

}  // namespace gradus
