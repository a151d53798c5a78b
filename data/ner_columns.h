// Sentences of a file of columns, one after the other: a line a word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/ner_column_form.h"
#include "data/ner_text.h"
#include "data/text_file.h"

namespace gradus {

class NerColumnReader {
 public:
  // Keeps a reference to the lines, of which those of `most_ahead` sentences are read ahead to find out what the
  // columns are: 1 for a stream whose sentences are wanted as they come.
  NerColumnReader(LineReader& lines, NerTags tags, NerColumns columns = {}, int64_t most_ahead = 200);

  // The next sentence with a word; false at the end. Throws Error "path:line: ..." as read_ner() does.
  bool next(NerSentence& sentence);

  // From the first next() on.
  const NerColumnForm& form() const { return form_; }
  // What was taken for what, and what was left out, so far; for the log.
  std::vector<std::string> notes() const;

 private:
  bool next_line(std::string_view& line);
  void read_ahead();
  void add_word(NerSentence& sentence);
  void check_columns(std::string_view line) const;
  void check_number(std::string_view number, const NerSentence& sentence) const;
  std::string where() const;

  LineReader& lines_;
  NerTags tags_;
  NerColumns columns_;
  int64_t most_ahead_;
  bool begun_ = false;
  NerColumnForm form_;
  std::vector<NumberedLine> ahead_;
  size_t next_ahead_ = 0;
  int64_t line_number_ = 0;               // of the line at hand
  std::vector<std::string_view> fields_;  // its columns
  int64_t comments_ = 0, ranges_ = 0;
  std::string first_comment_, first_range_;  // with their lines
};

}  // namespace gradus
