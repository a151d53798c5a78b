// The score of the CLUENER data set: which mentions were found, by their text. Xu et al. 2020,
// arXiv:2001.04351.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "data/tag_scheme.h"
#include "tasks/metrics/token_scores.h"

namespace gradus {

// By type and text, the first and the last character of a mention in its line. A text that occurs twice with
// one type has its last place.
using ClueMentions = std::map<std::string, std::map<std::string, std::pair<int64_t, int64_t>>>;

// The mentions that tags, one a character (UTF-8), name by the rule of CLUE's own program: B or S begins a mention, I
// and E go on with it, O and the next beginning end it. Its type is that of its last tag, or of its first one when the
// line ends it. Throws Error when the numbers of characters and tags differ.
ClueMentions clue_mentions(std::span<const std::string> characters, std::span<const TagParts> tags);

// The same of entities, for schemes in which that rule finds no beginnings.
ClueMentions clue_mentions(std::span<const std::string> characters, std::span<const Entity> entities);

// Counts over all lines that were added. A predicted mention is right when the line has a gold mention of
// this type and text, wherever it stands.
class ClueBenchmark {
 public:
  // `gold`: the texts of the mentions, by type.
  void add_line(const ClueMentions& predicted, const std::map<std::string, std::set<std::string>>& gold);

  // Only types that have occurred.
  const std::map<std::string, F1Counts>& types() const { return types_; }
  // The unweighted mean of the types' F1, as a fraction; 0 without types.
  double average_f1() const;
  // "label: <type>, F1: <fraction>" for each type, and "avg F1: <fraction>".
  std::string report() const;

 private:
  std::map<std::string, F1Counts> types_;
};

}  // namespace gradus
