// The header of a MindRecord file, for its reader and its writer. What the rows are made of: mind_record_values.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/mind_record.h"

namespace gradus::mind_record {

constexpr uint64_t largest_header_text = 128U << 20;  // bytes
constexpr uint64_t smallest_header = 16U << 10, largest_header = 128U << 20;
constexpr uint64_t smallest_page = 32U << 10, largest_page = 256U << 20;
constexpr size_t most_shards = 4096;

struct Page {
  bool blob = false;                    // otherwise raw
  uint64_t group = 0;                   // of a blob page: the row group it is
  uint64_t used = 0;                    // bytes
  uint64_t begin_row = 0, end_row = 0;  // of a blob page
  // Of a raw page: the row groups whose raw parts it holds, and where in the page each begins.
  std::vector<std::array<uint64_t, 2>> groups;
};

struct Header {
  uint64_t header_size = 16U << 20;
  uint64_t page_size = 32U << 20;
  std::string version = "3.0";
  std::vector<MindRecordColumn> columns;  // sorted by name
  std::string description;
  std::vector<std::string> index_fields;
  std::vector<Page> pages;
  std::vector<std::string> shards;  // names of the set's files
  uint64_t shard = 0;               // number of this file
  uint64_t bytes_saved = 0;         // by packing integers

  bool packs_integers() const { return version != "2.0"; }
};

// Throws Error "<where>: ..." for what no MindRecord header can be. Pages are not checked against the file.
Header parse_header(std::string_view text, std::string_view where);
// The JSON text, with the names in the order of the reference writer.
std::string header_text(const Header& header);
// Throws Error "<where>: ..." when a column has no proper name, type and shape, or a name occurs twice.
void check_columns(const std::vector<MindRecordColumn>& columns, std::string_view where);

}  // namespace gradus::mind_record
