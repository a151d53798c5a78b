// The data of a run: questions with their texts, and the windows of tokens made of them.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "tasks/squad/system.h"

namespace gradus {

class SquadTraining;

// What was read to train on.
struct SquadTrainingData {
  bool has_impossible = false;
  std::string description;  // for the log
};

// Questions to answer, with all windows of each. Not to be moved once it is made: its parts point at each other.
class SquadQuestions {
 public:
  // Throws Error when the options leave no room for a text beside its question.
  SquadQuestions(SquadData data, const SquadSystem& system, const SquadDriverOptions& options);
  SquadQuestions(const SquadQuestions&) = delete;
  SquadQuestions& operator=(const SquadQuestions&) = delete;

  const SquadData& data() const { return data_; }
  const std::vector<SquadFeature>& features() const { return features_; }
  const SquadContext& context(size_t question) const {
    return featurizer_.context(static_cast<size_t>(data_.questions[question].context));
  }
  const SquadCounts& counts() const { return featurizer_.counts(); }
  std::string description() const { return counts().str(); }

 private:
  SquadData data_;
  SquadFeaturizer featurizer_;
  std::vector<SquadFeature> features_;  // in the order of the questions
};

// Gives the training the files to train on. What was left out of them goes to `log`.
SquadTrainingData read_squad_training(const SquadDriverOptions& options, const SquadSystem& system,
                                      SquadTraining& training, std::FILE* log);

// Where every question should have an answer, as not in version 2: throws Error when none has one to score by; tells
// `log` how many lack it when some do.
void check_has_answers(const SquadData& data, std::FILE* log);

// Throws Error naming the record when those of --eval_data_file_path are not the windows of the questions.
void check_squad_records(const SquadDriverOptions& options, const SquadSystem& system,
                         const SquadQuestions& questions);

}  // namespace gradus
