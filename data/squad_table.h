// Questions about paragraphs of text in the rows of a table.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/squad_text.h"

namespace gradus {

// Whether a text begins with the names of such a table's columns, "context" and "question" among them.
bool begins_with_squad_header(std::string_view text);

// Reads what read_squad() says of CSV, and hands it over in the same parts; with `keep_rows` as one.
std::vector<std::string> read_squad_table(const std::string& path, bool keep_rows, int64_t most_bytes,
                                          const std::function<void(SquadData&)>& use);

}  // namespace gradus
