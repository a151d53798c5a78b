#include "tasks/infer/batch_files.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/io/files.h"
#include "data/ner_records.h"
#include "data/token_records.h"
#include "data/unicode.h"

namespace gradus {
namespace fs = std::filesystem;
namespace {

constexpr size_t number_bytes = 4;
constexpr const char* folder_names[input_columns] = {"00_data", "01_data", "02_data", "03_data"};
constexpr std::string_view ending = ".bin";

// The part of a name before the ending; nothing without it.
std::optional<std::string_view> stem_of(std::string_view name) {
  if (!name.ends_with(ending)) return std::nullopt;
  return name.substr(0, name.size() - ending.size());
}

struct ResultName {
  BatchName batch;
  int64_t output = 0;

  static std::optional<ResultName> parse(std::string_view stem) {
    const size_t last = stem.rfind('_');
    if (last == std::string_view::npos) return std::nullopt;
    const auto output = number_in_name(stem.substr(last + 1));
    const auto batch = BatchName::parse(stem.substr(0, last));
    if (!output || !batch) return std::nullopt;
    return ResultName{*batch, *output};
  }
};

// The names of files in a folder but for hidden ones, in their order.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

template <typename Is>
int64_t remove_files(const fs::path& folder, const Is& is_ours) {
  int64_t removed = 0;
  for (const std::string& name : names_in(folder)) {
    const auto stem = stem_of(name);
    if (stem && is_ours(*stem) && fs::remove(folder / name)) ++removed;
  }
  return removed;
}

// Not by an AtomicFile: a run makes thousands, and to wait for the disk takes longer than all the rest. The readers notice what is missing.
void write_file(const fs::path& path, std::string_view bytes) {
  GrowingFile file(path);
  try {
    file.write(bytes);
  } catch (const Error&) {
    std::error_code ignored;
    fs::remove(path, ignored);
    throw;
  }
}

template <typename T>
std::vector<T> numbers_of(std::string_view bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

template <typename T>
void append(std::string& bytes, const std::vector<T>& numbers) {
  bytes += bytes_of(numbers);
}

int64_t size_of(const fs::path& path) {
  check_regular_file(path);
  return static_cast<int64_t>(fs::file_size(path));
}

// The longest row's length. Fills the others up to it: with zeros, and with a tagger's labels as its records are.
size_t even_out(std::vector<DatasetRow>& rows, bool label_per_token) {
  size_t longest = 0;
  bool is_scored_in_part = false;
  for (const DatasetRow& row : rows) {
    longest = std::max(longest, row[input_ids_column].ints.size());
    if (label_per_token)
      is_scored_in_part =
          is_scored_in_part || std::ranges::count(row[input_label_column].ints, unscored_label) > 0;
  }
  for (DatasetRow& row : rows) {
    for (size_t column = 0; column < input_label_column; ++column) row[column].ints.resize(longest, 0);
    if (label_per_token) row[input_label_column].ints.resize(longest, is_scored_in_part ? unscored_label : 0);
  }
  return longest;
}

bool is_tagger(const std::string& task) { return task == "ner" || task == "ner_crf"; }

bool is_filling(const DatasetRow& row) {
  return std::ranges::all_of(row[input_mask_column].ints, [](int32_t x) { return x == 0; });
}

}  // namespace

std::string BatchName::str() const { return fmt::format("{}_bs{}_{}", task, size, number); }

std::optional<BatchName> BatchName::parse(std::string_view text) {
  const size_t last = text.rfind('_');
  if (last == std::string_view::npos) return std::nullopt;
  const size_t size = text.substr(0, last).rfind("_bs");
  if (size == std::string_view::npos || size == 0) return std::nullopt;
  const auto number = number_in_name(text.substr(last + 1));
  const auto rows = number_in_name(text.substr(size + 3, last - size - 3));
  if (!number || !rows || *rows == 0) return std::nullopt;
  return BatchName{std::string(text.substr(0, size)), *rows, *number};
}

int64_t write_inputs(const fs::path& folder, const InputForm& form, int64_t batch_size,
                     std::vector<DatasetRow> rows, const std::function<void(int64_t)>& done) {
  int64_t removed = 0;
  for (const char* name : folder_names) {
    make_folder(folder / name);
    removed +=
        remove_files(folder / name, [](std::string_view stem) { return BatchName::parse(stem).has_value(); });
  }
  const size_t length = even_out(rows, form.label_per_token);
  const auto size = static_cast<size_t>(batch_size);
  const size_t batches = (rows.size() + size - 1) / size;
  for (size_t batch = batches; batch-- > 0;) {
    const size_t begin = batch * size, end = std::min(begin + size, rows.size());
    for (size_t column = 0; column < input_columns; ++column) {
      std::string bytes;
      for (size_t i = begin; i < end; ++i) {
        append(bytes, rows[i][column].ints);
        append(bytes, rows[i][column].floats);
      }
      const size_t width = column < input_label_column || form.label_per_token
                               ? length
                               : static_cast<size_t>(form.labels_per_row);
      bytes.resize(size * width * number_bytes, '\0');
      const BatchName name{form.task, batch_size, static_cast<int64_t>(batch)};
      write_file(folder / folder_names[column] / fmt::format("{}{}", name.str(), ending), bytes);
    }
    done(static_cast<int64_t>(batches - batch));
  }
  return removed;
}

InputBatch::InputBatch(BatchName name, std::string path, int64_t length, std::vector<DatasetRow> rows)
    : name_(std::move(name)), path_(std::move(path)), length_(length), rows_(std::move(rows)) {}

bool InputBatch::next(DatasetRow& row) {
  if (at_ == rows_.size()) return false;
  row = rows_[at_++];
  return true;
}

int64_t InputBatch::tokens() const {
  int64_t tokens = 0;
  for (const DatasetRow& row : rows_) tokens += std::ranges::count(row[input_mask_column].ints, 1);
  return tokens;
}

std::string InputBatch::where() const { return fmt::format("{}: row {}", path_, at_ == 0 ? 0 : at_ - 1); }

InputFiles::InputFiles(fs::path folder, fs::path labels, InputForm form)
    : folder_(std::move(folder)), labels_(std::move(labels)), form_(std::move(form)) {
  for (size_t column = 0; column < input_label_column; ++column) {
    const fs::path here = folder_ / folder_names[column];
    check(fs::is_directory(here),
          "'{}' is not there: expected a folder with files {}_bsB_I.bin; --stage preprocess makes it",
          here.string(), form_.task);
    count_ = find_batches(here, column == 0);
  }
  has_labels_ = fs::exists(labels_);
  if (has_labels_) find_batches(labels_, false);
  check_sizes();
}

fs::path InputFiles::path(size_t column, int64_t number) const {
  const fs::path folder = column == input_label_column ? labels_ : folder_ / folder_names[column];
  return folder / fmt::format("{}{}", name(number).str(), ending);
}

// How many batches there are in a folder, all from 0 on, as in the first.
int64_t InputFiles::find_batches(const fs::path& folder, bool first) {
  std::vector<int64_t> numbers;
  for (const std::string& file : names_in(folder)) {
    const auto stem = stem_of(file);
    const auto found = stem ? BatchName::parse(*stem) : std::nullopt;
    check(found.has_value(), "'{}': expected files {}_bsB_I.bin alone, of batch I of B rows",
          shown((folder / file).string()), form_.task);
    // A tagger's files may have either name: what is in them is the same.
    const bool first_file = first && numbers.empty();
    check(found->task == form_.task || (first_file && is_tagger(found->task) && is_tagger(form_.task)),
          "'{}' is of the task {}, expected {}", shown((folder / file).string()), shown(found->task),
          form_.task);
    form_.task = found->task;
    if (first_file) batch_size_ = found->size;
    check(found->size == batch_size_, "'{}' is of batches of {} rows, others are of {}",
          (folder / file).string(), found->size, batch_size_);
    numbers.push_back(found->number);
  }
  check(!numbers.empty(), "'{}': no file {}_bsB_I.bin", folder.string(), form_.task);
  std::ranges::sort(numbers);
  for (size_t i = 0; i < numbers.size(); ++i)
    check(numbers[i] == static_cast<int64_t>(i), "'{}{}' is missing: there are files up to {}{}",
          (folder / name(static_cast<int64_t>(i)).str()).string(), ending, name(numbers.back()).str(),
          ending);
  const int64_t count = std::ssize(numbers);
  check(first || count == count_, "'{}' has {} files, '{}' has {}", folder.string(), count,
        (folder_ / folder_names[0]).string(), count_);
  return count;
}

int64_t InputFiles::width_of(size_t column) const {
  return column < input_label_column || form_.label_per_token ? length_ : form_.labels_per_row;
}

void InputFiles::check_sizes() {
  const int64_t first = size_of(path(0, 0));
  const auto row_bytes = batch_size_ * static_cast<int64_t>(number_bytes);
  check(first > 0 && first % row_bytes == 0, "'{}' has {} bytes, expected {} rows of int32: a multiple of {}",
        path(0, 0).string(), first, batch_size_, row_bytes);
  length_ = first / row_bytes;
  for (size_t column = 0; column < (has_labels_ ? input_columns : input_label_column); ++column) {
    const int64_t width = width_of(column);
    for (int64_t number = 0; number < count_; ++number) {
      const int64_t found = size_of(path(column, number)), expected = width * row_bytes;
      check(found == expected, "'{}' has {} bytes, expected {}: {} rows of {} numbers of 4 bytes, as in '{}'",
            path(column, number).string(), found, expected, batch_size_, width, path(0, 0).string());
    }
  }
}

InputBatch InputFiles::read(int64_t number) const {
  std::vector<DatasetRow> rows(static_cast<size_t>(batch_size_), DatasetRow(input_columns));
  for (size_t column = 0; column < (has_labels_ ? input_columns : input_label_column); ++column) {
    const size_t part = static_cast<size_t>(width_of(column)) * number_bytes;
    const std::string bytes = read_file(path(column, number), rows.size() * part);
    check(bytes.size() == rows.size() * part, "'{}' has changed while it was read",
          path(column, number).string());
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::string_view row = std::string_view(bytes).substr(i * part, part);
      if (column == input_label_column && form_.float_labels) rows[i][column].floats = numbers_of<float>(row);
      else rows[i][column].ints = numbers_of<int32_t>(row);
    }
  }
  const auto last = std::find_if_not(rows.rbegin(), rows.rend(), is_filling).base();
  check(number + 1 == count_ || last == rows.end(),
        "'{}': row {} has no token: its mask is 0, which only rows behind all others may have",
        path(1, number).string(), last - rows.begin());
  rows.erase(last, rows.end());
  check(!rows.empty(), "'{}': no row has a token: all of the mask is 0", path(1, number).string());
  return {name(number), path(0, number).string(), length_, std::move(rows)};
}

int64_t clear_results(const fs::path& folder) {
  make_folder(folder);
  return remove_files(folder, [](std::string_view stem) { return ResultName::parse(stem).has_value(); });
}

void write_result(const fs::path& folder, const BatchName& name, int64_t output, std::string_view bytes) {
  write_file(folder / fmt::format("{}_{}{}", name.str(), output, ending), bytes);
}

ResultFiles::ResultFiles(fs::path folder, const InputFiles& inputs) : folder_(std::move(folder)) {
  check(fs::is_directory(folder_),
        "'{}' is not there: expected a folder with the results, files {}_N.bin; --stage infer makes it",
        folder_.string(), inputs.name(0).str());
  std::vector<std::vector<int64_t>> found(static_cast<size_t>(inputs.count()));
  for (const std::string& file : names_in(folder_)) {
    const std::string shown_path = shown((folder_ / file).string());
    const auto stem = stem_of(file);
    const auto result = stem ? ResultName::parse(*stem) : std::nullopt;
    check(result.has_value(), "'{}': expected files {}_N.bin alone, of output N", shown_path,
          inputs.name(0).str());
    const BatchName& batch = result->batch;
    check(batch.task == inputs.name(0).task && batch.size == inputs.batch_size() &&
              batch.number < inputs.count(),
          "'{}' is of no batch of the inputs, which are {} to {}", shown_path, inputs.name(0).str(),
          inputs.name(inputs.count() - 1).str());
    found[static_cast<size_t>(batch.number)].push_back(result->output);
    outputs_ = std::max(outputs_, result->output + 1);
  }
  check(outputs_ > 0, "'{}': no file {}_N.bin", folder_.string(), inputs.name(0).str());
  for (size_t number = 0; number < found.size(); ++number) {
    std::ranges::sort(found[number]);
    for (int64_t output = 0; output < outputs_; ++output)
      check(static_cast<size_t>(output) < found[number].size() &&
                found[number][static_cast<size_t>(output)] == output,
            "'{}' is missing: there are {} batches of inputs, and results with {} outputs",
            path(inputs.name(static_cast<int64_t>(number)), output).string(), inputs.count(), outputs_);
  }
}

fs::path ResultFiles::path(const BatchName& name, int64_t output) const {
  return folder_ / fmt::format("{}_{}{}", name.str(), output, ending);
}

std::vector<float> ResultFiles::floats(const BatchName& name, int64_t output, int64_t count,
                                       const std::string& what) const {
  const fs::path file = path(name, output);
  const int64_t bytes = size_of(file), expected = count * static_cast<int64_t>(number_bytes);
  check(bytes == expected, "'{}' has {} bytes, expected {}: {}, float32", file.string(), bytes, expected,
        what);
  return numbers_of<float>(read_file(file, static_cast<size_t>(expected)));
}

std::vector<int32_t> ResultFiles::ints(const BatchName& name, int64_t output, int64_t count,
                                       const std::string& what) const {
  const fs::path file = path(name, output);
  const int64_t bytes = size_of(file), expected = count * static_cast<int64_t>(number_bytes);
  check(bytes == expected, "'{}' has {} bytes, expected {}: {}, int32", file.string(), bytes, expected, what);
  return numbers_of<int32_t>(read_file(file, static_cast<size_t>(expected)));
}

}  // namespace gradus
