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
  // process, however that ends. Where there is no such folder, the system's folder for temporary files.
  explicit ExampleStore(int64_t most_bytes = INT64_MAX, std::filesystem::path folder = {});
  ~ExampleStore();
  ExampleStore(ExampleStore&& other) noexcept;
  ExampleStore(const ExampleStore&) = delete;
  ExampleStore& operator=(const ExampleStore&) = delete;

  // Throws Error with the folder and the system's reason when the file can't be written.
  void add(std::span<const std::span<const int32_t>> lists);
  int64_t size() const { return static_cast<int64_t>(places_.size()); }
  // The lists of an example as they were added. Several threads may read when nothing is added any more. Throws Error when
  // the file can't be read.
  NumberLists read(int64_t number) const;

  // Of the file; 0 while there is none.
  int64_t bytes_in_file() const { return static_cast<int64_t>(in_file_) * 4; }

 private:
  void spill();

  int64_t most_bytes_;
  std::filesystem::path folder_;
  // Numbers from the start of the file or, where there is none, of memory_: of each example the number of its lists and the
  // length of each, then the lists.
  std::vector<uint64_t> places_;
  std::vector<int32_t> memory_;  // behind what is in the file
  uint64_t in_file_ = 0;         // numbers
  int file_ = -1;
};

}  // namespace gradus
