// The files that the stages of infer hand each other, as those of MindSpore's BERT do: arrays without a header, int32 or float32,
// little-endian.
//   preprocess_Result/00_data/TASK_bsB_I.bin    input_ids of the B rows of batch I, int32 [B, S]
//                     01_data                   input_mask, likewise
//                     02_data                   segment_ids, likewise
//                     03_data                   labels: int32 [B, S] of tags, int32 or float32 [B] of texts, int32 [B, K] of K labels that may hold, int32 [B] of windows: their ids
//   result_Files/TASK_bsB_I_N.bin               output N of the model for batch I
// The last batch is filled up with rows whose mask is 0.
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace gradus {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

struct BatchName {
  std::string task;
  int64_t size = 0, number = 0;

  std::string str() const;  // "ner_bs8_3"
  static std::optional<BatchName> parse(std::string_view text);
};

// What the inputs of a task are.
struct InputForm {
  std::string task;              // in the names of the files
  bool label_per_token = false;  // otherwise a row has labels_per_row
  bool float_labels = false;
  int64_t labels_per_row = 1;
};

// The columns of a row: the token columns (data/token_records.h), and behind them the label.
constexpr size_t input_label_column = 3, input_columns = 4;

// Writes rows in batches, all filled up to the longest row, those of a batch's size too; what stood there of an earlier run is removed
// before. The last batch comes first: whoever is killed meanwhile leaves no batch 0, which the reader misses. `done` is told after each
// batch how many there are. Returns how many old files went.
int64_t write_inputs(const std::filesystem::path& folder, const InputForm& form, int64_t batch_size,
                     std::vector<DatasetRow> rows, const std::function<void(int64_t)>& done);

// The rows of a batch; where() is "path: row N", from 0.
class InputBatch final : public DatasetReader {
 public:
  InputBatch(BatchName name, std::string path, int64_t length, std::vector<DatasetRow> rows);

  const BatchName& name() const { return name_; }
  int64_t capacity() const { return name_.size; }  // rows, with those that fill up
  int64_t length() const { return length_; }       // of a row
  int64_t tokens() const;                          // of all rows, padding aside

  bool next(DatasetRow& row) override;
  int64_t size() override { return std::ssize(rows_); }  // without those that fill up
  void seek(int64_t number) override { at_ = static_cast<size_t>(number); }
  bool seeks_fast() const override { return true; }
  void close() override {}
  std::string where() const override;

 private:
  BatchName name_;
  std::string path_;
  int64_t length_;
  std::vector<DatasetRow> rows_;
  size_t at_ = 0;
};

// The inputs that lie in a folder.
class InputFiles {
 public:
  // Throws Error naming the file when one is missing in one of the folders, is called otherwise, is of another task or size of batches,
  // or has not as many bytes as it has to. The folder of labels alone may be missing.
  InputFiles(std::filesystem::path folder, std::filesystem::path labels, InputForm form);

  int64_t count() const { return count_; }            // of batches
  int64_t batch_size() const { return batch_size_; }  // rows of each
  int64_t length() const { return length_; }          // tokens of a row
  bool has_labels() const { return has_labels_; }
  BatchName name(int64_t number) const { return {form_.task, batch_size_, number}; }
  std::filesystem::path input_file(int64_t number) const { return path(0, number); }
  // Throws Error when a row without a token stands elsewhere than at the end of the last batch.
  InputBatch read(int64_t number) const;

 private:
  std::filesystem::path path(size_t column, int64_t number) const;
  int64_t find_batches(const std::filesystem::path& folder, bool first);
  int64_t width_of(size_t column) const;  // numbers of a row
  void check_sizes();

  std::filesystem::path folder_, labels_;
  InputForm form_;
  bool has_labels_ = false;
  int64_t count_ = 0, batch_size_ = 0, length_ = 0;
};

// Removes the results of an earlier run from a folder, which is made where there is none. Returns how many files went.
int64_t clear_results(const std::filesystem::path& folder);
// Writes one output of a batch.
void write_result(const std::filesystem::path& folder, const BatchName& name, int64_t output,
                  std::string_view bytes);

// The results of inputs that lie in a folder.
class ResultFiles {
 public:
  // Throws Error naming the file when one is called otherwise, is of no batch of the inputs, or when a batch lacks an output that
  // another has.
  ResultFiles(std::filesystem::path folder, const InputFiles& inputs);

  // Of each batch.
  int64_t outputs() const { return outputs_; }
  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path path(const BatchName& name, int64_t output) const;
  // The numbers of an output. Throws Error when it has not so many; `what` says what they are, "8 rows of 15 classes".
  std::vector<float> floats(const BatchName& name, int64_t output, int64_t count,
                            const std::string& what) const;
  std::vector<int32_t> ints(const BatchName& name, int64_t output, int64_t count,
                            const std::string& what) const;

 private:
  std::filesystem::path folder_;
  int64_t outputs_ = 0;
};

// Numbers as the bytes of a file.
template <typename T>
std::string bytes_of(const std::vector<T>& numbers) {
  static_assert(sizeof(T) == 4);
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}

}  // namespace gradus
