// Lines of text to predict for, as they come.
#pragma once

#include <cstdint>
#include <cstdio>
#include <istream>
#include <string>
#include <vector>

#include "data/text_file.h"

namespace gradus {

// The exit status of a run that answered what it could: some lines have an error in place of their answer.
constexpr int exit_bad_lines = 1;

// Reads lines some at a time: one that a person types is there at once, those of a file or a pipe are taken together.
// A byte order mark and carriage returns are no part of them.
//
// A line that can't be answered does not end the service: it gets an error in its place, so that answers and lines
// stay side by side, and the others get their answers. Lines that are not UTF-8, hold a NUL byte or are longer than
// longest_line are found here; those that a program can't take it hands to refuse(). For each line with a fault() the
// program prints error_line() instead of an answer, and in the end it returns status():
//
//   for (std::vector<std::string> lines; batches.next(lines);)
//     for (size_t i = 0; i < lines.size(); ++i) {
//       if (!is_good(lines[i])) batches.refuse(i, "what is wrong with it");
//       if (!batches.fault(i).empty()) print(batches.error_line(i, json));
//       else ...
//     }
//   return batches.status(stderr);
class LineBatches {
 public:
  // `name` stands for the input in messages.
  LineBatches(std::istream& in, std::string name) : reader_(in, std::move(name)) {}

  // The next lines, at most 64; false at the end. One with a fault is empty. Throws Error when the input can't be read.
  bool next(std::vector<std::string>& lines);
  // Of a line of the last next(), from 1.
  int64_t number(size_t line) const { return first_ + static_cast<int64_t>(line); }
  // "name:line".
  std::string where(size_t line) const;
  const std::string& name() const { return reader_.path(); }

  // What is wrong with a line of the last next(); empty when nothing is.
  const std::string& fault(size_t line) const { return faults_[line]; }
  // Gives a line without a fault one.
  void refuse(size_t line, std::string fault);
  // Stands for the answer to a line with a fault: "error: line 4: ...", or {"error": "line 4: ...", "line": 4}.
  std::string error_line(size_t line, bool json) const;
  // 0, or exit_bad_lines when lines had faults: how many is told to `log`.
  int status(std::FILE* log) const;

 private:
  LineReader reader_;
  std::vector<std::string> faults_;  // of each line of the last next()
  int64_t first_ = 1;
  int64_t bad_ = 0;  // lines with a fault so far
};

}  // namespace gradus
