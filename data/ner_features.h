// From tagged sentences to what the model takes: token ids, the positions the head looks at, and their
// labels.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/labels.h"
#include "data/ner_text.h"
#include "data/word_piece.h"

namespace gradus {

// Which positions the head sees, and what they are labelled.
enum class LabelProtocol {
  // The first piece of each word, with the word's tag.
  first_piece,
  // All: first pieces with the word's tag, other pieces X, and [CLS] and [SEP] as tags of their own
  // (macanv/BERT-BiLSTM-CRF-NER).
  x_pieces,
  // The same without a [SEP] at the end (kyzhouhzau/BERT-NER).
  x_pieces_no_sep,
  // All: first pieces with the word's tag, [CLS], [SEP] and other pieces O (the CLUENER and MSRA records of
  // mindspore-ai/models, where every word is one character).
  all_pieces,
};

// What happens to a sentence of more pieces than fit.
enum class LongSentences {
  // Consecutive parts, cut between words: for training.
  split,
  // Windows that overlap by half, each word scored where its nearer edge is farthest away: for evaluation.
  overlap,
  // What doesn't fit is dropped, in the middle of a word too: the way of the two programs above.
  cut,
};

std::string_view name_of(LabelProtocol protocol);  // as in --label_protocol

struct NerFeatureOptions {
  int32_t seq_length = 128;  // at most so many tokens with [CLS] and [SEP]
  LabelProtocol protocol = LabelProtocol::first_piece;
  LongSentences long_sentences = LongSentences::split;
};

// One sequence. Its token type ids are all 0. Vectors of one length: first_pieces, words and (when there are
// tags) labels.
struct NerExample {
  std::vector<int32_t> input_ids;     // [CLS] pieces [SEP]
  std::vector<int32_t> first_pieces;  // positions in input_ids that the head sees, ascending
  std::vector<int32_t> words;         // the word of the sentence whose first piece stands there, or -1
  std::vector<int32_t> labels;        // label ids; empty when the data has no tags
  int32_t sentence = 0;
  int32_t first_word = 0;                    // of the sentence
  int32_t scored_begin = 0, scored_end = 0;  // the words of the sentence that this example decides
};

// What had to be done to the text, for the log.
struct NerCounts {
  int64_t sentences = 0;
  int64_t words = 0;
  int64_t pieces = 0;           // of whole words, before anything is split or cut
  int64_t long_sentences = 0;   // sentences of more pieces than fit
  int64_t unknown_words = 0;    // words that tokenize to nothing, given one [UNK]
  int64_t truncated_words = 0;  // words that lost pieces
  int64_t dropped_words = 0;    // words that lost all of them: in no example, so without a prediction

  // "3250 sentences, 51362 words, ...": what is 0 is left out after the first three.
  std::string str() const;
  // Whether anything but the sentences themselves was counted.
  bool is_notable() const { return long_sentences + unknown_words + truncated_words + dropped_words > 0; }
  NerCounts& operator+=(const NerCounts& more);
};

struct NerExamples {
  std::vector<NerExample> examples;
  NerCounts counts;
};

// Turns sentences into examples, in order; one without words makes none. With LongSentences::split and ::overlap each
// word is scored in exactly one of them. `labels` may be null when tags don't matter (prediction): the examples then
// have none. Throws Error when seq_length leaves no room for a piece, when a label of the protocol (X, [CLS], [SEP])
// is missing from the list, and "path:line: ..." (NerData::where) on a tag that isn't in it. `done` is told after each
// sentence how many there are.
NerExamples make_ner_examples(const NerData& data, const Tokenizer& tokenizer, const LabelList* labels,
                              const NerFeatureOptions& options, const std::function<void(size_t)>& done = {});

// The tags that a protocol needs beside the data's own: none, or X, [CLS] and [SEP].
void add_protocol_labels(LabelProtocol protocol, LabelList& labels);
bool is_protocol_label(std::string_view tag);

}  // namespace gradus
