#include "tasks/metrics/entities.h"

namespace gradus {

void count_entities(std::span<const Entity> gold, std::span<const Entity> found, ConllevalResult& result) {
  for (const Entity& entity : gold) {
    ++result.overall.gold;
    ++result.types[entity.type].gold;
  }
  size_t next = 0;  // in gold
  for (const Entity& entity : found) {
    ++result.overall.found;
    ++result.types[entity.type].found;
    while (next < gold.size() && gold[next].begin < entity.begin) ++next;
    if (next == gold.size() || gold[next] != entity) continue;
    ++result.overall.correct;
    ++result.types[entity.type].correct;
  }
}

}  // namespace gradus
