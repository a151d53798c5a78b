// Lines of text to predict for, as they come.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace gradus {

// Reads lines some at a time: one that a person types is there at once, those of a file or a pipe are taken together.
// A byte order mark and carriage returns are no part of them.
class LineBatches {
 public:
  // `name` stands for the input in messages.
  LineBatches(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {}

  // The next lines, at most 64; false at the end. Throws Error "name:line: ..." on invalid UTF-8.
  bool next(std::vector<std::string>& lines);
  // Of a line of the last next(), from 1.
  int64_t number(size_t line) const { return first_ + static_cast<int64_t>(line); }
  // "name:line".
  std::string where(size_t line) const;
  const std::string& name() const { return name_; }

 private:
  std::istream& in_;
  std::string name_;
  int64_t first_ = 1;
  int64_t read_ = 0;
};

}  // namespace gradus
