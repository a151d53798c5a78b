// Batches of texts for the classifier.
#pragma once

#include <span>

#include "data/classification_features.h"
#include "nn/heads/classifier.h"
#include "tasks/model/token_packer.h"

namespace gradus {

// Packs the chosen examples for `backend`. The loss is a mean over the weights of their labels, `class_weights` where there
// are some, else 1 each.
HostBatch pack_classifier(const Backend& backend, std::span<const ClassificationExample> examples,
                          std::span<const int32_t> chosen, std::span<const float> class_weights = {});

ClassifierBatch classifier_batch(const Batch& batch);

}  // namespace gradus
