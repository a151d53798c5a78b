#include "data/dataset.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/joined.h"
#include "data/dataset_columns.h"
#include "data/dataset_formats.h"
#include "data/unicode.h"

namespace gradus {

const std::vector<RecordFormat>& record_formats() {
  static const std::vector<RecordFormat> formats{mind_record_format(), tf_record_format()};
  return formats;
}

const RecordFormat& record_format(DatasetFormat format) {
  for (const RecordFormat& row : record_formats())
    if (row.format == format) return row;
  fail("[records] a text has none");
}

DatasetFormat parse_dataset_format(std::string_view name) {
  if (name == "text") return DatasetFormat::text;
  std::vector<std::string_view> names{"text"};
  for (const RecordFormat& row : record_formats()) {
    if (name == row.name) return row.format;
    names.push_back(row.name);
  }
  fail("data set format '{}': expected one of {}", name, joined(names, ", "));
}

bool is_whole_dataset(const std::string& path, DatasetFormat format) {
  const std::string_view index = record_format(format).index;
  return std::filesystem::exists(path) &&
         (index.empty() || std::filesystem::exists(fmt::format("{}{}", path, index)));
}

std::vector<std::string> unread_columns(const std::string& path, const std::vector<std::string_view>& names,
                                        const std::vector<DatasetColumn>& wanted) {
  std::vector<std::string_view> others;
  for (const std::string_view name : names) {
    if (std::none_of(wanted.begin(), wanted.end(),
                     [&](const DatasetColumn& column) { return column.name == name; }))
      others.push_back(name);
  }
  if (others.empty()) return {};
  return {fmt::format("{}: columns that are not read: {}", path, shown_list(others))};
}

void DatasetWriter::finish() { commit_together(complete()); }

std::unique_ptr<DatasetReader> DatasetReader::open(const std::string& path, DatasetFormat format,
                                                   std::vector<DatasetColumn> columns,
                                                   const std::string& schema_path, DatasetShards shards) {
  check(format != DatasetFormat::text, "{}: a text has no records", path);
  return record_format(format).open(path, std::move(columns), schema_path, shards);
}

std::unique_ptr<DatasetWriter> DatasetWriter::create(const std::string& path, DatasetFormat format,
                                                     std::vector<DatasetColumn> columns) {
  check(format != DatasetFormat::text, "{}: a text has no records", path);
  return record_format(format).create(path, std::move(columns));
}

}  // namespace gradus
