#include "tasks/classifier/system.h"

#include <cmath>

#include "core/io/checked_json.h"
#include "core/joined.h"

namespace gradus {
namespace {

// The one output of a model of scores; transformers tells by the number of labels how many there are.
const std::vector<std::string> score_label{"score"};

ClassifierSettings parse_settings(const ModelSource& source) {
  const Json json = source.task_settings(classifier_kind);
  const JsonField saved(json, settings_place(classifier_kind, source.where));
  const JsonField task = saved.at("task_name"), regression = saved.at("regression"),
                  weights = saved.at("class_weights");
  ClassifierSettings s;
  s.task_name = task.text();
  s.regression = regression.boolean();
  s.pairs = saved.at("pairs").boolean();
  const size_t labels = source.config.labels.size();
  task.check(find_classification_form(s.task_name) != nullptr, "the name of a data set, or tsv");
  regression.check(s.regression ? labels == 1 : labels > 1,
                   fmt::format("{} as id2label has {} labels", !s.regression, labels));
  for (const JsonField& weight : weights.items()) {
    s.class_weights.push_back(static_cast<float>(weight.number()));
    weights.check(std::isfinite(s.class_weights.back()) && s.class_weights.back() > 0, "positive numbers");
  }
  weights.check(s.class_weights.empty() || (!s.regression && s.class_weights.size() == labels),
                "a number for each class, or none");
  return s;
}

std::vector<std::string> names_of(const std::optional<ClassLabels>& labels) {
  return labels ? labels->names() : score_label;
}

}  // namespace

ClassifierSystem::ClassifierSystem(ModelSource source, ClassifierSettings settings,
                                   std::optional<ClassLabels> labels)
    : TaskSystem(std::move(source), classifier_kind, names_of(labels)),
      settings_(std::move(settings)),
      labels_(std::move(labels)) {
  model_.emplace(Scope(parameters()), config(), head());
  check_weights();
}

std::unique_ptr<ClassifierSystem> ClassifierSystem::load(const ClassifierOptions& options) {
  ModelSource source = ModelSource::of_trained(options, classifier_kind);
  check(!source.config.labels.empty(), "{}: no id2label: this is not a trained classifier", source.where);
  ClassifierSettings settings = parse_settings(source);
  const size_t classes = source.config.labels.size();
  check(options.num_class == 0 || options.num_class == static_cast<int64_t>(classes),
        "--num_class {}: the classifier in '{}' has {}", options.num_class, source.weights, classes);
  std::optional<ClassLabels> labels;
  if (!settings.regression) labels.emplace(source.config.labels);
  if (labels && !options.label_file_path.empty()) {
    const ClassLabels asked = ClassLabels::load(options.label_file_path);
    check(asked.names() == labels->names(), "{}: the labels {}, the classifier in '{}' has {}",
          options.label_file_path, joined(asked.names(), ", "), source.weights,
          joined(labels->names(), ", "));
  }
  return std::unique_ptr<ClassifierSystem>(
      new ClassifierSystem(std::move(source), std::move(settings), std::move(labels)));
}

std::unique_ptr<ClassifierSystem> ClassifierSystem::create(const ClassifierOptions& options,
                                                           const std::optional<ClassLabels>& labels) {
  ClassifierSettings settings;
  settings.task_name = options.task_name;
  settings.regression = !labels;
  ModelSource source = ModelSource::of_new(options, std::nullopt);
  // How transformers, too, knows what the outputs are.
  source.config.other_keys["problem_type"] =
      settings.regression ? "\"regression\"" : "\"single_label_classification\"";
  return std::unique_ptr<ClassifierSystem>(
      new ClassifierSystem(std::move(source), std::move(settings), labels));
}

void ClassifierSystem::set_task(const ClassificationForm& form) {
  // Tables of one's own are of one kind, whatever stands between their columns.
  settings_.task_name = form.is_own() ? classification_forms().front().name : form.name;
}

void ClassifierSystem::set_pairs(bool pairs) {
  check(!pairs || config().type_vocab_size > 1,
        "the texts are pairs: the model has one type of tokens (type_vocab_size), and can't tell the two "
        "apart");
  settings_.pairs = pairs;
}

void ClassifierSystem::set_class_weights(std::vector<float> class_weights) {
  settings_.class_weights = std::move(class_weights);
  model_->set_class_weights(settings_.class_weights);
}

Json ClassifierSystem::settings_json() const {
  return {{"task_name", settings_.task_name},
          {"regression", settings_.regression},
          {"pairs", settings_.pairs},
          {"class_weights", settings_.class_weights}};
}

ClassifierHeadConfig ClassifierSystem::head() const {
  ClassifierHeadConfig head;
  head.classes = labels_ ? labels_->size() : 1;
  head.regression = settings_.regression;
  head.dropout = static_cast<float>(task_settings().dropout);
  head.class_weights = settings_.class_weights;
  return head;
}

}  // namespace gradus
