#include "tasks/metrics/entities.h"

#include "core/error.h"

namespace gradus {

namespace {

bool is_outside(std::string_view tag) {
  for (const std::string_view outside : {"O", "X", "[CLS]", "[SEP]", "[PAD]"}) {
    if (tag == outside) return true;
  }
  return false;
}

}  // namespace

bool is_entity_tag(std::string_view tag) {
  if (is_outside(tag)) return true;
  const bool has_position =
      !tag.empty() && std::string_view("BIMESLU").find(tag[0]) != std::string_view::npos;
  return has_position && (tag.size() == 1 || tag[1] == '-' || tag[1] == '_');
}

TagParts split_tag(std::string_view tag) {
  check(is_entity_tag(tag),
        "[tags] unknown tag '{}', expected O, X, [CLS], [SEP], [PAD] or one of B, I, M, E, S, L, U with '-' "
        "or '_' "
        "and a type",
        tag);
  if (is_outside(tag)) return {'O', ""};
  return {tag[0], tag.substr(tag.size() == 1 ? 1 : 2)};
}

std::string as_bio(std::string_view tag) {
  const auto [position, type] = split_tag(tag);
  if (position == 'O') return "O";
  const char letter = position == 'B' || position == 'S' || position == 'U' ? 'B' : 'I';
  return type.empty() ? std::string(1, letter) : fmt::format("{}-{}", letter, type);
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
    const bool alone = position == 'S' || position == 'U';
    const bool begins = position == 'B' || alone || !is_open || entities.back().type != type;
    if (begins) entities.push_back({std::string(type), static_cast<int64_t>(i), 0});
    entities.back().end = static_cast<int64_t>(i + 1);
    is_open = !alone && position != 'E' && position != 'L';
  }
  return entities;
}

std::string_view scored_tag(std::string_view tag) { return split_tag(tag).position == 'O' ? "O" : tag; }

}  // namespace gradus
