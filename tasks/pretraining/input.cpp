#include "tasks/pretraining/input.h"

#include <limits>

#include "core/counted.h"
#include "core/run_parallel.h"
#include "data/pretraining_batches.h"
#include "tasks/log/log.h"
#include "tasks/log/phase.h"
#include "tasks/text/text_files.h"

namespace gradus {
namespace {

constexpr uint64_t evaluation_seed = 12345;  // that the generators of records have, too

}  // namespace

PretrainingDocuments read_pretraining_text(const PretrainOptions& options, const PretrainSystem& system,
                                           const std::string& list, const std::string& option) {
  std::vector<std::string> paths;
  for (const TextFile& file : find_text_files(comma_paths(list), option)) paths.push_back(file.path);
  PretrainingText text(paths, options.masking.form(), system.tokenizer(),
                       thread_count(options.device.threads));
  const int64_t most =
      options.train.memory_bytes() / PretrainingInstances::bytes_per_token(options.examples());
  PretrainingDocuments documents, more;
  std::optional<Phase> phase(std::in_place, fmt::format("tokenizing {}", list));
  check(text.next(documents, most), "{} {}: no sentence in it", option, list);
  check(
      !text.next(more, 1),
      "{} {}: more than {} tokens, which is what --memory_mb leaves room for: give more, or make records of "
      "it (generate_pretraining_records)",
      option, list, most);
  phase.reset();
  if (text.empty_sentences() > 0)
    print_log(log_of(options), "{}: {}\n", list,
              counted(text.empty_sentences(), "sentence without a word piece is left out",
                      "sentences without a word piece are left out"));
  return documents;
}

void PretrainCounts::add(const PretrainingExample& example) {
  ++examples;
  tokens += std::ssize(example.input_ids);
  masked += std::ssize(example.masked_ids);
}

std::string PretrainCounts::str() const {
  return fmt::format("{}, {}, {} masked", counted(examples, "example"), counted(tokens, "token"), masked);
}

PretrainSet read_pretrain_set(const PretrainOptions& options, const PretrainSystem& system) {
  PretrainSet set;
  set.path = options.eval_data_file_path;
  const auto add = [&](PretrainingExample example) {
    set.counts.add(example);
    set.examples.push_back(std::move(example));
    Phase::count(set.counts.examples, 0);
  };
  if (options.eval_input_file.empty()) {
    const Phase phase(fmt::format("reading {}: examples", set.path));
    PretrainingRecordStream(set.path, {.format = options.format(), .schema_path = options.schema_file_path},
                            system.limits())
        .read(std::numeric_limits<int64_t>::max(), add);
  } else {
    const PretrainingDocuments documents =
        read_pretraining_text(options, system, options.eval_input_file, "--eval_input_file");
    const Phase phase(fmt::format("masking {}: examples", options.eval_input_file));
    PythonRandom random(evaluation_seed);
    const PretrainingInstances instances(documents, system.vocab(), options.examples(), random);
    for (int64_t i = 0; i < instances.size(); ++i) add(example_of(instances[i]));
  }
  return set;
}

}  // namespace gradus
