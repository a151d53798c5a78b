#include "tasks/squad/answers.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <unordered_set>

#include "core/error.h"
#include "data/unicode_8.h"
#include "tasks/text/python_text.h"

namespace gradus {

namespace {

// What run_squad.py takes for the least sum of the null logits before it has seen a window.
constexpr double no_null_score = 1000000;

// Pieces of the context, none for "no answer".
struct ScoredSpan {
  PieceSpan pieces;
  float start_logit, end_logit;
  double score() const { return double{start_logit} + double{end_logit}; }
};

void check_window(const SquadWindow& window, const SquadContext& context) {
  const size_t begin = static_cast<size_t>(window.first_piece), pieces = window.max_context.size();
  check(window.context_begin > 0 && window.first_piece >= 0 && begin + pieces <= context.pieces.size() &&
            static_cast<size_t>(window.context_begin) + pieces <= window.input_ids.size(),
        "[squad] a window of {} tokens with pieces {} to {} from token {} on: the context has {} pieces",
        window.input_ids.size(), begin, begin + pieces, window.context_begin, context.pieces.size());
}

void check_logits(std::span<const float> logits, const SquadWindow& window, std::string_view name) {
  check(logits.size() == window.input_ids.size(),
        "[squad] {} {} logits, expected {} as the window has tokens", logits.size(), name,
        window.input_ids.size());
  const auto wrong = std::ranges::find_if_not(logits, [](float x) { return std::isfinite(x); });
  if (wrong != logits.end())
    fail("[squad] the {} logit of token {} is {}, expected a finite number", name, wrong - logits.begin(),
         *wrong);
}

// The places of the greatest logits, greatest first, equal ones in their order.
std::vector<int32_t> best_tokens(std::span<const float> logits, int32_t count) {
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto end = order.begin() + std::min(static_cast<ptrdiff_t>(count), std::ssize(order));
  std::partial_sort(order.begin(), end, order.end(), [&](int32_t a, int32_t b) {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  });
  order.erase(end, order.end());
  return order;
}

void add_spans(const WindowLogits& logits, const AnswerOptions& options, std::vector<ScoredSpan>& spans) {
  const SquadWindow& window = logits.window;
  const std::vector<int32_t> ends = best_tokens(logits.end, options.n_best_size);
  for (const int32_t start : best_tokens(logits.start, options.n_best_size)) {
    const int32_t first = start - window.context_begin;
    if (first < 0 || first >= window.piece_count() || !window.max_context[static_cast<size_t>(first)])
      continue;
    for (const int32_t end : ends) {
      const int32_t last = end - window.context_begin;
      if (last < first || last >= window.piece_count() || last - first >= options.max_answer_length) continue;
      spans.push_back({{window.first_piece + first, window.first_piece + last},
                       logits.start[static_cast<size_t>(start)],
                       logits.end[static_cast<size_t>(end)]});
    }
  }
}

// The best span of a window, whatever there is that scores higher outside the context.
void add_best_span(const WindowLogits& logits, const AnswerOptions& options, std::vector<ScoredSpan>& spans) {
  const SquadWindow& window = logits.window;
  const auto at = [&](int32_t piece) { return static_cast<size_t>(window.context_begin + piece); };
  std::optional<ScoredSpan> best;
  for (int32_t first = 0; first < window.piece_count(); ++first) {
    if (!window.max_context[static_cast<size_t>(first)]) continue;
    const int32_t end = std::min(window.piece_count(), first + options.max_answer_length);
    for (int32_t last = first; last < end; ++last) {
      const ScoredSpan span{{window.first_piece + first, window.first_piece + last},
                            logits.start[at(first)],
                            logits.end[at(last)]};
      if (!best || span.score() > best->score()) best = span;
    }
  }
  if (best) spans.push_back(*best);
}

void set_probabilities(std::vector<AnswerCandidate>& candidates) {
  double greatest = -std::numeric_limits<double>::infinity(), sum = 0;
  const auto score = [](const AnswerCandidate& c) { return double{c.start_logit} + double{c.end_logit}; };
  for (const AnswerCandidate& c : candidates) greatest = std::max(greatest, score(c));
  for (AnswerCandidate& c : candidates) sum += c.probability = std::exp(score(c) - greatest);
  for (AnswerCandidate& c : candidates) c.probability /= sum;
}

// The word of the context that a piece stands in.
size_t word_of(const SquadContext& context, int32_t piece) {
  const auto after = std::upper_bound(context.words.begin(), context.words.end(), piece,
                                      [](int32_t p, const SquadWord& word) { return p < word.first_piece; });
  return static_cast<size_t>(after - context.words.begin()) - 1;
}

std::string join_words(const std::string& text, const SquadContext& context, PieceSpan span) {
  const size_t first = word_of(context, span.first), last = word_of(context, span.last);
  std::string joined;
  for (size_t w = first; w <= last; ++w) {
    const SquadWord& word = context.words[w];
    if (w > first) joined += ' ';
    joined.append(text, word.begin, word.end - word.begin);
  }
  return joined;
}

void erase_all(std::string& text, std::string_view what) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.erase(at, what.size());
}

// Where the characters of a text stand, spaces aside.
std::vector<std::pair<size_t, size_t>> places(std::string_view text) {
  std::vector<std::pair<size_t, size_t>> result;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    if (decode_utf8(text, at) != ' ') result.emplace_back(begin, at);
  }
  return result;
}

// {"id": value, ...} with a line for each.
std::string json_object(const SquadPredictions& predictions,
                        const std::function<std::string(const SquadPrediction&)>& value) {
  if (predictions.empty()) return "{}\n";
  std::string json = "{";
  for (const auto& [id, prediction] : predictions)
    json += fmt::format("{}\n    {}: {}", json.size() > 1 ? "," : "", python_json(id), value(prediction));
  return json + "\n}\n";
}

std::string json_list(const std::vector<AnswerCandidate>& candidates) {
  std::string json;
  for (const AnswerCandidate& candidate : candidates)
    json += fmt::format(
        R"({}
        {{
            "text": {},
            "probability": {},
            "start_logit": {},
            "end_logit": {}
        }})",
        json.empty() ? "[" : ",", python_json(candidate.text), python_float(candidate.probability),
        python_float(candidate.start_logit), python_float(candidate.end_logit));
  return json.empty() ? "[]" : json + "\n    ]";
}

}  // namespace

size_t end_of_pieces(PieceSpan span, const std::string& text, const SquadContext& context) {
  const auto next = static_cast<size_t>(span.last) + 1;
  const size_t limit = next < context.pieces.size() ? context.pieces[next].begin : text.size();
  size_t end = context.pieces[next - 1].end;
  for (size_t at = end; at < limit && unicode_8::is_nonspacing_mark(decode_utf8(text, at));) end = at;
  return end;
}

const AnswerCandidate* SquadPrediction::chosen() const {
  const auto found = std::ranges::find(n_best, text, &AnswerCandidate::text);
  return found == n_best.end() ? nullptr : &*found;
}

AnswerFinder::AnswerFinder(const Vocab& vocab, const AnswerOptions& options)
    : vocab_(vocab), options_(options), basic_(options.rules) {
  check(options.n_best_size >= 1 && options.max_answer_length >= 1,
        "[squad] n_best_size {}, max_answer_length {}: expected 1 or more", options.n_best_size,
        options.max_answer_length);
}

SquadPrediction AnswerFinder::run(const std::string& text, const SquadContext& context,
                                  std::span<const WindowLogits> windows) const {
  std::vector<ScoredSpan> spans;
  ScoredSpan null{{}, 0, 0};
  double null_score = no_null_score;
  for (const WindowLogits& logits : windows) {
    check_window(logits.window, context);
    check_logits(logits.start, logits.window, "start");
    check_logits(logits.end, logits.window, "end");
    add_spans(logits, options_, spans);
    const ScoredSpan here{{}, logits.start.front(), logits.end.front()};  // at the [CLS]
    if (here.score() >= null_score) continue;
    null = here;
    null_score = here.score();
  }
  const bool words = options_.text == AnswerText::words;
  if (spans.empty() && !words) {
    for (const WindowLogits& logits : windows) add_best_span(logits, options_, spans);
  }
  if (options_.version_2) spans.push_back(null);
  std::ranges::stable_sort(spans, std::greater(), &ScoredSpan::score);

  SquadPrediction result;
  std::vector<AnswerCandidate>& n_best = result.n_best;
  std::unordered_set<std::string> texts;
  for (const ScoredSpan& span : spans) {
    if (n_best.size() == static_cast<size_t>(options_.n_best_size)) break;
    const auto [answer, is_new] =
        texts.insert(span.pieces.empty() ? "" : text_of(span.pieces, text, context));
    if (is_new) n_best.push_back({*answer, 0, span.start_logit, span.end_logit, span.pieces});
  }
  if (options_.version_2 && !texts.contains("")) n_best.push_back({"", 0, null.start_logit, null.end_logit});
  const auto has_text = [](const AnswerCandidate& candidate) { return !candidate.text.empty(); };
  if (std::ranges::none_of(n_best, has_text)) {
    const auto best_span = std::ranges::find_if(spans, [](const ScoredSpan& s) { return !s.pieces.empty(); });
    if (words) n_best.insert(n_best.begin(), {"empty", 0, 0, 0});
    else if (best_span != spans.end())
      n_best.push_back({text_of(best_span->pieces, text, context), 0, best_span->start_logit,
                        best_span->end_logit, best_span->pieces});
  }
  if (n_best.empty()) return result;
  set_probabilities(n_best);
  const auto first_text = std::ranges::find_if(n_best, has_text);
  const AnswerCandidate& best = first_text == n_best.end() ? n_best.front() : *first_text;
  result.text = best.text;
  if (!options_.version_2) return result;
  result.null_odds = null_score - double{best.start_logit} - double{best.end_logit};
  if (result.null_odds > options_.null_score_diff_threshold) result.text.clear();
  return result;
}

std::string AnswerFinder::text_of(PieceSpan span, const std::string& text,
                                  const SquadContext& context) const {
  if (options_.text == AnswerText::words)
    return project(text_of_pieces(span, context), join_words(text, context, span));
  const size_t begin = context.pieces[static_cast<size_t>(span.first)].begin;
  return text.substr(begin, end_of_pieces(span, text, context) - begin);
}

std::string AnswerFinder::text_of_pieces(PieceSpan span, const SquadContext& context) const {
  std::string text;
  for (int32_t p = span.first; p <= span.last; ++p) {
    if (p > span.first) text += ' ';
    text += vocab_.token(context.pieces[static_cast<size_t>(p)].id);
  }
  erase_all(text, " ##");
  erase_all(text, "##");
  return text;
}

// The words' characters, as tokenizing leaves them, have to stand for the words' own one by one.
std::string AnswerFinder::project(const std::string& pieces, const std::string& words) const {
  BasicWords tokens;
  basic_.split(words, tokens);
  std::u32string tokenized;
  std::vector<size_t> numbers;  // of each character, spaces aside
  size_t count = 0;
  for (const BasicWords::Word& word : tokens.words) {
    if (!tokenized.empty()) tokenized += U' ';
    numbers.resize(tokenized.size(), count);
    for (uint32_t c = word.begin; c < word.end; ++c) {
      tokenized += tokens.characters[c].code;
      numbers.push_back(count++);
    }
  }
  const std::u32string wanted = decode(pieces);
  const size_t begin = tokenized.find(wanted);
  const std::vector<std::pair<size_t, size_t>> original = places(words);
  if (wanted.empty() || begin == std::u32string::npos || original.size() != count) return words;
  const size_t from = original[numbers[begin]].first;
  return words.substr(from, original[numbers[begin + wanted.size() - 1]].second - from);
}

std::string predictions_json(const SquadPredictions& predictions) {
  return json_object(predictions,
                     [](const SquadPrediction& prediction) { return python_json(prediction.text); });
}

std::string nbest_predictions_json(const SquadPredictions& predictions) {
  return json_object(predictions,
                     [](const SquadPrediction& prediction) { return json_list(prediction.n_best); });
}

std::string null_odds_json(const SquadPredictions& predictions) {
  return json_object(predictions,
                     [](const SquadPrediction& prediction) { return python_float(prediction.null_odds); });
}

}  // namespace gradus
