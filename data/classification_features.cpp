#include "data/classification_features.h"

#include <algorithm>
#include <utility>

#include "core/counted.h"
#include "core/error.h"
#include "core/joined.h"

namespace gradus {
namespace {

class ExampleMaker {
 public:
  ExampleMaker(const ClassificationData& data, const Tokenizer& tokenizer, const ClassLabels* labels,
               int32_t seq_length)
      : data_(data), tokenizer_(tokenizer), labels_(labels), seq_length_(seq_length) {
    const bool pairs = !data.texts.empty() && data.texts.front().text_b;
    const int32_t least = pairs ? 4 : 3;
    check(seq_length >= least, "[classification features] seq_length {}: expected at least {}", seq_length,
          least);
    if (labels == nullptr || data.label_columns.empty()) return;
    for (const std::string& label : labels->names())
      check(std::ranges::find(data.label_columns, label) != data.label_columns.end(),
            "{}: the label '{}' has no column among {}", data.path, label, joined(data.label_columns, ", "));
  }

  ClassificationExamples run(const std::function<void(size_t)>& done) {
    result_.examples.reserve(data_.texts.size());
    for (size_t i = 0; i < data_.texts.size(); ++i) {
      result_.examples.push_back(make(i));
      if (done) done(i + 1);
    }
    result_.counts.examples = static_cast<int64_t>(result_.examples.size());
    return std::move(result_);
  }

 private:
  ClassificationExample make(size_t index) {
    const ClassificationText& text = data_.texts[index];
    ClassificationExample example;
    set_labels(index, example);
    example.score = text.score;
    const std::vector<Piece> a = pieces_of(text.text_a);
    const std::vector<Piece> b = text.text_b ? pieces_of(*text.text_b) : std::vector<Piece>();
    size_t a_size = a.size(), b_size = b.size();
    truncate_pair(a_size, b_size, static_cast<size_t>(seq_length_) - (text.text_b ? 3 : 2));
    const size_t dropped = a.size() + b.size() - a_size - b_size;
    result_.counts.truncated += dropped > 0 ? 1 : 0;
    result_.counts.dropped_pieces += static_cast<int64_t>(dropped);
    example.input_ids.push_back(tokenizer_.vocab().cls_id());
    append(a, a_size, 0, example);
    if (text.text_b) append(b, b_size, 1, example);
    return example;
  }

  std::vector<Piece> pieces_of(const std::string& text) {
    std::vector<Piece> pieces = tokenizer_.tokenize(text);
    result_.counts.pieces += static_cast<int64_t>(pieces.size());
    result_.counts.empty_texts += pieces.empty() ? 1 : 0;
    return pieces;
  }

  // Appends the first `size` pieces and [SEP].
  void append(const std::vector<Piece>& pieces, size_t size, int32_t segment,
              ClassificationExample& example) const {
    for (size_t i = 0; i < size; ++i) example.input_ids.push_back(pieces[i].id);
    example.input_ids.push_back(tokenizer_.vocab().sep_id());
    example.segment_ids.resize(example.input_ids.size(), segment);
  }

  void set_labels(size_t index, ClassificationExample& example) const {
    if (labels_ == nullptr || !data_.labelled) return;
    try {
      if (!data_.several_labels) {
        example.label = labels_->id(data_.texts[index].label);
        return;
      }
      for (const std::string& label : data_.texts[index].labels) example.labels.push_back(labels_->id(label));
    } catch (const Error& error) {
      fail("{}: {}", data_.where(index), error.what());
    }
    std::sort(example.labels.begin(), example.labels.end());
  }

  const ClassificationData& data_;
  const Tokenizer& tokenizer_;
  const ClassLabels* labels_;
  int32_t seq_length_;
  ClassificationExamples result_;
};

}  // namespace

ClassificationCounts& ClassificationCounts::operator+=(const ClassificationCounts& other) {
  examples += other.examples;
  pieces += other.pieces;
  truncated += other.truncated;
  dropped_pieces += other.dropped_pieces;
  empty_texts += other.empty_texts;
  return *this;
}

std::string ClassificationCounts::str() const {
  std::string text = counted(examples, "example") + ", " + counted(pieces, "piece");
  if (truncated > 0)
    text += fmt::format(", {} longer than the sequence, {} dropped", counted(truncated, "example"),
                        counted(dropped_pieces, "piece"));
  if (empty_texts > 0) text += fmt::format(", {} without a piece", counted(empty_texts, "text"));
  return text;
}

void truncate_pair(size_t& a, size_t& b, size_t room) {
  while (a + b > room) --(a > b ? a : b);
}

ClassificationExamples make_classification_examples(const ClassificationData& data,
                                                    const Tokenizer& tokenizer, const ClassLabels* labels,
                                                    int32_t seq_length,
                                                    const std::function<void(size_t)>& done) {
  return ExampleMaker(data, tokenizer, labels, seq_length).run(done);
}

}  // namespace gradus
