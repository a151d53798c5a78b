// The results of a tagger in files: what ner.cpp says of them, and how tags come out of them again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/labels.h"
#include "tasks/infer/batch_files.h"

namespace gradus {

// Makes the files of a batch.
class TagResults {
 public:
  TagResults(const LabelList& labels, int64_t rows, int64_t length, bool has_crf);

  // What the tagger says of the tokens of a row that it sees.
  void set(int64_t row, const std::vector<int32_t>& tokens, std::span<const float> scores,
           std::span<const int32_t> tags);
  std::vector<std::string> files() const;

 private:
  std::vector<std::string> pointers() const;

  size_t classes_, outside_, rows_, length_;
  std::vector<float> scores_;   // without a CRF, [rows * length, classes]
  std::vector<int32_t> paths_;  // with one, [rows, length]
};

// Reads the files of batches.
class TagReading {
 public:
  // Keeps references.
  TagReading(const LabelList& labels, const ResultFiles& results, bool has_crf);

  // Reads the results of a batch. Throws Error naming the file when there are more or fewer outputs, or numbers in them, than there
  // have to be, and when a pointer is no tag.
  void open(const InputBatch& batch);
  // The tags of some tokens of a row: the likeliest ones, or those of the path. Throws Error naming the file and the place when a
  // number there is not finite.
  std::vector<int32_t> tags(int64_t row, const std::vector<int32_t>& tokens);
  // How many tags so far were the start or the end of a path, which MindSpore's CRF has as tags: they are given as outside.
  int64_t edges() const { return edges_; }

 private:
  void follow_pointers(const InputBatch& batch);

  const LabelList& labels_;
  const ResultFiles& results_;
  bool has_crf_;
  BatchName batch_;
  size_t length_ = 0;
  std::vector<float> scores_;
  std::vector<int32_t> paths_;
  int64_t edges_ = 0;
};

}  // namespace gradus
