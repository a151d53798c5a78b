// From the logits of windows to answers: the best spans, their texts, and the files that run_squad.py of
// google-research/bert writes. Devlin et al. 2018, arXiv:1810.04805, sections 4.2 and 4.3.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/basic_tokenizer.h"
#include "data/squad_features.h"
#include "data/vocab.h"

namespace gradus {

// How pieces of a context become an answer's text.
enum class AnswerText : uint8_t {
  // As run_squad.py: the words that hold the pieces, one space between them, and of these what the pieces stand for,
  // found by tokenizing the words again; the whole words where that fails.
  words,
  // What the context has from the first piece to the last. Right in languages without blanks between words, too. And
  // where the best starts and ends of all windows make up no span, the best span is the answer all the same.
  characters,
};

struct AnswerOptions {
  int32_t n_best_size = 20;        // answers, and starts and ends of a window that are tried
  int32_t max_answer_length = 30;  // pieces
  bool version_2 = false;          // there are questions that the context does not answer
  double null_score_diff_threshold = 0;
  AnswerText text = AnswerText::characters;
  TextRules rules{TokenizerRules::google};  // as the context was tokenized; for AnswerText::words
};

// The byte behind the last of some pieces of a text. Accents that stand behind their letter belong to it, though the
// tokenizer may have dropped them.
size_t end_of_pieces(PieceSpan span, const std::string& text, const SquadContext& context);

// What the model says of one window: a start and an end logit for each of input_ids, padding aside.
struct WindowLogits {
  const SquadWindow& window;
  std::span<const float> start, end;
};

struct AnswerCandidate {
  std::string text;
  double probability = 0;  // softmax over the candidates
  float start_logit = 0, end_logit = 0;
  PieceSpan pieces = {};  // of the context; none for "" and "empty"
};

struct SquadPrediction {
  std::string text;                     // empty: the context does not answer the question
  std::vector<AnswerCandidate> n_best;  // best first, with distinct texts
  double null_odds = 0;  // version 2: the logits' sum for no answer less that for the best answer

  // The candidate that `text` is of; null when it is of none.
  const AnswerCandidate* chosen() const;
};

// Safe to use from several threads.
class AnswerFinder {
 public:
  // `vocab` must outlive it. Throws Error when the options allow no answer.
  AnswerFinder(const Vocab& vocab, const AnswerOptions& options);

  // The answer to a question, given all its windows. A span of the context is a candidate when its start and its end
  // are among the best of a window, and no other window has more context around its start. Without a candidate there
  // is "empty", with logits 0, as answers of words, and as one of characters the best span; where the context has no
  // piece, there "" and no candidate. Version 2 adds "", with the logits of [CLS] in the window where their sum is
  // least, and answers "" when null_odds are above the threshold; without a window that sum is a million. Throws
  // Error when a window is not one of this context, or has not a finite logit for every token.
  //
  // All this, for answers of words, as run_squad.py, but that padding is never among the best, and that "" alone does
  // not stop it.
  SquadPrediction run(const std::string& text, const SquadContext& context,
                      std::span<const WindowLogits> windows) const;

 private:
  std::string text_of(PieceSpan span, const std::string& text, const SquadContext& context) const;
  std::string text_of_pieces(PieceSpan span, const SquadContext& context) const;
  std::string project(const std::string& pieces, const std::string& words) const;

  const Vocab& vocab_;
  AnswerOptions options_;
  BasicTokenizer basic_;
};

// By question id, in the order of the files.
using SquadPredictions = std::vector<std::pair<std::string, SquadPrediction>>;

// The files of run_squad.py, byte by byte: predictions.json has an answer for each id, nbest_predictions.json a list of
// candidates, null_odds.json a number.
std::string predictions_json(const SquadPredictions& predictions);
std::string nbest_predictions_json(const SquadPredictions& predictions);
std::string null_odds_json(const SquadPredictions& predictions);

}  // namespace gradus
