// What text to tag comes as: running text, words with blanks between, columns, or JSON lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/labels.h"

namespace gradus {

enum class PredictForm {
  text,     // a sentence a line, cut into words as the tagger's rules say
  words,    // a sentence a line, its words with blanks between
  columns,  // a word a line, whatever columns behind it; a blank line ends a sentence
  jsonl,    // an object a line, with "text", or with a list of words
  table,    // a header, and a word a row
};

std::string_view name_of(PredictForm form);
// The form of --predict_form; nothing for "auto".
std::optional<PredictForm> parse_predict_form(std::string_view name);

struct GuessedForm {
  std::optional<PredictForm> form = std::nullopt;  // nothing when all lines are blank
  std::string reason = {};  // for the log; empty when nothing speaks for anything but text
};

// Guesses from the first lines. JSON is told from its braces; columns by labels at the ends of all lines, or by lines of
// one word each, some of them blank. Text that looks like neither is text.
GuessedForm guess_form(const std::vector<std::string>& lines, const LabelList& labels);

}  // namespace gradus
