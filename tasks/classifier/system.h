// A classifier: BERT with a linear map of the pooled first token, the classes or the one score, and the rules they
// were trained with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/class_labels.h"
#include "nn/heads/classifier.h"
#include "tasks/classifier/options.h"
#include "tasks/model/task_system.h"

namespace gradus {

inline constexpr TaskKind classifier_kind{"gradus_classifier", "BertForSequenceClassification",
                                          "run_classifier", "classifier"};

// What the head was built and trained with; saved in config.json under "gradus_classifier".
struct ClassifierSettings {
  std::string task_name = "tsv";
  bool regression = false;
  bool pairs = false;                // of texts
  std::vector<float> class_weights;  // empty: 1 each
};

class ClassifierSystem final : public TaskSystem {
 public:
  // Reads the trained classifier of the options (ModelSource::of_trained).
  static std::unique_ptr<ClassifierSystem> load(const ClassifierOptions& options);
  // A new one with these labels, none for scores, over the pretrained model of the options, or one with initial
  // weights.
  static std::unique_ptr<ClassifierSystem> create(const ClassifierOptions& options,
                                                  const std::optional<ClassLabels>& labels);

  // What training data say of the classifier that learns from them: their form, whether they are pairs, and what each
  // class weighs. Throws Error when the encoder can't tell the texts of a pair apart, and unless there is a weight
  // for each class or none.
  void set_task(const ClassificationForm& form);
  void set_pairs(bool pairs);
  void set_class_weights(std::vector<float> class_weights);

  const ClassifierSettings& settings() const { return settings_; }
  // Of classes; nothing when it gives scores.
  const std::optional<ClassLabels>& labels() const { return labels_; }
  ClassifierHeadConfig head() const;
  const ClassifierModel& model() const { return *model_; }

 private:
  ClassifierSystem(ModelSource source, ClassifierSettings settings, std::optional<ClassLabels> labels);
  Json settings_json() const override;

  ClassifierSettings settings_;
  std::optional<ClassLabels> labels_;
  std::optional<ClassifierModel> model_;
};

}  // namespace gradus
