#include "tasks/squad/input.h"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "core/run_parallel.h"
#include "data/squad_records.h"
#include "tasks/log/log.h"

namespace gradus {
namespace {

constexpr size_t most_shown = 3;  // of the questions that are left out

bool words_of(const SquadDriverOptions& options, const SquadSystem& system) {
  return options.uses_words(system.text_settings().tokenizer);
}

// One file, or several with commas between.
std::vector<std::string> files_of(const std::string& list) {
  if (std::filesystem::exists(list)) return {list};
  std::vector<std::string> files = comma_parts(list);
  check(std::ranges::count(files, "") == 0, "'{}': a comma with no file beside it", list);
  return files;
}

void add_file(const SquadDriverOptions& options, const SquadSystem& system, const std::string& file,
              SquadTrainingSet& set, SquadCounts& counts, std::FILE* log) {
  const SquadData data = read_squad(file);
  print_log(log, "{}", data.log());
  const auto impossible = std::ranges::count_if(data.questions, &SquadQuestion::is_impossible);
  check(impossible == 0 || options.version_2_with_negative != "false",
        "--version_2_with_negative false: {} has {} questions without an answer: expected none to train on",
        file, impossible);
  set.has_impossible = set.has_impossible || data.has_impossible;
  SquadFeaturizer featurizer(data, system.tokenizer(), options.features(words_of(options, system)),
                             SquadUse::training, thread_count(options.device.threads));
  std::vector<SquadFeature> features = featurizer.run(featurizer.questions());
  std::move(features.begin(), features.end(), std::back_inserter(set.features));
  counts += featurizer.counts();
  const std::vector<std::string>& left_out = featurizer.left_out();
  for (size_t i = 0; i < std::min(left_out.size(), most_shown); ++i)
    print_log(log, "{}: left out: {}\n", file, left_out[i]);
  if (left_out.size() > most_shown)
    print_log(log, "{}: left out: {} more\n", file, left_out.size() - most_shown);
}

SquadLimits limits_of(const SquadSystem& system) {
  return {system.vocab().size(), system.config().max_position_embeddings};
}

std::vector<size_t> all_of(size_t count) {
  std::vector<size_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  return numbers;
}

}  // namespace

SquadQuestions::SquadQuestions(SquadData data, const SquadSystem& system, const SquadDriverOptions& options)
    : data_(std::move(data)),
      featurizer_(data_, system.tokenizer(), options.features(words_of(options, system)),
                  SquadUse::evaluation, thread_count(options.device.threads)),
      features_(featurizer_.run(all_of(data_.questions.size()))) {}

SquadTrainingSet read_squad_training(const SquadDriverOptions& options, const SquadSystem& system,
                                     std::FILE* log) {
  SquadTrainingSet set;
  const std::string& path = options.train_data_file_path;
  if (options.format() != DatasetFormat::text) {
    SquadRecords records = read_squad_records(path, options.format(), options.schema_file_path,
                                              limits_of(system), SquadUse::training);
    for (const std::string& warning : records.warnings) print_log(log, "warning: {}\n", warning);
    set.features = std::move(records.features);
    set.has_impossible = records.has_impossible;
    set.description = fmt::format("{} windows", set.features.size());
    return set;
  }
  SquadCounts counts;
  const std::vector<std::string> files = files_of(path);
  for (size_t i = 0; i < files.size(); ++i) {
    const auto is_same = [&](const std::string& other) {
      std::error_code none;  // a file that is missing is noticed when it is read
      return std::filesystem::equivalent(other, files[i], none);
    };
    check(std::none_of(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(i), is_same),
          "--train_data_file_path: '{}' is named twice", files[i]);
    add_file(options, system, files[i], set, counts, log);
  }
  check(!set.features.empty(), "{}: no question is left to train on: {}", path, counts.str());
  set.description = counts.str();
  return set;
}

void check_has_answers(const SquadData& data, std::FILE* log) {
  const auto without =
      std::ranges::count_if(data.questions, [](const SquadQuestion& q) { return q.answers.empty(); });
  check(without < std::ssize(data.questions),
        "{}: no question has an answer to score by: expected \"answers\"; --do_predict answers new questions",
        data.path);
  if (without > 0)
    print_log(log, "warning: {}: {} questions have no answer to score by: they count as wrong\n", data.path,
              without);
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
