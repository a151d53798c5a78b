#include "tasks/metrics/entities.h"

#include "core/error.h"

namespace gradus {

TagParts split_tag(std::string_view tag) {
  for (const std::string_view outside : {"O", "X", "[CLS]", "[SEP]", "[PAD]"}) {
    if (tag == outside) return {'O', ""};
  }
  const bool has_position = !tag.empty() && std::string_view("BIMES").find(tag[0]) != std::string_view::npos;
  const bool has_separator = tag.size() == 1 || (tag.size() > 1 && (tag[1] == '-' || tag[1] == '_'));
  check(has_position && has_separator,
        "[tags] unknown tag '{}', expected O, X, [CLS], [SEP], [PAD] or one of B, I, M, E, S with '-' or '_' "
        "and "
        "a type",
        tag);
  return {tag[0], tag.substr(tag.size() == 1 ? 1 : 2)};
}

std::vector<Entity> decode_entities(std::span<const std::string> tags) {
  std::vector<Entity> entities;
  bool is_open = false;  // whether the next word may go on with the last entity
  for (size_t i = 0; i < tags.size(); ++i) {
    const auto [position, type] = split_tag(tags[i]);
    if (position == 'O') {
      is_open = false;
      continue;
    }
    const bool begins = position == 'B' || position == 'S' || !is_open || entities.back().type != type;
    if (begins) entities.push_back({std::string(type), static_cast<int64_t>(i), 0});
    entities.back().end = static_cast<int64_t>(i + 1);
    is_open = position != 'E' && position != 'S';
  }
  return entities;
}

std::string_view scored_tag(std::string_view tag) { return split_tag(tag).position == 'O' ? "O" : tag; }

}  // namespace gradus
