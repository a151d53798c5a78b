// The trained tensors of a model: named as in published checkpoints, stored in flat buffers.
//
// Values, gradients and each optimizer state are one float32 buffer each, so clearing, clipping, updating and
// saving are one pass each. A parameter is what an op takes; it may be several published tensors side by side, as
// query, key and value weights are, so that one product serves them all.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/variable.h"

namespace gradus {

// How a parameter starts.
struct Init {
  enum class Kind : uint8_t { constant, truncated_normal, uniform };
  Kind kind = Kind::constant;
  float value = 0;  // the constant; the standard deviation (cut at two of them); the bound of [-value, value)

  static Init constant(float value) { return {Kind::constant, value}; }
  static Init truncated_normal(float deviation) { return {Kind::truncated_normal, deviation}; }
  static Init uniform(float bound) { return {Kind::uniform, bound}; }
  // How PyTorch's linear layers start, and its LSTMs with their number of units for `inputs`: uniform within
  // 1 / sqrt(inputs). Heads start so because BERT's own 0.02 is too narrow for them (docs/DECISIONS.md).
  static Init fan_in(int64_t inputs) { return uniform(1.0F / std::sqrt(static_cast<float>(inputs))); }
};

// How the values of a parameter are read: as float32, or in the type that the encoder computes in, of which there is a copy
// when that has 16 bits. In evaluation the copy is all there is. A `product` is the weight of a linear map, which can have 8 bits too.
enum class Precision : uint8_t { full, compute, product };

// A published tensor: a named slice of the flat buffers.
struct NamedTensor {
  std::string name;
  Shape shape;
  Segment segment;
  Init init;
  size_t parameter = 0;  // index of the parameter it is part of
};

class Parameters;

// A parameter of a model; usable as a Variable once Parameters::allocate has run.
class Parameter {
 public:
  Parameter() = default;
  operator const Variable&() const { return *slot_; }  // NOLINT(google-explicit-constructor): stands for it
  const Variable& operator*() const { return *slot_; }
  // The values in 8 bits where they are held so, and in no other; else an empty one.
  const QuantizedWeight& quantized() const { return *quantized_; }

 private:
  friend class Constant;
  friend class Parameters;
  std::shared_ptr<Variable> slot_ = std::make_shared<Variable>();
  std::shared_ptr<QuantizedWeight> quantized_ = std::make_shared<QuantizedWeight>();
};

// Float32 numbers that a model computes with and nobody trains or publishes.
class Constant : public Parameter {
 public:
  Constant() = default;
  // Puts others into their place, as many. They are on the backend from Parameters::allocate on, so that no step has to take them there.
  void set(std::vector<float> values) const;

 private:
  friend class Parameters;
  struct Numbers {
    Shape shape;
    std::vector<float> values;
  };
  Constant(const Shape& shape, std::vector<float> values);
  std::shared_ptr<Numbers> numbers_;
};

class Parameters {
 public:
  // --- declaring, in the constructors of modules ---
  // A published tensor of its own. Names with "bias" or "LayerNorm" in them are not decayed, as in BERT.
  Parameter add(const std::string& name, const Shape& shape, Init init,
                Precision precision = Precision::full);
  // Published tensors of one shape, stacked along the first dimension.
  Parameter add_stacked(const std::vector<std::string>& names, const Shape& each, Init init,
                        Precision precision = Precision::full);
  // A published tensor at the front of a parameter of `rows` rows, the rest of which holds `filler` and is never trained: a
  // vocabulary is filled up so to a number of rows that devices compute with well.
  Parameter add_padded(const std::string& name, const Shape& shape, int64_t rows, float filler, Init init,
                       Precision precision = Precision::full);
  Constant add_constant(const Shape& shape, std::vector<float> values);
  // Weight decay leaves out tensors whose name holds one of these texts, in any case, instead of the two above.
  void exclude_from_decay(const std::vector<std::string>& texts);
  // The part of the learning rate that a tensor of that name is updated with.
  void set_rates(const std::function<float(std::string_view)>& rate_of);
  // Keeps the parameters whose name starts with `prefix` as they are: no gradient, no update. Before allocate.
  void freeze(std::string_view prefix);
  // The weights that `compute_type` int8 holds in 8 bits: their tensors' names, the first of each where several are stacked.
  std::vector<std::string> quantizable() const;
  // Has int8 leave these of them in float32. Before allocate. Throws Error when there is no such weight.
  void keep_in_float(const std::vector<std::string>& names);
  // Puts one of them into 8 bits beside its float32 values, and away again: for trying what that costs. After allocate, for evaluation
  // in float32.
  void try_int8(std::string_view name, bool in_int8) const;

  // --- allocating ---
  enum class Use : uint8_t { training, evaluation };
  // Makes the buffers, all zero, and the Variables. Evaluation has no gradients. With a `compute_type` of 16 bits
  // training adds a copy in it; evaluation holds what is read in that type in no other, and with int8 the weights of products
  // in 8 bits alone. Throws Error when int8 is to be trained.
  void allocate(Backend& backend, Use use, DType compute_type);
  // Writes the tensor's values, rounded where they are held in 16 bits. A copy beside them is left to refresh_copy().
  void set(const NamedTensor& tensor, std::span<const float> values) const;
  // Gives the tensor its initial value: a function of the seed and the tensor's name alone.
  void initialize(const NamedTensor& tensor, uint64_t seed) const;
  void initialize_all(uint64_t seed) const;

  // --- using ---
  Backend& backend() const { return *backend_; }
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  // Throws Error when there is no tensor of that name.
  const NamedTensor& find(std::string_view name) const;
  bool contains(std::string_view name) const;
  // Throws Error when it is held in 8 bits.
  Tensor value(const NamedTensor& tensor) const;
  Tensor gradient(const NamedTensor& tensor) const {
    return gradients_.view(tensor.segment.offset, tensor.shape);
  }
  // Whole buffers, gaps of zeros between parameters included, as they are for training.
  const Tensor& values() const { return values_; }
  const Tensor& gradients() const { return gradients_; }
  const Tensor& compute_copy() const { return copy_; }
  // Makes the copy again after values were written from outside the optimizer.
  void refresh_copy() const;
  // The parameters in the order of the buffers of training, and where each begins there.
  struct Place {
    const Node* node;
    int64_t offset;
    bool trained;
  };
  std::vector<Place> places() const;
  // The segments that are trained, one per published tensor, and the same tensors' names.
  std::vector<Segment> trained_segments() const;
  std::vector<std::string> frozen_names() const;
  int64_t count() const;  // trained and frozen numbers, gaps excluded
  // Throws Error naming every trained parameter that got no gradient since the last call.
  void check_all_reached() const;

 private:
  struct Slot {
    std::shared_ptr<Variable> variable;
    std::shared_ptr<QuantizedWeight> quantized;
    Shape shape;
    int64_t offset = 0;  // in the buffers of training
    bool frozen = false;
    Precision precision = Precision::full;
    int64_t published = 0;  // numbers of it that are in published tensors; the rest are `filler`
    float filler = 0;
  };
  Parameter add_slot(const std::vector<std::string>& names, const Shape& each, int64_t rows, float filler,
                     Init init, Precision precision);
  std::string name_of_slot(size_t slot) const;
  void allocate_narrow(DType compute_type);
  void write_fillers() const;

  std::vector<Slot> slots_;
  std::vector<Constant> constants_;
  std::vector<NamedTensor> tensors_;
  Backend* backend_ = nullptr;  // from allocate on
  int64_t size_ = 0;
  Tensor values_;
  Tensor gradients_;
  Tensor copy_;
};

// A place in the tree of names: Scope(parameters) / "encoder" / "layer" / "0".
class Scope {
 public:
  explicit Scope(Parameters& parameters, std::string prefix = "")
      : parameters_(&parameters), prefix_(std::move(prefix)) {}
  Scope operator/(std::string_view name) const { return Scope(*parameters_, path(name)); }
  Scope operator/(int64_t index) const { return *this / std::to_string(index); }
  std::string path(std::string_view name) const {
    return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
  }
  Parameter add(std::string_view name, const Shape& shape, Init init,
                Precision precision = Precision::full) const {
    return parameters_->add(path(name), shape, init, precision);
  }
  Parameter add_stacked(const std::vector<std::string>& names, const Shape& each, Init init,
                        Precision precision = Precision::full) const;
  Parameter add_padded(std::string_view name, const Shape& shape, int64_t rows, float filler, Init init,
                       Precision precision = Precision::full) const {
    return parameters_->add_padded(path(name), shape, rows, filler, init, precision);
  }
  Constant add_constant(const Shape& shape, std::vector<float> values) const {
    return parameters_->add_constant(shape, std::move(values));
  }

 private:
  Parameters* parameters_;
  std::string prefix_;
};

}  // namespace gradus
