#include "data/mind_record_writer.h"

#include <algorithm>
#include <filesystem>

#include "core/error.h"
#include "core/io/bytes.h"
#include "core/io/files.h"
#include "core/shape_text.h"
#include "data/mind_record_format.h"
#include "data/mind_record_index.h"
#include "data/mind_record_values.h"

namespace gradus {

using namespace mind_record;

namespace {

constexpr size_t piece = 1U << 18;  // bytes written at a time
constexpr int64_t most_shards_written = 1000;

// The file names of a set: the number is padded to the width of the last one's.
std::vector<std::string> shard_names(const std::string& name, int64_t shards) {
  if (shards == 1) return {name};
  const size_t width = fmt::format("{}", shards - 1).size();
  std::vector<std::string> names;
  for (int64_t i = 0; i < shards; ++i) names.push_back(fmt::format("{}{:0{}}", name, i, width));
  return names;
}

// One page that rows are being added to.
struct OpenPage {
  uint64_t number = 0;
  uint64_t used = 0;
  std::string pending;  // of which the end is not in the file yet
};

}  // namespace

// One file: for each group of rows a blob page and, behind it, a raw page.
class MindRecordWriter::Shard {
 public:
  Shard(const std::string& path, Header header, const std::vector<MindRecordColumn>& columns)
      : path_(path),
        columns_(columns),
        header_(std::move(header)),
        file_(path),
        index_(path + ".db", header_.shards[header_.shard], index_columns()) {
    begin_group();
  }

  void write(const MindRecordRow& row) {
    const std::string raw = raw_part(columns_, row);
    const std::string blob = blob_part(row);
    const uint64_t room = header_.page_size - 8;
    check(raw.size() <= room && blob.size() <= room,
          "{}: row {} has {} and {} bytes, larger than a page of {}", path_, row_, blob.size(), raw.size(),
          header_.page_size);
    if (raw_.used + 8 + raw.size() > header_.page_size || blob_.used + 8 + blob.size() > header_.page_size) {
      end_group();
      begin_group();
    }
    RowPlace place;
    place.group = group_;
    place.blob_page = blob_.number;
    place.raw_page = raw_.number;
    place.blob_begin = blob_.used;
    place.raw_begin = raw_.used;
    append(blob_, blob);
    append(raw_, raw);
    place.blob_end = blob_.used;
    place.raw_end = raw_.used;
    std::vector<const MindRecordValue*> values;
    for (const size_t column : indexed_) values.push_back(&row[column]);
    index_.add(place, values);
    ++row_;
  }

  // Returns the bytes that packing has saved.
  uint64_t end_rows() {
    if (row_ > begin_row_) end_group();
    return header_.bytes_saved;
  }

  void complete(uint64_t bytes_saved, std::vector<AtomicFile*>& files) {
    header_.bytes_saved = bytes_saved;
    const std::string text = header_text(header_);
    check(text.size() + 8 <= header_.header_size, "{}: the header takes {} bytes, header_size is {}", path_,
          text.size() + 8, header_.header_size);
    std::string head;
    append_little_endian(head, text.size(), 8);
    file_.write_at(0, head + text);
    files.push_back(&file_);
    files.push_back(&index_.complete());
  }

 private:
  std::vector<MindRecordColumn> index_columns() {
    std::vector<MindRecordColumn> found;
    for (const std::string& name : header_.index_fields) {
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (columns_[i].name != name) continue;
        indexed_.push_back(i);
        found.push_back(columns_[i]);
      }
    }
    return found;
  }

  std::string blob_part(const MindRecordRow& row) {
    const auto blobs =
        std::count_if(columns_.begin(), columns_.end(), [](const auto& c) { return c.is_blob(); });
    if (blobs == 0) return std::string(4, '\0');
    std::string out;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].is_blob()) continue;
      std::string bytes;
      if (columns_[i].type == MindRecordColumn::Type::bytes) {
        bytes = row[i].bytes;
      } else if (columns_[i].is_integer()) {
        bytes = pack_integers(row[i].ints);
        const uint64_t plain =
            row[i].ints.size() * (columns_[i].type == MindRecordColumn::Type::int32 ? 4 : 8);
        header_.bytes_saved += plain > bytes.size() ? plain - bytes.size() : 0;
      } else {
        append_plain(columns_[i], row[i], bytes);
      }
      if (blobs > 1) append_big_endian(out, bytes.size(), 8);
      out += bytes;
    }
    return out;
  }

  void begin_group() {
    begin_row_ = row_;
    blob_ = {header_.pages.size(), 0, {}};
    raw_ = {header_.pages.size() + 1, 0, {}};
  }

  void end_group() {
    flush(blob_);
    flush(raw_);
    Page blob, raw;
    blob.blob = true;
    blob.group = group_;
    blob.used = blob_.used;
    blob.begin_row = begin_row_;
    blob.end_row = row_;
    raw.group = group_;
    raw.used = raw_.used;
    raw.groups.push_back({group_, 0});
    header_.pages.push_back(blob);
    header_.pages.push_back(raw);
    ++group_;
  }

  void append(OpenPage& page, std::string_view part) {
    append_little_endian(page.pending, part.size(), 8);
    page.pending += part;
    page.used += 8 + part.size();
    if (page.pending.size() >= piece) flush(page);
  }

  void flush(OpenPage& page) {
    const uint64_t begin = header_.header_size + page.number * header_.page_size;
    file_.write_at(begin + page.used - page.pending.size(), page.pending);
    page.pending.clear();
  }

  std::string path_;
  const std::vector<MindRecordColumn>& columns_;
  Header header_;
  std::vector<size_t> indexed_;  // places of the index fields among the columns
  AtomicFile file_;
  IndexWriter index_;
  OpenPage blob_, raw_;
  uint64_t group_ = 0, row_ = 0, begin_row_ = 0;
};

MindRecordWriter::MindRecordWriter(std::string path, std::vector<MindRecordColumn> columns,
                                   MindRecordOptions options)
    : columns_(std::move(columns)), options_(std::move(options)) {
  std::sort(columns_.begin(), columns_.end(),
            [](const MindRecordColumn& a, const MindRecordColumn& b) { return a.name < b.name; });
  check_columns(columns_, path);
  check(options_.shards >= 1 && options_.shards <= most_shards_written, "{}: {} shards, expected 1 to {}",
        path, options_.shards, most_shards_written);
  const auto size_fits = [&](const char* what, uint64_t size, uint64_t least, uint64_t most) {
    check(size >= least && size <= most && size % 4 == 0, "{}: {} {}, expected a multiple of 4 from {} to {}",
          path, what, size, least, most);
  };
  size_fits("header_size", options_.header_size, smallest_header, largest_header);
  size_fits("page_size", options_.page_size, smallest_page, largest_page);

  Header header;
  header.header_size = options_.header_size;
  header.page_size = options_.page_size;
  header.columns = columns_;
  header.description = options_.description;
  for (const MindRecordColumn& column : columns_) {
    if (options_.index_all && !column.is_blob()) header.index_fields.push_back(column.name);
  }
  for (const std::string& name : options_.index_all ? std::vector<std::string>() : options_.index_fields) {
    const auto found = std::find_if(columns_.begin(), columns_.end(),
                                    [&](const MindRecordColumn& c) { return c.name == name; });
    check(found != columns_.end() && !found->is_blob(),
          "{}: index field '{}', expected a column of numbers or strings", path, name);
    header.index_fields.push_back(name);
  }
  const std::filesystem::path whole(path);
  header.shards = shard_names(whole.filename().string(), options_.shards);
  for (const std::string& name : header.shards) {
    shards_.push_back(std::make_unique<Shard>((whole.parent_path() / name).string(), header, columns_));
    ++header.shard;
  }
}

MindRecordWriter::~MindRecordWriter() = default;

void MindRecordWriter::write(const MindRecordRow& row, int64_t shard) {
  check(shard >= 0 && shard < options_.shards, "[mind_record] shard {} of {}", shard, options_.shards);
  check(row.size() == columns_.size(), "[mind_record] a row of {} values, expected {}", row.size(),
        columns_.size());
  for (size_t i = 0; i < row.size(); ++i) {
    const MindRecordColumn& column = columns_[i];
    const auto count = static_cast<int64_t>(column.is_integer() ? row[i].ints.size() : row[i].floats.size());
    if (column.is_array()) {
      std::vector<int64_t> shape;
      check(resolve_shape(column.shape, count, shape),
            "[mind_record] column '{}' has {} values, expected shape {}", column.name, count,
            shape_text(column.shape));
    } else if (column.is_integer() || column.is_float()) {
      check(count == 1, "[mind_record] column '{}' has {} values, expected one", column.name, count);
    }
    if (column.type != MindRecordColumn::Type::int32) continue;
    for (const int64_t value : row[i].ints)
      check(value == static_cast<int32_t>(value), "[mind_record] column '{}' has {}, which no int32 is",
            column.name, value);
  }
  shards_[static_cast<size_t>(shard)]->write(row);
}

std::vector<AtomicFile*> MindRecordWriter::complete() {
  uint64_t bytes_saved = 0;
  for (const auto& shard : shards_) bytes_saved += shard->end_rows();
  std::vector<AtomicFile*> files;
  for (const auto& shard : shards_) shard->complete(bytes_saved, files);
  return files;
}

void MindRecordWriter::finish() { commit_together(complete()); }

int64_t MindRecordWriter::shard_of(int64_t row, int64_t rows, int64_t shards) {
  // The first rows % shards shards have one more.
  const int64_t few = rows / shards, larger = rows % shards;
  return row < larger * (few + 1) ? row / (few + 1)
                                  : larger + (row - larger * (few + 1)) / std::max<int64_t>(few, 1);
}

}  // namespace gradus
