#include "tasks/classifier/input.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "core/joined.h"
#include "tasks/classifier/training.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tasks/model/label_sources.h"
#include "tasks/training/training_data.h"

namespace gradus {
namespace {

// The labels of a table of one's own as numbers; those of STS-B are numbers already.
void read_scores(ClassificationData& data) {
  for (size_t i = 0; i < data.texts.size(); ++i) {
    ClassificationText& text = data.texts[i];
    const std::optional<float> number = label_as_number(text.label);
    check(number.has_value(), "{}: label '{}': expected a number, to be predicted as such", data.where(i),
          text.label);
    text.score = *number;
  }
}

ClassifierSet read_texts(const ClassifierOptions& options, const std::string& path, ProblemType problem,
                         const ClassificationColumnNames& usual) {
  ClassifierSet set;
  set.path = path;
  {
    const Phase phase(fmt::format("reading {}", path));
    ClassificationColumns columns = options.columns.columns(problem == ProblemType::multi_label);
    columns.usual = usual;
    set.data = read_classification(path, options.form(), ClassLabelUse::required, columns);
  }
  // Tells how the text was understood before anything can go wrong with it.
  print_log(log_of(options), "{}", set.data.log());
  if (problem == ProblemType::regression) read_scores(set.data);
  return set;
}

// The same of data to train on, in one file or several.
ClassifierSet read_training_texts(const ClassifierOptions& options, ProblemType problem,
                                  const ClassificationColumnNames& usual) {
  const std::vector<std::string> files = training_files(options);
  ClassifierSet set = read_texts(options, files.front(), problem, usual);
  for (size_t i = 1; i < files.size(); ++i)
    set.data.append(read_texts(options, files[i], problem, usual).data);
  set.path = set.data.path = options.train_data_file_path;
  return set;
}

void make_examples(ClassifierSet& set, const ClassifierSystem& system, int64_t seq_length) {
  Phase phase(fmt::format("tokenizing {}", set.path), std::ssize(set.data.texts));
  ClassificationExamples made = make_classification_examples(
      set.data, system.tokenizer(), system.labels() ? &*system.labels() : nullptr,
      static_cast<int32_t>(seq_length), [&](size_t count) { phase.done(static_cast<int64_t>(count)); });
  set.examples = std::move(made.examples);
  set.counts = made.counts;
}

ClassifierSet read_records(const ClassifierOptions& options, const std::string& path,
                           const ClassifierSystem& system, RecordReading reading, std::FILE* log) {
  const std::string beside = label_list_of(path);
  if (system.labels() && std::filesystem::exists(beside)) {
    const ClassLabels labels = ClassLabels::load(beside);
    check(labels.names() == system.labels()->names(),
          "{}: the records have the labels {}, the classifier has {}", beside, joined(labels.names(), ", "),
          joined(system.labels()->names(), ", "));
  }
  ClassificationLimits limits;
  limits.problem = system.problem();
  limits.classes = static_cast<int32_t>(system.head().classes);
  limits.vocab_size = system.vocab().size();
  limits.token_types = static_cast<int32_t>(system.config().type_vocab_size);
  limits.longest = system.config().max_position_embeddings;
  ClassificationRecordStream stream(path, stream_options(options, reading), limits);
  ClassificationRecords records = [&] {
    const Phase phase(fmt::format("reading {}", path));
    return stream.read(records_to_read(reading));
  }();
  for (const std::string& warning : records.warnings) print_log(log, "warning: {}\n", warning);
  ClassifierSet set;
  set.path = path;
  set.examples = std::move(records.examples);
  set.counts.examples = static_cast<int64_t>(set.examples.size());
  for (const ClassificationExample& example : set.examples)
    set.counts.pieces += static_cast<int64_t>(example.input_ids.size());
  if (reading == RecordReading::before) return set;
  set.records = std::move(stream);
  set.record_length = records.length;
  return set;
}

bool is_pair(const ClassificationExample& example) {
  return std::find(example.segment_ids.begin(), example.segment_ids.end(), 1) != example.segment_ids.end();
}

// A set is of pairs when one of its examples is: records don't say it, and a pair may have an empty second text.
bool has_pairs(const ClassifierSet& set) {
  const auto has_second = [](const ClassificationText& text) { return text.text_b.has_value(); };
  if (std::any_of(set.data.texts.begin(), set.data.texts.end(), has_second)) return true;
  return std::any_of(set.examples.begin(), set.examples.end(), is_pair);
}

// The mean weight of an example is 1.
std::vector<float> balanced_weights(const ClassifierSet& set, const ClassLabels& labels) {
  check(!set.records,
        "--class_weights balanced: the classes of streamed records are not counted before: give the numbers");
  std::vector<int64_t> counts(static_cast<size_t>(labels.size()), 0);
  for (const auto& [label, count] : set.data.label_counts()) {
    const int32_t id = labels.find(label);
    if (id >= 0) counts[static_cast<size_t>(id)] += count;  // another is refused by its line
  }
  for (const ClassificationExample& example : set.examples) ++counts[static_cast<size_t>(example.label)];
  const auto all = static_cast<float>(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  std::vector<float> weights;
  for (int32_t id = 0; id < labels.size(); ++id) {
    const int64_t count = counts[static_cast<size_t>(id)];
    check(count > 0, "--class_weights balanced: the training data have no example of the class '{}'",
          labels.name(id));
    weights.push_back(all / static_cast<float>(count) / static_cast<float>(labels.size()));
  }
  return weights;
}

std::vector<float> class_weights(const ClassifierOptions& options, const ClassifierSet& set,
                                 const std::optional<ClassLabels>& labels) {
  if (options.class_weights == "balanced") return balanced_weights(set, *labels);
  std::vector<float> weights = options.listed_class_weights();
  check(weights.empty() || weights.size() == static_cast<size_t>(labels->size()),
        "--class_weights {}: {} numbers, expected one for each of the {} classes {}", options.class_weights,
        weights.size(), labels->size(), joined(labels->names(), ", "));
  return weights;
}

// Throws Error when a classifier that is trained further does not have a label of the data.
void check_labels_known(const ClassificationData& data, const ClassLabels& labels) {
  for (size_t i = 0; i < data.texts.size(); ++i) {
    for (const std::string& label : data.labels_of(i))
      if (labels.find(label) < 0) refuse_label(data.where(i), label, "classifier", labels.names());
  }
}

// A classifier that is trained further keeps its weights of classes unless others are asked for.
void learn_from(const ClassifierOptions& options, const ClassifierSet& set, ClassifierSystem& system) {
  system.set_task(options.form());
  if (options.makes_head()) system.set_pairs(has_pairs(set));
  if (!set.data.texts.empty())
    system.set_columns(options.form().is_own() ? set.data.column_names : ClassificationColumnNames());
  if (options.makes_head() || !options.class_weights.empty())
    system.set_class_weights(class_weights(options, set, system.labels()));
}

void check_pairs(const ClassifierSet& set, const ClassifierSystem& system) {
  const auto kind = [](bool pairs) { return pairs ? "pairs" : "single texts"; };
  const bool pairs = has_pairs(set);
  check(pairs == system.settings().pairs, "{}: {}, but the classifier is one of {}", set.path, kind(pairs),
        kind(!pairs));
}

void check_asked_labels(const ClassifierOptions& options, const ClassLabels& labels,
                        const std::string& source) {
  if (options.label_file_path.empty()) return;
  const ClassLabels asked = ClassLabels::load(options.label_file_path);
  check(asked.names() == labels.names(),
        "{}: the labels {}, but {}, which belongs to the records, has {}: leave out --label_file_path",
        options.label_file_path, joined(asked.names(), ", "), source, joined(labels.names(), ", "));
}

ClassLabels find_labels(const ClassifierOptions& options, const ClassifierInputs& inputs) {
  const std::string beside = label_list_of(options.train_data_file_path);
  if (options.format() != DatasetFormat::text && std::filesystem::exists(beside)) {
    ClassLabels labels = ClassLabels::load(beside);
    check_asked_labels(options, labels, beside);
    return labels;
  }
  if (!options.label_file_path.empty()) return ClassLabels::load(options.label_file_path);
  std::vector<std::string> names = options.form().labels;
  if (!names.empty()) return ClassLabels(std::move(names));
  if (inputs.train) {
    names = inputs.train->data.found_labels();
    return ClassLabels(std::move(names));
  }
  check(options.num_class > 0,
        "{}: records hold the numbers of labels: name the file of their names with --label_file_path, put it "
        "beside them as label_list.txt, or give --num_class",
        options.train_data_file_path);
  for (int64_t id = 0; id < options.num_class; ++id) names.push_back(std::to_string(id));
  return ClassLabels(std::move(names));
}

}  // namespace

std::string ClassifierSet::text(size_t example, const Vocab& vocab) const {
  if (!data.texts.empty()) {
    const ClassificationText& text = data.texts[example];
    return text.text_b ? text.text_a + " | " + *text.text_b : text.text_a;
  }
  std::string text;
  for (const int32_t id : examples[example].input_ids) {
    const std::string& piece = vocab.token(id);
    if (piece.starts_with("##")) text += piece.substr(2);
    else text += (text.empty() ? "" : " ") + piece;
  }
  return text;
}

std::string ClassifierSet::where(size_t example) const {
  return data.texts.empty() ? fmt::format("{}: example {}", path, example + 1) : data.where(example);
}

ClassifierInputs read_classifier_texts(const ClassifierOptions& options, ProblemType problem,
                                       const ClassificationColumnNames& trained_on) {
  ClassifierInputs inputs;
  if (options.format() != DatasetFormat::text) return inputs;
  if (options.train.do_train) inputs.train = read_training_texts(options, problem, trained_on);
  const ClassificationColumnNames& usual = inputs.train ? inputs.train->data.column_names : trained_on;
  if (options.reads_eval()) inputs.dev = read_texts(options, options.eval_data_file_path, problem, usual);
  return inputs;
}

ClassLabels classifier_labels(const ClassifierOptions& options, const ClassifierInputs& inputs) {
  ClassLabels labels = find_labels(options, inputs);
  check(options.num_class == 0 || options.num_class == labels.size(),
        "--num_class {}: there are {} labels: {}", options.num_class, labels.size(),
        joined(labels.names(), ", "));
  check(labels.size() > 1 || options.problem() == ProblemType::multi_label,
        "there is one label, '{}', and nothing to tell it apart from", labels.name(0));
  return labels;
}

void complete_classifier_inputs(const ClassifierOptions& options, ClassifierSystem& system,
                                ClassifierInputs& inputs, std::FILE* log) {
  if (options.format() == DatasetFormat::text) {
    if (options.train.do_train && !options.makes_head() && system.labels())
      check_labels_known(inputs.train->data, *system.labels());
    if (inputs.dev) make_examples(*inputs.dev, system, options.seq_length);
  } else {
    if (options.train.do_train)
      inputs.train =
          read_records(options, options.train_data_file_path, system, training_reading(options), log);
    if (options.reads_eval())
      inputs.dev = read_records(options, options.eval_data_file_path, system, RecordReading::before, log);
  }
  if (options.train.do_train) learn_from(options, *inputs.train, system);
  for (const std::optional<ClassifierSet>* set : {&inputs.train, &inputs.dev}) {
    if (*set) check_pairs(**set, system);
  }
}

std::string add_training_data(const ClassifierOptions& options, const ClassifierSystem& system,
                              ClassifierSet& set, ClassifierTraining& training) {
  if (set.records) {
    const std::string description = stream_description(set.path, *set.records->records());
    training.stream_records(std::move(*set.records), set.record_length);
    set.examples = {};
    return description;
  }
  training.add(set.examples);
  constexpr size_t at_a_time = 100'000;
  std::vector<ClassificationText> texts = std::move(set.data.texts);
  ClassifierSet part{set.path, std::move(set.data), {}, {}};
  for (size_t begin = 0; begin < texts.size(); begin += at_a_time) {
    const auto first = texts.begin() + static_cast<std::ptrdiff_t>(begin);
    part.data.texts.assign(
        std::make_move_iterator(first),
        std::make_move_iterator(first + std::min<std::ptrdiff_t>(at_a_time, texts.end() - first)));
    make_examples(part, system, options.seq_length);
    training.add(part.examples);
    set.counts += part.counts;
  }
  set.examples = {};
  return set.counts.str();
}

}  // namespace gradus
