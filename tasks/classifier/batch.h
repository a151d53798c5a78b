// Batches of texts for the classifier.
#pragma once

#include <span>
#include <vector>

#include "data/classification_features.h"
#include "nn/heads/classifier.h"
#include "tasks/model/token_packer.h"

namespace gradus {

// What an example is given, as numbers: its class, the labels that hold, or the bits of its score.
std::vector<int32_t> target_numbers(const ClassificationExample& example, ProblemType problem);

// Packs the chosen examples, and what `head` learns of them, for `backend`. The loss is a mean over what the head says
// (ClassifierModel::loss).
HostBatch pack_classifier(const Backend& backend, std::span<const ClassificationExample> examples,
                          std::span<const int32_t> chosen, const ClassifierHeadConfig& head);

ClassifierBatch classifier_batch(const Batch& batch, ProblemType problem);

}  // namespace gradus
