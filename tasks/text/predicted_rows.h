// Rows that were read, written again with what is predicted in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/io/json.h"
#include "data/table_rows.h"

namespace gradus {

// What stands before the rows of a table: its header, if there is one, with more names. Throws Error "path: ..." when
// one of them is there already.
std::string predicted_head(const TableLayout& layout, const std::vector<std::string>& names,
                           const std::string& path);
// A row of a table with more cells, without the LF at its end.
std::string predicted_row(const TableLayout& layout, std::string_view row,
                          const std::vector<std::string>& cells);

// Throws Error "where: ..." when the text of a JSON object has one of the members that are to be added.
void check_predicted_members(std::string_view row, const Json& more, const std::string& where);
// The text of a JSON object, which has members, with more of them; the others stay as they are written.
std::string predicted_object(std::string_view row, const Json& more);

}  // namespace gradus
