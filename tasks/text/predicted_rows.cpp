#include "tasks/text/predicted_rows.h"

#include <algorithm>

#include "core/error.h"
#include "data/columns.h"
#include "data/unicode.h"

namespace gradus {

std::string predicted_head(const TableLayout& layout, const std::vector<std::string>& names,
                           const std::string& path) {
  const std::string end = layout.ends_in_crlf ? "\r\n" : "\n";
  std::string head = layout.has_mark ? "\xEF\xBB\xBF" : "";
  if (!layout.preamble.empty()) head += layout.preamble + end;
  if (layout.names.empty()) return head;
  head += layout.header;
  for (const std::string& name : names) {
    const bool is_taken =
        std::ranges::any_of(layout.names, [&](const auto& taken) { return same_column_name(taken, name); });
    check(!is_taken, "{}: the header has a column {} already, which is the name of what is predicted", path,
          shown(name));
    head.append(1, layout.look.delimiter).append(table_cell(name, layout.look));
  }
  return head + end;
}

std::string predicted_row(const TableLayout& layout, std::string_view row,
                          const std::vector<std::string>& cells) {
  std::string line(row);
  for (const std::string& cell : cells)
    line.append(1, layout.look.delimiter).append(table_cell(cell, layout.look));
  return layout.ends_in_crlf ? line + "\r" : line;
}

void check_predicted_members(std::string_view row, const Json& more, const std::string& where) {
  const Json object = parse_json(row, where);
  for (const auto& [name, value] : more.members())
    check(!object.contains(name), "{}: the row has a \"{}\" already, which is the name of what is predicted",
          where, name);
}

std::string predicted_object(std::string_view row, const Json& more) {
  return fmt::format("{},{}", row.substr(0, row.rfind('}')), json_text(more).substr(1));
}

}  // namespace gradus
