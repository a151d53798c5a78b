// What readers of all formats of records do with columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "data/dataset.h"

namespace gradus {

// Copies integers. Throws Error "<where()>: <name>[i] is ..." on one beyond 32 bits.
// `where` is asked for an error alone: the text of a place takes longer to make than a record to read.
template <typename Place>
void copy_ints(const std::vector<int64_t>& from, std::vector<int32_t>& to, const std::string& name,
               const Place& where) {
  to.resize(from.size());
  uint64_t shifted = 0;  // the bits of all numbers plus 2^31: below 2^32 when they have 32 bits
  for (size_t i = 0; i < from.size(); ++i) {
    to[i] = static_cast<int32_t>(from[i]);
    shifted |= static_cast<uint64_t>(from[i]) + (uint64_t{1} << 31);
  }
  for (size_t i = 0; shifted >> 32 != 0; ++i) {
    if (to[i] != from[i]) fail("{}: {}[{}] is {}: expected a number of 32 bits", where(), name, i, from[i]);
  }
}

// One warning that names the columns that nobody asked for, or none.
std::vector<std::string> unread_columns(const std::string& path, const std::vector<std::string_view>& names,
                                        const std::vector<DatasetColumn>& wanted);

}  // namespace gradus
