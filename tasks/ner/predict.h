// Entities of text, of words, of columns and of JSON lines, as they come.
#pragma once

#include <cstdio>
#include <istream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/io/json.h"
#include "data/ner_column_form.h"
#include "data/word_rules.h"
#include "tasks/ner/predict_form.h"
#include "tasks/ner/tagger.h"
#include "tasks/text/line_batches.h"

namespace gradus {

enum class EntityStyle {
  plain,     // "[Anna Brom](PER) lives in [Alden](LOC) ."
  coloured,  // the same with colours instead of brackets
  json,      // {"text": ..., "entities": [{"type", "text", "begin", "end"}]}, offsets in characters
};

// Answers what it reads as soon as it is known. Of text and of words each line gives one line, an empty one stays empty.
// Columns are given back as they came, blank lines and remarks too, with the predicted tag as one more column; in the
// style json each sentence gives one line, with its "words" and "tags". JSON lines come back with "entities", whose
// offsets count characters; where they came with a list of words, with "tags", and the offsets count words.
class NerPredictor {
 public:
  // Keeps references to system and tagger. `reader` reads the system's labels; `columns` chooses those of columns.
  NerPredictor(const NerSystem& system, const NerTagger& tagger, TagReader reader, NerColumns columns,
               EntityStyle style, std::FILE* out)
      : system_(system),
        tagger_(tagger),
        rules_(system.word_rules()),
        reader_(std::move(reader)),
        chosen_columns_(std::move(columns)),
        style_(style),
        out_(out) {}

  // Tags all of `in`. Without a form it is guessed from the first lines. `name` stands for the input in messages; a
  // guess, and what had to be done to the text, is told on standard error. A line that can't be read gets an error in
  // its place; returns the run's exit status (tasks/text/line_batches.h).
  int run(std::istream& in, const std::string& name, std::optional<PredictForm> form);

 private:
  // A line of text or JSON: what is tagged of it.
  struct Item {
    std::string text;
    TextWords words;
    Json row;                // of JSON
    bool is_listed = false;  // its words came as a list
  };
  // A line of columns.
  struct Row {
    std::string line;
    std::string error = {};  // in place of an answer
    int64_t sentence = -1;   // among those to be tagged; -1: no word
    size_t word = 0;
    bool is_document = false;  // -DOCSTART-
  };

  bool is_parted(const std::string& line) const;
  TextWords cut(const std::string& line, PredictForm form, int64_t number);
  Item item_of(std::string line, PredictForm form, int64_t number);
  std::string answer(Item& item, const std::vector<int32_t>& tags);
  void write_lines(std::vector<std::string>& lines, LineBatches& batches, PredictForm form);

  void add_row(const std::string& line, size_t index, LineBatches& batches);
  void find_columns(const std::vector<std::string>& lines, const LineBatches& batches);
  void end_sentence();
  void write_rows();
  std::string with_tag(const Row& row, const std::vector<std::vector<int32_t>>& tags) const;
  void write_sentence(const Row& row, const std::vector<std::vector<int32_t>>& tags) const;
  void tell(const std::string& name) const;

  const NerSystem& system_;
  const NerTagger& tagger_;
  WordRules rules_;
  TagReader reader_;
  NerColumns chosen_columns_;
  EntityStyle style_;
  std::FILE* out_;
  NerCounts counts_;
  bool guesses_ = true;  // no form was asked for
  // Of text: lines that say that blanks part their words, and that marks stand beside them; of those for which it makes a
  // difference, how many were cut at blanks alone, and how many at marks too.
  int64_t parted_ = 0, running_ = 0, lines_parted_ = 0, cut_off_ = 0;
  std::string first_parted_, first_cut_;
  int64_t replaced_ = 0;  // objects of JSON whose own "tags" the predicted ones replace
  // Of columns: what they are, the rows not answered yet, and their sentences, the last of them unfinished.
  std::optional<NerColumnForm> form_;
  int64_t answered_ = 0;  // sentences
  std::vector<Row> rows_;
  NerData sentences_;
  NerSentence open_;
};

// A text with its entities, in one of the styles. tags has one id per word, of `labels`, which `reader` reads.
std::string show_entities(const std::string& text, const TextWords& words, const LabelList& labels,
                          const TagReader& reader, const std::vector<int32_t>& tags, EntityStyle style);

// The bytes of a text, whose words these are, that an entity covers.
std::pair<size_t, size_t> place_of(const Entity& entity, const TextWords& words);
// What people read as its type: "name" where tags say no more than B.
std::string shown_type(const Entity& entity);

// A sentence of data as one text, and where its words stand in it: the text as given where there is one;
// otherwise words with blanks between, but ideographs side by side. `pieces`: words are pieces, of which
// "##ris" goes on with the one before.
struct SentenceText {
  std::string text;
  TextWords words;
};
SentenceText join_words(const NerSentence& sentence, bool pieces);

// The name of a word's tag. Those that the protocol has for pieces and special tokens say, of a word, that it is outside all names.
const std::string& word_tag(const NerSystem& system, int32_t id);
// A sentence of words with its tags, which `reader` reads: {"text", "words", "tags", "entities"}.
std::string sentence_json(const NerSystem& system, const TagReader& reader, const NerSentence& sentence,
                          const std::vector<int32_t>& tags);

}  // namespace gradus
