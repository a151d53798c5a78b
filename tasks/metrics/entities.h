// Entities counted as the CoNLL scorer counts spans.
#pragma once

#include <span>

#include "data/tag_scheme.h"
#include "tasks/metrics/conlleval.h"

namespace gradus {

// Adds the entities of one sentence, each list in order, to the counts. An entity that was found is right when the data
// has one of its type with the same words.
void count_entities(std::span<const Entity> gold, std::span<const Entity> found, ConllevalResult& result);

}  // namespace gradus
