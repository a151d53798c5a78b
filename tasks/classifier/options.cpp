#include "tasks/classifier/options.h"

#include <charconv>

namespace gradus {

namespace {

constexpr float most_weight = 1e6F;  // of a class: sums of weights stay far from the largest float

}  // namespace

bool scores_numbers(const std::string& assessment_method) {
  return assessment_method == "spearman_correlation" || assessment_method == "pearson_correlation";
}

bool ClassifierOptions::learns_scores() const { return form().scores || scores_numbers(assessment_method); }

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
       "form of a --task_name other than tsv, JSON lines, a name ending in .csv, or with a --text_column or "
       "--predict_form table; -: stdin",
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
      .add("predict_form", predict_form,
           "what predictions are written as: text, a line each; table: the table that was read, with columns "
           "added; "
           "jsonl: JSON lines, those that were read with more in them; auto: text, or jsonl with --json")
      .choices({"auto", "text", "table", "jsonl"});

  options.group("Head");
  options.add("class_weights", class_weights,
              "weights of the classes in the loss: numbers with commas between, or balanced: the rarer the "
              "heavier; none: all alike");
  train.declare_label_smoothing(options);
  options
      .add("assessment_method", assessment_method,
           "score to choose and judge by; f1 counts all classes but the first, macro_f1 is the mean of all; "
           "the correlations make a model of numbers instead of classes")
      .choices({"accuracy",
                "f1",
                "macro_f1",
                {"mcc", {"matthews"}},
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
  check(!form().scores || scores_numbers(assessment_method),
        "--assessment_method {}: the texts of --task_name {} have scores, not classes: expected "
        "spearman_correlation or pearson_correlation",
        assessment_method, task_name);
  check(form().labels.empty() || !scores_numbers(assessment_method),
        "--assessment_method {} compares numbers, the texts of --task_name {} have classes",
        assessment_method, task_name);
  check(class_weights.empty() || train.do_train, "--class_weights {}: they count in training: add --do_train",
        class_weights);
  check(predict_form != "table" || !train.do_predict || predict_data_file_path != "-",
        "--predict_form table: standard input has a text a line: name the file with a table with "
        "--predict_data_file_path");
  listed_class_weights();
  columns.check(form());
  if (makes_head()) check_no_classes(learns_scores());
}

void ClassifierOptions::check_no_classes(bool scores) const {
  if (!scores) return;
  const std::string reason = "there are scores to learn or to give, no classes";
  check(class_weights.empty(), "--class_weights {}: {}", class_weights, reason);
  check(label_file_path.empty(), "--label_file_path {}: {}", label_file_path, reason);
  check(num_class <= 1, "--num_class {}: {}", num_class, reason);
  check(train.label_smoothing == 0, "--label_smoothing {}: {}", train.label_smoothing, reason);
}

void ClassifierOptions::take(const std::string& trained_task, bool gives_scores, Options& options) {
  const std::string reason = "the classifier";
  options.preset("task_name", trained_task, reason);
  const char* gives = gives_scores ? "scores, not classes" : "classes, not scores";
  check(gives_scores ? form().labels.empty() : !form().scores, "--task_name {}: the classifier gives {}",
        task_name, gives);
  if (gives_scores) options.preset("assessment_method", "spearman_correlation", reason);
  const ClassificationForm& trained = classification_form(trained_task);
  if (trained.scores == gives_scores)
    options.preset("assessment_method", std::string(trained.measures.front()), reason);
  check(scores_numbers(assessment_method) == gives_scores, "--assessment_method {}: the classifier gives {}",
        assessment_method, gives);
  check_no_classes(gives_scores);
}

}  // namespace gradus
