// What the columns of a file of tagged words are, as its first lines tell.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/columns.h"
#include "data/ner_text.h"

namespace gradus {

// What a line of columns is.
enum class NerLine : uint8_t {
  end,      // of a sentence
  header,   // with the names of the columns
  comment,  // before the first word of a sentence
  range,    // of CoNLL-U: of several words, or of one that is not in the text
  word
};

struct NerColumnForm {
  Separator separator = Separator::blanks;
  int64_t header_line = 0;      // 0: without one
  size_t count = 0;             // of columns
  size_t text = 0;              // which column has the words
  std::optional<size_t> label;  // and the tags; none: they have none
  // The first column numbers the words of each sentence, from this number.
  std::optional<int64_t> first_number;
  std::set<std::string, std::less<>> tags;  // that were seen

  // Whether a line, of these fields, before the first word of a sentence is a comment: it begins with "# ", and is no
  // line of the word #, which would have as many columns as others, and a tag in that of the tags.
  bool is_comment(std::string_view line, std::span<const std::string_view> fields) const;
  // What the line of that number is; `begins`: no word of its sentence has come yet. Of a comment, a range and a word the
  // columns are put at `fields`.
  NerLine read_line(int64_t number, std::string_view line, bool begins,
                    std::vector<std::string_view>& fields) const;
  // "words from column 2 of 5, tags from column 5, ...".
  std::string description() const;
};

// Finds it out of the first lines of a file. Throws Error "path:line: ..." when a chosen column is not there, and when
// what would be taken for words are none: numbers, the same on every line, or with odd blanks in each.
NerColumnForm find_ner_column_form(std::span<const NumberedLine> lines, NerTags tags,
                                   const NerColumns& columns, const std::string& path);

// Whether a tag is one of common schemes: O, or a position and a type ("B-PER", "S_name").
bool looks_like_tag(std::string_view tag);

// Whether a number of CoNLL-U's first column stands for a range of words, "1-2", or one that is not in the text, "8.1".
bool is_range_number(std::string_view number);

// Whether a line ends a sentence: blank, or CoNLL-2003's -DOCSTART-.
bool ends_sentence(std::string_view line);

}  // namespace gradus
