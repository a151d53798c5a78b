// Entities of plain text, a sentence a line.
#pragma once

#include <cstdio>
#include <istream>
#include <string>

#include "tasks/ner/tagger.h"

namespace gradus {

enum class EntityStyle {
  plain,     // "[Anna Brom](PER) lives in [Alden](LOC) ."
  coloured,  // the same with colours instead of brackets
  json,      // {"text": ..., "entities": [{"type", "text", "begin", "end"}]}, offsets in characters
};

// Tags the lines of `in` and writes one line for each to `out` as soon as it is known; an empty line stays empty.
// `name` stands for the input in messages; what had to be done to the text is told on standard error in the end.
// `reader` reads the system's labels. A line that can't be read gets an error in its place; returns the run's exit
// status (tasks/line_batches.h).
int predict_lines(const NerSystem& system, const NerTagger& tagger, const TagReader& reader, std::istream& in,
                  const std::string& name, EntityStyle style, std::FILE* out);

// A line with its entities, in one of the styles. `text` is cut into `words` by the system's rules; tags has one id
// per word, of `labels`, which `reader` reads.
struct TextWords {
  std::vector<std::string> words;
  std::vector<std::pair<size_t, size_t>> places;  // bytes [begin, end) of each word
};
TextWords split_words(const std::string& text, bool characters);
std::string show_entities(const std::string& text, const TextWords& words, const LabelList& labels,
                          const TagReader& reader, const std::vector<int32_t>& tags, EntityStyle style);

// A sentence of data as one text, and where its words stand in it: the text as given where there is one;
// otherwise words with blanks between, but ideographs side by side. `pieces`: words are pieces, of which
// "##ris" goes on with the one before.
struct SentenceText {
  std::string text;
  TextWords words;
};
SentenceText join_words(const NerSentence& sentence, bool pieces);

}  // namespace gradus
