// Training examples as lists of numbers: in memory up to a limit, in a file from there on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace gradus {

using NumberLists = std::vector<std::vector<int32_t>>;

class ExampleStore {
 public:
  // `folder`: where a file is made when the examples need more than `most_bytes`. It has no name there and is gone with the
  // process, however that ends. Where there is no such folder, it is made in the system's for temporary files.
  explicit ExampleStore(int64_t most_bytes = INT64_MAX, std::filesystem::path folder = {});
  ~ExampleStore();
  ExampleStore(ExampleStore&& other) noexcept;
  ExampleStore(const ExampleStore&) = delete;
  ExampleStore& operator=(const ExampleStore&) = delete;

  // Throws Error with the folder and the system's reason when the file can't be written.
  void add(std::span<const std::span<const int32_t>> lists);
  // When all were added: what is left in memory beyond the limit goes to the file.
  void finish();
  int64_t size() const { return static_cast<int64_t>(places_.size()); }
  // The lists of an example as they were added. Several threads may read when nothing is added any more. Throws Error when
  // the file can't be read.
  NumberLists read(int64_t number) const;

  // Of the file; 0 while there is none.
  int64_t bytes_in_file() const { return static_cast<int64_t>(in_file_) * 4; }

 private:
  // Examples one after the other, of each the number of its lists, the length of each, then the lists.
  struct Block {
    uint64_t begin;  // its first number's place among all
    std::vector<int32_t> numbers;
  };
  void spill();
  void write(const Block& block);

  int64_t most_bytes_;
  std::filesystem::path folder_;
  std::vector<uint64_t> places_;  // of the examples, in numbers
  std::vector<Block> blocks_;  // in memory: of a fixed size, so that nothing is copied when they become more
  uint64_t end_ = 0;           // of the numbers
  uint64_t in_file_ = 0;       // numbers before this place are in the file
  int file_ = -1;
};

}  // namespace gradus
