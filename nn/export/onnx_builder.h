// Models as ONNX graphs of standard operators. Where runtimes look for known groups of nodes to put in their place one fast kernel
// (layer norm with the sum before it, gelu with its bias, attention with its three maps), the nodes are those, in their order.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nn/export/graph_builder.h"
#include "nn/export/model_weights.h"
#include "nn/export/onnx.h"

namespace gradus {

class OnnxBuilder final : public GraphBuilder {
 public:
  // Sizes that the file fixes; 0 where whoever runs the model chooses them.
  struct Sizes {
    int64_t batch = 0;
    int64_t sequence = 0;
  };

  // `weights` are read when the file is written, and have to live until then.
  OnnxBuilder(std::string name, const ModelTensors& weights, DType type, Sizes sizes);

  void compute_in(DType type) override { type_ = stored_type(type); }
  Value integers(const Value& name, const std::string& axis) override;
  Value output(const Value& name, const Value& x, const std::string& axis, int64_t size) override;
  void output_best_tags(const Value& name, const Value& emissions, const Value& lengths,
                        const CrfNumbers& crf) override;
  // Integers, [batch, axis].
  Value output_integers(const Value& name, const Value& x, const std::string& axis);
  std::vector<std::filesystem::path> files(const GraphFile& file) const override {
    return onnx::files_of(file.path, graph_, file.metadata, file.external);
  }
  void write(const GraphFile& file) const override {
    onnx::write_model(file.path, graph_, file.metadata, file.external);
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

  // --- what a format's own operations are made of ---
  // A node with one result, which has the type of the first input unless `type` says otherwise.
  Value node(const Value& name, std::string_view op, const std::vector<Value>& inputs,
             const std::vector<onnx::Attribute>& attributes = {});
  Value node_of(onnx::Type type, const Value& name, std::string_view op, const std::vector<Value>& inputs,
                const std::vector<onnx::Attribute>& attributes = {});
  // Nodes with several results, which have these types.
  void nodes_of(const std::vector<std::pair<Value, onnx::Type>>& results, std::string_view op,
                const std::vector<Value>& inputs, const std::vector<onnx::Attribute>& attributes = {});
  // Numbers of the file: integers; floats in the type that is computed in; a single one of a shape without axes. The same numbers are
  // there once.
  Value constant(const std::vector<int64_t>& numbers);
  Value constant(int64_t number);
  Value constant(double number);
  Value constant(const Value& name, const std::vector<int64_t>& dims, std::vector<float> numbers);

  const onnx::Graph& graph() const { return graph_; }

 private:
  enum class Layout : uint8_t { as_it_is, transposed };

  // A weight in the type that is computed in.
  Value weight(const std::string& name, Layout layout = Layout::as_it_is);
  void add_floats(const Value& name, const std::vector<int64_t>& dims,
                  std::function<std::vector<float>()> numbers);
  Value gelu(const Value& name, const Value& x);
  Value gelu_tanh(const Value& name, const Value& x);
  // Weights or biases of an LSTM's direction, with the gates in ONNX's order.
  std::vector<float> lstm_weights(const std::string& weight, int64_t units) const;
  // The number of columns that integers have, as a tensor of one number.
  Value columns(const Value& integers);
  onnx::Axes axes(const std::string& axis, int64_t size) const;
  Value known(const Value& name, onnx::Type type);
  Value rename(const Value& from, const Value& to);

  onnx::Graph graph_;
  ModelWeights weights_;
  onnx::Type type_;
  Sizes sizes_;
  std::map<Value, onnx::Type> types_;  // of all values that there are
};

}  // namespace gradus
