// What the machine gives without the engine: the yardstick beside the op times.
#pragma once

#include <cstdint>
#include <functional>

#include "core/dtype.h"

namespace gradus {

// Median time of one call, in seconds: of at least five calls and for at least a third of a second, after one
// that is not counted.
double median_seconds(const std::function<void()>& call);

// Seconds to copy `bytes` of memory, shared by all threads.
double copy_seconds(size_t bytes);

// Seconds for the product [m, k] x [k, n] in oneDNN's own best layout. Throws Error where oneDNN has none for
// `dtype`.
double matmul_seconds(int64_t m, int64_t k, int64_t n, DType dtype);

}  // namespace gradus
