#include "tasks/model/stored_head.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "core/counted.h"
#include "core/joined.h"
#include "nn/checkpoints/model_tensors.h"

namespace gradus {
namespace {

using Names = std::vector<std::string>;

// Classes of transformers whose head is called classifier, as all such heads are.
constexpr std::array<std::string_view, 3> classifiers{"BertForSequenceClassification",
                                                      "BertForTokenClassification", "BertForMultipleChoice"};

constexpr std::string_view answerer = "BertForQuestionAnswering";

HeadChoice new_head(const std::string& path, const std::string& reason) {
  return {{true, {}}, fmt::format("a new head begins, that of {} is not used: {}", path, reason)};
}

// Those of `names` that are not among `others`.
std::string only(const Names& names, const Names& others) {
  Names found;
  std::ranges::copy_if(names, std::back_inserter(found), [&](const std::string& name) {
    return std::ranges::find(others, name) == others.end();
  });
  return found.empty() ? "none" : joined(found, ", ").str();
}

std::string difference(const Names& stored, const Names& labels) {
  return fmt::format("only it has the labels {}, only the data have {}", only(stored, labels),
                     only(labels, stored));
}

// Labels that are called by numbers, "0" to "2", in any order, are the stored ones of these numbers.
std::vector<int64_t> rows_by_number(const Names& labels) {
  Names numbers;
  for (size_t i = 0; i < labels.size(); ++i) numbers.push_back(std::to_string(i));
  std::vector<int64_t> rows = match_labels(numbers, labels).rows;
  if (rows.empty()) {
    rows.resize(labels.size());
    std::iota(rows.begin(), rows.end(), 0);
  }
  return rows;
}

// "LABEL_0 is pos, LABEL_1 is neg", few of many.
std::string pairs(const Names& stored, const Names& labels, const std::vector<int64_t>& rows) {
  constexpr size_t most = 5;
  Names shown;
  for (size_t i = 0; i < std::min(most, labels.size()); ++i) {
    const auto row = static_cast<size_t>(rows[i]);
    shown.push_back(
        fmt::format("'{}' is its {}{}", labels[i], row, stored.empty() ? "" : ", '" + stored[row] + "'"));
  }
  return fmt::format("{}{}", joined(shown, "; "), labels.size() > most ? "; ..." : "");
}

HeadChoice by_labels(const StoredHead& stored, const std::string& path, const Names& labels, int64_t rows) {
  const Names& names = stored.labels.names;
  const bool named = !names.empty() && !are_default_labels(names);
  if (rows != static_cast<int64_t>(labels.size())) {
    const std::string reason =
        fmt::format("it has {}, the data have {}", counted(rows, "label"), labels.size());
    return new_head(path, named ? fmt::format("{}: {}", reason, difference(names, labels)) : reason);
  }
  const std::string& problem = stored.labels.problem;
  if (!problem.empty()) return new_head(path, fmt::format("what its labels are is unclear: {}", problem));
  if (!names.empty() && names.size() != labels.size())
    return new_head(
        path, fmt::format("it has {}, its configuration names {}", counted(rows, "label"), names.size()));
  // One output, which has no name that means anything.
  if (labels.size() == 1) return {{false, {}}, fmt::format("the head of {} is taken", path)};

  LabelRows found = match_labels(names, labels);
  const bool by_number = found.rows.empty() && !named;
  if (by_number) found.rows = rows_by_number(labels);
  if (found.rows.empty()) return new_head(path, difference(names, labels));
  std::string how = "its labels are those of the data";
  if (by_number) how = "its labels have no names and are taken by number";
  else if (!std::ranges::is_sorted(found.rows)) how = "its labels, in another order, are taken by name";
  else if (found.loosely) how = "its labels are taken by name";
  const bool plain = !by_number && !found.loosely && std::ranges::is_sorted(found.rows);
  return {{false, found.rows},
          fmt::format("the head of {} is taken, {}{}", path, how,
                      plain ? "" : ": " + pairs(names, labels, found.rows))};
}

}  // namespace

HeadChoice choose_head(const StoredHead& stored, const ModelTensors& file, const std::string& architecture,
                       const std::vector<std::string>& labels) {
  const std::string& path = file.path();
  const bool is_classifier = std::ranges::find(classifiers, architecture) != classifiers.end();
  if (!is_classifier && architecture != answerer) return {};  // heads that are known by their names
  const ModelTensors::Tensor* head = file.find(is_classifier ? "classifier.weight" : "qa_outputs.weight");
  if (head == nullptr || head->shape.empty()) return {};
  const int64_t rows = head->shape[0];
  if (!is_classifier) {
    if (rows != 2)
      return new_head(path, fmt::format("it gives {} scores, expected a start and an end", rows));
    return {{false, {}}, fmt::format("the head of {} is taken", path)};
  }
  const bool is_other = stored.architecture != architecture &&
                        std::ranges::find(classifiers, stored.architecture) != classifiers.end();
  if (is_other) return new_head(path, fmt::format("it is one of {}", stored.architecture));
  return by_labels(stored, path, labels, rows);
}

}  // namespace gradus
