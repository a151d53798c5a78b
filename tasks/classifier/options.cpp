#include "tasks/classifier/options.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "core/joined.h"

namespace gradus {
namespace {

constexpr float most_weight = 1e6F;  // of a class: sums of weights stay far from the largest float

// The scores that judge what is given; the first is the default.
std::span<const std::string_view> methods_of(ProblemType problem) {
  static constexpr std::string_view classes[] = {"accuracy", "f1", "macro_f1", "mcc"};
  static constexpr std::string_view labels[] = {"micro_f1", "macro_f1", "micro_average_precision",
                                                "macro_average_precision", "subset_accuracy"};
  static constexpr std::string_view scores[] = {"spearman_correlation", "pearson_correlation"};
  switch (problem) {
    case ProblemType::multi_label:
      return labels;
    case ProblemType::regression:
      return scores;
    case ProblemType::single_label:
      break;
  }
  return classes;
}

bool judges(const std::string& method, ProblemType problem) {
  return std::ranges::find(methods_of(problem), method) != methods_of(problem).end();
}

// "classes, not scores"
std::string_view what(ProblemType problem) {
  switch (problem) {
    case ProblemType::multi_label:
      return "any number of labels a text";
    case ProblemType::regression:
      return "scores, not classes";
    case ProblemType::single_label:
      break;
  }
  return "classes, not scores";
}

}  // namespace

ProblemType ClassifierOptions::problem() const {
  if (const std::optional<ProblemType> asked = columns.problem()) return *asked;
  if (form().scores || judges(assessment_method, ProblemType::regression)) return ProblemType::regression;
  return judges(assessment_method, ProblemType::single_label) ? ProblemType::single_label
                                                              : ProblemType::multi_label;
}

std::vector<float> ClassifierOptions::listed_class_weights() const {
  std::vector<float> weights;
  if (class_weights.empty() || class_weights == "balanced") return weights;
  for (const std::string& part : comma_parts(class_weights)) {
    const char* end = part.data() + part.size();
    float weight = 0;
    const auto result = std::from_chars(part.data(), end, weight);
    check(result.ec == std::errc() && result.ptr == end && weight > 0 && weight <= most_weight,
          "--class_weights: found '{}', expected balanced, or positive numbers up to {} with commas between",
          part, most_weight);
    weights.push_back(weight);
  }
  return weights;
}

void ClassifierOptions::declare(Options& options) {
  declare_data(
      options, "./classifier_finetune/ckpt/",
      {"training data: a file in the form of --task_name, or several with commas between (\\, is one in a "
       "name); of records a file or a folder",
       "evaluation data",
       "text to classify, a line each, two texts of a pair with a tab between; or, named as a file, in the "
       "form of a --task_name other than tsv, JSON lines, a name ending in .csv, or with a --text_column, or "
       "--predict_form table or submission; -: stdin",
       "what the training and evaluation data are: text or records"});
  options
      .add("task_name", task_name,
           "form and labels of the text: those of a published data set (docs/classification.md), or tsv: "
           "text, "
           "label or text_a, text_b, label with tabs between, or a header that tells; csv: the same as "
           "spreadsheets write it")
      .choices(choices_of(classification_forms()));
  columns.declare(options);
  options
      .add("label_file_path", label_file_path,
           "labels, one a line, in the order of their ids; none: those of the data set")
      .file();
  options.add("num_class", num_class, "number of classes; 0: as many as there are labels").at_least(0);
  options
      .add("output_dir", output_dir,
           "folder for eval_results.txt and test_results.tsv; none: the save folder, when training")
      .folder();

  options
      .add(
          "predict_form", predict_form,
          "what predictions are written as: text, a line each; table: the table that was read, with columns "
          "added; jsonl: JSON lines, those that were read with more in them; submission: what the servers of "
          "GLUE and CLUE score; auto: text, or jsonl with --json")
      .choices({"auto", "text", "table", "jsonl", "submission"});

  options.group("Head");
  options.add("class_weights", class_weights,
              "weights of the classes in the loss: numbers with commas between, or balanced: the rarer the "
              "heavier; none: all alike");
  train.declare_label_smoothing(options);
  options.add("tune_thresholds", tune_thresholds,
              "find on the evaluation data from which probability on each label holds, that of its best F1, "
              "and keep it "
              "with the model; otherwise 0.5");
  options
      .add("assessment_method", assessment_method,
           "score to choose and judge by; f1 counts all classes but the first, macro_f1 is the mean of all; "
           "of any "
           "number of labels micro_f1, the default, macro_f1, the average precisions and subset_accuracy, "
           "the texts "
           "with every label right; the correlations make a model of numbers instead of classes")
      .choices({"accuracy",
                "f1",
                "macro_f1",
                {"mcc", {"matthews"}},
                "micro_f1",
                "micro_average_precision",
                "macro_average_precision",
                "subset_accuracy",
                {"spearman_correlation", {"spearman"}},
                {"pearson_correlation", {"pearson"}}});
  declare_model(options);
}

void ClassifierOptions::finish(Options& options) {
  train.finish(options);
  // What is the default anyhow stays one: a trained classifier may say otherwise.
  if (const std::string measure(form().measures.front()); measure != assessment_method)
    options.preset("assessment_method", measure, "--task_name " + task_name);
  FineTuneOptions::finish(options, {}, false);
  if (train.do_train && output_dir.empty()) {
    options.preset("output_dir", train.save_finetune_checkpoint_path, "--save_finetune_checkpoint_path");
  }
  // Of a trained model that is used this is asked again when it is known.
  if (const std::optional<ProblemType> asked = columns.problem())
    options.preset("assessment_method", std::string(methods_of(*asked).front()),
                   columns.label_columns.empty() ? "--problem_type" : "--label_columns");
  check(!form().scores || judges(assessment_method, ProblemType::regression),
        "--assessment_method {}: the texts of --task_name {} have scores, not classes: expected "
        "spearman_correlation or pearson_correlation",
        assessment_method, task_name);
  check(form().labels.empty() || !judges(assessment_method, ProblemType::regression),
        "--assessment_method {} compares numbers, the texts of --task_name {} have classes",
        assessment_method, task_name);
  check(form().is_own() || problem() != ProblemType::multi_label,
        "--assessment_method {} is of any number of labels, the texts of --task_name {} have one each",
        assessment_method, task_name);
  check(!tune_thresholds || (train.do_train && reads_eval()),
        "--tune_thresholds: thresholds are found on evaluation data while training: expected --do_train and "
        "--eval_data_file_path");
  check(class_weights.empty() || train.do_train, "--class_weights {}: they count in training: add --do_train",
        class_weights);
  check(!predicts_rows() || !train.do_predict || predict_data_file_path != "-",
        "--predict_form {}: standard input has a text a line: name the file with a table with "
        "--predict_data_file_path",
        predict_form);
  listed_class_weights();
  columns.check(form());
  if (makes_head()) check_suited(problem());
}

void ClassifierOptions::check_suited(ProblemType problem) const {
  const auto refuse_classes = [&](const std::string& reason) {
    check(class_weights.empty(), "--class_weights {}: {}", class_weights, reason);
    check(train.label_smoothing == 0, "--label_smoothing {}: {}", train.label_smoothing, reason);
  };
  check(judges(assessment_method, problem), "--assessment_method {}: --problem_type {} is judged by {}",
        assessment_method, problem_name(problem), joined(methods_of(problem), ", "));
  check(!tune_thresholds || problem == ProblemType::multi_label,
        "--tune_thresholds: --problem_type {} has none: expected {}", problem_name(problem),
        problem_name(ProblemType::multi_label));
  switch (problem) {
    case ProblemType::single_label:
      break;
    case ProblemType::multi_label:
      refuse_classes("a text has any number of labels, not one of the classes");
      break;
    case ProblemType::regression: {
      const std::string reason = "there are scores to learn or to give, no classes";
      refuse_classes(reason);
      check(label_file_path.empty(), "--label_file_path {}: {}", label_file_path, reason);
      check(num_class <= 1, "--num_class {}: {}", num_class, reason);
      break;
    }
  }
}

void ClassifierOptions::take(const std::string& trained_task, ProblemType gives,
                             const std::string& label_separator, Options& options) {
  const std::string reason = "the classifier";
  options.preset("task_name", trained_task, reason);
  if (gives == ProblemType::multi_label) options.preset("label_separator", label_separator, reason);
  check(!columns.problem() || *columns.problem() == gives, "{} {}: the classifier gives {}",
        columns.label_columns.empty() ? "--problem_type" : "--label_columns",
        columns.label_columns.empty() ? columns.problem_type : columns.label_columns, what(gives));
  const bool fits = form().is_own() ||
                    (gives == ProblemType::regression ? form().labels.empty()
                                                      : gives == ProblemType::single_label && !form().scores);
  check(fits, "--task_name {}: the classifier gives {}", task_name, what(gives));
  const ClassificationForm& trained = classification_form(trained_task);
  if (judges(std::string(trained.measures.front()), gives))
    options.preset("assessment_method", std::string(trained.measures.front()), reason);
  options.preset("assessment_method", std::string(methods_of(gives).front()), reason);
  check(judges(assessment_method, gives), "--assessment_method {}: the classifier gives {}",
        assessment_method, what(gives));
  check_suited(gives);
}

}  // namespace gradus
