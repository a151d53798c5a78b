// The data of a run: examples to score on, and text.
#pragma once

#include <string>
#include <vector>

#include "data/pretraining_records.h"
#include "data/pretraining_text.h"
#include "tasks/pretraining/system.h"

namespace gradus {

// Text as token ids, all of it. `option` is the one that names it in `list`. Tells the log what is left out. Throws Error
// when there is no sentence in it, and when there is more than --memory_mb allows.
PretrainingDocuments read_pretraining_text(const PretrainOptions& options, const PretrainSystem& system,
                                           const std::string& list, const std::string& option);

// How much there is of examples.
struct PretrainCounts {
  int64_t examples = 0, tokens = 0, masked = 0;

  void add(const PretrainingExample& example);
  std::string str() const;  // "4000 examples, 401208 tokens, 58212 masked"
};

// Examples to score on.
struct PretrainSet {
  std::string path;
  std::vector<PretrainingExample> examples;
  PretrainCounts counts;
};

// Those of records, or of text, of which always the same are drawn. Throws Error naming the record on one that does not fit
// the model.
PretrainSet read_pretrain_set(const PretrainOptions& options, const PretrainSystem& system);

}  // namespace gradus
