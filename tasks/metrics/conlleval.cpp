#include "tasks/metrics/conlleval.h"

#include <utility>

#include "core/error.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> choices) {
  for (const std::string_view choice : choices) {
    if (text == choice) return true;
  }
  return false;
}

// Spaces up to `width` bytes, as printf counts, whatever the characters are.
std::string padding(const std::string& text, size_t width) {
  return std::string(text.size() < width ? width - text.size() : 0, ' ');
}

// Empty columns at the end do not count: a line of delimiters alone is an empty line.
std::vector<std::string_view> split_columns(std::string_view line, std::string_view delimiter) {
  std::vector<std::string_view> columns;
  while (true) {
    const size_t end = line.find(delimiter);
    columns.push_back(line.substr(0, end));
    if (end == std::string_view::npos) break;
    line.remove_prefix(end + delimiter.size());
  }
  while (!columns.empty() && columns.back().empty()) columns.pop_back();
  return columns;
}

}  // namespace

double SpanCounts::f1() const {
  const double sum = precision() + recall();
  return sum == 0 ? 0 : 2 * precision() * recall() / sum;
}

std::string ConllevalResult::report() const {
  std::string text = fmt::format("processed {} tokens with {} phrases; found: {} phrases; correct: {}.\n",
                                 tokens, overall.gold, overall.found, overall.correct);
  if (tokens > 0) {
    text += fmt::format("accuracy: {:6.2f}%; precision: {:6.2f}%; recall: {:6.2f}%; FB1: {:6.2f}\n",
                        accuracy(), overall.precision(), overall.recall(), overall.f1());
  }
  for (const auto& [type, counts] : types) {
    text += fmt::format("{}{}: precision: {:6.2f}%; recall: {:6.2f}%; FB1: {:6.2f}  {}\n", padding(type, 17),
                        type, counts.precision(), counts.recall(), counts.f1(), counts.found);
  }
  return text;
}

std::string ConllevalResult::latex_report() const {
  const auto row = [](const std::string& name, const SpanCounts& counts) {
    return fmt::format("{}{} &  {:6.2f}\\% & {:6.2f}\\% & {:6.2f} \\\\", name, padding(name, 7),
                       counts.precision(), counts.recall(), counts.f1());
  };
  std::string text = "        & Precision &  Recall  & F$_{\\beta=1} \\\\\\hline";
  for (const auto& [type, counts] : types) text += fmt::format("\n{}", row(type, counts));
  return text + "\\hline\n" + row("Overall", overall) + "\\hline\n";
}

SpanScorer::SpanScorer(ConllevalOptions options) : options_(std::move(options)) {
  check(!options_.delimiter.empty(), "[conlleval] the delimiter is empty: expected at least one character");
  check(!options_.outside.empty(), "[conlleval] the outside tag is empty: expected at least one character");
}

SpanScorer::Tag SpanScorer::parse(std::string_view text) const {
  if (text == options_.outside) return {"O", ""};
  if (options_.raw && text != "O") return {"B", std::string(text)};
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, dash)), std::string(text.substr(dash + 1))};
}

bool SpanScorer::span_ends(const Tag& previous, const Tag& current) {
  const std::string &before = previous.prefix, &now = current.prefix;
  if (is_one_of(before, {"B", "I"}) && is_one_of(now, {"B", "O"})) return true;
  if (before == "E" && is_one_of(now, {"E", "I", "O"})) return true;
  if (!is_one_of(before, {"O", "."}) && previous.type != current.type) return true;
  return is_one_of(before, {"[", "]"});  // brackets are spans of one word
}

bool SpanScorer::span_starts(const Tag& previous, const Tag& current) {
  const std::string &before = previous.prefix, &now = current.prefix;
  if (now == "B" && is_one_of(before, {"B", "I", "O"})) return true;
  if (is_one_of(now, {"I", "E"}) && is_one_of(before, {"E", "O"})) return true;
  if (!is_one_of(now, {"O", "."}) && previous.type != current.type) return true;
  return is_one_of(now, {"[", "]"});
}

void SpanScorer::count_correct_span(ConllevalResult& result) const {
  ++result.overall.correct;
  ++result.types[last_gold_.type].correct;
}

void SpanScorer::advance(Tag gold, Tag predicted) {
  if (in_correct_span_) {
    const bool gold_ends = span_ends(last_gold_, gold);
    const bool predicted_ends = span_ends(last_predicted_, predicted);
    if (gold_ends && predicted_ends) {
      count_correct_span(result_);
      in_correct_span_ = false;
    } else if (gold_ends != predicted_ends || gold.type != predicted.type) {
      in_correct_span_ = false;
    }
  }
  const bool gold_starts = span_starts(last_gold_, gold);
  const bool predicted_starts = span_starts(last_predicted_, predicted);
  if (gold_starts) {
    ++result_.overall.gold;
    ++result_.types[gold.type].gold;
  }
  if (predicted_starts) {
    ++result_.overall.found;
    ++result_.types[predicted.type].found;
  }
  if (gold_starts && predicted_starts && gold.type == predicted.type) in_correct_span_ = true;
  last_gold_ = std::move(gold);
  last_predicted_ = std::move(predicted);
}

void SpanScorer::add_token(std::string_view gold, std::string_view predicted) {
  Tag gold_tag = parse(gold);
  Tag predicted_tag = parse(predicted);
  ++result_.tokens;
  result_.correct_tokens += gold_tag.prefix == predicted_tag.prefix && gold_tag.type == predicted_tag.type;
  advance(std::move(gold_tag), std::move(predicted_tag));
}

void SpanScorer::end_sentence() { advance({}, {}); }

ConllevalResult SpanScorer::result() const {
  ConllevalResult result = result_;
  if (in_correct_span_) count_correct_span(result);
  return result;
}

ConllevalResult conlleval(std::istream& lines, std::string_view name, const ConllevalOptions& options) {
  SpanScorer scorer(options);
  LineReader reader(lines, std::string(name));
  size_t expected_columns = 0;  // of the first line that has any
  // Words of any encoding: nothing looks into them.
  for (std::string_view line; reader.next_bytes(line);) {
    const auto columns = split_columns(line, options.delimiter);
    if (columns.empty()) {
      scorer.end_sentence();
      continue;
    }
    if (expected_columns == 0) expected_columns = columns.size();
    check(columns.size() == expected_columns, "{}: {} columns: '{}', expected {} as in the lines before",
          reader.where(), columns.size(), shown(line), expected_columns);
    if (columns.front() == "-X-") {
      scorer.end_sentence();
      continue;
    }
    check(columns.size() >= 2, "{}: one column: '{}', expected the gold and the predicted tag at the end",
          reader.where(), shown(line));
    scorer.add_token(columns[columns.size() - 2], columns.back());
  }
  return scorer.result();
}

ConllevalResult conlleval(std::span<const TagSequence> gold, std::span<const TagSequence> predicted,
                          const ConllevalOptions& options) {
  check(gold.size() == predicted.size(),
        "[conlleval] {} predicted sentences, expected {} as in the gold tags", predicted.size(), gold.size());
  SpanScorer scorer(options);
  for (size_t i = 0; i < gold.size(); ++i) {
    check(gold[i].size() == predicted[i].size(), "[conlleval] sentence {}: {} predicted tags, expected {}", i,
          predicted[i].size(), gold[i].size());
    for (size_t j = 0; j < gold[i].size(); ++j) scorer.add_token(gold[i][j], predicted[i][j]);
    scorer.end_sentence();
  }
  return scorer.result();
}

}  // namespace gradus
