#include "tasks/metrics/classification_scores.h"

#include <algorithm>
#include <cmath>

#include "core/counted.h"
#include "core/error.h"
#include "tasks/text/display_text.h"

namespace gradus {
namespace {

constexpr int widest_label = 20;
constexpr int widest_line = 100;
constexpr size_t most_confusions = 20;

double ratio(double numerator, double denominator) { return denominator == 0 ? 0 : numerator / denominator; }

// A confusion matrix as lines of text, in columns that are two blanks apart.
class ConfusionTable {
 public:
  ConfusionTable(const ConfusionMatrix& matrix, std::span<const std::string> labels) : matrix_(matrix) {
    for (const std::string& label : labels) row_heads_.push_back(cut_text(label, widest_label));
    column_heads_ = row_heads_;
    measure();
    if (line_width() > widest_line) number_columns();
  }

  std::string text() const {
    std::string text = pad_right(corner_, row_head_width_);
    for (size_t column = 0; column < column_heads_.size(); ++column)
      text += "  " + pad_left(column_heads_[column], column_widths_[column]);
    text += '\n';
    for (size_t row = 0; row < row_heads_.size(); ++row) text += line(row);
    return text;
  }

 private:
  std::string cell(size_t row, size_t column) const {
    return std::to_string(matrix_.count(static_cast<int64_t>(row), static_cast<int64_t>(column)));
  }

  std::string line(size_t row) const {
    std::string text = pad_right(row_heads_[row], row_head_width_);
    for (size_t column = 0; column < column_heads_.size(); ++column)
      text += "  " + pad_left(cell(row, column), column_widths_[column]);
    return text + '\n';
  }

  void measure() {
    row_head_width_ = text_width(corner_);
    for (const std::string& head : row_heads_) row_head_width_ = std::max(row_head_width_, text_width(head));
    column_widths_.clear();
    for (size_t column = 0; column < column_heads_.size(); ++column) {
      int width = text_width(column_heads_[column]);
      for (size_t row = 0; row < row_heads_.size(); ++row)
        width = std::max(width, text_width(cell(row, column)));
      column_widths_.push_back(width);
    }
  }

  int line_width() const {
    int width = row_head_width_;
    for (const int column : column_widths_) width += 2 + column;
    return width;
  }

  // Heads the columns by the classes' ids, which then stand before the labels of the rows, too.
  void number_columns() {
    const int width = text_width(std::to_string(row_heads_.size() - 1));
    for (size_t id = 0; id < row_heads_.size(); ++id) {
      column_heads_[id] = std::to_string(id);
      row_heads_[id] = pad_left(column_heads_[id], width) + " " + row_heads_[id];
    }
    measure();
  }

  const ConfusionMatrix& matrix_;
  const std::string corner_ = "gold \\ predicted";
  std::vector<std::string> row_heads_;
  std::vector<std::string> column_heads_;
  int row_head_width_ = 0;
  std::vector<int> column_widths_;
};

std::string frequent_confusions_text(const ConfusionMatrix& matrix, std::span<const std::string> labels) {
  const std::vector<Confusion> all = confusions(matrix);
  const auto label = [&](int64_t id) { return cut_text(labels[static_cast<size_t>(id)], 2 * widest_label); };
  std::string text;
  int64_t examples = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i < most_confusions)
      text += fmt::format("{} -> {}: {}\n", label(all[i].gold), label(all[i].predicted), all[i].count);
    else examples += all[i].count;
  }
  if (all.empty()) return "no confusions\n";
  if (examples > 0)
    text += fmt::format("and {} more, of {}\n", all.size() - most_confusions, counted(examples, "example"));
  return text;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(int64_t classes) : classes_(classes) {
  check(classes > 0, "[metrics] {} classes, expected 1 or more", classes);
  counts_.resize(static_cast<size_t>(classes * classes));
}

void ConfusionMatrix::add(std::span<const int32_t> predicted, std::span<const int32_t> gold) {
  check(predicted.size() == gold.size(), "[metrics] {} predictions, expected {} as there are labels",
        predicted.size(), gold.size());
  const auto is_class = [&](int32_t id) { return id >= 0 && id < classes_; };
  for (size_t i = 0; i < gold.size(); ++i) {
    check(is_class(predicted[i]) && is_class(gold[i]),
          "[metrics] prediction {} and label {} at {}, expected 0 to {}", predicted[i], gold[i], i,
          classes_ - 1);
  }
  for (size_t i = 0; i < gold.size(); ++i) ++counts_[static_cast<size_t>(gold[i] * classes_ + predicted[i])];
}

int64_t ConfusionMatrix::total() const {
  int64_t sum = 0;
  for (const int64_t count : counts_) sum += count;
  return sum;
}

int64_t ConfusionMatrix::correct() const {
  int64_t sum = 0;
  for (int64_t id = 0; id < classes_; ++id) sum += count(id, id);
  return sum;
}

int64_t ConfusionMatrix::gold_count(int64_t id) const {
  int64_t sum = 0;
  for (int64_t predicted = 0; predicted < classes_; ++predicted) sum += count(id, predicted);
  return sum;
}

int64_t ConfusionMatrix::predicted_count(int64_t id) const {
  int64_t sum = 0;
  for (int64_t gold = 0; gold < classes_; ++gold) sum += count(gold, id);
  return sum;
}

double ConfusionMatrix::accuracy() const {
  return ratio(static_cast<double>(correct()), static_cast<double>(total()));
}

F1Counts ConfusionMatrix::of_class(int64_t id) const {
  const int64_t hits = count(id, id);
  return {hits, predicted_count(id) - hits, gold_count(id) - hits};
}

double ConfusionMatrix::macro_f1() const {
  double sum = 0;
  int64_t present = 0;
  for (int64_t id = 0; id < classes_; ++id) {
    const F1Counts counts = of_class(id);
    sum += counts.f1();
    present += counts != F1Counts{};
  }
  return ratio(sum, static_cast<double>(present));
}

MatthewsCounts ConfusionMatrix::positives() const {
  MatthewsCounts result;
  result.true_negatives = count(0, 0);
  result.false_positives = gold_count(0) - count(0, 0);
  result.false_negatives = predicted_count(0) - count(0, 0);
  result.true_positives = total() - result.true_negatives - result.false_positives - result.false_negatives;
  return result;
}

double ConfusionMatrix::matthews_correlation() const {
  // Sums of products of counts, in double: exact up to 2^53, the square of 94 million examples.
  const auto examples = static_cast<double>(total());
  double both = 0, gold_squares = 0, predicted_squares = 0;
  for (int64_t id = 0; id < classes_; ++id) {
    const auto gold = static_cast<double>(gold_count(id));
    const auto predicted = static_cast<double>(predicted_count(id));
    both += gold * predicted;
    gold_squares += gold * gold;
    predicted_squares += predicted * predicted;
  }
  const double covariance = static_cast<double>(correct()) * examples - both;
  const double gold_variance = examples * examples - gold_squares;
  const double predicted_variance = examples * examples - predicted_squares;
  return ratio(covariance, std::sqrt(gold_variance) * std::sqrt(predicted_variance));
}

double ConfusionMatrix::majority_accuracy() const {
  int64_t most = 0;
  for (int64_t id = 0; id < classes_; ++id) most = std::max(most, gold_count(id));
  return ratio(static_cast<double>(most), static_cast<double>(total()));
}

bool ConfusionMatrix::collapsed() const {
  int64_t gold_classes = 0, predicted_classes = 0;
  for (int64_t id = 0; id < classes_; ++id) {
    gold_classes += gold_count(id) > 0;
    predicted_classes += predicted_count(id) > 0;
  }
  return predicted_classes == 1 && gold_classes > 1;
}

std::vector<Confusion> confusions(const ConfusionMatrix& matrix) {
  std::vector<Confusion> result;
  for (int64_t gold = 0; gold < matrix.classes(); ++gold) {
    for (int64_t predicted = 0; predicted < matrix.classes(); ++predicted) {
      const int64_t count = matrix.count(gold, predicted);
      if (gold != predicted && count > 0) result.push_back({gold, predicted, count});
    }
  }
  std::ranges::stable_sort(result, std::greater(), &Confusion::count);
  return result;
}

std::string confusion_text(const ConfusionMatrix& matrix, std::span<const std::string> labels,
                           int64_t most_classes) {
  check(static_cast<int64_t>(labels.size()) == matrix.classes(),
        "[metrics] {} labels, expected {} as there are classes", labels.size(), matrix.classes());
  if (matrix.classes() > most_classes) return frequent_confusions_text(matrix, labels);
  return ConfusionTable(matrix, labels).text();
}

}  // namespace gradus
