#include "data/ner_features.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "data/tag_scheme.h"

namespace gradus {

namespace {

constexpr std::array<std::string_view, 3> protocol_labels{"X", "[CLS]", "[SEP]"};

// A run of words that becomes one example, and those of its words that are scored there.
struct Window {
  size_t begin, end;
  size_t scored_begin, scored_end;
};

// Pieces of the words [begin, end).
size_t pieces_between(const WordPieces& words, size_t begin, size_t end) {
  return words.first[end] - words.first[begin];
}

// The end of the longest run of words from `begin` on whose pieces fit into `room`; at least one word.
size_t end_of_run(const WordPieces& words, size_t begin, size_t room) {
  const size_t size = words.first.size() - 1;
  size_t end = begin + 1;
  while (end < size && pieces_between(words, begin, end + 1) <= room) ++end;
  return end;
}

// Runs as long as fit; one ends within a name only when the name is longer than a run. `inside`: which words go on with
// the name of the word before; empty when that isn't known, or one run has all words.
std::vector<Window> split_windows(const WordPieces& words, size_t room, const std::vector<bool>& inside) {
  std::vector<Window> windows;
  const size_t size = words.first.size() - 1;
  for (size_t begin = 0; begin < size; begin = windows.back().end) {
    const size_t longest = end_of_run(words, begin, room);
    size_t end = longest;
    while (end < size && end > begin && !inside.empty() && inside[end]) --end;
    if (end == begin) end = longest;
    windows.push_back({begin, end, begin, end});
  }
  return windows;
}

// A window starts so that it shares at most half the room with the one before and takes in at least one word
// more. Of the words they share, the later window scores those with more pieces before them there than after
// them in the earlier one.
std::vector<Window> overlapping_windows(const WordPieces& words, size_t room) {
  const size_t size = words.first.size() - 1;
  std::vector<Window> windows{{0, end_of_run(words, 0, room), 0, 0}};
  while (windows.back().end < size) {
    Window& last = windows.back();
    size_t begin = last.begin + 1;
    while (begin < last.end && (pieces_between(words, begin, last.end) > room / 2 ||
                                pieces_between(words, begin, last.end + 1) > room)) {
      ++begin;
    }
    size_t scored_begin = begin;
    while (scored_begin < last.end &&
           pieces_between(words, begin, scored_begin) <= pieces_between(words, scored_begin + 1, last.end)) {
      ++scored_begin;
    }
    last.scored_end = scored_begin;
    windows.push_back({begin, end_of_run(words, begin, room), scored_begin, 0});
  }
  windows.back().scored_end = size;
  std::erase_if(windows, [](const Window& window) { return window.scored_begin == window.scored_end; });
  return windows;
}

std::vector<Window> cut_window(const WordPieces& words, size_t room) {
  size_t end = 0;
  while (end + 1 < words.first.size() && words.first[end] < room) ++end;
  return {{0, end, 0, end}};
}

class ExampleMaker {
 public:
  ExampleMaker(const NerData& data, const Tokenizer& tokenizer, const LabelList* labels,
               const NerFeatureOptions& options)
      : data_(data),
        tokenizer_(tokenizer),
        labels_(data.labelled ? labels : nullptr),
        reader_(labels_ == nullptr ? std::vector<std::string>() : labels_->tags()),
        options_(options) {
    const int32_t specials = options.protocol == LabelProtocol::x_pieces_no_sep ? 1 : 2;
    check(options.seq_length > specials, "[ner features] seq_length {}: expected at least {}",
          options.seq_length, specials + 1);
    room_ = static_cast<size_t>(options.seq_length - specials);
    if (labels_ != nullptr && options.protocol == LabelProtocol::all_pieces) {
      x_label_ = cls_label_ = sep_label_ = labels_->outside_id();
    } else if (labels_ != nullptr && every_piece()) {
      x_label_ = labels_->id("X");
      cls_label_ = labels_->id("[CLS]");
      if (has_sep()) sep_label_ = labels_->id("[SEP]");
    }
  }

  NerExamples run(const std::function<void(size_t)>& done) {
    for (size_t i = 0; i < data_.sentences.size(); ++i) {
      add_sentence(i);
      if (done) done(i + 1);
    }
    return std::move(result_);
  }

 private:
  bool every_piece() const { return options_.protocol != LabelProtocol::first_piece; }
  bool has_sep() const { return options_.protocol != LabelProtocol::x_pieces_no_sep; }

  void add_sentence(size_t index) {
    const NerSentence& sentence = data_.sentences[index];
    ++result_.counts.sentences;
    if (sentence.words.empty()) return;  // an empty line of text
    const WordPieces words = tokenizer_.tokenize_words(sentence.words);
    const std::vector<int32_t> tag_ids = label_ids(index);
    NerCounts& counts = result_.counts;
    counts.words += static_cast<int64_t>(sentence.words.size());
    counts.pieces += static_cast<int64_t>(words.pieces.size());
    counts.unknown_words += words.empty_words;
    const bool is_long = words.pieces.size() > room_;
    counts.long_sentences += is_long ? 1 : 0;
    const std::vector<Window> windows =
        options_.long_sentences == LongSentences::split
            ? split_windows(words, room_, is_long ? words_inside(sentence) : std::vector<bool>())
        : options_.long_sentences == LongSentences::overlap ? overlapping_windows(words, room_)
                                                            : cut_window(words, room_);
    counts.dropped_words += static_cast<int64_t>(sentence.words.size() - windows.back().end);
    for (const Window& window : windows) {
      NerExample example = make_example(window, words, tag_ids);
      example.sentence = static_cast<int32_t>(index);
      result_.examples.push_back(std::move(example));
    }
  }

  std::vector<bool> words_inside(const NerSentence& sentence) const {
    std::vector<bool> inside(sentence.tags.size(), false);
    for (const Entity& entity : reader_.entities(std::span(sentence.tags)))
      std::fill(inside.begin() + entity.begin + 1, inside.begin() + entity.end, true);
    return inside;
  }

  std::vector<int32_t> label_ids(size_t index) const {
    const NerSentence& sentence = data_.sentences[index];
    std::vector<int32_t> ids;
    if (labels_ == nullptr) return ids;
    ids.reserve(sentence.tags.size());
    for (size_t i = 0; i < sentence.tags.size(); ++i) {
      try {
        ids.push_back(labels_->id(sentence.tags[i]));
      } catch (const Error& error) {
        fail("{}: word '{}': {}", data_.where(index, i), sentence.words[i], error.what());
      }
    }
    return ids;
  }

  NerExample make_example(const Window& window, const WordPieces& words,
                          const std::vector<int32_t>& tag_ids) {
    NerExample example;
    example.first_word = static_cast<int32_t>(window.begin);
    example.scored_begin = static_cast<int32_t>(window.scored_begin);
    example.scored_end = static_cast<int32_t>(window.scored_end);
    add_token(example, tokenizer_.vocab().cls_id(), every_piece(), -1, cls_label_);
    for (size_t word = window.begin; word < window.end; ++word) {
      const size_t left = room_ - (example.input_ids.size() - 1);
      const size_t pieces = std::min(left, pieces_between(words, word, word + 1));
      const bool scored = word >= window.scored_begin && word < window.scored_end;
      if (scored && pieces < pieces_between(words, word, word + 1)) ++result_.counts.truncated_words;
      for (size_t i = 0; i < pieces; ++i) {
        const bool first = i == 0;
        const int32_t label = !first ? x_label_ : tag_ids.empty() ? 0 : tag_ids[word];
        add_token(example, words.pieces[words.first[word] + i].id, first || every_piece(),
                  first ? static_cast<int32_t>(word) : -1, label);
      }
    }
    if (has_sep()) add_token(example, tokenizer_.vocab().sep_id(), every_piece(), -1, sep_label_);
    return example;
  }

  void add_token(NerExample& example, int32_t id, bool seen_by_head, int32_t word, int32_t label) const {
    if (seen_by_head) {
      example.first_pieces.push_back(static_cast<int32_t>(example.input_ids.size()));
      example.words.push_back(word);
      if (labels_ != nullptr) example.labels.push_back(label);
    }
    example.input_ids.push_back(id);
  }

  const NerData& data_;
  const Tokenizer& tokenizer_;
  const LabelList* labels_;  // null: no labels are made
  TagReader reader_;         // of their tags
  NerFeatureOptions options_;
  size_t room_;  // pieces that fit
  int32_t x_label_ = 0, cls_label_ = 0, sep_label_ = 0;
  NerExamples result_;
};

}  // namespace

std::string_view name_of(LabelProtocol protocol) {
  switch (protocol) {
    case LabelProtocol::first_piece:
      return "first_piece";
    case LabelProtocol::x_pieces:
      return "x_pieces";
    case LabelProtocol::x_pieces_no_sep:
      return "x_pieces_no_sep";
    case LabelProtocol::all_pieces:
      return "all_pieces";
  }
  return "";
}

std::string NerCounts::str() const {
  std::string text = fmt::format("{}, {}, {}", counted(sentences, "sentence"), counted(words, "word"),
                                 counted(pieces, "piece"));
  const auto add = [&](int64_t count, const char* what, const char* which) {
    if (count > 0) text += fmt::format(", {} {}", counted(count, what), which);
  };
  add(long_sentences, "sentence", "longer than the sequence");
  add(unknown_words, "word", "without a piece ([UNK])");
  add(truncated_words, "word", "truncated");
  add(dropped_words, "word", "dropped");
  return text;
}

NerCounts& NerCounts::operator+=(const NerCounts& more) {
  sentences += more.sentences;
  words += more.words;
  pieces += more.pieces;
  long_sentences += more.long_sentences;
  unknown_words += more.unknown_words;
  truncated_words += more.truncated_words;
  dropped_words += more.dropped_words;
  return *this;
}

NerExamples make_ner_examples(const NerData& data, const Tokenizer& tokenizer, const LabelList* labels,
                              const NerFeatureOptions& options, const std::function<void(size_t)>& done) {
  return ExampleMaker(data, tokenizer, labels, options).run(done);
}

void add_protocol_labels(LabelProtocol protocol, LabelList& labels) {
  if (protocol == LabelProtocol::first_piece || protocol == LabelProtocol::all_pieces) return;
  for (const std::string_view tag : protocol_labels) labels.add(tag);
}

bool is_protocol_label(std::string_view tag) {
  return std::find(protocol_labels.begin(), protocol_labels.end(), tag) != protocol_labels.end();
}

}  // namespace gradus
