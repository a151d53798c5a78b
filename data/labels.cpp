#include "data/labels.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "core/io/files.h"
#include "core/joined.h"
#include "data/tag_scheme.h"
#include "data/text_file.h"
#include "data/unicode.h"

namespace gradus {
namespace {

constexpr size_t most_lines = 10'000;

}  // namespace

LabelList::LabelList(std::vector<std::string> tags) {
  // In a list of small letters, "o" is.
  const bool small = TagReader(tags).is_entity_tag("o");
  const auto outside =
      std::ranges::find_if(tags, [&](const std::string& tag) { return tag == "O" || (small && tag == "o"); });
  const std::string outside_tag = outside == tags.end() ? "O" : *outside;
  if (outside == tags.end()) tags_.push_back(outside_tag);
  std::unordered_set<std::string> listed;
  for (std::string& tag : tags) {
    check(!tag.empty(), "[labels] a tag is empty");
    check(listed.insert(spelt_alike(tag)).second, "[labels] the tag '{}' is listed twice", tag);
    tags_.push_back(std::move(tag));
  }
  outside_ = find(outside_tag);
}

LabelList LabelList::from_data(const std::set<std::string>& tags) {
  LabelList sorted(std::vector<std::string>(tags.begin(), tags.end()));
  std::vector<std::string> outside_first{sorted.tag(sorted.outside_id())};
  for (const std::string& tag : sorted.tags()) {
    if (tag != outside_first.front()) outside_first.push_back(tag);
  }
  return LabelList(std::move(outside_first));
}

LabelList LabelList::from_types(const std::vector<std::string>& types) {
  std::vector<std::string> tags;
  for (const std::string& type : types) {
    for (const char* prefix : {"S_", "B_", "M_", "E_"}) tags.push_back(prefix + type);
  }
  return LabelList(std::move(tags));
}

LabelList LabelList::load(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> found;
  std::vector<int64_t> lines;
  std::unordered_map<std::string, int64_t> line_of;  // of labels, however they are spelt
  for (std::string_view line; reader.next(line);) {
    line = without_outer_blanks(line);
    if (line.empty()) continue;
    const bool is_one = line.find_first_of(" \t") == std::string_view::npos && find_odd_blank(line).empty();
    check(is_one, "{}: found '{}': expected one label without white space", reader.where(), shown(line, 80));
    const auto [other, is_new] = line_of.try_emplace(spelt_alike(line), reader.line_number());
    check(is_new, "{}: the label '{}' is listed twice, in line {} already", reader.where(), line,
          other->second);
    check(found.size() < most_lines, "{}: more than {} labels", reader.where(), most_lines);
    found.emplace_back(line);
    lines.push_back(reader.line_number());
  }
  check(!found.empty(), "{}: no label found: expected one tag or entity type a line", path);
  const bool are_tags =
      TagReader(found).reads_entities() || std::ranges::any_of(found, [](const std::string& tag) {
        return tag == "O" || (tag.size() > 2 && split_tag(tag).value_or(TagParts()).position != 'O');
      });
  LabelList labels = are_tags ? LabelList(found) : from_types(found);
  labels.path_ = path;
  labels.lines_.resize(labels.tags_.size());
  const size_t added = labels.tags_.size() - found.size();  // "O" at the front, when there are tags
  for (size_t i = 0; i < found.size(); ++i) {
    if (are_tags) labels.lines_[added + i] = lines[i];
    else std::fill_n(labels.lines_.begin() + 1 + 4 * static_cast<ptrdiff_t>(i), 4, lines[i]);
  }
  return labels;
}

std::string LabelList::text() const { return fmt::format("{}\n", joined(tags_, "\n")); }

void LabelList::save(const std::string& path) const { replace_file(path, text()); }

const std::string& LabelList::tag(int32_t id) const {
  check(id >= 0 && id < size(), "[labels] label id {} is outside [0, {})", id, size());
  return tags_[id];
}

std::string LabelList::where(int32_t id) const {
  const auto index = static_cast<size_t>(id);
  const int64_t line = index < lines_.size() ? lines_[index] : 0;
  return line == 0 ? path_ : fmt::format("{}:{}", path_, line);
}

int32_t LabelList::find(std::string_view tag) const {
  for (int32_t id = 0; id < size(); ++id) {
    if (same_tag(tags_[id], tag)) return id;
  }
  return -1;
}

int32_t LabelList::id(std::string_view tag) const {
  const int32_t id = find(tag);
  check(id >= 0, "unknown label '{}': expected one of {}", tag, joined(tags_, ", "));
  return id;
}

void LabelList::add(std::string_view tag) {
  if (find(tag) < 0) tags_.emplace_back(tag);
}

}  // namespace gradus
