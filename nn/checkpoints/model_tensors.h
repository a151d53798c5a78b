// The tensors of a model in a checkpoint of any format, under common names (nn/checkpoints/checkpoint_names.h) and laid out as
// PyTorch has them: weights [out, in].
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/checkpoints/checkpoint_file.h"
#include "nn/checkpoints/checkpoint_names.h"

namespace gradus {

class ModelTensors {
 public:
  struct Tensor {
    std::string name;
    std::vector<int64_t> shape;
    std::string source;  // its name in the file
  };

  // As CheckpointFile. Throws Error also when two tensors of the file have the same common name.
  explicit ModelTensors(const std::string& path);

  const std::string& path() const { return path_; }
  CheckpointFormat format() const { return file_.format(); }
  CheckpointFormat names() const { return file_.names(); }  // whose names the file has
  const std::vector<Tensor>& tensors() const { return tensors_; }
  // The tensor of that common name, or null.
  const Tensor* find(std::string_view name) const;
  // Whether a tensor of this object holds floats, of whatever width.
  bool is_float(const Tensor& tensor) const;
  // Copies a tensor of this object. Throws Error, naming the file, when it holds anything but floats.
  void read(const Tensor& tensor, std::span<float> values) const;
  // Names in the file that are no model's we know; the state of a training is not among them.
  const std::vector<std::string>& unknown() const { return unknown_; }

 private:
  // What has to be done to the file's tensor. MindSpore's CRF has one matrix [to][from] for what are three tensors
  // here, with START and STOP as its last two tags; its classifier scores these too, in vain: nothing leads to them.
  // TensorFlow's has the transitions only: first and last tags score nothing.
  enum class Part : uint8_t {
    whole,
    transpose,
    zeros,
    without_last_tags,
    crf_transitions,
    crf_start,
    crf_end
  };
  struct Source {
    const TensorEntry* entry;
    Part part;
  };

  Part part_of(const TensorEntry& entry, const CommonName& name, bool has_crf) const;
  void add(const TensorEntry& entry, const std::string& name, Part part);
  void check_square(const TensorEntry& entry, int64_t least_tags) const;
  void add_mindspore_crf(const TensorEntry& entry);
  void add_tensorflow_crf(const TensorEntry& entry);

  std::string path_;
  CheckpointFile file_;
  std::vector<Tensor> tensors_;
  std::vector<Source> sources_;  // of each of tensors_
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<std::string> unknown_;
};

// Writes tensors with common names as a checkpoint of another format: transposed, named and put together as that
// format's programs expect, as float32. `path` is a file, or what the names of TensorFlow's files begin with. Returns
// the names that the format has no place for; they are not written, and neither are tensors that hold no floats
// (ModelTensors::is_float). TensorFlow's CRF has no place for scores of first and last tags unless they are all 0.
// Throws Error when a CRF and its classifier differ in their tags, and when a file can't be written.
std::vector<std::string> write_model_tensors(const ModelTensors& model, CheckpointFormat format,
                                             const std::string& path);

}  // namespace gradus
