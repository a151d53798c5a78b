// Tags for sentences, and what they are worth.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/ner_text.h"
#include "tasks/metrics/conlleval.h"
#include "tasks/ner_system.h"
#include "tasks/scores.h"

namespace gradus {

struct TaggerOptions {
  int64_t batch_size = 64;
  bool group_lengths = true;  // batches of similar lengths; the tags are the same either way
  int32_t seq_length = 128;
  DType compute_type = DType::float32;
};

// Predicts tags with an allocated system. Sentences of more pieces than fit are cut into overlapping windows, so every
// word gets a tag.
class NerTagger {
 public:
  NerTagger(Backend& backend, const NerSystem& system, TaggerOptions options)
      : backend_(backend), system_(system), options_(options) {}

  // The id of the predicted tag of each word of each sentence. Tags in the data are not looked at.
  std::vector<std::vector<int32_t>> predict(const NerData& data) const;
  // The same for examples made before; `words` has the number of words of each sentence.
  std::vector<std::vector<int32_t>> predict(const std::vector<NerExample>& examples,
                                            const std::vector<int64_t>& words) const;

  // The examples of evaluation data, to be made once. Throws Error on a tag that the system doesn't know.
  NerExamples examples(const NerData& data) const;

 private:
  Backend& backend_;
  const NerSystem& system_;
  TaggerOptions options_;
};

// Throws Error "path:line: ..." when the method scores entities and a tag of the data is not an entity's.
void check_tags(const std::string& method, const NerData& data);

// Scores of predicted tags against those of the data, by --assessment_method: "span", "BF1", "MF1", "accuracy" or
// "clue_benchmark". The first score is the one to choose a model by; all are percentages. `report` receives the text
// that the method's reference program prints.
Scores score_tags(const std::string& method, const NerData& data, const LabelList& labels,
                  const std::vector<std::vector<int32_t>>& predicted, std::string& report);

}  // namespace gradus
