// Sentences as lists in JSON lines, an object each, as `datasets` and the scripts of transformers write them:
// {"tokens": ["EU", "rejects"], "ner_tags": ["B-ORG", "O"]}.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/io/json.h"
#include "data/ner_text.h"
#include "data/text_file.h"
#include "data/unread_names.h"

namespace gradus {

// What an object calls its list of words: as the choice says, else "words" or "tokens"; empty where it has none, and where
// it has a "text" and no list of tags to its words.
std::string listed_words(const Json& row, const NerColumns& columns);

class NerListReader {
 public:
  // Keeps a reference to the lines.
  NerListReader(LineReader& lines, NerTags tags, NerColumns columns);

  // The next sentence with a word; false at the end. The first row says what the lists are called: those of tags "ner_tags",
  // "tags" or "labels", unless they are chosen. Tags are strings, or numbers of tags that `columns` names. Throws Error
  // "path:line: ..." on bad JSON, a list that is missing or of another length, a word or tag that is none, tags of some rows
  // alone, and numbers that stand for nothing.
  bool next(NerSentence& sentence);
  // Whether the sentences so far have tags.
  bool labelled() const { return !tags_name_.empty(); }
  // What was taken for what, and what was left out, so far; for the log.
  std::vector<std::string> notes() const;

 private:
  NerSentence read(const Json& row, const std::string& where);
  void find_names(const Json& row, const std::string& where);
  const Json& list(const Json& row, const std::string& name, const std::string& where) const;
  std::string tag_of(const Json& value, const std::string& where);

  LineReader& lines_;
  NerTags tags_;
  NerColumns columns_;
  bool begun_ = false;
  std::string words_name_, tags_name_;
  UnreadNames unread_;
  std::string first_number_;  // a number and its tag, where there are such
  int64_t empty_ = 0, documents_ = 0, first_left_out_ = 0;
};

}  // namespace gradus
