// From questions about a text to what the model takes: windows of tokens, and the answer's place in them. Devlin et al.
// 2018, arXiv:1810.04805, section 4.2; the windows are those of google-research/bert's run_squad.py.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/squad_text.h"
#include "data/word_piece.h"

namespace gradus {

// Which pieces are the answer.
enum class AnswerSearch : uint8_t {
  // As google-research/bert: the words that hold the answer's characters; within them the first run of pieces equal
  // to the answer's own. (An answer of words without a piece is left out, where that program takes a neighbour's.)
  words,
  // The pieces that hold the answer's characters. Where the context has another text at the place given, the nearest
  // place where it has the answer counts, as whole words if there is one; blanks may differ.
  characters,
};

struct SquadOptions {
  int32_t max_seq_length = 384;   // tokens of a window: [CLS] question [SEP] context [SEP]
  int32_t doc_stride = 128;       // pieces from the beginning of a window to that of the next
  int32_t max_query_length = 64;  // pieces of a question; further ones are cut off
  AnswerSearch answers = AnswerSearch::characters;
};

// What stands between blanks (space, tab, line ends, U+202F): the bytes [begin, end) of a text.
struct SquadWord {
  uint32_t begin, end;
  int32_t first_piece;  // or, when it has none, the next word's
};

struct SquadContext {
  std::vector<Piece> pieces;  // with their places in the text, in bytes
  std::vector<SquadWord> words;
};

SquadContext make_squad_context(const std::string& context, const Tokenizer& tokenizer);

// Pieces [first, last] of a context; `last` is before `first` when there are none.
struct PieceSpan {
  int32_t first = 0, last = -1;
  bool empty() const { return last < first; }
};

// Bytes [begin, end) of a text.
struct TextRange {
  size_t begin = 0, end = 0;
  bool empty() const { return begin == end; }
};

// Where the context has the answer's text: at the place given, or else whole words before parts of words, of these the
// nearest; where it is nowhere, the same with any blanks for blanks. Empty when that is nowhere either.
TextRange find_answer_text(const std::string& text, const SquadAnswer& answer);

// The answer's pieces; an empty span when the context does not have its text, or no piece of it.
PieceSpan find_answer(const std::string& text, const SquadContext& context, const SquadAnswer& answer,
                      const Tokenizer& tokenizer, AnswerSearch search);

// One sequence: [CLS] question [SEP] some of the context's pieces [SEP].
struct SquadWindow {
  std::vector<int32_t> input_ids;
  int32_t context_begin = 0;      // where the context begins: segment 1 from here on
  int32_t first_piece = 0;        // of the context, that stands there
  std::vector<bool> max_context;  // for each of its pieces: no other window has more on both sides of it
  // The answer in input_ids, the last token included; 0, 0 (the [CLS]) when it is not whole in it.
  int32_t start = 0, end = 0;

  int32_t piece_count() const { return static_cast<int32_t>(max_context.size()); }
};

// The windows of a question's pieces, one at least unless the context has no piece. `answer`: empty when there is none.
std::vector<SquadWindow> make_squad_windows(std::span<const Piece> question, const SquadContext& context,
                                            PieceSpan answer, const Vocab& vocab,
                                            const SquadOptions& options);

// What became of the questions.
struct SquadCounts {
  int64_t questions = 0, windows = 0;
  int64_t impossible = 0;       // questions without an answer
  int64_t outside = 0;          // windows of other questions that don't have the answer
  int64_t cut_questions = 0;    // of more pieces than max_query_length
  int64_t without_context = 0;  // questions about a context without a piece: in no window
  int64_t misplaced = 0;        // answers that stand elsewhere than the data says
  int64_t other_blanks = 0;     // answers whose blanks are not those of the text
  int64_t more_answers = 0;     // questions of several answers, the first of which counts
  int64_t lost_answers = 0;     // questions left out: their context doesn't have the answer

  // "2471 questions, 2481 windows, ...": what is 0 is left out after the first two.
  std::string str() const;
  SquadCounts& operator+=(const SquadCounts& more);
};

enum class SquadUse : uint8_t { training, evaluation };

struct SquadFeature {
  size_t question;  // of data.questions
  SquadWindow window;
};

// Makes the features of a data set.
class SquadFeaturizer {
 public:
  // Tokenizes all contexts and, for training, finds the answers. `data` and `tokenizer` must outlive it. Throws Error
  // when the options leave no room for a context, and, for training, "path: question 'id': ..." when a question that
  // should have an answer has none.
  SquadFeaturizer(const SquadData& data, const Tokenizer& tokenizer, const SquadOptions& options,
                  SquadUse use, int64_t threads);

  // The questions that there are features of, in the file's order: for training those whose answer was found.
  const std::vector<size_t>& questions() const { return questions_; }
  // Those that are left out, "'id': the answer '...' is not in the context, ...".
  const std::vector<std::string>& left_out() const { return left_out_; }
  // The windows of some of questions(), in the order given. For training they have the answers' places.
  std::vector<SquadFeature> run(std::span<const size_t> questions);

  const SquadContext& context(size_t i) const { return contexts_[i]; }
  const SquadCounts& counts() const { return counts_; }  // of all runs, and of what is left out

 private:
  struct Result;

  void check_answers() const;
  void find_answers();
  Result features_of(size_t question) const;

  const SquadData& data_;
  const Tokenizer& tokenizer_;
  SquadOptions options_;
  SquadUse use_;
  int64_t threads_;
  std::vector<SquadContext> contexts_;
  std::vector<PieceSpan> answers_;  // of all questions, to train on
  std::vector<size_t> questions_;
  SquadCounts counts_;
  std::vector<std::string> left_out_;
};

}  // namespace gradus
