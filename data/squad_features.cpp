#include "data/squad_features.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "core/counted.h"
#include "core/error.h"
#include "core/run_parallel.h"
#include "data/unicode.h"

namespace gradus {
namespace {

bool is_blank(char32_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0x202F; }

std::vector<SquadWord> split_at_blanks(std::string_view text) {
  std::vector<SquadWord> words;
  bool inside = false;
  for (size_t at = 0; at < text.size();) {
    const auto begin = static_cast<uint32_t>(at);
    const bool blank = is_blank(decode_utf8(text, at));
    if (!blank && !inside) words.push_back({begin, begin, 0});
    if (!blank) words.back().end = static_cast<uint32_t>(at);
    inside = !blank;
  }
  return words;
}

// The byte of the character with this number; the text's size behind the last.
size_t byte_of(std::string_view text, int64_t character) {
  size_t at = 0;
  for (; character > 0 && at < text.size(); --character) decode_utf8(text, at);
  return at;
}

// A text without what Python's str.split() parts words at: one space between these. `places`: where each byte of the
// result comes from.
std::string with_single_spaces(std::string_view text, std::vector<size_t>* places = nullptr) {
  std::string result;
  bool pending = false;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    if (is_python_space(decode_utf8(text, at))) {
      pending = !result.empty();
      continue;
    }
    if (pending) result += ' ';
    if (pending && places != nullptr) places->push_back(begin);
    pending = false;
    result += text.substr(begin, at - begin);
    if (places == nullptr) continue;
    for (size_t byte = begin; byte < at; ++byte) places->push_back(byte);
  }
  return result;
}

// The word that holds a byte, or the one before the blanks that do; -1 for blanks before the first.
int32_t word_at(const SquadContext& context, size_t byte) {
  const auto after = std::upper_bound(context.words.begin(), context.words.end(), byte,
                                      [](size_t b, const SquadWord& word) { return b < word.begin; });
  return static_cast<int32_t>(after - context.words.begin()) - 1;
}

PieceSpan find_by_words(const std::string& text, const SquadContext& context, size_t begin, size_t last,
                        const SquadAnswer& answer, const Tokenizer& tokenizer) {
  const int32_t first_word = word_at(context, begin), last_word = word_at(context, last);
  if (first_word < 0) return {};
  std::string covered;
  for (int32_t w = first_word; w <= last_word; ++w) {
    const SquadWord& word = context.words[static_cast<size_t>(w)];
    covered += text.substr(word.begin, word.end - word.begin);
    if (w < last_word) covered += ' ';
  }
  if (covered.find(with_single_spaces(answer.text)) == std::string::npos) return {};
  const bool is_last = static_cast<size_t>(last_word) + 1 == context.words.size();
  const PieceSpan span{context.words[static_cast<size_t>(first_word)].first_piece,
                       (is_last ? static_cast<int32_t>(context.pieces.size())
                                : context.words[static_cast<size_t>(last_word) + 1].first_piece) -
                           1};
  const std::vector<Piece> wanted = tokenizer.tokenize(answer.text);
  const auto same = [](const Piece& a, const Piece& b) { return a.id == b.id; };
  const auto from = context.pieces.begin() + span.first, to = context.pieces.begin() + span.last + 1;
  const auto found =
      span.empty() || wanted.empty() ? to : std::search(from, to, wanted.begin(), wanted.end(), same);
  if (found == to) return span;
  const auto at = static_cast<int32_t>(found - context.pieces.begin());
  return {at, at + static_cast<int32_t>(wanted.size()) - 1};
}

// The byte where the data says the answer is; 0 when it does not say.
size_t given_place(const std::string& text, const SquadAnswer& answer) {
  return byte_of(text, std::max<int64_t>(0, answer.start));
}

// Whether no word of the alphabet goes on beyond [begin, end).
bool is_whole(const std::string& text, size_t begin, size_t end) {
  const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto parts_word = [&](size_t at) {
    return at > 0 && at < text.size() && is_letter(text[at - 1]) && is_letter(text[at]);
  };
  return !parts_word(begin) && !parts_word(end);
}

// find_answer_text(), when the given place is known already.
TextRange find_text_near(const std::string& text, const SquadAnswer& answer, size_t wanted) {
  if (answer.text.empty()) return {};
  if (answer.start >= 0 && text.compare(wanted, answer.text.size(), answer.text) == 0)
    return {wanted, wanted + answer.text.size()};
  TextRange best;
  const auto rank = [&](TextRange range) {
    const size_t distance = range.begin < wanted ? wanted - range.begin : range.begin - wanted;
    return std::pair(!is_whole(text, range.begin, range.end), distance);
  };
  const auto consider = [&](TextRange range) {
    if (best.empty() || rank(range) < rank(best)) best = range;
  };
  for (size_t at = text.find(answer.text); at != std::string::npos; at = text.find(answer.text, at + 1))
    consider({at, at + answer.text.size()});
  if (!best.empty()) return best;
  std::vector<size_t> places;  // in the text, of each byte with single spaces
  const std::string spaced = with_single_spaces(text, &places), words = with_single_spaces(answer.text);
  if (words.empty()) return {};
  for (size_t at = spaced.find(words); at != std::string::npos; at = spaced.find(words, at + 1))
    consider({places[at], places[at + words.size() - 1] + 1});
  return best;
}

// An answer's pieces, and how its text differs from what the data says.
struct FoundAnswer {
  PieceSpan pieces;
  bool misplaced = false, other_blanks = false;
};

FoundAnswer find_by_characters(const std::string& text, const SquadContext& context,
                               const SquadAnswer& answer) {
  const size_t wanted = given_place(text, answer);
  const TextRange range = find_text_near(text, answer, wanted);
  if (range.empty()) return {};
  const auto first = std::find_if(context.pieces.begin(), context.pieces.end(),
                                  [&](const Piece& piece) { return piece.end > range.begin; });
  const auto behind =
      std::find_if(first, context.pieces.end(), [&](const Piece& piece) { return piece.begin >= range.end; });
  return {{static_cast<int32_t>(first - context.pieces.begin()),
           static_cast<int32_t>(behind - context.pieces.begin()) - 1},
          answer.start < 0 || range.begin != wanted,
          text.compare(range.begin, range.end - range.begin, answer.text) != 0};
}

FoundAnswer find_pieces(const std::string& text, const SquadContext& context, const SquadAnswer& answer,
                        const Tokenizer& tokenizer, AnswerSearch search) {
  if (search == AnswerSearch::characters) return find_by_characters(text, context, answer);
  const int64_t characters = count_characters(answer.text);
  if (characters == 0) return {};
  const size_t begin = given_place(text, answer);
  const size_t last = begin + byte_of(std::string_view(text).substr(begin), characters - 1);
  if (last >= text.size() || answer.start < 0) return {};
  return {find_by_words(text, context, begin, last, answer, tokenizer)};
}

// Pieces [begin, end) of a context.
struct Range {
  int32_t begin, end;
};

std::vector<Range> cut_windows(int32_t pieces, int32_t room, int32_t stride) {
  std::vector<Range> windows;
  for (int32_t begin = 0; begin < pieces; begin += std::min(room, stride)) {
    windows.push_back({begin, std::min(pieces, begin + room)});
    if (windows.back().end == pieces) break;
  }
  return windows;
}

// For each piece, the window where it has the most context on its poorer side; longer windows win ties, then earlier
// ones.
std::vector<int32_t> best_windows(const std::vector<Range>& windows, size_t pieces) {
  std::vector<int32_t> best(pieces, -1);
  std::vector<double> scores(pieces, -1);
  for (size_t w = 0; w < windows.size(); ++w) {
    const auto [begin, end] = windows[w];
    for (int32_t p = begin; p < end; ++p) {
      const double score = std::min(p - begin, end - 1 - p) + 0.01 * (end - begin);
      if (score <= scores[static_cast<size_t>(p)]) continue;
      scores[static_cast<size_t>(p)] = score;
      best[static_cast<size_t>(p)] = static_cast<int32_t>(w);
    }
  }
  return best;
}

}  // namespace

SquadContext make_squad_context(const std::string& context, const Tokenizer& tokenizer) {
  SquadContext result{tokenizer.tokenize(context), split_at_blanks(context)};
  size_t piece = 0;
  for (SquadWord& word : result.words) {
    while (piece < result.pieces.size() && result.pieces[piece].begin < word.begin) ++piece;
    word.first_piece = static_cast<int32_t>(piece);
  }
  return result;
}

TextRange find_answer_text(const std::string& text, const SquadAnswer& answer) {
  return find_text_near(text, answer, given_place(text, answer));
}

PieceSpan find_answer(const std::string& text, const SquadContext& context, const SquadAnswer& answer,
                      const Tokenizer& tokenizer, AnswerSearch search) {
  return find_pieces(text, context, answer, tokenizer, search).pieces;
}

std::vector<SquadWindow> make_squad_windows(std::span<const Piece> question, const SquadContext& context,
                                            PieceSpan answer, const Vocab& vocab,
                                            const SquadOptions& options) {
  question = question.first(std::min(question.size(), static_cast<size_t>(options.max_query_length)));
  const auto before = static_cast<int32_t>(question.size()) + 2;  // [CLS] and [SEP]
  const std::vector<Range> ranges = cut_windows(static_cast<int32_t>(context.pieces.size()),
                                                options.max_seq_length - before - 1, options.doc_stride);
  const std::vector<int32_t> best = best_windows(ranges, context.pieces.size());
  std::vector<SquadWindow> windows;
  for (size_t w = 0; w < ranges.size(); ++w) {
    const auto [begin, end] = ranges[w];
    SquadWindow window;
    window.context_begin = before;
    window.first_piece = begin;
    window.input_ids.reserve(static_cast<size_t>(before + end - begin + 1));
    window.input_ids.push_back(vocab.cls_id());
    for (const Piece& piece : question) window.input_ids.push_back(piece.id);
    window.input_ids.push_back(vocab.sep_id());
    for (int32_t p = begin; p < end; ++p) {
      window.input_ids.push_back(context.pieces[static_cast<size_t>(p)].id);
      window.max_context.push_back(best[static_cast<size_t>(p)] == static_cast<int32_t>(w));
    }
    window.input_ids.push_back(vocab.sep_id());
    if (!answer.empty() && answer.first >= begin && answer.last < end) {
      window.start = answer.first - begin + before;
      window.end = answer.last - begin + before;
    }
    windows.push_back(std::move(window));
  }
  return windows;
}

std::string SquadCounts::str() const {
  std::string text = counted(questions, "question") + ", " + counted(windows, "window");
  const auto add = [&](int64_t count, std::string_view what, std::string_view which) {
    if (count > 0) text += fmt::format(", {} {}", counted(count, what), which);
  };
  add(impossible, "question", "without an answer");
  add(outside, "window", "without the answer");
  add(cut_questions, "question", "cut off");
  add(without_context, "question", "about an empty context");
  add(misplaced, "answer", "found at another place than the data says");
  add(other_blanks, "answer", "with other blanks than the text");
  add(more_answers, "question", "of several answers, the first of which counts");
  add(lost_answers, "question", "left out");
  return text;
}

SquadCounts& SquadCounts::operator+=(const SquadCounts& more) {
  questions += more.questions;
  windows += more.windows;
  impossible += more.impossible;
  outside += more.outside;
  cut_questions += more.cut_questions;
  without_context += more.without_context;
  misplaced += more.misplaced;
  other_blanks += more.other_blanks;
  more_answers += more.more_answers;
  lost_answers += more.lost_answers;
  return *this;
}

struct SquadFeaturizer::Result {
  std::vector<SquadFeature> features;
  SquadCounts counts;
};

SquadFeaturizer::SquadFeaturizer(const SquadData& data, const Tokenizer& tokenizer,
                                 const SquadOptions& options, SquadUse use, int64_t threads)
    : data_(data),
      tokenizer_(tokenizer),
      options_(options),
      use_(use),
      threads_(threads),
      contexts_(data.contexts.size()),
      answers_(data.questions.size()),
      questions_(data.questions.size()) {
  check(options.max_query_length >= 0 && options.doc_stride >= 1,
        "[squad] max_query_length {}, doc_stride {}: expected 0 or more, 1 or more", options.max_query_length,
        options.doc_stride);
  check(
      options.max_seq_length > options.max_query_length + 3,
      "[squad] max_seq_length {} leaves no room for a context: expected more than max_query_length + 3 = {}",
      options.max_seq_length, options.max_query_length + 3);
  if (use == SquadUse::training) check_answers();
  run_parallel(contexts_.size(), threads_,
               [&](size_t i) { contexts_[i] = make_squad_context(data.contexts[i], tokenizer); });
  std::iota(questions_.begin(), questions_.end(), size_t{0});
  if (use == SquadUse::training) find_answers();
}

void SquadFeaturizer::check_answers() const {
  for (size_t i = 0; i < data_.questions.size(); ++i) {
    const SquadQuestion& question = data_.questions[i];
    check(question.is_impossible || !question.answers.empty(), "{}: 0 answers: expected one to train on",
          data_.where(i));
  }
}

void SquadFeaturizer::find_answers() {
  std::vector<FoundAnswer> found(questions_.size());
  run_parallel(questions_.size(), threads_, [&](size_t i) {
    const SquadQuestion& question = data_.questions[i];
    if (question.is_impossible) return;
    const auto context = static_cast<size_t>(question.context);
    found[i] = find_pieces(data_.contexts[context], contexts_[context], question.answers.front(), tokenizer_,
                           options_.answers);
    answers_[i] = found[i].pieces;
  });
  std::erase_if(questions_, [&](size_t i) {
    const SquadQuestion& question = data_.questions[i];
    const bool is_lost = !question.is_impossible && answers_[i].empty();
    if (is_lost)
      left_out_.push_back(
          fmt::format("'{}': the answer '{}' is not in the context, or has no word piece there", question.id,
                      question.answers.front().text));
    return is_lost;
  });
  counts_.lost_answers = static_cast<int64_t>(left_out_.size());
  for (const size_t i : questions_) {
    const SquadQuestion& question = data_.questions[i];
    if (question.is_impossible) continue;
    counts_.more_answers += question.answers.size() > 1 ? 1 : 0;
    counts_.misplaced += found[i].misplaced ? 1 : 0;
    counts_.other_blanks += found[i].other_blanks ? 1 : 0;
  }
}

SquadFeaturizer::Result SquadFeaturizer::features_of(size_t number) const {
  Result result;
  const SquadQuestion& question = data_.questions[number];
  const SquadContext& context = contexts_[static_cast<size_t>(question.context)];
  const std::vector<Piece> pieces = tokenizer_.tokenize(question.text);
  const bool has_answer = use_ == SquadUse::training && !question.is_impossible;
  SquadCounts& counts = result.counts;
  counts.questions = 1;
  counts.impossible = question.is_impossible ? 1 : 0;
  counts.cut_questions = pieces.size() > static_cast<size_t>(options_.max_query_length) ? 1 : 0;
  counts.without_context = context.pieces.empty() ? 1 : 0;
  for (SquadWindow& window :
       make_squad_windows(pieces, context, answers_[number], tokenizer_.vocab(), options_)) {
    ++counts.windows;
    counts.outside += has_answer && window.end == 0 ? 1 : 0;
    result.features.push_back({number, std::move(window)});
  }
  return result;
}

std::vector<SquadFeature> SquadFeaturizer::run(std::span<const size_t> questions) {
  std::vector<Result> results(questions.size());
  run_parallel(questions.size(), threads_, [&](size_t i) { results[i] = features_of(questions[i]); });
  std::vector<SquadFeature> features;
  for (Result& result : results) {
    counts_ += result.counts;
    std::move(result.features.begin(), result.features.end(), std::back_inserter(features));
  }
  return features;
}

}  // namespace gradus
