// Models as MindIR graphs of the operators that MindSpore's own networks are made of. All sizes are fixed, so each value's shape is
// known here.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nn/export/graph_builder.h"
#include "nn/export/mindir.h"
#include "nn/export/model_weights.h"

namespace gradus {

class MindIrBuilder final : public GraphBuilder {
 public:
  // A batch has `batch` texts of `sequence` tokens, padding included, and as many words at most. `weights` are read when the file
  // is written, and have to live until then.
  MindIrBuilder(std::string name, const ModelTensors& weights, DType type, int64_t batch, int64_t sequence);

  void compute_in(DType type) override { type_ = stored_type(type); }
  // int32, as MindSpore's networks take them, and called as in these: input_ids, input_mask, token_type_id.
  Value integers(const Value& name, const std::string& axis) override;
  Value output(const Value& name, const Value& x, const std::string& axis, int64_t size) override;
  // Throws Error: no loops are written here.
  void output_best_tags(const Value& name, const Value& emissions, const Value& lengths,
                        const CrfNumbers& crf) override;
  std::vector<std::filesystem::path> files(const GraphFile& file) const override {
    return mindir::files_of(file.path, graph_, file.external);
  }
  void write(const GraphFile& file) const override {
    mindir::write_model(file.path, graph_, file.metadata, file.external);
  }
  Value embedding(const Value& name, const std::string& table, const Value& ids) override;
  Value first_rows(const Value& name, const std::string& table, const Value& ids) override;
  Value linear(const Value& name, const std::string& layer, const Value& x) override;
  Value linear_by_table(const Value& name, const std::string& table, const std::string& bias,
                        const Value& x) override;
  Value layer_norm(const Value& name, const std::string& layer, const Value& x, double eps) override;
  Value activation(const Value& name, const Value& x, Activation kind) override;
  Value lstm_direction(const Value& name, const std::string& lstm, const std::string& suffix, const Value& x,
                       int64_t units) override;
  Value reverse(const Value& name, const Value& x, const Value& lengths) override;
  Value concat(const Value& name, const Value& a, const Value& b) override;
  Value add(const Value& name, const Value& a, const Value& b) override;
  Value divide(const Value& name, const Value& x, double divisor) override;
  Value softmax(const Value& name, const Value& x) override;
  // Of tensors with the same axes before the last two; an axis of 1 in b is repeated where it is the last of them.
  Value product(const Value& name, const Value& a, const Value& b) override;
  Value cast(const Value& name, const Value& x, DType type) override;
  Value transpose(const Value& name, const Value& x, const std::vector<int64_t>& order) override;
  Value reshape(const Value& name, const Value& x, const std::vector<int64_t>& shape) override;
  Value unsqueeze(const Value& name, const Value& x, int64_t axis) override;
  Value at(const Value& name, const Value& x, int64_t axis, int64_t number) override;
  Value gather(const Value& name, const Value& x, const Value& rows) override;
  Value count(const Value& name, const Value& integers) override;
  Value mask_scores(const Value& name, const Value& mask) override;
  Value relative_positions(const Value& name, const std::string& table, const std::vector<float>& numbers,
                           int64_t farthest, const Value& ids) override;

 private:
  using Type = mindir::Type;
  using Dims = mindir::Dims;
  struct Known {
    Type type;
    Dims dims;
  };

  const Known& of(const Value& value) const { return values_.at(value); }
  Value known(const Value& name, Type type, Dims dims);
  // A node of an operator that is a function, or a class, with a result of this type and shape.
  Value node(const Value& name, const char* op, const std::vector<Value>& inputs, Type type, Dims dims);
  Value class_node(const Value& name, const char* op, const std::vector<Value>& inputs,
                   const std::vector<mindir::Attribute>& attributes, Type type, Dims dims);
  // One that keeps the type and shape of the first input.
  Value same(const Value& name, const char* op, const std::vector<Value>& inputs);
  // Of two tensors, of which the smaller is repeated.
  Value pairwise(const Value& name, const char* op, const Value& a, const Value& b);

  // Constants: settings of operators, tuples, and tensors of one number. The same are there once.
  Value constant(const Value& name, const mindir::Attribute& value, Known known);
  Value setting(int64_t number);
  Value setting(bool yes);
  Value setting(float number);
  Value setting(const std::vector<int64_t>& numbers);
  Value tensor(const Value& name, Type type, const Dims& dims, std::string bytes);
  Value floats(const Value& name, const Dims& dims, const std::vector<float>& numbers);
  Value number(double number);
  Value zero();  // int32

  // A weight in the type that is computed in.
  Value weight(const std::string& name);
  Value parameter(StoredTensor tensor);
  Value shaped(const Value& name, const Value& x, const Dims& dims);
  Value as_type(const Value& name, const Value& x, Type type);
  Value rows_of(const Value& name, const Value& table, const Value& rows, int64_t axis, int64_t batch_axes,
                Dims dims);
  Value first_of_tuple(const Value& name, const Value& tuple, Type type, Dims dims);
  Value gelu(const Value& name, const Value& x);

  mindir::Graph graph_;
  ModelWeights weights_;
  Type type_;
  int64_t batch_, sequence_;
  std::map<Value, Known> values_;  // all that there are; constants that are no tensors have no shape
};

}  // namespace gradus
