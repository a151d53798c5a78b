#include "nn/stored_labels.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/ascii.h"
#include "core/counted.h"
#include "core/io/json.h"

namespace gradus {
namespace {

StoredLabels problem(std::string text) { return {{}, std::move(text)}; }

// Names by id from id -> name, as an object or a list.
StoredLabels from_ids(const Json& id2label) {
  if (!id2label.is_object() && !id2label.is_array())
    return problem(fmt::format("'id2label' is of type {}, expected an object", id2label.type_name()));
  StoredLabels labels;
  for (size_t id = 0; id < id2label.size(); ++id) {
    const std::string key = std::to_string(id);
    if (id2label.is_object() && !id2label.contains(key))
      return problem(fmt::format("'id2label' has {} but none for {}", counted(id2label.size(), "label"), id));
    const Json& name = id2label.is_object() ? id2label[key] : id2label[id];
    if (!name.is_string() && !name.is_number())
      return problem(
          fmt::format("label {} of 'id2label' is of type {}, expected a string", id, name.type_name()));
    labels.names.push_back(name.is_string() ? name.text() : json_text(name));
  }
  return labels;
}

// Names by id from name -> id.
StoredLabels from_names(const Json& label2id) {
  if (!label2id.is_object())
    return problem(fmt::format("'label2id' is of type {}, expected an object", label2id.type_name()));
  StoredLabels labels{std::vector<std::string>(label2id.size()), ""};
  std::vector<bool> seen(label2id.size());
  for (const auto& [name, id] : label2id.members()) {
    const std::optional<int64_t> number = id.whole();
    if (!number || *number < 0 || *number >= std::ssize(seen) || seen[static_cast<size_t>(*number)])
      return problem(fmt::format("'label2id' gives '{}' the number {}, expected each from 0 to {} once", name,
                                 json_text(id), seen.size() - 1));
    seen[id.get<size_t>()] = true;
    labels.names[id.get<size_t>()] = name;
  }
  return labels;
}

StoredLabels without_repetition(StoredLabels labels) {
  std::set<std::string_view> seen;
  for (const std::string& name : labels.names) {
    if (!seen.insert(name).second) return problem(fmt::format("the label '{}' is there twice", name));
  }
  return labels;
}

std::string loose(std::string_view stored) {
  std::string name = small_letters(stored);
  for (char& c : name) {
    if (c == '-' || c == ' ') c = '_';
  }
  return name;
}

// Empty unless each of `wanted` is one of `stored`, and each a different one.
std::vector<int64_t> pair_up(const std::vector<std::string>& stored, const std::vector<std::string>& wanted) {
  std::map<std::string_view, int64_t> ids;
  for (size_t i = 0; i < stored.size(); ++i) ids.emplace(stored[i], static_cast<int64_t>(i));
  std::vector<int64_t> rows;
  for (const std::string& name : wanted) {
    const auto found = ids.find(name);
    if (found == ids.end()) return {};
    rows.push_back(found->second);
    ids.erase(found);
  }
  return ids.empty() && stored.size() == wanted.size() ? rows : std::vector<int64_t>{};
}

}  // namespace

StoredLabels read_stored_labels(const Json& id2label, const Json& label2id) {
  if (id2label.is_null() && label2id.is_null()) return {};
  if (label2id.is_null()) return without_repetition(from_ids(id2label));
  if (id2label.is_null()) return without_repetition(from_names(label2id));
  const StoredLabels ids = without_repetition(from_ids(id2label)),
                     names = without_repetition(from_names(label2id));
  if (!ids.problem.empty()) return ids;
  if (ids.names == names.names || are_default_labels(names.names)) return ids;
  if (are_default_labels(ids.names) && names.problem.empty()) return names;
  if (!names.problem.empty()) return names;
  for (size_t i = 0; i < std::min(ids.names.size(), names.names.size()); ++i) {
    if (ids.names[i] != names.names[i])
      return problem(fmt::format("label {} is '{}' in 'id2label' and '{}' in 'label2id'", i, ids.names[i],
                                 names.names[i]));
  }
  return problem(fmt::format("'id2label' has {}, 'label2id' {}", counted(ids.names.size(), "label"),
                             names.names.size()));
}

bool are_default_labels(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != fmt::format("LABEL_{}", i)) return false;
  }
  return !names.empty();
}

LabelRows match_labels(const std::vector<std::string>& stored, const std::vector<std::string>& wanted) {
  LabelRows result{pair_up(stored, wanted), false};
  if (!result.rows.empty()) return result;
  std::vector<std::string> loose_stored, loose_wanted;
  for (const std::string& name : stored) loose_stored.push_back(loose(name));
  for (const std::string& name : wanted) loose_wanted.push_back(loose(name));
  return {pair_up(loose_stored, loose_wanted), true};
}

}  // namespace gradus
