#include "tasks/squad/input.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <numeric>

#include "core/counted.h"
#include "core/run_parallel.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tasks/squad/training.h"
#include "tasks/training/training_data.h"

namespace gradus {
namespace {

constexpr size_t most_shown = 3;  // of the questions that are left out

bool words_of(const SquadDriverOptions& options, const SquadSystem& system) {
  return options.uses_words(system.text_settings().tokenizer);
}

// Reads files of text.
class TextReader {
 public:
  TextReader(const SquadDriverOptions& options, const SquadSystem& system, SquadTraining& training,
             std::FILE* log)
      : options_(options), system_(system), training_(training), log_(log) {}

  void read(const std::string& file) {
    left_out_ = 0;
    questions_ = 0;
    parts_ = 0;
    Phase phase(fmt::format("tokenizing {}: questions", file));
    const std::vector<std::string> notes =
        read_squad(file, part_bytes, [&](const SquadData& part) { add(file, part, phase); });
    for (const std::string& note : notes) print_log(log_, "{}: {}\n", file, note);
    if (left_out_ > most_shown) print_log(log_, "{}: left out: {} more\n", file, left_out_ - most_shown);
  }

  SquadTrainingData data() const { return {has_impossible_, counts_.str()}; }

 private:
  static constexpr int64_t part_bytes = int64_t{32} << 20;
  static constexpr size_t at_a_time = 4096;  // questions

  void add(const std::string& file, const SquadData& part, Phase& phase) {
    if (parts_++ == 0) print_log(log_, "{}", part.log());
    const auto impossible = std::ranges::find_if(part.questions, &SquadQuestion::is_impossible);
    if (impossible != part.questions.end() && options_.version_2_with_negative == "false")
      fail("--version_2_with_negative false: {} has no answer: expected one for every question to train on",
           part.where(static_cast<size_t>(impossible - part.questions.begin())));
    has_impossible_ = has_impossible_ || part.has_impossible;
    SquadFeaturizer featurizer(part, system_.tokenizer(), options_.features(words_of(options_, system_)),
                               SquadUse::training, thread_count(options_.device.threads));
    const std::vector<size_t>& questions = featurizer.questions();
    for (size_t begin = 0; begin < questions.size(); begin += at_a_time) {
      const size_t count = std::min(at_a_time, questions.size() - begin);
      training_.add(featurizer.run(std::span(questions).subspan(begin, count)));
      questions_ += static_cast<int64_t>(count);
      phase.done(questions_);
    }
    counts_ += featurizer.counts();
    for (const std::string& question : featurizer.left_out()) {
      if (left_out_++ < most_shown) print_log(log_, "{}: left out: {}\n", file, question);
    }
  }

  const SquadDriverOptions& options_;
  const SquadSystem& system_;
  SquadTraining& training_;
  std::FILE* log_;
  SquadCounts counts_;
  bool has_impossible_ = false;
  size_t left_out_ = 0, parts_ = 0;  // of the file
  int64_t questions_ = 0;            // of the file, done
};

SquadLimits limits_of(const SquadSystem& system) {
  return {system.vocab().size(), system.config().max_position_embeddings};
}

SquadTrainingData read_training_records(const SquadDriverOptions& options, const SquadSystem& system,
                                        SquadTraining& training, std::FILE* log) {
  const std::string& path = options.train_data_file_path;
  const RecordReading reading = training_reading(options);
  SquadRecordStream stream(path, stream_options(options, reading), limits_of(system), SquadUse::training);
  const SquadRecords records = [&] {
    const Phase phase(fmt::format("reading {}", path));
    return stream.read(records_to_read(reading));
  }();
  for (const std::string& warning : records.warnings) print_log(log, "warning: {}\n", warning);
  SquadTrainingData data{records.has_impossible, counted(records.features.size(), "window")};
  if (reading == RecordReading::before) {
    training.add(records.features);
    return data;
  }
  data.description = stream_description(path, *stream.records());
  if (!options.may_lack_answers(records.has_impossible || system.settings().version_2) &&
      options.version_2_with_negative == "auto")
    stream.refuse_impossible(
        "no record that was looked at before said so: give --version_2_with_negative true");
  training.stream_records(std::move(stream), records.length);
  return data;
}

// The windows of all questions, some at a time: threads have work, and how far they are can be told.
std::vector<SquadFeature> windows_of(SquadFeaturizer& featurizer, const SquadData& data) {
  constexpr size_t at_a_time = 4096;
  Phase phase(fmt::format("tokenizing {}", data.path), std::ssize(data.questions));
  std::vector<size_t> numbers(data.questions.size());
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  std::vector<SquadFeature> features;
  for (size_t begin = 0; begin < numbers.size(); begin += at_a_time) {
    const size_t count = std::min(at_a_time, numbers.size() - begin);
    std::ranges::move(featurizer.run(std::span(numbers).subspan(begin, count)), std::back_inserter(features));
    phase.done(static_cast<int64_t>(begin + count));
  }
  return features;
}

}  // namespace

SquadQuestions::SquadQuestions(SquadData data, const SquadSystem& system, const SquadDriverOptions& options)
    : data_(std::move(data)),
      featurizer_(data_, system.tokenizer(), options.features(words_of(options, system)),
                  SquadUse::evaluation, thread_count(options.device.threads)),
      features_(windows_of(featurizer_, data_)) {}

SquadTrainingData read_squad_training(const SquadDriverOptions& options, const SquadSystem& system,
                                      SquadTraining& training, std::FILE* log) {
  const std::string& path = options.train_data_file_path;
  if (options.format() != DatasetFormat::text) return read_training_records(options, system, training, log);
  TextReader reader(options, system, training, log);
  for (const std::string& file : training_files(options)) reader.read(file);
  SquadTrainingData data = reader.data();
  check(training.examples().size() > 0, "{}: no question is left to train on: {}", path, data.description);
  return data;
}

void check_has_answers(const SquadData& data, std::FILE* log) {
  const auto without =
      std::ranges::count_if(data.questions, [](const SquadQuestion& q) { return q.answers.empty(); });
  check(without < std::ssize(data.questions),
        "{}: no question has an answer to score by: expected \"answers\"; --do_predict answers new questions",
        data.path);
  if (without > 0)
    print_log(log, "warning: {}: {} as wrong\n", data.path,
              counted(without, "question has no answer to score by: it counts",
                      "questions have no answer to score by: they count"));
}

void check_squad_records(const SquadDriverOptions& options, const SquadSystem& system,
                         const SquadQuestions& questions) {
  const std::string& path = options.eval_data_file_path;
  if (options.format() == DatasetFormat::text || path == options.eval_json_path) return;
  const SquadRecords records = read_squad_records(path, options.format(), options.schema_file_path,
                                                  limits_of(system), SquadUse::evaluation);
  const std::string advice =
      "were they made with other --seq_length, --doc_stride, --max_query_length or rules of the tokenizer?";
  check(records.features.size() == questions.features().size(), "{}: {} windows, {} makes {}: {}", path,
        records.features.size(), questions.data().path, questions.features().size(), advice);
  for (size_t i = 0; i < records.features.size(); ++i) {
    check(records.features[i].window.input_ids == questions.features()[i].window.input_ids,
          "{}: record {} is not the window that {} makes: {}", path, i + 1, questions.data().path, advice);
  }
}

}  // namespace gradus
