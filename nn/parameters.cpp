#include "nn/parameters.h"

#include <algorithm>
#include <limits>

#include "core/ascii.h"
#include "core/joined.h"
#include "core/random.h"

namespace gradus {
namespace {

constexpr int64_t alignment = 16;  // elements: parameters start on cache lines

// A configuration may state sizes that no machine has; they are compared with the weights' before memory is taken,
// and until then they must not overflow.
int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

int64_t padded(int64_t elements) { return saturating_add(elements, alignment - 1) / alignment * alignment; }

// The shape with another first dimension.
Shape with_rows(const Shape& shape, int64_t rows) {
  std::vector<int64_t> dims{rows};
  for (int i = 1; i < shape.rank(); ++i) dims.push_back(shape[i]);
  return Shape{std::span<const int64_t>(dims)};
}

// A different random sequence for each name, whatever else the model has: FNV-1a.
uint32_t purpose_of(std::string_view name) {
  uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

std::vector<float> initial_values(const NamedTensor& tensor, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(tensor.shape.elements()), tensor.init.value);
  RandomSequence random(seed, purpose_of(tensor.name));
  switch (tensor.init.kind) {
    case Init::Kind::constant:
      break;
    case Init::Kind::uniform:
      for (float& v : values) v = tensor.init.value * (2 * random.uniform() - 1);
      break;
    case Init::Kind::truncated_normal:
      for (float& v : values) {
        float x = 0;
        do {
          x = random.normal();
        } while (x < -2 || x > 2);
        v = tensor.init.value * x;
      }
      break;
  }
  return values;
}

bool is_decayed(std::string_view name) {
  return name.find("bias") == std::string_view::npos && name.find("LayerNorm") == std::string_view::npos;
}

}  // namespace

Parameter Parameters::add(const std::string& name, const Shape& shape, Init init, Precision precision) {
  return add_stacked({name}, shape, init, precision);
}

Parameter Parameters::add_stacked(const std::vector<std::string>& names, const Shape& each, Init init,
                                  Precision precision) {
  return add_slot(names, each, each[0] * static_cast<int64_t>(names.size()), 0, init, precision);
}

Parameter Parameters::add_padded(const std::string& name, const Shape& shape, int64_t rows, float filler,
                                 Init init, Precision precision) {
  return add_slot({name}, shape, rows, filler, init, precision);
}

Parameter Parameters::add_slot(const std::vector<std::string>& names, const Shape& each, int64_t rows,
                               float filler, Init init, Precision precision) {
  check(backend_ == nullptr, "[parameters] {} is added after allocation", names.at(0));
  Parameter parameter;
  Slot slot{parameter.slot_, parameter.quantized_, with_rows(each, rows), size_, false, precision, 0, filler};
  for (const std::string& name : names) {
    check(!contains(name), "[parameters] two tensors are named {}", name);
    const int64_t offset = saturating_add(size_, slot.published);
    tensors_.push_back({name, each, {offset, each.elements(), is_decayed(name)}, init, slots_.size()});
    slot.published = saturating_add(slot.published, each.elements());
  }
  check(slot.published <= slot.shape.elements(), "[parameters] {} of shape {} in {} rows", names.at(0), each,
        rows);
  size_ = saturating_add(size_, padded(slot.shape.elements()));
  slots_.push_back(std::move(slot));
  return parameter;
}

Constant::Constant(const Shape& shape, std::vector<float> values)
    : numbers_(std::make_shared<Numbers>(shape, std::move(values))) {}

void Constant::set(std::vector<float> values) const {
  check(std::ssize(values) == numbers_->shape.elements(),
        "[parameters] {} numbers for a constant of shape {}", values.size(), numbers_->shape);
  numbers_->values = std::move(values);
  if (const Tensor& allocated = slot_->value()) allocated.copy_from_host(numbers_->values);
}

Constant Parameters::add_constant(const Shape& shape, std::vector<float> values) {
  check(backend_ == nullptr, "[parameters] a constant is added after allocation");
  return constants_.emplace_back(Constant(shape, std::move(values)));
}

void Parameters::exclude_from_decay(const std::vector<std::string>& texts) {
  for (NamedTensor& tensor : tensors_) {
    const std::string name = small_letters(tensor.name);
    tensor.segment.decay = std::none_of(texts.begin(), texts.end(), [&](const std::string& text) {
      return name.find(small_letters(text)) != std::string::npos;
    });
  }
}

void Parameters::set_rates(const std::function<float(std::string_view)>& rate_of) {
  for (NamedTensor& tensor : tensors_) tensor.segment.rate = rate_of(tensor.name);
}

void Parameters::freeze(std::string_view prefix) {
  check(backend_ == nullptr, "[parameters] {} is frozen after allocation", prefix);
  for (const NamedTensor& tensor : tensors_) {
    if (tensor.name.starts_with(prefix)) slots_[tensor.parameter].frozen = true;
  }
}

std::vector<std::string> Parameters::quantizable() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const bool first = i == 0 || tensors_[i - 1].parameter != tensors_[i].parameter;
    if (first && slots_[tensors_[i].parameter].precision == Precision::product)
      names.push_back(tensors_[i].name);
  }
  return names;
}

void Parameters::keep_in_float(const std::vector<std::string>& names) {
  check(backend_ == nullptr, "[parameters] what int8 keeps in float32 is said after allocation");
  const std::vector<std::string> all = quantizable();
  for (const std::string& name : names) {
    check(std::find(all.begin(), all.end(), name) != all.end(),
          "[parameters] int8 can't keep {} in float32: it holds no weight of that name in 8 bits, but {}",
          name, joined(all, ", "));
    slots_[find(name).parameter].precision = Precision::compute;
  }
}

void Parameters::try_int8(std::string_view name, bool in_int8) const {
  const Slot& slot = slots_[find(name).parameter];
  check(slot.precision == Precision::product, "[parameters] {} is no weight of a product", name);
  *slot.quantized = in_int8 ? QuantizedWeight::of(slot.variable->value()) : QuantizedWeight();
}

void Parameters::allocate(Backend& backend, Use use, DType compute_type) {
  check(backend_ == nullptr, "[parameters] allocated twice");
  check(size_ <= int64_t{1} << 48, "[parameters] the model has {} numbers: no machine holds that", size_);
  check(compute_type != DType::int8 || use == Use::evaluation,
        "[parameters] int8 is for evaluation, not for training");
  backend_ = &backend;
  for (const Constant& constant : constants_)
    *constant.slot_ = Variable(
        Tensor::from(backend, constant.numbers_->shape, std::span<const float>(constant.numbers_->values)));
  const bool narrow = compute_type != DType::float32;
  if (use == Use::evaluation && narrow) return allocate_narrow(compute_type);
  values_ = Tensor::zeros(backend, {size_});
  if (use == Use::training) gradients_ = Tensor::zeros(backend, {size_});
  if (narrow) copy_ = Tensor::zeros(backend, {size_}, compute_type);
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    const bool trained = use == Use::training && !slot.frozen;
    *slot.variable = Variable::parameter(
        values_.view(slot.offset, slot.shape), trained ? gradients_.view(slot.offset, slot.shape) : Tensor(),
        copy_ ? copy_.view(slot.offset, slot.shape) : Tensor(), trained ? name_of_slot(i) : "");
  }
  write_fillers();
}

// The published name; of several side by side what they have in common, with the rest in braces as shells have it:
// "layer.0.attention.self.{query,key,value}.weight".
std::string Parameters::name_of_slot(size_t slot) const {
  std::vector<std::string_view> names;
  for (const NamedTensor& tensor : tensors_)
    if (tensor.parameter == slot) names.push_back(tensor.name);
  const std::string_view first = names.at(0);
  size_t front = first.size(), back = first.size();  // characters that all names have in common
  for (const std::string_view name : names) {
    const auto [a, b] = std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(front),
                                      name.begin(), name.end());
    front = static_cast<size_t>(a - first.begin());
    const auto [c, d] = std::mismatch(first.rbegin(), first.rbegin() + static_cast<std::ptrdiff_t>(back),
                                      name.rbegin(), name.rend());
    back = static_cast<size_t>(c - first.rbegin());
  }
  if (names.size() == 1) return std::string(first);
  // Whole words alone: no letter of theirs is taken for a common one.
  while (front > 0 && first[front - 1] != '.') --front;
  while (back > 0 && first[first.size() - back] != '.') --back;
  std::vector<std::string_view> different;
  for (const std::string_view name : names)
    different.push_back(name.substr(front, name.size() - front - back));
  return fmt::format("{}{{{}}}{}", first.substr(0, front), joined(different, ","),
                     first.substr(first.size() - back));
}

void Parameters::allocate_narrow(DType compute_type) {
  // int8 is for the weights of products; what else is read in the type of activations has theirs.
  const bool in_bytes = compute_type == DType::int8;
  int64_t sizes[2] = {};  // of what is held in float32, and in the other type
  std::vector<int64_t> offsets;
  const auto is_full = [&](const Slot& slot) { return in_bytes || slot.precision == Precision::full; };
  for (const Slot& slot : slots_) {
    int64_t& size = sizes[is_full(slot) ? 0 : 1];
    offsets.push_back(size);
    if (!in_bytes || slot.precision != Precision::product) size += padded(slot.shape.elements());
  }
  const Tensor full = Tensor::zeros(*backend_, {sizes[0]});
  const Tensor narrow = in_bytes ? Tensor() : Tensor::zeros(*backend_, {sizes[1]}, compute_type);
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (in_bytes && slot.precision == Precision::product) {
      *slot.quantized = QuantizedWeight::empty(*backend_, slot.shape);
      continue;
    }
    *slot.variable = Variable((is_full(slot) ? full : narrow).view(offsets[i], slot.shape));
  }
  write_fillers();
}

void Parameters::write_fillers() const {
  for (const Slot& slot : slots_) {
    const int64_t count = slot.shape.elements() - slot.published;
    if (count == 0 || slot.filler == 0) continue;
    const Tensor rest = slot.variable->value().view(slot.published, {count});
    const Tensor values =
        Tensor::from(rest.backend(), {count}, std::vector<float>(static_cast<size_t>(count), slot.filler));
    rest.backend().cast({values, {rest}});
  }
}

Tensor Parameters::value(const NamedTensor& tensor) const {
  const Slot& slot = slots_[tensor.parameter];
  check(static_cast<bool>(slot.variable->value()), "[parameters] {} is held in 8 bits", tensor.name);
  return slot.variable->value().view(tensor.segment.offset - slot.offset, tensor.shape);
}

void Parameters::set(const NamedTensor& tensor, std::span<const float> values) const {
  const Slot& slot = slots_[tensor.parameter];
  if (*slot.quantized) {
    check(std::ssize(values) == tensor.shape.elements(), "[parameters] {} numbers for {} of shape {}",
          values.size(), tensor.name, tensor.shape);
    return slot.quantized->set_rows((tensor.segment.offset - slot.offset) / slot.shape[1], values);
  }
  const Tensor target = value(tensor);
  if (target.dtype() == DType::float32) return target.copy_from_host(values);
  backend().cast({Tensor::from(backend(), tensor.shape, values), {target}});
}

void Parameters::initialize(const NamedTensor& tensor, uint64_t seed) const {
  set(tensor, initial_values(tensor, seed));
}

void Parameters::initialize_all(uint64_t seed) const {
  for (const NamedTensor& tensor : tensors_) initialize(tensor, seed);
  refresh_copy();
}

bool Parameters::contains(std::string_view name) const {
  return std::any_of(tensors_.begin(), tensors_.end(),
                     [&](const auto& tensor) { return tensor.name == name; });
}

const NamedTensor& Parameters::find(std::string_view name) const {
  for (const NamedTensor& tensor : tensors_) {
    if (tensor.name == name) return tensor;
  }
  fail("[parameters] no tensor is named {}", name);
}

void Parameters::refresh_copy() const {
  if (copy_) backend().cast({values_, {copy_}});
}

std::vector<Parameters::Place> Parameters::places() const {
  std::vector<Place> places;
  for (const Slot& slot : slots_)
    places.push_back(
        {slot.variable->node().get(), slot.offset, !slot.frozen && slot.variable->requires_grad()});
  return places;
}

std::vector<Segment> Parameters::trained_segments() const {
  std::vector<Segment> segments;
  for (const NamedTensor& tensor : tensors_) {
    if (!slots_[tensor.parameter].frozen) segments.push_back(tensor.segment);
  }
  return segments;
}

std::vector<std::string> Parameters::frozen_names() const {
  std::vector<std::string> names;
  for (const NamedTensor& tensor : tensors_) {
    if (slots_[tensor.parameter].frozen) names.push_back(tensor.name);
  }
  return names;
}

int64_t Parameters::count() const {
  int64_t count = 0;
  for (const NamedTensor& tensor : tensors_) count += tensor.segment.size;
  return count;
}

void Parameters::check_all_reached() const {
  std::vector<std::string_view> missing;
  for (const NamedTensor& tensor : tensors_) {
    const auto& node = slots_[tensor.parameter].variable->node();
    if (node && !node->reached) missing.push_back(tensor.name);
  }
  check(missing.empty(), "[parameters] no gradient reaches {}: freeze what is not meant to be trained",
        joined(missing, ", "));
  for (const Slot& slot : slots_) {
    if (slot.variable->node()) slot.variable->node()->reached = false;
  }
}

Parameter Scope::add_stacked(const std::vector<std::string>& names, const Shape& each, Init init,
                             Precision precision) const {
  std::vector<std::string> paths;
  paths.reserve(names.size());
  for (const std::string& name : names) paths.push_back(path(name));
  return parameters_->add_stacked(paths, each, init, precision);
}

}  // namespace gradus
