// What the programs share that make records of token ids of a data set's files: their options, which files
// they make and which they keep, and the list of labels beside these.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/io/files.h"
#include "data/dataset.h"
#include "tasks/log/phase.h"
#include "tasks/options/options.h"
#include "tasks/options/tokenizer_settings.h"
#include "tasks/output_lock.h"

namespace gradus {

// One of the three files of a data set.
struct RecordSplit {
  std::string file;    // in --data_dir
  std::string output;  // in --output_dir, without the ending
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
  // Makes the folder when it isn't there, and locks it: records and labels of two runs are not to be mixed. Prints which
  // records are there already and are kept; none are where they have labels, and the list of these is missing.
  RecordFolder(const RecordSettings& settings, const std::array<RecordSplit, 3>& splits,
               const std::string& mindrecord_ending, bool has_labels);

  const std::vector<RecordJob>& jobs() const { return jobs_; }
  // The records in the folder, in any format, that this run leaves as they are.
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

// Completes records and gives them their names, all or none. Without `overwrite`, what stands there was left by a run
// that was stopped before it had given all files their names, and is made again: throws Error when a file isn't the
// same as the new one.
void commit_records(std::span<const std::unique_ptr<DatasetWriter>> writers, bool overwrite);

// A list beside records: of labels, by the numbers that they have in the records, or of types.
struct RecordList {
  std::filesystem::path path;
  std::string text;
};

// Writes the records of a folder, and the lists that belong to all of them. Records get their names as soon as they are
// complete, so that a run that was stopped goes on with the others; but where a list says something else than before,
// the names are given to all at the end: a new list must not stand beside records of the old one.
class RecordFiles {
 public:
  RecordFiles(const RecordSettings& settings, const std::vector<RecordList>& lists);

  // Writes `count` records, which `make` makes of the numbers from 0, and prints `counts` and how many they are.
  void write(const RecordJob& job, std::vector<DatasetColumn> columns, size_t count,
             const std::function<DatasetRow(size_t)>& make, const std::string& counts);
  void finish();

 private:
  const RecordSettings& settings_;
  std::vector<std::unique_ptr<AtomicFile>> lists_;  // that wait for the end
  std::vector<std::unique_ptr<DatasetWriter>> writers_;
};

}  // namespace gradus
