// The records of a data set of many files, for training: in an order of its own every epoch, a part for each of several
// processes, read ahead by a thread. Memory does not depend on the files' sizes, except that each record of a
// TFRecord file takes 8 bytes.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gradus {

enum class DatasetShuffle : uint8_t {
  none,
  files,  // the files in random order, each from its first record to its last
  full,   // every record at a random place
  drawn,  // the same, in the order in which make_batches() shuffles examples: 4 bytes a record
};

// "false" or "none", "files", "true" or "full". Throws Error on any other name.
DatasetShuffle parse_dataset_shuffle(std::string_view name);

struct DatasetStreamOptions {
  DatasetFormat format = DatasetFormat::mindrecord;
  std::string schema_path;
  DatasetShuffle shuffle = DatasetShuffle::none;
  uint64_t seed = 1;
  int32_t rank = 0, ranks = 1;  // this process, of so many that share the data
  // The first so many of all files; a schema may say less.
  int64_t most_records = std::numeric_limits<int64_t>::max();
};

// The files of a data set: `path` itself or, of a folder, all whose name contains "tfrecord" or "tf_record", or for
// MindRecord "mindrecord" or "mind_record" without the index files, in the order of their names. Throws Error when
// there is none.
std::vector<std::string> find_dataset_files(const std::string& path, DatasetFormat format);

class DatasetStream final : public DatasetReader {
 public:
  // Opens all files. Throws Error as DatasetReader::open does; on a file without a record; and when all records are
  // to be shuffled and a file is compressed.
  DatasetStream(std::vector<std::string> files, std::vector<DatasetColumn> columns,
                DatasetStreamOptions options);
  // The same of a data set's files (find_dataset_files); what else lies in a folder is told first in the warnings.
  DatasetStream(const std::string& path, std::vector<DatasetColumn> columns, DatasetStreamOptions options);
  ~DatasetStream() override;

  // Starts the order of an epoch, and reading ahead, at a record. Without a call the first next() begins epoch 0.
  void begin(int64_t epoch, int64_t number = 0);
  bool next(DatasetRow& row) override;
  // Records of this rank in an epoch, as many as of every other: N records are ceil(N / ranks) a rank, dealt out in turn,
  // the last ranks taking one from the beginning again. So what all ranks have read by then is what one process reads first,
  // and any other number of them can go on from there.
  int64_t size() override { return size_; }
  // Within the epoch: what came before in its order is left out.
  void seek(int64_t number) override;
  bool seeks_fast() const override { return seeks_fast_; }
  void close() override;
  std::string where() const override;
  // Of the last record among those of all files, from 0.
  int64_t number() const;
  std::vector<std::string> warnings() const override;
  // Of the sizes of the files and the numbers of their records: tells other data from these, mostly, without reading them.
  uint32_t checksum() const;

 private:
  class Order;
  class Ahead;
  struct File;

  void open_all(std::vector<std::string> files);
  DatasetReader& open(size_t file);
  void start(int64_t position);

  std::vector<DatasetColumn> columns_;
  DatasetStreamOptions options_;
  std::vector<File> files_;
  int64_t records_ = 0;  // of all files
  int64_t size_ = 0;
  int64_t epoch_ = 0;
  bool seeks_fast_ = true;
  size_t open_files_ = 0;
  int64_t uses_ = 0;  // of files, counted for knowing which was used longest ago
  std::vector<std::string> warnings_;
  std::unique_ptr<Order> order_;  // of the epoch
  std::unique_ptr<Ahead> ahead_;
};

}  // namespace gradus
