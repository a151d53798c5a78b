#include "data/labels.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <utility>

#include "core/error.h"
#include "data/text_file.h"

namespace gradus {

namespace {

bool has_prefix(std::string_view tag) {
  return tag.size() > 2 && std::string_view("BIMESLU").find(tag[0]) != std::string_view::npos &&
         (tag[1] == '-' || tag[1] == '_');
}

bool same_tag(std::string_view a, std::string_view b) {
  if (!has_prefix(a) || !has_prefix(b)) return a == b;
  return a[0] == b[0] && a.substr(2) == b.substr(2);
}

}  // namespace

std::string_view entity_type(std::string_view tag) {
  return has_prefix(tag) ? tag.substr(2) : std::string_view();
}

LabelList::LabelList(std::vector<std::string> tags) {
  if (std::find(tags.begin(), tags.end(), "O") == tags.end()) tags_.emplace_back("O");
  for (std::string& tag : tags) {
    check(!tag.empty(), "[labels] a tag is empty");
    check(find(tag) < 0, "[labels] the tag '{}' is listed twice", tag);
    tags_.push_back(std::move(tag));
  }
  outside_ = find("O");
}

LabelList LabelList::from_data(const std::set<std::string>& tags) {
  LabelList labels({});
  for (const std::string& tag : tags) labels.add(tag);
  return labels;
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
  std::vector<std::string> lines;
  bool are_tags = false;
  for (std::string_view line; reader.next(line);) {
    line = trimmed(line);
    if (line.empty()) continue;
    check(line.find_first_of(" \t") == std::string_view::npos,
          "{}: found '{}': expected one label without white space", reader.where(), line);
    const bool repeated =
        std::any_of(lines.begin(), lines.end(), [&](const std::string& l) { return same_tag(l, line); });
    check(!repeated, "{}: the label '{}' is listed twice", reader.where(), line);
    are_tags |= line == "O" || has_prefix(line);
    lines.emplace_back(line);
  }
  check(!lines.empty(), "{}: no label found: expected one tag or entity type a line", path);
  return are_tags ? LabelList(std::move(lines)) : from_types(lines);
}

void LabelList::save(const std::string& path) const {
  const std::string unfinished = path + ".tmp";
  std::ofstream file(unfinished, std::ios::binary);
  for (const std::string& tag : tags_) file << tag << '\n';
  file.close();
  const bool written = file && std::rename(unfinished.c_str(), path.c_str()) == 0;
  if (!written) std::remove(unfinished.c_str());
  check(written, "{}: the label list can't be written", path);
}

const std::string& LabelList::tag(int32_t id) const {
  check(id >= 0 && id < size(), "[labels] label id {} is outside [0, {})", id, size());
  return tags_[id];
}

int32_t LabelList::find(std::string_view tag) const {
  for (int32_t id = 0; id < size(); ++id) {
    if (same_tag(tags_[id], tag)) return id;
  }
  return -1;
}

int32_t LabelList::id(std::string_view tag) const {
  const int32_t id = find(tag);
  check(id >= 0, "unknown label '{}': expected one of {}", tag, fmt::join(tags_, ", "));
  return id;
}

void LabelList::add(std::string_view tag) {
  if (find(tag) < 0) tags_.emplace_back(tag);
}

}  // namespace gradus
