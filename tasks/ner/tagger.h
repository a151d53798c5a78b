// Tags for sentences.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/ner_text.h"
#include "tasks/model/batch_loop.h"
#include "tasks/ner/system.h"

namespace gradus {

struct TaggerOptions {
  int64_t batch_size = 64;
  bool group_lengths = true;  // batches of similar lengths; the tags are the same either way
  int32_t seq_length = 128;
  DType compute_type = DType::float32;

  static TaggerOptions of(const NerOptions& options);
};

// Predicts tags with an allocated system. Sentences of more pieces than fit are cut into overlapping windows, so every
// word gets a tag.
class NerTagger {
 public:
  NerTagger(Backend& backend, const NerSystem& system, TaggerOptions options);

  // The id of the predicted tag of each word of each sentence. Tags in the data are not looked at. What had to be done
  // to the text is added to `counts`. Throws Error, naming the sentence, when the model gives anything but numbers.
  std::vector<std::vector<int32_t>> predict(const NerData& data, NerCounts& counts) const;
  // The same for examples made of the data before.
  std::vector<std::vector<int32_t>> predict(const NerData& data,
                                            const std::vector<NerExample>& examples) const;

  // What the network says of each example, in the order of the batches: the scores of each position that the head sees, [N, tags], and
  // the N tags that these make.
  using TakeTags =
      std::function<void(size_t example, std::span<const float> scores, std::span<const int32_t> tags)>;
  void run(const std::vector<NerExample>& examples, const TakeTags& take) const;

  // The examples of evaluation data, to be made once. Throws Error on a tag that the system doesn't know.
  NerExamples examples(const NerData& data) const;

 private:
  Backend& backend_;
  const NerSystem& system_;
  TaggerOptions options_;
  BatchLoop loop_;
};

// The outside tag for each word of each sentence: of those that no example decides.
std::vector<std::vector<int32_t>> all_outside(const NerData& data, const LabelList& labels);
// Gives the words that an example decides their tags, of those of the positions that the head sees.
void take_scored_tags(const NerExample& example, std::span<const int32_t> predicted,
                      std::vector<std::vector<int32_t>>& tags);

}  // namespace gradus
