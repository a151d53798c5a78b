#include "data/dataset_stream.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <thread>

#include "core/error.h"
#include "core/io/crc32c.h"
#include "core/io/files.h"
#include "core/random.h"
#include "data/batcher.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t most_open_files = 256;

// A permutation of the numbers below `count` that takes no memory: a Feistel network (Luby and Rackoff 1988) over the
// smallest even number of bits, applied again until the result is below `count` (Black and Rogaway 2002).
class Permutation {
 public:
  Permutation(int64_t count, uint64_t seed, int64_t epoch)
      : count_(static_cast<uint64_t>(count)),
        half_bits_((std::bit_width(count_ - 1) + 1) / 2),
        key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32U)},
        epoch_(static_cast<uint32_t>(epoch)) {}

  int64_t operator()(int64_t number) const {
    auto x = static_cast<uint64_t>(number);
    do x = mixed(x);
    while (x >= count_);
    return static_cast<int64_t>(x);
  }

 private:
  uint64_t mixed(uint64_t x) const {
    const uint64_t mask = (uint64_t{1} << static_cast<unsigned>(half_bits_)) - 1;
    uint64_t left = x >> static_cast<unsigned>(half_bits_), right = x & mask;
    for (uint32_t round = 0; round < 4; ++round) {
      const uint64_t next =
          left ^ (philox({static_cast<uint32_t>(right), round, epoch_, 0x66656973}, key_)[0] & mask);
      left = right;
      right = next;
    }
    return left << static_cast<unsigned>(half_bits_) | right;
  }

  uint64_t count_;
  int half_bits_;
  std::array<uint32_t, 2> key_;
  uint32_t epoch_;
};

struct Place {
  size_t file = 0;
  int64_t record = 0;
};

// Files of a folder, the names of others that may be meant.
struct FolderFiles {
  std::vector<std::string> records, others;
};

FolderFiles look_into(const std::string& path, DatasetFormat format) {
  if (!std::filesystem::is_directory(path)) return {{path}, {}};
  const RecordFormat& row = record_format(format);
  FolderFiles files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
    const bool fits = std::ranges::any_of(row.marks, has) && (row.index.empty() || !has(row.index));
    // A file that is being written, or whose writer was killed, and descriptions are no records.
    if (has(temporary_mark) || name.ends_with(".json")) continue;
    const bool is_record = fits && entry.is_regular_file();
    if (is_record) files.records.push_back(entry.path().string());
    // Beside records lie their labels and indexes.
    else if (!name.starts_with('.') && !name.ends_with(".txt") && !name.ends_with(".db"))
      files.others.push_back(name);
  }
  check(!files.records.empty(), "{}: no file whose name contains \"{}\"", path, row.marks.front());
  std::sort(files.records.begin(), files.records.end());
  std::sort(files.others.begin(), files.others.end());
  return files;
}

}  // namespace

DatasetShuffle parse_dataset_shuffle(std::string_view name) {
  if (name == "false" || name == "none") return DatasetShuffle::none;
  if (name == "files") return DatasetShuffle::files;
  if (name == "true" || name == "full") return DatasetShuffle::full;
  fail("shuffle '{}': expected none, files or full", name);
}

std::vector<std::string> find_dataset_files(const std::string& path, DatasetFormat format) {
  return look_into(path, format).records;
}

struct DatasetStream::File {
  std::string path;
  int64_t records = 0;
  std::unique_ptr<DatasetReader> reader;  // null before the first use
  int64_t last_use = 0;                   // 0: its file is closed
};

// Which record stands at a position of this rank's part of the epoch.
class DatasetStream::Order {
 public:
  Order(const std::vector<File>& files, const DatasetStreamOptions& options, int64_t epoch, int64_t records)
      : files_(files.size()),
        rank_(options.rank),
        ranks_(options.ranks),
        records_(records),
        is_full_(options.shuffle == DatasetShuffle::full),
        permutation_(records, options.seed, epoch) {
    std::iota(files_.begin(), files_.end(), size_t{0});
    if (options.shuffle == DatasetShuffle::files)
      RandomSequence(options.seed, 0x66696c65, static_cast<uint32_t>(epoch)).shuffle(files_);
    for (const size_t file : files_)
      ends_.push_back((ends_.empty() ? 0 : ends_.back()) + files[file].records);
    if (options.shuffle == DatasetShuffle::drawn)
      drawn_ = shuffled_order(records, options.seed, static_cast<uint32_t>(epoch));
  }

  Place operator[](int64_t position) const {
    const int64_t number = (position * ranks_ + rank_) % records_;
    const int64_t record = is_full_         ? permutation_(number)
                           : drawn_.empty() ? number
                                            : drawn_[static_cast<size_t>(number)];
    const auto file =
        static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), record) - ends_.begin());
    return {files_[file], record - (file == 0 ? 0 : ends_[file - 1])};
  }

 private:
  std::vector<size_t> files_;  // in the epoch's order
  std::vector<int64_t> ends_;  // of each, in records
  int64_t rank_, ranks_, records_;
  bool is_full_;
  Permutation permutation_;
  std::vector<int32_t> drawn_;
};

// The thread that reads ahead, and the records that it has read.
class DatasetStream::Ahead {
 public:
  Ahead(DatasetStream& stream, int64_t position)
      : stream_(stream), thread_([this, position] { run(position); }) {}
  ~Ahead() {
    {
      const std::lock_guard lock(guard_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  bool next(DatasetRow& row) {
    if (at_ == block_.count && !block_.error) take_block();
    if (at_ == block_.count) {
      if (block_.error) std::rethrow_exception(block_.error);
      return false;
    }
    place_ = block_.places[at_];
    std::swap(row, block_.rows[at_++]);
    return true;
  }

  Place place() const { return place_; }

 private:
  static constexpr size_t block_size = 64, most_blocks = 4;

  struct Block {
    std::vector<DatasetRow> rows = std::vector<DatasetRow>(block_size);
    std::vector<Place> places = std::vector<Place>(block_size);
    size_t count = 0;
    std::exception_ptr error;  // of the record behind these
  };

  void take_block() {
    std::unique_lock lock(guard_);
    if (block_.count > 0) used_.push_back(std::move(block_));
    changed_.wait(lock, [&] { return !ready_.empty() || finished_; });
    block_ = Block{{}, {}, 0, nullptr};
    at_ = 0;
    if (!ready_.empty()) {
      block_ = std::move(ready_.front());
      ready_.pop_front();
    }
    lock.unlock();
    changed_.notify_all();
  }

  void run(int64_t position) {
    while (position < stream_.size_) {
      Block block;
      {
        std::unique_lock lock(guard_);
        changed_.wait(lock, [&] { return stopped_ || ready_.size() < most_blocks; });
        if (stopped_) return;
        if (!used_.empty()) {
          block = std::move(used_.front());
          used_.pop_front();
        }
      }
      fill(block, position);
      const bool failed = block.error != nullptr;
      {
        const std::lock_guard lock(guard_);
        ready_.push_back(std::move(block));
      }
      changed_.notify_all();
      if (failed) return;  // the error waits for its reader
    }
    {
      const std::lock_guard lock(guard_);
      finished_ = true;
    }
    changed_.notify_all();
  }

  void fill(Block& block, int64_t& position) {
    try {
      for (block.count = 0; block.count < block_size && position < stream_.size_; ++position) {
        const Place place = (*stream_.order_)[position];
        DatasetReader& reader = stream_.open(place.file);
        if (!expected_ || expected_->file != place.file || expected_->record != place.record)
          reader.seek(place.record);
        expected_ = {place.file, place.record + 1};
        check(reader.next(block.rows[block.count]), "{}: the file has become shorter",
              stream_.files_[place.file].path);
        block.places[block.count++] = place;
      }
    } catch (...) {
      block.error = std::current_exception();
    }
  }

  DatasetStream& stream_;
  // Of the reader's side:
  Block block_{{}, {}, 0, nullptr};
  size_t at_ = 0;
  Place place_;
  // Of the thread's:
  std::optional<Place> expected_;  // what the reader of its file would read next
  // Of both:
  std::mutex guard_;
  std::condition_variable changed_;
  std::deque<Block> ready_, used_;
  bool stopped_ = false, finished_ = false;
  std::thread thread_;  // last: it starts when all else is there
};

DatasetStream::DatasetStream(std::vector<std::string> files, std::vector<DatasetColumn> columns,
                             DatasetStreamOptions options)
    : columns_(std::move(columns)), options_(std::move(options)) {
  open_all(std::move(files));
}

DatasetStream::DatasetStream(const std::string& path, std::vector<DatasetColumn> columns,
                             DatasetStreamOptions options)
    : columns_(std::move(columns)), options_(std::move(options)) {
  FolderFiles files = look_into(path, options_.format);
  if (!files.others.empty())
    warnings_.push_back(fmt::format("{}: not read: {}", path, shown_list(files.others)));
  open_all(std::move(files.records));
}

void DatasetStream::open_all(std::vector<std::string> files) {
  check(!files.empty(), "[dataset stream] no file");
  check(options_.ranks > 0 && options_.rank >= 0 && options_.rank < options_.ranks,
        "[dataset stream] rank {} of {}: expected 0 to below the number of ranks", options_.rank,
        options_.ranks);
  // Each shard of a set is a file of its own, so that places name it.
  const RecordFormat& format = record_format(options_.format);
  const bool is_set = format.is_set(files);
  const std::string first = files[0];
  if (is_set) files = format.shards(first);
  std::set<std::string> warned;
  const bool has_schema = format.has_schema && !options_.schema_path.empty();
  const int64_t most =
      std::min(options_.most_records, has_schema ? schema_rows(options_.schema_path) : options_.most_records);
  for (std::string& path : files) {
    files_.push_back({std::move(path), 0, nullptr, 0});
    File& file = files_.back();
    DatasetReader& reader = open(files_.size() - 1);
    file.records = reader.size();
    check(file.records > 0 || is_set, "{}: no record", file.path);
    const bool jumps = options_.shuffle == DatasetShuffle::full || options_.shuffle == DatasetShuffle::drawn;
    check(!jumps || reader.seeks_fast(),
          "{}: a compressed file can't be shuffled record by record: expected files to be shuffled whole",
          file.path);
    file.records = std::min(file.records, most - records_);
    records_ += file.records;
    seeks_fast_ = seeks_fast_ && reader.seeks_fast();
    for (std::string& warning : reader.warnings()) {
      if (warned.insert(warning).second) warnings_.push_back(std::move(warning));
    }
    if (records_ == options_.most_records) break;  // the other files are no matter
  }
  check(records_ > 0, "{}: no record", first);
  check(options_.shuffle != DatasetShuffle::drawn || records_ <= std::numeric_limits<int32_t>::max(),
        "{}: {} records: expected at most {} to be shuffled", first, records_,
        std::numeric_limits<int32_t>::max());
  size_ = (records_ + options_.ranks - 1) / options_.ranks;
}

DatasetStream::~DatasetStream() = default;

DatasetReader& DatasetStream::open(size_t file) {
  File& wanted = files_[file];
  if (wanted.last_use == 0) {
    // What was used longest ago makes room.
    if (open_files_ == most_open_files) {
      const auto age = [](const File& f) {
        return f.last_use == 0 ? std::numeric_limits<int64_t>::max() : f.last_use;
      };
      File& oldest = *std::min_element(files_.begin(), files_.end(),
                                       [&](const File& a, const File& b) { return age(a) < age(b); });
      oldest.reader->close();
      oldest.last_use = 0;
      --open_files_;
    }
    ++open_files_;
  }
  wanted.last_use = ++uses_;
  if (wanted.reader == nullptr)
    wanted.reader =
        DatasetReader::open(wanted.path, options_.format, columns_, options_.schema_path, DatasetShards::one);
  return *wanted.reader;
}

void DatasetStream::start(int64_t position) {
  ahead_.reset();
  order_ = std::make_unique<Order>(files_, options_, epoch_, records_);
  ahead_ = std::make_unique<Ahead>(*this, position);
}

void DatasetStream::begin(int64_t epoch, int64_t number) {
  epoch_ = epoch;
  seek(number);
}

bool DatasetStream::next(DatasetRow& row) {
  if (ahead_ == nullptr) start(0);
  return ahead_->next(row);
}

void DatasetStream::seek(int64_t number) {
  check(number >= 0 && number <= size_, "[dataset stream] record {} of {}", number, size_);
  start(number);
}

void DatasetStream::close() { ahead_.reset(); }

std::string DatasetStream::where() const {
  if (ahead_ == nullptr) return files_.front().path;
  const Place place = ahead_->place();
  const RecordFormat& format = record_format(options_.format);
  return fmt::format("{}: {} {}", files_[place.file].path, format.record, format.first + place.record);
}

int64_t DatasetStream::number() const {
  if (ahead_ == nullptr) return 0;
  const Place place = ahead_->place();
  int64_t number = place.record;
  for (size_t file = 0; file < place.file; ++file) number += files_[file].records;
  return number;
}

std::vector<std::string> DatasetStream::warnings() const { return warnings_; }

uint32_t DatasetStream::checksum() const {
  uint32_t sum = 0;
  for (const File& file : files_)
    sum = crc32c(fmt::format("{} {};", std::filesystem::file_size(file.path), file.records), sum);
  return sum;
}

}  // namespace gradus
