// Batches of texts, from the host to what the head reads.
#pragma once

#include <span>

#include "nn/heads/topic.h"
#include "tasks/model/token_packer.h"
#include "tasks/topic/input.h"

namespace gradus {

// Packs the chosen examples for a backend. The loss is a mean over them.
HostBatch pack_topics(const Backend& backend, std::span<const TopicExample> examples,
                      std::span<const int32_t> chosen);

TopicBatch topic_batch(const Batch& batch);

}  // namespace gradus
