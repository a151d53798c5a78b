// The span scorer of the CoNLL shared tasks, with the semantics and the output of its Perl program conlleval:
// Tjong Kim Sang and Buchholz 2000, "Introduction to the CoNLL-2000 Shared Task: Chunking".
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

// Correct means: the same words and the same type in the gold and in the predicted tags. Percentages are 0
// when there is nothing to divide by.
struct SpanCounts {
  int64_t correct = 0;
  int64_t gold = 0;
  int64_t found = 0;

  double precision() const { return found == 0 ? 0 : 100.0 * correct / found; }  // percent of found
  double recall() const { return gold == 0 ? 0 : 100.0 * correct / gold; }       // percent of gold
  double f1() const;                                                             // percent
  friend bool operator==(const SpanCounts&, const SpanCounts&) = default;
};

struct ConllevalOptions {
  std::string delimiter = " ";  // between columns, taken literally; two in a row enclose an empty column
  bool raw = false;             // tags are bare types of one-word spans: "LOC" stands for "B-LOC"
  std::string outside = "O";    // the tag of words outside all spans
};

struct ConllevalResult {
  int64_t tokens = 0;
  int64_t correct_tokens = 0;  // tag and type equal
  SpanCounts overall;
  std::map<std::string, SpanCounts> types;

  double accuracy() const { return tokens == 0 ? 0 : 100.0 * correct_tokens / tokens; }  // percent
  // What the Perl program prints: a line of counts, a line of percentages, a line per type in byte order.
  std::string report() const;
  // The same as rows of a LaTeX table.
  std::string latex_report() const;
};

// Scores tokens one by one. A span starts and ends where the change from one tag to the next says so, so
// that broken sequences (I- without B-, types that change inside a span) have defined spans too.
class SpanScorer {
 public:
  // Throws Error when the delimiter or the outside tag is empty.
  explicit SpanScorer(ConllevalOptions options = {});

  void add_token(std::string_view gold, std::string_view predicted);
  // Closes the open spans.
  void end_sentence();
  // The counts so far, with open spans closed.
  ConllevalResult result() const;
  const ConllevalOptions& options() const { return options_; }

 private:
  // "B-PER" is prefix "B" and type "PER"; a tag without "-" is a prefix without a type.
  struct Tag {
    std::string prefix = "O";
    std::string type;
  };
  Tag parse(std::string_view text) const;
  static bool span_ends(const Tag& previous, const Tag& current);
  static bool span_starts(const Tag& previous, const Tag& current);
  void advance(Tag gold, Tag predicted);
  void count_correct_span(ConllevalResult& result) const;

  ConllevalOptions options_;
  ConllevalResult result_;
  Tag last_gold_;
  Tag last_predicted_;
  bool in_correct_span_ = false;  // a gold and a predicted span began together and agree so far
};

// Scores lines of columns whose last two are the gold and the predicted tag. An empty line, or one whose first
// column is "-X-", ends a sentence. A carriage return before the newline is dropped. `name` stands for the
// stream in error texts. Throws Error with file and line when there are fewer than two columns or not as many
// as before.
ConllevalResult conlleval(std::istream& lines, std::string_view name, const ConllevalOptions& options = {});

using TagSequence = std::vector<std::string>;
// Scores sentences in memory. Throws Error when the numbers of sentences or the lengths of two differ.
ConllevalResult conlleval(std::span<const TagSequence> gold, std::span<const TagSequence> predicted,
                          const ConllevalOptions& options = {});

}  // namespace gradus
