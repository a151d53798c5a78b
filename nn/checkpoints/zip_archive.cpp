#include "nn/checkpoints/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/io/bytes.h"

namespace gradus {
namespace {

using namespace std::string_view_literals;

constexpr auto end_mark = "PK\x05\x06"sv, large_end_mark = "PK\x06\x06"sv, locator_mark = "PK\x06\x07"sv,
               entry_mark = "PK\x01\x02"sv, local_mark = "PK\x03\x04"sv;
constexpr size_t end_bytes = 22, large_end_bytes = 56, locator_bytes = 20, entry_bytes = 46, local_bytes = 30;
constexpr size_t most_comment_bytes = 0xffff;
// In a field of 16 or 32 bits: the number is in a record of 64 bits.
constexpr uint64_t elsewhere_16 = 0xffff, elsewhere_32 = 0xffffffff;

uint64_t number(std::string_view record, size_t at, size_t size) {
  return little_endian(record.substr(at, size));
}

// The record of `size` bytes at `at`, nothing when it isn't there.
std::optional<std::string_view> record_at(std::string_view bytes, uint64_t at, size_t size,
                                          std::string_view mark) {
  if (at > bytes.size() || size > bytes.size() - at) return std::nullopt;
  const std::string_view record = bytes.substr(at, size);
  return record.starts_with(mark) ? std::optional(record) : std::nullopt;
}

// What an entry says of its content, in 64 bits where it has them.
struct Sizes {
  uint64_t size, packed, place;
};

Sizes sizes_of(std::string_view header, std::string_view extra) {
  constexpr uint64_t large_sizes = 1;  // the field's number
  Sizes sizes{number(header, 24, 4), number(header, 20, 4), number(header, 42, 4)};
  while (extra.size() >= 4) {
    const uint64_t kind = number(extra, 0, 2), size = number(extra, 2, 2);
    if (size > extra.size() - 4) break;
    std::string_view field = extra.substr(4, size);
    if (kind == large_sizes) {
      for (uint64_t* value : {&sizes.size, &sizes.packed, &sizes.place}) {
        if (*value != elsewhere_32 || field.size() < 8) continue;
        *value = number(field, 0, 8);
        field.remove_prefix(8);
      }
    }
    extra.remove_prefix(4 + size);
  }
  return sizes;
}

}  // namespace

// Where the list of entries is.
struct ZipArchive::Directory {
  uint64_t entries, size, place;
};

ZipArchive::Directory ZipArchive::find_directory() const {
  size_t at = bytes_.size() < end_bytes ? 0 : bytes_.size() - end_bytes;
  const size_t least = at - std::min(at, most_comment_bytes);
  const auto is_end = [&](size_t place) {
    const auto record = record_at(bytes_, place, end_bytes, end_mark);
    return record && place + end_bytes + number(*record, 20, 2) == bytes_.size();
  };
  while (at > least && !is_end(at)) --at;
  check(is_end(at), "{}: the archive has no end: it was cut off, or is no zip archive", path_);
  const std::string_view end = bytes_.substr(at, end_bytes);
  Directory directory{number(end, 10, 2), number(end, 12, 4), number(end, 16, 4)};
  if (directory.entries == elsewhere_16 || directory.size == elsewhere_32 ||
      directory.place == elsewhere_32) {
    if (const auto locator =
            record_at(bytes_, at - std::min(at, locator_bytes), locator_bytes, locator_mark)) {
      const auto large = record_at(bytes_, number(*locator, 8, 8), large_end_bytes, large_end_mark);
      check(large.has_value(), "{}: no record at byte {}, where the archive's end says that one is", path_,
            number(*locator, 8, 8));
      directory = {number(*large, 32, 8), number(*large, 40, 8), number(*large, 48, 8)};
    }
  }
  check(directory.place <= at && directory.size <= at - directory.place,
        "{}: the archive's list of entries has {} bytes from byte {} on, but ends before byte {}", path_,
        directory.size, directory.place, at);
  check(directory.entries <= directory.size / entry_bytes,
        "{}: the archive says it has {} entries, which don't fit the {} bytes of their list", path_,
        directory.entries, directory.size);
  return directory;
}

ZipArchive::Entry ZipArchive::read_entry(std::string_view header, std::string_view name,
                                         std::string_view extra, uint64_t directory) const {
  const Sizes sizes = sizes_of(header, extra);
  const uint64_t method = number(header, 10, 2);
  check((number(header, 8, 2) & 1) == 0, "{}: entry '{}' is encrypted", path_, name);
  check(
      method == 0 && sizes.packed == sizes.size,
      "{}: entry '{}' is compressed (method {}), expected it stored as it is, which is how torch.save writes",
      path_, name, method);
  const auto local = record_at(bytes_, sizes.place, local_bytes, local_mark);
  check(local.has_value(), "{}: entry '{}' has no header at byte {}", path_, name, sizes.place);
  const uint64_t begin = sizes.place + local_bytes + number(*local, 26, 2) + number(*local, 28, 2);
  check(begin <= directory && sizes.size <= directory - begin,
        "{}: entry '{}' has {} bytes from byte {} on, but the list of entries begins at byte {}", path_, name,
        sizes.size, begin, directory);
  return {name, bytes_.substr(begin, sizes.size), static_cast<uint32_t>(number(header, 16, 4))};
}

ZipArchive::ZipArchive(std::string_view bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {
  const Directory directory = find_directory();
  std::string_view rest = bytes_.substr(directory.place, directory.size);
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const auto header = record_at(rest, 0, entry_bytes, entry_mark);
    check(header.has_value(), "{}: entry {} of {} is not where the archive's list has it", path_, i + 1,
          directory.entries);
    const size_t name_bytes = number(*header, 28, 2), extra_bytes = number(*header, 30, 2),
                 comment_bytes = number(*header, 32, 2);
    check(name_bytes + extra_bytes + comment_bytes <= rest.size() - entry_bytes,
          "{}: entry {} of {} is cut off in the archive's list", path_, i + 1, directory.entries);
    const std::string_view name = rest.substr(entry_bytes, name_bytes);
    check(index_.emplace(name, entries_.size()).second, "{}: two entries have the name '{}'", path_, name);
    entries_.push_back(
        read_entry(*header, name, rest.substr(entry_bytes + name_bytes, extra_bytes), directory.place));
    rest.remove_prefix(entry_bytes + name_bytes + extra_bytes + comment_bytes);
  }
}

const ZipArchive::Entry* ZipArchive::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

std::string_view ZipArchive::checked_content(const Entry& entry) const {
  if (entry.checksum == 0) return entry.content;
  const uint64_t found =
      crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const unsigned char*>(entry.content.data()),
              entry.content.size());
  check(found == entry.checksum, "{}: entry '{}' has the checksum {:08x}, expected {:08x}: it is damaged",
        path_, entry.name, found, entry.checksum);
  return entry.content;
}

}  // namespace gradus
