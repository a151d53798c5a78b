#include "tasks/infer/tag_results.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gradus {
namespace {

constexpr float impossible = -10000;  // the logarithm of the probability of a tag that can't be
constexpr int64_t edge_tags = 2;      // start and end, behind the tags

}  // namespace

TagResults::TagResults(const LabelList& labels, int64_t rows, int64_t length, bool has_crf)
    : classes_(static_cast<size_t>(labels.size())),
      outside_(static_cast<size_t>(labels.outside_id())),
      rows_(static_cast<size_t>(rows)),
      length_(static_cast<size_t>(length)) {
  if (has_crf) {
    paths_.assign(rows_ * length_, labels.outside_id());
    return;
  }
  scores_.assign(rows_ * length_ * classes_, impossible);
  for (size_t token = 0; token < rows_ * length_; ++token) scores_[token * classes_ + outside_] = 0;
}

void TagResults::set(int64_t row, const std::vector<int32_t>& tokens, std::span<const float> scores,
                     std::span<const int32_t> tags) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    const size_t place = static_cast<size_t>(row) * length_ + static_cast<size_t>(tokens[i]);
    if (scores_.empty()) {
      paths_[place] = tags[i];
      continue;
    }
    const std::span<const float> from = scores.subspan(i * classes_, classes_);
    const double largest = *std::ranges::max_element(from);
    double sum = 0;
    for (const float score : from) sum += std::exp(score - largest);
    for (size_t k = 0; k < classes_; ++k)
      scores_[place * classes_ + k] = static_cast<float>(from[k] - largest - std::log(sum));
  }
}

std::vector<std::string> TagResults::files() const {
  return scores_.empty() ? pointers() : std::vector{bytes_of(scores_)};
}

std::vector<std::string> TagResults::pointers() const {
  const size_t width = classes_ + static_cast<size_t>(edge_tags);
  std::vector<std::string> files;
  std::vector<int32_t> before(rows_ * width, static_cast<int32_t>(classes_)), last;
  for (size_t token = 0; token < length_; ++token) {
    for (size_t row = 0; token > 0 && row < rows_; ++row)
      std::fill_n(before.begin() + static_cast<std::ptrdiff_t>(row * width), width,
                  paths_[row * length_ + token - 1]);
    files.push_back(bytes_of(before));
  }
  for (size_t row = 0; row < rows_; ++row) last.push_back(paths_[(row + 1) * length_ - 1]);
  files.push_back(bytes_of(last));
  return files;
}

TagReading::TagReading(const LabelList& labels, const ResultFiles& results, bool has_crf)
    : labels_(labels), results_(results), has_crf_(has_crf) {}

void TagReading::open(const InputBatch& batch) {
  batch_ = batch.name();
  length_ = static_cast<size_t>(batch.length());
  if (has_crf_) return follow_pointers(batch);
  check(results_.outputs() == 1, "'{}': {} outputs of a batch, expected 1: the tags of all tokens",
        results_.folder().string(), results_.outputs());
  scores_ = results_.floats(
      batch_, 0, batch.capacity() * batch.length() * labels_.size(),
      fmt::format("{} rows of {} tokens of {} tags", batch.capacity(), batch.length(), labels_.size()));
}

void TagReading::follow_pointers(const InputBatch& batch) {
  const int64_t rows = batch.capacity(), length = batch.length();
  check(results_.outputs() == length + 1,
        "'{}': {} outputs of a batch, expected {}: where each of {} tokens points, and the last tag",
        results_.folder().string(), results_.outputs(), length + 1, length);
  paths_.assign(static_cast<size_t>(rows * length), 0);
  std::vector<int32_t> tags = results_.ints(batch_, length, rows, fmt::format("{} last tags", rows));
  const int64_t width = labels_.size() + edge_tags;
  const auto check_tag = [&](int32_t tag, int64_t output, int64_t row) {
    check(tag >= 0 && tag < width, "'{}': row {} has {}, expected a tag, 0 to {}",
          results_.path(batch_, output).string(), row, tag, width - 1);
  };
  for (int64_t row = 0; row < rows; ++row) check_tag(tags[static_cast<size_t>(row)], length, row);
  for (int64_t token = length; token-- > 0;) {
    const std::vector<int32_t> before =
        results_.ints(batch_, token, rows * width,
                      fmt::format("{} rows of {} tags, start and end among them", rows, width));
    for (int64_t row = 0; row < rows; ++row) {
      int32_t& tag = tags[static_cast<size_t>(row)];
      paths_[static_cast<size_t>(row * length + token)] = tag;
      tag = before[static_cast<size_t>(row * width + tag)];
      check_tag(tag, token, row);
    }
  }
}

std::vector<int32_t> TagReading::tags(int64_t row, const std::vector<int32_t>& tokens) {
  std::vector<int32_t> found;
  for (const int32_t token : tokens) {
    const size_t place = static_cast<size_t>(row) * length_ + static_cast<size_t>(token);
    if (has_crf_) {
      const bool is_edge = paths_[place] >= labels_.size();
      edges_ += is_edge ? 1 : 0;
      found.push_back(is_edge ? labels_.outside_id() : paths_[place]);
      continue;
    }
    const auto classes = static_cast<size_t>(labels_.size());
    const std::span<const float> scores = std::span(scores_).subspan(place * classes, classes);
    for (const float score : scores)
      check(std::isfinite(score), "'{}': row {}, token {}: found {}, expected finite numbers",
            results_.path(batch_, 0).string(), row, token, score);
    found.push_back(static_cast<int32_t>(std::ranges::max_element(scores) - scores.begin()));
  }
  return found;
}

}  // namespace gradus
