#include "tasks/classifier/system.h"

#include <algorithm>
#include <cmath>

#include "core/io/checked_json.h"
#include "core/joined.h"
#include "tasks/metrics/multi_label_scores.h"

namespace gradus {
namespace {

// The one output of a model of scores; transformers tells by the number of labels how many there are.
const std::vector<std::string> score_label{"score"};

// The field that says it: older folders have a switch.
JsonField problem_of(const JsonField& saved) {
  const auto regression = saved.find("regression");
  return regression && !saved.find("problem_type") ? *regression : saved.at("problem_type");
}

ProblemType parse_problem(const JsonField& saved) {
  const JsonField field = problem_of(saved);
  if (field.value().is_boolean())
    return field.boolean() ? ProblemType::regression : ProblemType::single_label;
  const std::optional<ProblemType> problem = find_problem(field.text());
  field.check(problem.has_value(), problem_names);
  return *problem;
}

std::vector<double> parse_thresholds(const JsonField& field, size_t labels) {
  std::vector<double> thresholds = field.numbers();
  const auto is_one = [](double x) { return x >= 0 && x <= 1; };
  field.check(std::ranges::all_of(thresholds, is_one), "numbers from 0 to 1");
  field.check(thresholds.empty() || thresholds.size() == labels, "a number for each label, or none");
  return thresholds;
}

ClassifierSettings parse_settings(const ModelSource& source) {
  const Json json = source.task_settings(classifier_kind);
  const JsonField saved(json, settings_place(classifier_kind, source.where));
  const JsonField task = saved.at("task_name"), weights = saved.at("class_weights");
  ClassifierSettings s;
  s.task_name = task.text();
  s.pairs = saved.at("pairs").boolean();
  const size_t labels = source.config.labels.size();
  task.check(find_classification_form(s.task_name) != nullptr, "the name of a data set, or tsv");
  s.problem = parse_problem(saved);
  const bool fits =
      s.problem == ProblemType::multi_label || (s.problem == ProblemType::regression) == (labels == 1);
  problem_of(saved).check(
      fits, fmt::format("a problem of {} label{}, which id2label has", labels, labels == 1 ? "" : "s"));
  for (const JsonField& weight : weights.items()) {
    s.class_weights.push_back(static_cast<float>(weight.number()));
    weights.check(std::isfinite(s.class_weights.back()) && s.class_weights.back() > 0, "positive numbers");
  }
  weights.check(
      s.class_weights.empty() || (s.problem == ProblemType::single_label && s.class_weights.size() == labels),
      "a number for each class, or none");
  if (const auto columns = saved.find("columns")) {
    s.columns = {columns->at("text").text(), columns->at("text_pair").text(), columns->at("label").text()};
    for (const JsonField& name : columns->at("labels").items()) s.columns.labels.push_back(name.text());
  }
  if (const auto thresholds = saved.find("thresholds")) s.thresholds = parse_thresholds(*thresholds, labels);
  if (const auto separator = saved.find("label_separator")) {
    s.label_separator = separator->text();
    separator->check(s.label_separator.size() == 1, "a character");
  }
  return s;
}

std::vector<std::string> names_of(const std::optional<ClassLabels>& labels) {
  return labels ? labels->names() : score_label;
}

// Predictions are written with the separator between labels, and read as they are written.
void check_separated(const ClassLabels& labels, const std::string& separator) {
  for (const std::string& name : labels.names())
    check(name.find(separator) == std::string::npos,
          "the label '{}' has a '{}' in it, which stands between labels: expected another --label_separator",
          name, separator);
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
  if (settings.problem != ProblemType::regression) labels.emplace(source.config.labels);
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
  settings.problem = options.problem();
  settings.label_separator = options.columns.label_separator;
  check(labels.has_value() == (settings.problem != ProblemType::regression),
        "[classifier] labels for --problem_type {}: expected none for scores alone",
        problem_name(settings.problem));
  if (settings.problem == ProblemType::multi_label) check_separated(*labels, settings.label_separator);
  ModelSource source = ModelSource::of_new(options, std::nullopt);
  // How transformers, too, knows what the outputs are.
  source.config.other_keys["problem_type"] = fmt::format("\"{}\"", problem_name(settings.problem));
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

void ClassifierSystem::set_columns(ClassificationColumnNames columns) {
  settings_.columns = std::move(columns);
}

void ClassifierSystem::set_class_weights(std::vector<float> class_weights) {
  settings_.class_weights = std::move(class_weights);
  model_->set_class_weights(settings_.class_weights);
}

void ClassifierSystem::set_thresholds(std::vector<double> thresholds) {
  check(std::ssize(thresholds) == head().classes,
        "[classifier] {} thresholds for {} labels: expected one for each", thresholds.size(), head().classes);
  settings_.thresholds = std::move(thresholds);
}

void ClassifierSystem::take_tuned(const JsonField& found) {
  settings_.thresholds = parse_thresholds(found, static_cast<size_t>(head().classes));
}

std::vector<double> ClassifierSystem::thresholds() const {
  if (!settings_.thresholds.empty()) return settings_.thresholds;
  return std::vector<double>(static_cast<size_t>(head().classes), usual_threshold);
}

bool ClassifierSystem::holds(int32_t label, double probability) const {
  const double threshold =
      settings_.thresholds.empty() ? usual_threshold : settings_.thresholds[static_cast<size_t>(label)];
  return probability >= threshold;
}

std::vector<int32_t> ClassifierSystem::holding(std::span<const double> probabilities) const {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < std::ssize(probabilities); ++id) {
    if (holds(id, probabilities[static_cast<size_t>(id)])) ids.push_back(id);
  }
  return ids;
}

Json ClassifierSystem::settings_json() const {
  Json json{{"task_name", settings_.task_name},
            {"problem_type", std::string(problem_name(settings_.problem))},
            {"pairs", settings_.pairs},
            {"class_weights", settings_.class_weights}};
  if (const auto& [text, pair, label, labels] = settings_.columns; !text.empty())
    json["columns"] = {{"text", text}, {"text_pair", pair}, {"label", label}, {"labels", labels}};
  if (settings_.problem != ProblemType::multi_label) return json;
  json["thresholds"] = settings_.thresholds;
  json["label_separator"] = settings_.label_separator;
  return json;
}

ClassifierHeadConfig ClassifierSystem::head() const {
  ClassifierHeadConfig head;
  head.classes = labels_ ? labels_->size() : 1;
  head.problem = settings_.problem;
  head.dropout = static_cast<float>(task_settings().dropout);
  head.class_weights = settings_.class_weights;
  return head;
}

}  // namespace gradus
