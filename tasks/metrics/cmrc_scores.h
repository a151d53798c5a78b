// The scorer of CMRC 2018 (Cui et al. 2019, arXiv:1810.07366), for answers in Chinese; DRCD is scored by it, too. The
// semantics are those of its Python program, cmrc2018_evaluate.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/metrics/squad_scores.h"

namespace gradus {

// All scores are percentages. F1 is the mean over questions of the best F1 with an answer given: the longest run of
// segments in common. Without a prediction a question scores 0.
struct CmrcScores {
  double exact_match = 0;  // questions where the answer equals one given, lower-cased and without punctuation
  double f1 = 0;
  int64_t total = 0;                    // questions
  std::vector<std::string> unanswered;  // ids of those without a prediction

  double average() const { return 0.5 * (exact_match + f1); }
};

// A question without an answer given scores 0; the program stops there.
AnswerScore score_cmrc_answer(const SquadQuestion& question, const std::string& predicted);
CmrcScores score_cmrc(const SquadData& data, const AnswerTexts& predictions);

// What F1 compares: each Chinese character (U+4E00 to U+9FA5), and of the text between these the words as NLTK's
// word_tokenize cuts them; lower-cased, and without the program's list of punctuation. One difference: NLTK first
// looks for sentences, with a trained model, and parts the full stop at the end of each from its word; here the text
// between two Chinese characters is one sentence. Throws Error on invalid UTF-8.
std::vector<std::string> cmrc_segments(std::string_view text);

}  // namespace gradus
