#include "tasks/infer/inference.h"

#include "data/dataset_stream.h"

namespace gradus {

std::vector<DatasetRow> read_record_rows(const FineTuneOptions& options, std::vector<DatasetColumn> columns) {
  DatasetStreamOptions stream_options;
  stream_options.format = options.format();
  stream_options.schema_path = options.schema_file_path;
  DatasetStream stream(options.eval_data_file_path, std::move(columns), stream_options);
  std::vector<DatasetRow> rows;
  for (DatasetRow row; stream.next(row);) rows.push_back(row);
  return rows;
}

}  // namespace gradus
