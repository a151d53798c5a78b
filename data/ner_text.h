// Readers for named-entity data: CoNLL columns, one character a line, tables of a word a row, and JSON lines, CLUENER's or
// lists of words and tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data/columns.h"

namespace gradus {

struct NerSentence {
  std::vector<std::string> words;
  std::vector<std::string> tags;  // one per word, or none when the data is unlabelled
  std::vector<int64_t> lines;     // the line of the file each word stands on, or its record
  int32_t file = 0;               // of NerData::files
  std::string text;               // the sentence as given, for JSON lines only
};

struct NerData {
  std::string path;
  std::vector<std::string> files;  // that the sentences are of; none: all are of `path`
  bool labelled = true;
  std::vector<NerSentence> sentences;
  int64_t overlapping_mentions = 0;  // JSON lines: mentions whose tags replaced some of an earlier mention
  bool records = false;              // whether the file has records instead of lines
  std::vector<std::string> notes;    // what was taken for what, and what was left out, for the log

  // Every tag that occurs.
  std::set<std::string> tags() const;
  // "path:line" or "path: record N": where a word of a sentence stands. Records count over all files of a set.
  std::string where(size_t sentence, size_t word) const;
  // "path: ..." of each note, and of the first sentence as it was understood, "Anna/B-PER Brom/I-PER joined/O ...".
  std::string log() const;
};

// Whether a line is a JSON object, not the character '{' with its tag.
bool looks_like_json(std::string_view line);

enum class NerTags { required, optional };

// The tags that whole numbers stand for, 0 for the first; none: numbers are no tags.
struct NumberedTags {
  std::string option = "--label_file_path";  // that names their list, for messages
  std::vector<std::string> tags = {};
};

// Which columns have the words and the tags; not given: the first, or the second where the first counts words, and the
// last, or those that a header names. Of tables also which one says of what sentence a word is. Lists of JSON lines are
// chosen by their names.
struct NerColumns {
  ColumnChoice text, label;
  ColumnChoice sentence = {};
  NumberedTags numbers = {};
};

// The names of the columns, or of lists in JSON lines, that a tagger was trained on; empty: none was named.
struct NerColumnNames {
  std::string text = {}, label = {}, sentence = {};

  bool empty() const { return text.empty() && label.empty() && sentence.empty(); }
};

// What is chosen; where nothing is, the columns that a tagger was trained on, if they are named in the first line of the file and
// the words are among them. A pipe is not looked into.
NerColumns chosen_columns(const std::string& path, NerColumns columns, const NerColumnNames& trained_on);

// Reads a file, plain or gzip. When the first character is '{' it holds JSON lines: lists of words and tags
// (data/ner_lists.h), or {"text": ..., "label": {type: {mention: [[start, end], ...]}}} with inclusive character
// offsets; of these each character becomes a word, tagged S- (a mention of one character) or B- M- E-, else O
// (github.com/CLUEbenchmark/CLUENER2020). A table with a header, called .csv, has a word a row (data/ner_table.h).
// Otherwise each line holds a word and its tag among other columns, parted by spaces or tabs; a blank line
// ends a sentence, as does -DOCSTART-, which is dropped (Tjong Kim Sang and De Meulder 2003). Headers, numbers of
// words in the first column (CoNLL-U, GermEval) and comments before a sentence are recognised and told in the notes.
// With NerTags::optional the file may have no tags at all: one column, or no "label". Throws Error "path:line:
// ..." on a missing column, some words tagged and others not, blanks of other kinds that look like separators, tags
// with such, invalid UTF-8, bad JSON, a mention that differs from the text at its offsets, and when there is no
// sentence.
NerData read_ner(const std::string& path, NerTags tags, const NerColumns& columns = {});

// The same in parts, for files of any size: `use` gets sentences of `most_words` words or a little more, as soon as they are
// read. Returns the notes.
std::vector<std::string> read_ner(const std::string& path, NerTags tags, const NerColumns& columns,
                                  int64_t most_words, const std::function<void(NerData&)>& use);

// Joins consecutive sentences until one ends in ".", and drops what follows the last such end: the examples
// of kyzhouhzau/BERT-NER. Returns the number of words dropped.
int64_t merge_until_full_stop(NerData& data);

}  // namespace gradus
