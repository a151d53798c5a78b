// Tables of sorted names and their values, one file each, as TensorFlow's checkpoints have for an index: the table
// format of LevelDB (github.com/google/leveldb, doc/table_format.md), not compressed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

constexpr size_t longest_table_key = 4096;  // bytes

// Takes numbers and stretches from the front of bytes that it does not own. Throws Error "<where>: ..." when they end
// too early.
class VarintReader {
 public:
  VarintReader(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where) {}

  bool empty() const { return rest_.empty(); }
  uint64_t varint();
  std::string_view take(uint64_t size);

 private:
  std::string_view rest_;
  std::string_view where_;
};

// Calls `use` with each name and its value, in order. Throws Error "<path>: ..." when `file`, all bytes of the table,
// is none, or a checksum or the order is wrong.
void read_sorted_table(std::string_view file, const std::string& path,
                       const std::function<void(const std::string& key, std::string_view value)>& use);

class SortedTableWriter {
 public:
  // Keys in ascending order.
  void add(std::string_view key, std::string_view value);
  // The bytes of the file. Nothing can be added after.
  std::string finish();

 private:
  // A block without shared prefixes: every entry is a restart.
  class Block {
   public:
    void add(std::string_view key, std::string_view value);
    std::string finish();

   private:
    std::string out_;
    std::vector<uint32_t> restarts_;
  };

  Block entries_;
  std::string last_key_;
};

}  // namespace gradus
