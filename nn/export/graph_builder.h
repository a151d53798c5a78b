// What a model does, one operation after the other, for whoever writes it down in a format of other programs. Models say it once
// (nn/export/bert_graph.h), each format has a builder of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "core/kernels.h"
#include "nn/export/stored_tensor.h"

namespace gradus {

// What is added to scores that don't count: as strong as in BERT's reference implementation, and within 16 bits.
constexpr double masked_score = -10000;

// Scores of a CRF of K tags (nn/crf.h): `transitions` are [K, K], a row for the tag before.
struct CrfNumbers {
  std::vector<float> transitions, start, end;
};

// How a graph is written: with `external`, and where the format asks for that, weights lie in a file of their own.
struct GraphFile {
  std::filesystem::path path;
  FileMetadata metadata = {};
  bool external = false;
};

// Values are known by names, which have to differ: each operation is given that of its result. Shapes are those of a padded
// batch: B texts of S tokens, H numbers each. Weights have the names of their checkpoint; "x" stands there as "x.weight" and
// "x.bias", and all weights that are named have to be in it: Error tells which is not.
class GraphBuilder {
 public:
  using Value = std::string;

  virtual ~GraphBuilder() = default;

  // What comes after is computed in this type, and its weights are stored so.
  virtual void compute_in(DType type) = 0;

  // --- ends ---
  // Integers, [batch, `axis`], or [batch] without an axis of that name.
  virtual Value integers(const Value& name, const std::string& axis) = 0;
  // Gives floats out as float32 under this name, by which they are known from then on. Axes are batch, `axis` (none where that is
  // empty), and `size` (none at 0).
  virtual Value output(const Value& name, const Value& x, const std::string& axis, int64_t size) = 0;

  // Gives out the most likely tags of emissions [B, W, K] under this name, int64 [B, W], and -1 behind a text's `lengths` [B] words.
  // Throws Error where the format can't say that.
  virtual void output_best_tags(const Value& name, const Value& emissions, const Value& lengths,
                                const CrfNumbers& crf) = 0;

  // --- the file ---
  // What write() makes.
  virtual std::vector<std::filesystem::path> files(const GraphFile& file) const = 0;
  // Writes what was built, all files or none. Throws Error when one can't be written.
  virtual void write(const GraphFile& file) const = 0;

  // --- layers ---
  // Rows of a table of weights: [B, S] -> [B, S, H].
  virtual Value embedding(const Value& name, const std::string& table, const Value& ids) = 0;
  // The first S rows of a table, as many as the ids have columns: [S, H].
  virtual Value first_rows(const Value& name, const std::string& table, const Value& ids) = 0;
  // x W^T + b by the weights of `layer`.
  virtual Value linear(const Value& name, const std::string& layer, const Value& x) = 0;
  // x E^T + b by a table of embeddings, [rows, H], and a bias that are stored by themselves.
  virtual Value linear_by_table(const Value& name, const std::string& table, const std::string& bias,
                                const Value& x) = 0;
  virtual Value layer_norm(const Value& name, const std::string& layer, const Value& x, double eps) = 0;
  virtual Value activation(const Value& name, const Value& x, Activation kind) = 0;
  // One direction of a layer of an LSTM by its weights, "lstm.weight_ih" and so on with `suffix` behind: [W, B, I] -> [W, B, units].
  // It reads forward, and padding too, but behind the words.
  virtual Value lstm_direction(const Value& name, const std::string& lstm, const std::string& suffix,
                               const Value& x, int64_t units) = 0;
  // The words of each text in the opposite order, and what pads them as it is: x [W, B, I], integers `lengths` [B].
  virtual Value reverse(const Value& name, const Value& x, const Value& lengths) = 0;

  // --- arithmetic; the smaller operand is repeated, as everywhere in such formats ---
  virtual Value add(const Value& name, const Value& a, const Value& b) = 0;
  virtual Value divide(const Value& name, const Value& x, double divisor) = 0;
  virtual Value softmax(const Value& name, const Value& x) = 0;                  // of the last axis
  virtual Value product(const Value& name, const Value& a, const Value& b) = 0;  // of the last two axes
  virtual Value cast(const Value& name, const Value& x, DType type) = 0;

  // --- shapes ---
  virtual Value transpose(const Value& name, const Value& x, const std::vector<int64_t>& order) = 0;
  // 0 keeps the axis of that number.
  virtual Value reshape(const Value& name, const Value& x, const std::vector<int64_t>& shape) = 0;
  virtual Value unsqueeze(const Value& name, const Value& x, int64_t axis) = 0;
  // Side by side: [W, B, I] and [W, B, J] -> [W, B, I + J].
  virtual Value concat(const Value& name, const Value& a, const Value& b) = 0;
  // What has this number on an axis, which goes.
  virtual Value at(const Value& name, const Value& x, int64_t axis, int64_t number) = 0;
  // Row rows[b, w] of x[b] for each b and w: [B, S, H] and [B, W] -> [B, W, H]; for -1 there is some row.
  virtual Value gather(const Value& name, const Value& x, const Value& rows) = 0;
  // How many of a row's integers are not negative: [B, W] -> [B].
  virtual Value count(const Value& name, const Value& integers) = 0;

  // --- attention ---
  // What is added to scores [B, N, S, S]: 0 where the mask, [B, S], is 1, and masked_score where it is 0: [B, 1, 1, S].
  virtual Value mask_scores(const Value& name, const Value& mask) = 0;
  // Rows of a table of relative positions (core/kernels.h, Attention), for each two of the tokens: [S, S, D]. The table is of
  // weights or, where `table` is empty, of these numbers, [2 K + 1, D].
  virtual Value relative_positions(const Value& name, const std::string& table,
                                   const std::vector<float>& numbers, int64_t farthest, const Value& ids) = 0;
};

}  // namespace gradus
