// A classifier: BERT with a linear map of the pooled first token, the classes, the labels or the one score, and the rules
// they were trained with.
#pragma once

#include <memory>
#include <optional>
#include <span>
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
  ProblemType problem = ProblemType::single_label;
  bool pairs = false;                // of texts
  std::vector<float> class_weights;  // empty: 1 each
  // Of any number of labels: from which probability on each holds, empty: 0.5, and what stands between them in a cell.
  std::vector<double> thresholds;
  std::string label_separator = ",";
  ClassificationColumnNames columns;  // of the table of one's own that it was trained on
};

class ClassifierSystem final : public TaskSystem {
 public:
  using Model = ClassifierModel;

  // Reads the trained classifier of the options (ModelSource::of_trained).
  static std::unique_ptr<ClassifierSystem> load(const ClassifierOptions& options);
  // A new one with these labels, none for scores, over the pretrained model of the options, or one with initial
  // weights.
  static std::unique_ptr<ClassifierSystem> create(const ClassifierOptions& options,
                                                  const std::optional<ClassLabels>& labels);

  // What training data say of the classifier that learns from them: their form, whether they are pairs, the names of
  // their columns, and what each class weighs. Throws Error when the encoder can't tell the texts of a pair apart, and
  // unless there is a weight for each class or none.
  void set_task(const ClassificationForm& form);
  void set_pairs(bool pairs);
  void set_columns(ClassificationColumnNames columns);
  void set_class_weights(std::vector<float> class_weights);
  // Throws Error unless there is one for each label.
  void set_thresholds(std::vector<double> thresholds);

  const ClassifierSettings& settings() const { return settings_; }
  ProblemType problem() const { return settings_.problem; }
  // The classes, or the labels that may hold; nothing when it gives scores.
  const std::optional<ClassLabels>& labels() const { return labels_; }
  // From which probability on each label holds.
  std::vector<double> thresholds() const;
  // Whether a label with this probability holds.
  bool holds(int32_t label, double probability) const;
  // Those that hold by these probabilities, one for each label.
  std::vector<int32_t> holding(std::span<const double> probabilities) const;
  ClassifierHeadConfig head() const;
  const Model& model() const { return *model_; }
  // Another of the same, which declares its parameters there.
  Model model_in(Parameters& parameters) const { return Model(Scope(parameters), config(), head()); }

 private:
  ClassifierSystem(ModelSource source, ClassifierSettings settings, std::optional<ClassLabels> labels);
  Json settings_json() const override;
  std::string tuned_setting() const override { return "thresholds"; }
  void take_tuned(const JsonField& found) override;

  ClassifierSettings settings_;
  std::optional<ClassLabels> labels_;
  std::optional<ClassifierModel> model_;
};

}  // namespace gradus
