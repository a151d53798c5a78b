#include "data/mind_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "core/error.h"
#include "core/io/bytes.h"
#include "core/io/file_kind.h"
#include "core/io/files.h"
#include "core/shape_text.h"
#include "data/mind_record_format.h"
#include "data/mind_record_index.h"
#include "data/mind_record_values.h"

namespace gradus {

using namespace mind_record;

namespace {

constexpr uint64_t piece = 1U << 18;  // bytes read at a time
constexpr int64_t most_checked_places = 100'000;
constexpr uint64_t first_piece = 1U << 12;  // bytes read after a jump; then more and more

// The bytes of a file, of which a stretch is kept.
class FileWindow {
 public:
  FileWindow(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  // `size` bytes at `offset`, valid until the next call. The caller has made sure that the file has them.
  std::string_view at(uint64_t offset, uint64_t size) {
    if (offset < begin_ || offset - begin_ > bytes_.size() || size > bytes_.size() - (offset - begin_)) {
      const bool goes_on = offset >= begin_ && offset - begin_ <= bytes_.size();
      ahead_ = goes_on ? std::min(2 * ahead_, piece) : first_piece;
      bytes_.resize(std::max(size, ahead_));
      begin_ = offset;
      size_t have = 0;
      while (have < bytes_.size()) {
        const ssize_t count = ::pread(descriptor_, bytes_.data() + have, bytes_.size() - have,
                                      static_cast<off_t>(offset + have));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_errno("read", path_);
        if (count == 0) break;
        have += static_cast<size_t>(count);
      }
      bytes_.resize(have);
      check(have >= size, "{}: the file ends at byte {}", path_, offset + have);
    }
    return std::string_view(bytes_).substr(offset - begin_, size);
  }

 private:
  int descriptor_;
  std::string path_;
  std::string bytes_;
  uint64_t begin_ = 0;
  uint64_t ahead_ = first_piece;
};

// One part of the rows of a group, length and bytes for each, in one page.
struct Run {
  uint64_t next = 0, end = 0;  // in the file
};

// Rows that share a blob page.
struct Group {
  uint64_t begin_row = 0, end_row = 0;
  uint64_t blob_page = 0, blob_begin = 0, blob_end = 0;  // bytes in the file
  std::optional<uint64_t> raw_page;
  uint64_t raw_begin = 0, raw_end = 0;
};

}  // namespace

class MindRecordReader::Shard {
 public:
  explicit Shard(std::string path)
      : path_(std::move(path)), file_(path_), blobs_(file_.descriptor, path_), raws_(blobs_) {
    check(file_.size >= 8, "{}: {} bytes, a MindRecord file has at least 8", path_, file_.size);
    check(!is_encrypted(), "{}: encrypted MindRecord files are not supported", path_);
    const uint64_t length = little_endian(blobs_.at(0, 8));
    const std::string_view begin = blobs_.at(0, std::min<uint64_t>(file_.size, file_kind_bytes));
    if (begin.substr(8, 1) != "{") check_file_kind(begin, path_, "a MindRecord file");
    check(
        length <= largest_header_text && length <= file_.size - 8,
        "{}: the header takes {} bytes, the file has {} and a header at most {}: this is no MindRecord file",
        path_, length, file_.size, largest_header_text);
    header_ = parse_header(blobs_.at(8, length), path_);
    check(length + 8 <= header_.header_size, "{}: the header takes {} bytes of {}", path_, length,
          header_.header_size);
    find_groups();
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  const std::string& path() const { return path_; }
  const Header& header() const { return header_; }
  int64_t rows() const { return groups_.empty() ? 0 : static_cast<int64_t>(groups_.back().end_row); }
  int64_t row() const { return static_cast<int64_t>(row_); }  // that take() gives next

  // A line about an index that is missing or another file's; empty when all is well.
  std::string open_index() {
    const std::string index_path = path_ + ".db";
    if (!std::filesystem::exists(index_path))
      return fmt::format("no index {}: rows are found by walking", index_path);
    IndexReader index(index_path);
    const std::string name = std::filesystem::path(path_).filename().string();
    if (index.data_file() != name)
      return fmt::format("{} is the index of '{}': rows are found by walking", index_path, index.data_file());
    check(index.rows() == rows(), "{}: {} rows, the data file has {}", index_path, index.rows(), rows());
    // A large index would take longer than all the rest of opening: its places are checked when they are used.
    if (rows() > 0 && rows() <= most_checked_places) check_place(index.largest(), index_path);
    index_.emplace(std::move(index));
    index_path_ = index_path;
    return "";
  }

  void seek(uint64_t row) {
    row_ = row;
    if (row == static_cast<uint64_t>(rows())) return;
    enter_group_of(row);
    const Group& group = groups_[group_];
    if (!index_) {
      for (uint64_t r = group.begin_row; r < row; ++r) {
        skip(blob_run_, blobs_, "blob");
        skip(raw_run_, raws_, "raw");
      }
      return;
    }
    const RowPlace place = index_->find(static_cast<int64_t>(row));
    const uint64_t blob = page_begin(place.blob_page) + place.blob_begin,
                   raw = page_begin(place.raw_page) + place.raw_begin;
    check(place.blob_page == group.blob_page && place.raw_page == *group.raw_page &&
              blob >= group.blob_begin && blob < group.blob_end && raw >= group.raw_begin &&
              raw < group.raw_end,
          "{}: row {} is not where the index has it", index_path_, row);
    blob_run_.next = blob;
    raw_run_.next = raw;
  }

  // The parts of the next row, valid until the next call; false at the end.
  bool take(std::string_view& blob, std::string_view& raw) {
    if (row_ == static_cast<uint64_t>(rows())) return false;
    if (row_ == groups_[group_].end_row || row_ == 0) enter_group_of(row_);
    blob = part(blob_run_, blobs_, "blob");
    raw = part(raw_run_, raws_, "raw");
    ++row_;
    return true;
  }

 private:
  struct OpenFile {
    explicit OpenFile(const std::string& path) {
      check_regular_file(path);  // rows are jumped to
      descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (descriptor < 0) fail_errno("open", path);
      struct stat status {};
      if (::fstat(descriptor, &status) == 0) size = static_cast<uint64_t>(status.st_size);
    }
    ~OpenFile() { ::close(descriptor); }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    int descriptor = -1;
    uint64_t size = 0;
  };

  bool is_encrypted() { return blobs_.at(file_.size - 7, 7) == "ENCRYPT"; }
  uint64_t page_begin(uint64_t page) const { return header_.header_size + page * header_.page_size; }

  // Groups in the order of their rows, each with its part of a raw page.
  void find_groups() {
    std::map<uint64_t, Group> groups;
    for (uint64_t p = 0; p < header_.pages.size(); ++p) {
      const Page& page = header_.pages[p];
      // No overflow: there are at most as many pages as the header's text has bytes.
      check(page.used == 0 || (page_begin(p) < file_.size && page.used <= file_.size - page_begin(p)),
            "{}: page {} has {} bytes from byte {} on, the file has {}", path_, p, page.used, page_begin(p),
            file_.size);
      if (!page.blob) continue;
      Group group;
      group.begin_row = page.begin_row;
      group.end_row = page.end_row;
      group.blob_page = p;
      group.blob_begin = page_begin(p);
      group.blob_end = group.blob_begin + page.used;
      check(page.end_row - page.begin_row <= page.used / 8, "{}: page {} has rows {} to {} in {} bytes",
            path_, p, page.begin_row, page.end_row, page.used);
      check(groups.emplace(page.group, group).second, "{}: two pages are row group {}", path_, page.group);
    }
    for (uint64_t p = 0; p < header_.pages.size(); ++p) {
      const Page& page = header_.pages[p];
      if (page.blob || page.used == 0) continue;  // an empty raw page still names a group
      for (size_t g = 0; g < page.groups.size(); ++g) {
        const auto& [id, offset] = page.groups[g];
        const auto found = groups.find(id);
        check(found != groups.end(), "{}: raw page {} names row group {}, which no blob page is", path_, p,
              id);
        check(!found->second.raw_page, "{}: row group {} is in two raw pages", path_, id);
        found->second.raw_page = p;
        found->second.raw_begin = page_begin(p) + offset;
        found->second.raw_end = page_begin(p) + page.used;
      }
    }
    for (const auto& [id, group] : groups) {
      const uint64_t next = groups_.empty() ? 0 : groups_.back().end_row;
      check(group.begin_row == next, "{}: row group {} begins with row {}, expected {}", path_, id,
            group.begin_row, next);
      if (group.end_row == group.begin_row) continue;
      check(group.raw_page.has_value(), "{}: no raw page has row group {}", path_, id);
      groups_.push_back(group);
    }
  }

  void check_place(const RowPlace& largest, const std::string& index_path) const {
    const bool good = largest.blob_page < header_.pages.size() && largest.raw_page < header_.pages.size() &&
                      largest.blob_begin < header_.page_size && largest.blob_end <= header_.page_size &&
                      largest.raw_begin < header_.page_size && largest.raw_end <= header_.page_size;
    check(good, "{}: a row lies outside the pages of the data file", index_path);
  }

  void enter_group_of(uint64_t row) {
    const auto after = std::upper_bound(groups_.begin(), groups_.end(), row,
                                        [](uint64_t r, const Group& group) { return r < group.end_row; });
    group_ = static_cast<size_t>(after - groups_.begin());
    blob_run_ = {after->blob_begin, after->blob_end};
    raw_run_ = {after->raw_begin, after->raw_end};
  }

  uint64_t length_at(const Run& run, FileWindow& window, std::string_view what) {
    const uint64_t left = run.end - run.next;
    check(left >= 8, "{}: row {}: its {} part lies behind the end of the page", path_, row_, what);
    const uint64_t length = little_endian(window.at(run.next, 8));
    check(length <= left - 8, "{}: row {}: its {} part has {} bytes, the page {} more", path_, row_, what,
          length, left - 8);
    return length;
  }
  void skip(Run& run, FileWindow& window, std::string_view what) {
    run.next += 8 + length_at(run, window, what);
  }
  std::string_view part(Run& run, FileWindow& window, std::string_view what) {
    const uint64_t length = length_at(run, window, what);
    const uint64_t begin = run.next + 8;
    run.next = begin + length;
    return window.at(begin, length);
  }

  std::string path_;
  OpenFile file_;
  FileWindow blobs_, raws_;
  Header header_;
  std::vector<Group> groups_;
  std::optional<IndexReader> index_;
  std::string index_path_;
  uint64_t row_ = 0;
  size_t group_ = 0;
  Run blob_run_, raw_run_;
};

// Turns the two parts of a row into values.
struct MindRecordReader::Decoder {
  const std::vector<MindRecordColumn>& columns;
  bool packs_integers;
  std::string_view where;

  void decode(std::string_view blob, std::string_view raw, MindRecordRow& row) const {
    row.resize(columns.size());
    const auto blobs =
        std::count_if(columns.begin(), columns.end(), [](const auto& c) { return c.is_blob(); });
    if (static_cast<size_t>(blobs) < columns.size()) read_raw_part(raw, columns, row, where);
    for (size_t i = 0; i < columns.size(); ++i) {
      if (!columns[i].is_blob()) continue;
      // One column takes the whole part, several have their lengths in front.
      std::string_view bytes = blob;
      if (blobs > 1) {
        check(blob.size() >= 8, "{}: column '{}' is missing", where, columns[i].name);
        const uint64_t length = big_endian(blob.substr(0, 8));
        blob.remove_prefix(8);
        check(length <= blob.size(), "{}: column '{}' has {} bytes, {} are left", where, columns[i].name,
              length, blob.size());
        bytes = blob.substr(0, length);
        blob.remove_prefix(length);
      }
      decode_column(columns[i], bytes, row[i]);
    }
    check(blobs < 2 || blob.empty(), "{}: {} bytes behind the last column", where, blob.size());
  }

  void decode_column(const MindRecordColumn& column, std::string_view bytes, MindRecordValue& value) const {
    if (column.type == MindRecordColumn::Type::bytes) {
      value.bytes = bytes;
      return;
    }
    if (column.is_integer() && packs_integers) {
      unpack_integers(bytes, column.type == MindRecordColumn::Type::int32, value.ints, where);
    } else {
      read_plain(column, bytes, value, where);
    }
    const auto count = static_cast<int64_t>(column.is_integer() ? value.ints.size() : value.floats.size());
    check(resolve_shape(column.shape, count, value.shape), "{}: column '{}' has {} values, expected shape {}",
          where, column.name, count, shape_text(column.shape));
  }
};

MindRecordReader::MindRecordReader(const std::string& path) {
  // The first file tells the names of all.
  const Shard first(path);
  std::vector<std::string> paths;
  for (const std::string& name : first.header().shards)
    paths.push_back((std::filesystem::path(path).parent_path() / name).string());
  // A file that was given another name is its own only shard.
  if (paths.size() == 1) paths[0] = path;
  open(paths);
}

MindRecordReader::MindRecordReader(const std::vector<std::string>& paths) { open(paths); }
MindRecordReader::~MindRecordReader() = default;

void MindRecordReader::open(const std::vector<std::string>& paths) {
  check(!paths.empty(), "[mind_record] no file was given");
  for (const std::string& path : paths) {
    auto shard = std::make_unique<Shard>(path);
    const Header& header = shard->header();
    if (!shards_.empty()) {
      const Header& first = shards_.front()->header();
      const bool same = header.columns == first.columns && header.header_size == first.header_size &&
                        header.page_size == first.page_size && header.version == first.version &&
                        header.index_fields == first.index_fields;
      check(same, "{}: not a shard of the same set as {}: schema, sizes, version or index fields differ",
            path, paths[0]);
    }
    if (const std::string warning = shard->open_index(); !warning.empty()) warnings_.push_back(warning);
    rows_ += shard->rows();
    shards_.push_back(std::move(shard));
  }
  columns_ = shards_.front()->header().columns;
}

std::vector<int64_t> MindRecordReader::rows_per_shard() const {
  std::vector<int64_t> rows;
  for (const auto& shard : shards_) rows.push_back(shard->rows());
  return rows;
}

std::vector<std::string> MindRecordReader::paths() const {
  std::vector<std::string> paths;
  for (const auto& shard : shards_) paths.push_back(shard->path());
  return paths;
}

void MindRecordReader::seek(int64_t row) {
  check(row >= 0 && row <= rows_, "[mind_record] row {} of {}", row, rows_);
  shard_ = 0;
  while (shard_ + 1 < shards_.size() && row >= shards_[shard_]->rows()) row -= shards_[shard_++]->rows();
  shards_[shard_]->seek(static_cast<uint64_t>(row));
  for (size_t later = shard_ + 1; later < shards_.size(); ++later) shards_[later]->seek(0);
}

std::string MindRecordReader::where() const {
  return fmt::format("{}: row {}", shards_[shard_]->path(), shards_[shard_]->row() - 1);
}

bool MindRecordReader::next(MindRecordRow& row) {
  std::string_view blob, raw;
  while (!shards_[shard_]->take(blob, raw)) {
    if (shard_ + 1 == shards_.size()) return false;
    ++shard_;
  }
  const std::string place = where();
  Decoder{columns_, shards_[shard_]->header().packs_integers(), place}.decode(blob, raw, row);
  return true;
}

}  // namespace gradus
