// The list of tags a model predicts; the index of a tag is its label id.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class LabelList {
 public:
  // The tags in the order given; "O" ("o", where all tags are of small letters) is put first when it is missing. Throws
  // Error on an empty or repeated tag.
  explicit LabelList(std::vector<std::string> tags);
  // "O" (or "o"), then the other tags in byte order.
  static LabelList from_data(const std::set<std::string>& tags);
  // "O", then for each entity type S_type, B_type, M_type, E_type (the order of mindspore-ai/models run_ner).
  static LabelList from_types(const std::vector<std::string>& types);
  // Reads one tag a line, in that order; or one entity type a line, when no line is "O" or starts like a tag
  // ("B-", "S_") and not all lines are tags of an entity ("b-per"). Throws Error "path:line: ..." on white space inside a tag and on a repeated tag, and when
  // there is none.
  static LabelList load(const std::string& path);
  // Writes one tag a line. Throws Error when it can't; the file is complete or untouched.
  void save(const std::string& path) const;
  std::string text() const;  // as it is saved

  int32_t size() const { return static_cast<int32_t>(tags_.size()); }
  const std::vector<std::string>& tags() const { return tags_; }
  // Throws Error when `id` is outside [0, size()).
  const std::string& tag(int32_t id) const;
  // Where a loaded tag stands: "path:line", or the path alone of one that was added. Empty for lists not loaded.
  std::string where(int32_t id) const;
  // The id of a tag, or -1. "B-PER" and "B_PER" are the same tag.
  int32_t find(std::string_view tag) const;
  // The id of a tag. Throws Error that names the tags there are.
  int32_t id(std::string_view tag) const;
  int32_t outside_id() const { return outside_; }  // of "O"

  // Appends a tag unless it is there.
  void add(std::string_view tag);

 private:
  std::vector<std::string> tags_;
  int32_t outside_ = 0;
  std::string path_;            // of a loaded list
  std::vector<int64_t> lines_;  // of its tags; 0: was added
};

}  // namespace gradus
