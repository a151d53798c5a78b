#include "tests/op_table.h"

#include <fmt/core.h>

#include <cstdlib>

#include "tests/op_table/values.h"

namespace gradus {

const std::vector<Op>& op_table() {
  static const std::vector<Op> table = [] {
    using namespace op_table_rows;
    std::vector<Op> rows;
    for (const auto& family :
         {pointwise_rows(), linear_rows(), row_rows(), normalisation_rows(), sequence_rows(), loss_rows()}) {
      rows.insert(rows.end(), family.begin(), family.end());
    }
    if (const char* const names = std::getenv("GRADUS_OPS")) {
      const std::string list = fmt::format(",{},", names);
      std::erase_if(
          rows, [&](const Op& op) { return list.find(fmt::format(",{},", op.name)) == std::string::npos; });
    }
    return rows;
  }();
  return table;
}

}  // namespace gradus
