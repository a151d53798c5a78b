#include "nn/checkpoints/model_tensors.h"

#include <algorithm>

#include "nn/checkpoints/mindspore_checkpoint.h"
#include "nn/checkpoints/safetensors.h"
#include "nn/checkpoints/tensorflow_checkpoint.h"

namespace gradus {
namespace {

constexpr std::string_view mindspore_crf = "loss.transitions";
constexpr std::string_view transitions = "crf.transitions", start = "crf.start_transitions",
                           end = "crf.end_transitions";
constexpr float impossible = -10000;

// to[c][r] = from[r][c].
void transpose(std::span<const float> from, size_t rows, size_t columns, std::span<float> to) {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
}

std::vector<float> floats_of(const TensorEntry& entry) {
  std::vector<float> values(static_cast<size_t>(entry.elements()));
  copy_as_float(entry, values);
  return values;
}

// A tensor to be written and its memory.
struct Output {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

std::vector<float> values_of(const ModelTensors& model, const ModelTensors::Tensor& tensor) {
  size_t size = 1;
  for (const int64_t extent : tensor.shape) size *= static_cast<size_t>(extent);
  std::vector<float> values(size);
  model.read(tensor, values);
  return values;
}

// Throws Error unless the tensors of a CRF and its classifier are of one number of tags.
void check_crf(const ModelTensors& model) {
  const int64_t tags = model.find(start)->shape.empty() ? 0 : model.find(start)->shape[0];
  const auto expect = [&](std::string_view name, bool good) {
    const ModelTensors::Tensor* tensor = model.find(name);
    if (tensor == nullptr) return;
    check(good, "{}: tensor '{}' has shape {}: the CRF has {} tags", model.path(), tensor->source,
          shape_text(tensor->shape), tags);
  };
  const auto first_extent = [&](std::string_view name, size_t rank) {
    const ModelTensors::Tensor* tensor = model.find(name);
    return tensor == nullptr || (tensor->shape.size() == rank && tensor->shape[0] == tags);
  };
  expect(start, tags > 0 && first_extent(start, 1));
  expect(end, first_extent(end, 1));
  expect(transitions, first_extent(transitions, 2) && model.find(transitions)->shape[1] == tags);
  expect("classifier.weight", first_extent("classifier.weight", 2));
  expect("classifier.bias", first_extent("classifier.bias", 1));
}

// MindSpore's CRF of ours, with two tags more.
Output mindspore_transitions(const ModelTensors& model) {
  const ModelTensors::Tensor& matrix = *model.find(transitions);
  const std::vector<float> between = values_of(model, matrix), first = values_of(model, *model.find(start)),
                           last = values_of(model, *model.find(end));
  const size_t tags = first.size(), all = tags + 2, begin = tags, stop = tags + 1;
  Output out{std::string(mindspore_crf), {static_cast<int64_t>(all), static_cast<int64_t>(all)}, {}};
  out.values.assign(all * all, impossible);
  for (size_t to = 0; to < tags; ++to) {
    for (size_t from = 0; from < tags; ++from) out.values[to * all + from] = between[from * tags + to];
    out.values[to * all + begin] = first[to];
    out.values[stop * all + to] = last[to];
  }
  return out;
}

// The classifier's rows for START and STOP, which score nothing.
void add_two_rows(Output& output) {
  const size_t row = output.shape.size() == 2 ? static_cast<size_t>(output.shape[1]) : 1;
  output.shape[0] += 2;
  output.values.resize(output.values.size() + 2 * row, 0.0F);
}

// Whether a tensor of a CRF says no more than that TensorFlow's has none.
bool is_implied(const ModelTensors& model, const ModelTensors::Tensor& tensor, CheckpointFormat format) {
  if (format != CheckpointFormat::tensorflow || model.find(transitions) == nullptr) return false;
  if ((tensor.name != start && tensor.name != end) || !model.is_float(tensor)) return false;
  const std::vector<float> values = values_of(model, tensor);
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0; });
}

// A tensor laid out as the other framework has it.
Output output_of(const ModelTensors& model, const ModelTensors::Tensor& tensor, const CommonName& name) {
  Output output{name.name, tensor.shape, values_of(model, tensor)};
  if (name.transposed && output.shape.size() == 2) {
    const std::vector<float> values = output.values;
    transpose(values, static_cast<size_t>(output.shape[0]), static_cast<size_t>(output.shape[1]),
              output.values);
    std::swap(output.shape[0], output.shape[1]);
  }
  return output;
}

// "nezha" for an encoder that has neither positions nor a table of relative ones: its sinusoids are computed.
std::string_view model_type_of(const ModelTensors& model) {
  const auto has = [&](std::string_view part) {
    return std::ranges::any_of(model.tensors(), [&](const ModelTensors::Tensor& tensor) {
      return tensor.name.find(part) != std::string::npos;
    });
  };
  const bool is_encoder = has("bert.embeddings.word_embeddings.") && has("bert.encoder.layer.");
  return is_encoder && !has(".position_embeddings.") && !has(".relative_positions.") ? "nezha" : "bert";
}

std::vector<Output> outputs_of(const ModelTensors& model, CheckpointFormat format,
                               std::vector<std::string>& left) {
  std::vector<Output> outputs;
  const bool crf = model.find(transitions) != nullptr;
  const bool whole_crf = crf && model.find(start) != nullptr && model.find(end) != nullptr;
  const std::string_view model_type = model_type_of(model);
  const bool one_matrix = whole_crf && format == CheckpointFormat::mindspore;
  if (whole_crf) check_crf(model);
  for (const ModelTensors::Tensor& tensor : model.tensors()) {
    if (one_matrix && tensor.name.starts_with("crf.")) continue;
    if (is_implied(model, tensor, format)) continue;
    if (!model.is_float(tensor)) continue;
    const auto name = name_in(format, tensor.name, crf);
    if (!name) {
      left.push_back(tensor.name);
      continue;
    }
    Output output = output_of(model, tensor, *name);
    if (format == CheckpointFormat::safetensors) output.name = named_after(model_type, output.name);
    if (one_matrix && tensor.name.starts_with("classifier.")) add_two_rows(output);
    outputs.push_back(std::move(output));
  }
  if (one_matrix) outputs.push_back(mindspore_transitions(model));
  return outputs;
}

}  // namespace

ModelTensors::ModelTensors(const std::string& path) : path_(path), file_(path) {
  const bool has_crf =
      names() == CheckpointFormat::mindspore &&
      std::ranges::find(file_.tensors(), mindspore_crf, &TensorEntry::name) != file_.tensors().end();
  for (const TensorEntry& entry : file_.tensors()) {
    if (is_state_or_buffer(names(), entry.name)) continue;
    const auto name = common_name(names(), entry.name);
    if (has_crf && entry.name == mindspore_crf) add_mindspore_crf(entry);
    else if (name && name->name == transitions && names() == CheckpointFormat::tensorflow)
      add_tensorflow_crf(entry);
    else if (!name) unknown_.push_back(entry.name);
    else add(entry, name->name, part_of(entry, *name, has_crf));
  }
  for (const StringTensor& strings : file_.strings()) unknown_.push_back(strings.name);
}

ModelTensors::Part ModelTensors::part_of(const TensorEntry& entry, const CommonName& name,
                                         bool has_crf) const {
  if (name.transposed) {
    check(entry.shape.size() == 2, "{}: tensor '{}' has shape {}: expected a matrix", path_, entry.name,
          shape_text(entry.shape));
    return Part::transpose;
  }
  if (!has_crf || !name.name.starts_with("classifier.")) return Part::whole;
  check(!entry.shape.empty() && entry.shape[0] > 2,
        "{}: tensor '{}' has shape {}: expected tags, START and STOP", path_, entry.name,
        shape_text(entry.shape));
  return Part::without_last_tags;
}

void ModelTensors::add(const TensorEntry& entry, const std::string& name, Part part) {
  Tensor tensor{name, entry.shape, entry.name};
  if (part == Part::transpose) std::swap(tensor.shape[0], tensor.shape[1]);
  if (part == Part::zeros || part == Part::crf_start || part == Part::crf_end) tensor.shape.pop_back();
  if (part >= Part::without_last_tags) {
    tensor.shape[0] -= 2;
    if (part == Part::crf_transitions) tensor.shape[1] -= 2;
  }
  const auto [place, is_new] = index_.emplace(name, tensors_.size());
  check(is_new, "{}: the tensors '{}' and '{}' are both {}", path_,
        is_new ? entry.name : tensors_[place->second].source, entry.name, name);
  tensors_.push_back(std::move(tensor));
  sources_.push_back({&entry, part});
}

// Throws Error unless a CRF's matrix scores that many tags or more.
void ModelTensors::check_square(const TensorEntry& entry, int64_t least_tags) const {
  check(entry.shape.size() == 2 && entry.shape[0] == entry.shape[1] && entry.shape[0] >= least_tags,
        "{}: tensor '{}' has shape {}: expected a square matrix of {} tags or more", path_, entry.name,
        shape_text(entry.shape), least_tags);
}

void ModelTensors::add_tensorflow_crf(const TensorEntry& entry) {
  check_square(entry, 1);
  add(entry, std::string(transitions), Part::whole);
  add(entry, std::string(start), Part::zeros);
  add(entry, std::string(end), Part::zeros);
}

void ModelTensors::add_mindspore_crf(const TensorEntry& entry) {
  check_square(entry, 3);  // START, STOP and one to tell
  add(entry, std::string(transitions), Part::crf_transitions);
  add(entry, std::string(start), Part::crf_start);
  add(entry, std::string(end), Part::crf_end);
}

const ModelTensors::Tensor* ModelTensors::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

bool ModelTensors::is_float(const Tensor& tensor) const {
  const std::string& type = sources_[static_cast<size_t>(&tensor - tensors_.data())].entry->dtype;
  return type == "F32" || type == "F16" || type == "BF16" || type == "F64";
}

void ModelTensors::read(const Tensor& tensor, std::span<float> values) const try {
  const Source& source = sources_[static_cast<size_t>(&tensor - tensors_.data())];
  if (source.part == Part::whole) return copy_as_float(*source.entry, values);
  const std::vector<float> stored = floats_of(*source.entry);
  const auto rows = static_cast<size_t>(source.entry->shape[0]);
  const size_t columns = source.entry->shape.size() > 1 ? static_cast<size_t>(source.entry->shape[1]) : 1;
  const size_t tags = rows - 2;  // of a CRF
  switch (source.part) {
    case Part::whole:
      break;
    case Part::zeros:
      std::fill(values.begin(), values.end(), 0.0F);
      break;
    case Part::transpose:
      transpose(stored, rows, columns, values);
      break;
    case Part::without_last_tags:
      std::copy_n(stored.begin(), values.size(), values.begin());
      break;
    case Part::crf_transitions:
      for (size_t from = 0; from < tags; ++from) {
        for (size_t to = 0; to < tags; ++to) values[from * tags + to] = stored[to * columns + from];
      }
      break;
    case Part::crf_start:  // from START, the last but one, to each
      for (size_t tag = 0; tag < tags; ++tag) values[tag] = stored[tag * columns + tags];
      break;
    case Part::crf_end:  // from each to STOP, the last
      for (size_t tag = 0; tag < tags; ++tag) values[tag] = stored[(tags + 1) * columns + tag];
      break;
  }
} catch (const Error& error) {
  fail("{}: {}", path_, error.what());
}

std::vector<std::string> write_model_tensors(const ModelTensors& model, CheckpointFormat format,
                                             const std::string& path) {
  std::vector<std::string> left;
  const std::vector<Output> outputs = outputs_of(model, format, left);
  std::vector<TensorEntry> entries;
  for (const Output& output : outputs)
    entries.push_back({output.name, "F32", output.shape, std::as_bytes(std::span(output.values))});
  switch (format) {
    case CheckpointFormat::safetensors:
      write_safetensors(path, entries);
      break;
    case CheckpointFormat::mindspore:
      write_mindspore_checkpoint(path, entries);
      break;
    case CheckpointFormat::tensorflow:
      write_tensorflow_checkpoint(path, entries);
      break;
    case CheckpointFormat::pytorch:
      fail("{}: files of PyTorch are read, not written: safetensors are what it reads, too", path);
  }
  return left;
}

}  // namespace gradus
