#include "nn/parameter_groups.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "core/io/files.h"
#include "core/joined.h"

namespace gradus {
namespace {

constexpr std::string_view encoder = "bert.";
constexpr std::string_view layers = "bert.encoder.layer.";

// Whether a tensor's name is the part's, or begins with it and a dot.
bool is_in(std::string_view name, std::string_view part) {
  return name.starts_with(part) && (name.size() == part.size() || name[part.size()] == '.');
}

bool holds(std::string_view part, std::string_view name) {
  return is_in(name, part) || (name.starts_with(encoder) && is_in(name.substr(encoder.size()), part));
}

// The encoder's layer that a tensor belongs to.
std::optional<int64_t> layer_of(std::string_view name) {
  if (!name.starts_with(layers)) return std::nullopt;
  const std::string_view rest = name.substr(layers.size());
  return number_in_name(rest.substr(0, rest.find('.')));
}

// How the parts of a model are called that are most asked for.
std::string main_parts(const Parameters& parameters) {
  std::vector<std::string> parts;
  std::optional<int64_t> last_layer;
  for (const NamedTensor& tensor : parameters.tensors()) {
    if (const auto layer = layer_of(tensor.name)) {
      last_layer = std::max(last_layer.value_or(0), *layer);
      continue;
    }
    std::string_view name = tensor.name;
    if (name.starts_with(encoder)) name.remove_prefix(encoder.size());
    const std::string part(name.substr(0, name.find('.')));
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  if (last_layer) parts.push_back(fmt::format("encoder.layer.0 to {}", *last_layer));
  return joined(parts, ", ").str();
}

// "encoder.layer.0-5" as its six parts; others as they are.
std::vector<std::string> parts_in(std::string_view part) {
  const size_t last_word = part.rfind('.') + 1, dash = part.find('-', last_word);
  if (last_word == 0 || dash == std::string_view::npos) return {std::string(part)};
  const auto first = number_in_name(part.substr(last_word, dash - last_word)),
             last = number_in_name(part.substr(dash + 1));
  if (!first || !last) return {std::string(part)};
  check(*first <= *last && *last < 100000, "'{}': expected two numbers, the lower one first", part);
  std::vector<std::string> parts;
  for (int64_t i = *first; i <= *last; ++i)
    parts.push_back(fmt::format("{}{}", part.substr(0, last_word), i));
  return parts;
}

}  // namespace

std::vector<std::string> tensors_of(const Parameters& parameters, std::string_view part) {
  std::vector<std::string> names;
  for (const std::string& one : parts_in(part)) {
    const size_t before = names.size();
    for (const NamedTensor& tensor : parameters.tensors())
      if (holds(one, tensor.name)) names.push_back(tensor.name);
    check(names.size() > before, "'{}': no part of the model is named '{}', expected one of {}, or of theirs",
          part, one, main_parts(parameters));
  }
  return names;
}

void freeze_parts(Parameters& parameters, const std::vector<std::string>& parts) {
  std::set<std::string> frozen;
  for (const std::string& part : parts)
    for (std::string& name : tensors_of(parameters, part)) frozen.insert(std::move(name));
  check(frozen.size() < parameters.tensors().size(), "nothing would be left to train");
  for (const std::string& name : frozen) parameters.freeze(name);
}

void decay_rates(Parameters& parameters, float factor) {
  int64_t count = 0;
  for (const NamedTensor& tensor : parameters.tensors())
    if (const auto layer = layer_of(tensor.name)) count = std::max(count, *layer + 1);
  parameters.set_rates([&](std::string_view name) {
    const auto layer = layer_of(name);
    if (!layer && !name.starts_with("bert.embeddings.")) return 1.0F;
    return std::pow(factor, static_cast<float>(count - layer.value_or(-1)));
  });
}

}  // namespace gradus
