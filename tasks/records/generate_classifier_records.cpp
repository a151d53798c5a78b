// generate_classifier_records: makes records of token ids of the data sets of GLUE and CLUE, and of tables of one's own.
#include <array>
#include <filesystem>
#include <optional>

#include "core/error.h"
#include "core/joined.h"
#include "data/classification_records.h"
#include "data/classification_text.h"
#include "tasks/main.h"
#include "tasks/options/column_options.h"
#include "tasks/records/record_generator.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    R"(Makes records of token ids, for MindSpore, TensorFlow and Gradus, of texts, or pairs, with a class,
any number of labels or a score. Writes the list of the labels beside them; their order gives the label ids.)";
constexpr const char* example =
    R"(generate_classifier_records --dataset_name tnews --data_dir tnews/ --vocab_file vocab.txt \
                              --output_dir records/
  generate_classifier_records --dataset_name mrpc --data_dir MRPC/ --vocab_file vocab.txt \
                              --output_dir records/ --dataset_format tfrecord --do_predict false)";

constexpr size_t most_labels_shown = 30;

struct Settings {
  std::string dataset_name;
  RecordSettings records;
  ClassificationColumnOptions columns;

  void declare(Options& options) {
    options.group("Input");
    options
        .add("dataset_name", dataset_name,
             "what the files look like: a published data set, or columns of your own")
        .alias("task_name")
        .choices(choices_of(classification_forms()));
    records.declare_input(options, "labels");
    columns.declare(options);
    options.group("Records");
    records.declare_output(options);
  }

  const ClassificationForm& form() const {
    check(!dataset_name.empty(), "--dataset_name is missing: expected one of {}",
          classification_form_names());
    return classification_form(dataset_name);
  }
  ProblemType problem() const {
    if (const std::optional<ProblemType> asked = columns.problem()) return *asked;
    return form().scores ? ProblemType::regression : ProblemType::single_label;
  }
  // The files of the form, those of the language where they differ by it.
  std::array<RecordSplit, 3> splits() const;
};

// One file of the data set, read, and where its records go.
struct Work {
  ClassificationData data;
  RecordJob job;
};

std::array<RecordSplit, 3> Settings::splits() const {
  std::array<RecordSplit, 3> splits;
  for (size_t i = 0; i < splits.size(); ++i) {
    std::string file(form().files[i]);
    const size_t place = file.find("{}");
    if (place != std::string::npos) {
      check(!columns.language.empty() || !records.wanted[i] || !records.files[i].empty(),
            "--language is missing: {} has a file of each: {}", form().name, file);
      file.replace(place, 2, columns.language);
    }
    splits[i] = {file, std::string(form().records[i])};
  }
  return splits;
}

std::vector<Work> read_texts(const Settings& settings, const RecordFolder& folder) {
  std::vector<Work> works;
  for (const RecordJob& job : folder.jobs()) {
    const ClassLabelUse use = job.split == 2 ? ClassLabelUse::optional : ClassLabelUse::required;
    const Phase phase("reading " + job.text);
    works.push_back(
        {read_classification(job.text, settings.form(), use,
                             settings.columns.columns(settings.problem() == ProblemType::multi_label)),
         job});
    print_log(stdout, "{}", works.back().data.log());
  }
  return works;
}

// The labels of a new list: those named, the data set's own, or those of the data to train on.
ClassLabels new_labels(const Settings& settings, const std::vector<Work>& works) {
  if (!settings.records.label_file.empty()) return ClassLabels::load(settings.records.label_file);
  const std::vector<std::string> published = settings.form().labels;
  if (!published.empty()) return ClassLabels(published);
  check(works.front().job.split == 0,
        "which labels there are is told by the data to train on: make its records too (--do_train true), or "
        "name a "
        "--label_file");
  return ClassLabels(works.front().data.found_labels());
}

// None when the data has scores.
std::optional<ClassLabels> labels_of(const Settings& settings, const RecordFolder& folder,
                                     const std::vector<Work>& works) {
  const std::string& named = settings.records.label_file;
  if (settings.form().scores) {
    check(named.empty(), "--label_file {}: the texts of {} have scores, no labels", named,
          settings.dataset_name);
    check(!fs::exists(folder.label_list()),
          "{}: labels, but the texts of {} have scores: name another --output_dir", folder.label_list(),
          settings.dataset_name);
    return std::nullopt;
  }
  if (!folder.keeps_label_list()) return new_labels(settings, works);
  ClassLabels labels = ClassLabels::load(folder.label_list());
  print_log(stdout, "labels: those of {}\n", folder.label_list());
  if (!named.empty()) folder.check_asked_labels(ClassLabels::load(named).names(), labels.names());
  return labels;
}

// "408 examples, 21593 pieces; labels: 129 of 0, 279 of 1".
std::string describe(const ClassificationData& data, const ClassificationCounts& counts) {
  if (!data.labelled)
    return counts.str() + fmt::format("; without labels: label_ids {} 0", data.several_labels ? "are" : "is");
  if (data.form->scores) return counts.str();
  std::vector<std::string> labels;
  for (const auto& [name, count] : data.label_counts())
    labels.push_back(fmt::format("{} of {}", count, name));
  if (labels.size() > most_labels_shown) return fmt::format("{}; {} labels", counts.str(), labels.size());
  return fmt::format("{}; labels: {}", counts.str(), joined(labels, ", "));
}

ClassificationExamples make_examples(const Work& work, const Tokenizer& tokenizer,
                                     const std::optional<ClassLabels>& labels, int32_t length) {
  Phase phase("tokenizing " + work.data.path, std::ssize(work.data.texts));
  return make_classification_examples(work.data, tokenizer, labels ? &*labels : nullptr, length,
                                      [&](size_t count) { phase.done(static_cast<int64_t>(count)); });
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("generate_classifier_records", purpose, example);
  settings.declare(options);
  if (!options.parse(argc, argv)) return 0;
  const ClassificationForm& form = settings.form();
  settings.columns.check(form);
  check((settings.problem() == ProblemType::regression) == form.scores,
        "--problem_type {}: the texts of {} have {}", problem_name(settings.problem()), form.name,
        form.scores ? "scores" : "no scores");
  const std::array<RecordSplit, 3> splits = settings.splits();
  options.print_effective(stdout);

  const StoredTokenizer stored = settings.records.tokenizer.load(stdout);
  const Tokenizer tokenizer = settings.records.tokenizer.make(stored);
  const RecordFolder folder(settings.records, splits, ".mindrecord", !form.scores);
  const std::vector<Work> works = read_texts(settings, folder);
  if (works.empty()) return 0;
  const std::optional<ClassLabels> labels = labels_of(settings, folder, works);
  const auto length = static_cast<int32_t>(settings.records.max_seq_length);
  // All files are cut into pieces before the first is written: a wrong label in the last leaves nothing half
  // done.
  std::vector<ClassificationExamples> examples;
  for (const Work& work : works) examples.push_back(make_examples(work, tokenizer, labels, length));
  std::vector<RecordList> lists;
  if (labels) lists.push_back({folder.label_list(), labels->text()});
  RecordFiles files(settings.records, lists);
  for (size_t i = 0; i < works.size(); ++i) {
    const std::vector<ClassificationExample>& made = examples[i].examples;
    files.write(
        works[i].job, classification_record_columns(!labels), made.size(),
        [&](size_t k) {
          return make_classification_record(made[k], length, settings.problem(), labels ? labels->size() : 0);
        },
        describe(works[i].data, examples[i].counts));
  }
  files.finish();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
