// The CRF's dynamic programs against an enumeration of all paths.
#include <doctest/doctest.h>

#include "tests/naive_backend.h"
#include "tests/op_run.h"
#include "tests/reference.h"

using namespace gradus;
using ReferenceScores = reference::CrfScores;
using reference::Matrix;
using reference::Sequence;

namespace {

struct Kept {
  Tensor loss, alpha, log_z;
};

// Scores, gold tags and lengths of a small batch, the same numbers on every backend. The last row is of no
// sequence.
struct Batch {
  int64_t tag_count;
  std::vector<int32_t> offsets;
  std::vector<float> emissions, transitions, start, end;
  std::vector<int32_t> gold;

  Batch(int64_t tag_count, std::vector<int32_t> offsets, float scale)
      : tag_count(tag_count), offsets(std::move(offsets)) {
    RandomSequence random(21, static_cast<uint32_t>(tag_count));
    const auto fill = [&](std::vector<float>& values, int64_t count) {
      for (int64_t i = 0; i < count; ++i) values.push_back(scale * random.normal());
    };
    fill(emissions, rows() * tag_count);
    fill(transitions, tag_count * tag_count);
    fill(start, tag_count);
    fill(end, tag_count);
    for (int64_t t = 0; t < rows(); ++t) {
      gold.push_back(static_cast<int32_t>(random.below(static_cast<uint32_t>(tag_count))));
    }
  }

  int64_t rows() const { return offsets.back() + 1; }
  Tensor emissions_on(Backend& backend) const {
    return Tensor::from(backend, {rows(), tag_count}, emissions);
  }
  Tensor transitions_on(Backend& backend) const {
    return Tensor::from(backend, {tag_count, tag_count}, transitions);
  }
  Tensor start_on(Backend& backend) const { return Tensor::from(backend, {tag_count}, start); }
  Tensor end_on(Backend& backend) const { return Tensor::from(backend, {tag_count}, end); }
  CrfScores scores_on(Backend& backend) const {
    return {transitions_on(backend), start_on(backend), end_on(backend)};
  }
  Packing packing_on(Backend& backend) const {
    int64_t longest = 0;
    for (size_t b = 1; b < offsets.size(); ++b)
      longest = std::max<int64_t>(longest, offsets[b] - offsets[b - 1]);
    return {Tensor::from(backend, {static_cast<int64_t>(offsets.size())}, std::span<const int32_t>(offsets)),
            longest};
  }

  double loss(Backend& backend) const { return forward(backend).loss.item(); }
  Kept forward(Backend& backend) const {
    const Kept kept{Tensor::empty(backend, {1}), Tensor::empty(backend, {rows(), tag_count}),
                    Tensor::empty(backend, {std::ssize(offsets) - 1})};
    backend.crf_nll_forward({emissions_on(backend),
                             Tensor::from(backend, {rows()}, std::span<const int32_t>(gold)),
                             packing_on(backend), scores_on(backend), kept.loss, kept.alpha, kept.log_z});
    return kept;
  }
  std::vector<int32_t> viterbi(Backend& backend) const {
    const Tensor tags = Tensor::empty(backend, {rows()}, DType::int32);
    backend.crf_viterbi({emissions_on(backend), packing_on(backend), scores_on(backend), tags});
    return tags.to_host_int();
  }
};

// The log-partition and the best path of one sequence, over all K^length paths.
struct Enumeration {
  std::vector<double> scores;
  double best_score = -INFINITY;
  std::vector<int32_t> best;  // its tags in their rows

  Enumeration(const Matrix& emissions, const Sequence& sequence, const ReferenceScores& scores_of) {
    std::vector<int32_t> tags(static_cast<size_t>(emissions.rows()));
    visit(emissions, sequence, scores_of, sequence.begin, tags);
  }
  double log_partition() const {
    return reference::log_sum_exp(static_cast<int64_t>(scores.size()),
                                  [&](int64_t i) { return scores[static_cast<size_t>(i)]; });
  }

 private:
  void visit(const Matrix& emissions, const Sequence& sequence, const ReferenceScores& scores_of, int64_t t,
             std::vector<int32_t>& tags) {
    if (t == sequence.end) {
      scores.push_back(reference::crf_path_score(emissions, tags, sequence, scores_of));
      if (scores.back() > best_score) {
        best_score = scores.back();
        best = tags;
      }
      return;
    }
    for (int32_t k = 0; k < emissions.columns(); ++k) {
      tags[static_cast<size_t>(t)] = k;
      visit(emissions, sequence, scores_of, t + 1, tags);
    }
  }
};

}  // namespace

TEST_CASE("CRF loss and Viterbi path are those of the enumeration of all paths") {
  for (const int64_t tag_count : {1, 2, 3, 4}) {
    const Batch batch(tag_count, {0, 1, 6, 8, 13}, 2.0F);
    Backend& naive = naive_backend();
    const Matrix emissions = reference::load(batch.emissions_on(naive));
    const ReferenceScores scores{reference::load(batch.transitions_on(naive)),
                                 reference::load(batch.start_on(naive)),
                                 reference::load(batch.end_on(naive))};
    double loss = 0;
    std::vector<int32_t> path(static_cast<size_t>(batch.rows()));  // zero in the unused row
    for (const Sequence& sequence : reference::sequences_of(batch.packing_on(naive))) {
      const Enumeration all(emissions, sequence, scores);
      loss += all.log_partition() - reference::crf_path_score(emissions, batch.gold, sequence, scores);
      for (auto t = static_cast<size_t>(sequence.begin); t < static_cast<size_t>(sequence.end); ++t) {
        path[t] = all.best[t];
      }
    }
    for (Backend* backend : backends_under_test()) {
      INFO(backend->description(), ", ", tag_count, " tags");
      CHECK(batch.loss(*backend) == doctest::Approx(loss).epsilon(1e-5));
      CHECK(batch.viterbi(*backend) == path);
    }
  }
}

TEST_CASE("Viterbi takes the lowest tag among equals") {
  for (const int64_t tag_count : {5, 70}) {
    const Batch ties(tag_count, {0, 4, 5, 14}, 0.0F);
    // Whole numbers, of which many sums are equal.
    Batch whole(tag_count, {0, 9, 40}, 1.0F);
    for (std::vector<float>* scores : {&whole.emissions, &whole.transitions, &whole.start, &whole.end})
      for (float& score : *scores) score = std::round(score);
    for (Backend* backend : backends_under_test()) {
      INFO(backend->description(), ", ", tag_count, " tags");
      CHECK(ties.viterbi(*backend) == std::vector<int32_t>(15, 0));
      CHECK(whole.viterbi(*backend) == whole.viterbi(naive_backend()));
    }
  }
}

TEST_CASE("paths of many tags, and of empty sequences, are those of the naive backend") {
  for (const int64_t tag_count : {1, 32, 33, 70, 131}) {
    const Batch batch(tag_count, {0, 0, 1, 8, 8, 13, 13}, 1.0F);
    for (Backend* backend : backends_under_test()) {
      INFO(backend->description(), ", ", tag_count, " tags");
      CHECK(batch.viterbi(*backend) == batch.viterbi(naive_backend()));
    }
  }
}

TEST_CASE("what the CRF keeps is zero for rows of no sequence and for empty sequences") {
  const Batch batch(3, {0, 0, 4, 4}, 1.0F), none(3, {0}, 1.0F);
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    for (const Batch& b : {batch, none}) {
      const Kept kept = b.forward(*backend);
      const std::vector<float> alpha = kept.alpha.to_host(), log_z = kept.log_z.to_host();
      CHECK(std::vector<float>(alpha.end() - 3, alpha.end()) == std::vector<float>(3, 0.0F));
      for (size_t i = 0; i < log_z.size(); ++i) CHECK((log_z[i] == 0) == (b.offsets[i + 1] == b.offsets[i]));
      CHECK((kept.loss.item() == 0) == (b.offsets.back() == 0));
      CHECK(b.viterbi(*backend).back() == 0);
    }
  }
}

TEST_CASE("of no sequences all that a CRF's gradients hold is zero") {
  const Batch batch(3, {0}, 1.0F);
  for (Backend* backend : backends_under_test()) {
    INFO(backend->description());
    const Kept kept = batch.forward(*backend);
    const auto gradient = [&](const Shape& shape) {
      return Tensor::from(*backend, shape, std::vector<float>(static_cast<size_t>(shape.elements()), 7.0F));
    };
    const Tensor demissions = gradient({1, 3}), dtransitions = gradient({3, 3}), dstart = gradient({3}),
                 dend = gradient({3});
    backend->crf_nll_backward({.dloss = Tensor::from(*backend, {1}, std::vector<float>{1}),
                               .emissions = batch.emissions_on(*backend),
                               .tags = Tensor::from(*backend, {1}, std::span<const int32_t>(batch.gold)),
                               .packing = batch.packing_on(*backend),
                               .scores = batch.scores_on(*backend),
                               .alpha = kept.alpha,
                               .log_z = kept.log_z,
                               .demissions = {demissions},
                               .dtransitions = {dtransitions},
                               .dstart = {dstart},
                               .dend = {dend}});
    for (const Tensor& tensor : {demissions, dtransitions, dstart, dend})
      CHECK(tensor.to_host() == std::vector<float>(static_cast<size_t>(tensor.elements()), 0.0F));
  }
}

TEST_CASE("CRF scores of hundreds neither overflow nor lose the loss, and long paths agree") {
  for (const int64_t tag_count : {19, 63}) {
    const Batch batch(tag_count, {0, 200, 201, 202, 203, 204, 205, 206, 207, 208, 260}, 100.0F);
    const double loss = batch.loss(naive_backend());
    CHECK(std::isfinite(loss));
    for (Backend* backend : backends_under_test()) {
      INFO(backend->description(), ", ", tag_count, " tags");
      CHECK(batch.loss(*backend) == doctest::Approx(loss).epsilon(1e-5));
      CHECK(batch.viterbi(*backend) == batch.viterbi(naive_backend()));
    }
  }
}
