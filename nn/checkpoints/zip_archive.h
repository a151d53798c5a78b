// Zip archives whose entries lie in them as they are, not compressed: PyTorch writes such, and they are read in place.
// Layout: PKWARE's APPNOTE.TXT, 4.3 (records) and 4.5.3 (sizes beyond 32 bits).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class ZipArchive {
 public:
  struct Entry {
    std::string_view name;
    std::string_view content;
    uint32_t checksum = 0;  // CRC-32; some writers leave it 0
  };

  // `bytes` are a whole archive, and have to outlive this object. Throws Error, naming `path` and the entry, when it is
  // damaged, when an entry is compressed or encrypted, and when two have one name.
  ZipArchive(std::string_view bytes, std::string path);

  const std::vector<Entry>& entries() const { return entries_; }
  // The entry of that name, or null.
  const Entry* find(std::string_view name) const;
  // The content of an entry. Throws Error when its checksum is another; where it is 0 nothing is compared.
  std::string_view checked_content(const Entry& entry) const;

 private:
  struct Directory;
  Directory find_directory() const;
  Entry read_entry(std::string_view header, std::string_view name, std::string_view extra,
                   uint64_t directory) const;

  std::string_view bytes_;
  std::string path_;
  std::vector<Entry> entries_;
  std::map<std::string_view, size_t> index_;  // name to position in entries_
};

}  // namespace gradus
