// What the programs share that make records of token ids of a data set's files: their options, which files
// they make and which they keep, and the list of labels beside these.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "tasks/config.h"
#include "tasks/output_lock.h"
#include "tasks/progress.h"
#include "tasks/tokenizer_settings.h"

namespace gradus {

// One of the three files of a data set.
struct RecordSplit {
  const char* file;    // in --data_dir
  const char* output;  // in --output_dir, without the ending
};

struct RecordSettings {
  std::string data_dir = ".";
  std::array<bool, 3> wanted{true, true, true};  // to train on, to score on, to label
  std::array<std::string, 3> files;
  std::string label_file;
  std::string output_dir = "./outputs";
  std::string dataset_format = "mindrecord";
  bool overwrite = false;
  int64_t max_seq_length = 128;
  TokenizerSettings tokenizer;

  // `labels`: what the lines of --label_file are.
  void declare_input(Options& options, const std::string& labels);
  void declare_output(Options& options);
};

// A file of the data set and the records to make of it.
struct RecordJob {
  size_t split;  // 0: to train on, 1: to score on, 2: to label
  std::string text;
  std::filesystem::path output;
};

// The folder that records are written to.
class RecordFolder {
 public:
  // Makes the folder when it isn't there, and locks it: records and labels of two runs are not to be mixed. Prints which records are there already and are kept.
  RecordFolder(const RecordSettings& settings, const std::array<RecordSplit, 3>& splits,
               const std::string& mindrecord_ending);

  const std::vector<RecordJob>& jobs() const { return jobs_; }
  // The records in the folder, in both formats, that this run leaves as they are.
  const std::vector<std::string>& kept() const { return kept_; }
  // The path of label_list.txt. It belongs to all records of the folder.
  const std::string& label_list() const { return label_list_; }
  // Whether the list stays: while there are records that it was written for, or nothing asks for another one.
  bool keeps_label_list() const { return keeps_label_list_; }
  // Throws Error unless the labels of --label_file are those of a list that stays.
  void check_asked_labels(const std::vector<std::string>& asked,
                          const std::vector<std::string>& listed) const;

 private:
  OutputFolder folder_;
  std::string label_file_;
  std::vector<RecordJob> jobs_;
  std::vector<std::string> kept_;
  std::string label_list_;
  bool keeps_label_list_ = false;
};

// Reports on standard error how many of `count` pieces of work are done, when they are many.
class RecordProgress {
 public:
  RecordProgress(std::string label, size_t count);
  void done(size_t pieces);

 private:
  bool shows_;
  Progress progress_;
};

// Writes `count` records, which `make` makes of the numbers from 0, and prints `counts` and how many they
// are.
void write_records(const RecordJob& job, const RecordSettings& settings, std::vector<DatasetColumn> columns,
                   size_t count, const std::function<DatasetRow(size_t)>& make, const std::string& counts);

}  // namespace gradus
