#include "nn/checkpoints/tensor_entry.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/dtype.h"

namespace gradus {

static_assert(std::endian::native == std::endian::little, "tensors are used as they lie in the file");

namespace {

float half_to_float(uint16_t bits) {
  const float sign = (bits & 0x8000U) != 0 ? -1.0F : 1.0F;
  const int exponent = (bits >> 10) & 0x1f;
  const int mantissa = bits & 0x3ff;
  if (exponent == 31 && mantissa != 0) return std::numeric_limits<float>::quiet_NaN();
  if (exponent == 31) return sign * std::numeric_limits<float>::infinity();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

// Calls convert(element) for each element of the type `Stored`, from `next` on, and fills `values` with what it
// returns.
template <typename Stored, typename Value, typename Convert>
void convert_all(const std::byte* next, std::span<Value> values, Convert convert) {
  for (Value& value : values) {
    Stored stored;
    std::memcpy(&stored, next, sizeof stored);
    next += sizeof stored;
    value = convert(stored);
  }
}

}  // namespace

int64_t TensorEntry::elements() const {
  int64_t product = 1;
  for (const int64_t dim : shape) product *= dim;
  return product;
}

void check_bytes(const std::string& where, const TensorEntry& tensor) {
  const int64_t expected = tensor_bytes(where, tensor.dtype, tensor.shape);
  check(static_cast<uint64_t>(expected) == tensor.data.size(), "{}: {} bytes, expected {} for {} {}", where,
        tensor.data.size(), expected, tensor.dtype, shape_text(tensor.shape));
}

void copy_as_float(const TensorEntry& tensor, std::span<float> values) {
  const std::string where = fmt::format("[checkpoint] tensor '{}'", tensor.name);
  check(tensor.data.size() == static_cast<size_t>(tensor_bytes(where, tensor.dtype, tensor.shape)),
        "{}: {} bytes do not fit {} {}", where, tensor.data.size(), tensor.dtype, shape_text(tensor.shape));
  check(static_cast<size_t>(tensor.elements()) == values.size(), "{}: room for {} values, expected {}", where,
        values.size(), tensor.elements());
  if (values.empty()) return;
  if (tensor.dtype == "F32") {
    std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  } else if (tensor.dtype == "F16") {
    convert_all<uint16_t>(tensor.data.data(), values, half_to_float);
  } else if (tensor.dtype == "BF16") {
    convert_all<bfloat16>(tensor.data.data(), values,
                          [](bfloat16 value) { return static_cast<float>(value); });
  } else if (tensor.dtype == "F64") {
    convert_all<double>(tensor.data.data(), values, [&](double value) {
      check(!std::isfinite(value) || std::abs(value) <= std::numeric_limits<float>::max(),
            "{}: {} is too large for float32", where, value);
      return static_cast<float>(value);
    });
  } else {
    fail("{}: dtype {} is not a float type, expected F32, F16, BF16 or F64", where, tensor.dtype);
  }
}

void copy_as_double(const TensorEntry& tensor, int64_t first, std::span<double> values) {
  const size_t rank = element_type_rank(tensor.dtype);
  check(rank < element_types.size(), "[checkpoint] tensor '{}': dtype {}", tensor.name, tensor.dtype);
  const auto bytes = static_cast<size_t>(element_types[rank].bytes);
  check(first >= 0 && (static_cast<size_t>(first) + values.size()) * bytes <= tensor.data.size(),
        "[checkpoint] tensor '{}' has no elements {} to {}", tensor.name, first,
        static_cast<size_t>(first) + values.size());
  const std::byte* next = tensor.data.data() + static_cast<size_t>(first) * bytes;
  const auto as = [&]<typename Stored>(Stored) {
    convert_all<Stored>(next, values, [](Stored value) { return static_cast<double>(value); });
  };
  const std::string_view type = tensor.dtype;
  if (type == "F32") as(float{});
  else if (type == "F64") as(double{});
  else if (type == "BF16")
    convert_all<bfloat16>(next, values, [](bfloat16 v) { return static_cast<float>(v); });
  else if (type == "F16") convert_all<uint16_t>(next, values, half_to_float);
  else if (type == "I64") as(int64_t{});
  else if (type == "U64") as(uint64_t{});
  else if (type == "I32") as(int32_t{});
  else if (type == "U32") as(uint32_t{});
  else if (type == "I16") as(int16_t{});
  else if (type == "U16") as(uint16_t{});
  else if (type == "I8") as(int8_t{});
  else as(uint8_t{});
}

}  // namespace gradus
