// generate_pretraining_records: makes examples for BERT's pretraining of plain text.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <mutex>

#include "core/counted.h"
#include "core/error.h"
#include "core/io/files.h"
#include "core/joined.h"
#include "core/run_parallel.h"
#include "data/pretraining_instances.h"
#include "tasks/log/progress.h"
#include "tasks/main.h"
#include "tasks/options/masking_options.h"
#include "tasks/options/options.h"
#include "tasks/options/tokenizer_settings.h"
#include "tasks/output_lock.h"
#include "tasks/records/record_generator.h"
#include "tasks/text/text_files.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    R"(Makes examples for BERT's pretraining, masked words and next sentences, of text: one sentence a line with blank lines
between documents, or what wikiextractor writes. The same seed gives the examples of google-research/bert's
create_pretraining_data.)";
constexpr const char* example =
    R"(generate_pretraining_records --input_file wiki/ --output_dir records/ --vocab_file vocab.txt
  generate_pretraining_records --input_file a.txt,b.txt --output_file pretrain.tfrecord --dataset_format tfrecord \
                               --vocab_file vocab.txt --do_whole_word_mask)";

struct Settings {
  std::string input_file, output_file, output_dir;
  MaskingOptions masking;
  TokenizerSettings tokenizer;
  std::string dataset_format = "mindrecord";
  bool overwrite = false;
  int64_t max_seq_length = 128, dupe_factor = 5, random_seed = 12345;
  int64_t threads = 0, memory_mb = 2048;

  void declare(Options& options) {
    constexpr double most = std::numeric_limits<int32_t>::max();
    options.group("Files");
    options
        .add("input_file", input_file,
             "text, plain or gzip: files, patterns as wiki_*, folders with all below; comma between (\\, "
             "is one in a name)")
        .path();
    options
        .add("output_file", output_file,
             "records of all text as one; several, comma between (\\, is one in a name), take the "
             "examples in turn")
        .file();
    options
        .add("output_dir", output_dir,
             "instead: a file of records for each file of text, made several at a time")
        .folder();
    masking.declare_form(options);
    options.add("dataset_format", dataset_format, "what to write").choices(choices_of(record_formats()));
    options.add("overwrite", overwrite, "make files anew that are there already; otherwise they are kept");
    tokenizer.declare(options);
    options.group("Examples");
    options.add("max_seq_length", max_seq_length, "tokens of an example").between(5, 1 << 20);
    masking.declare_masks(options);
    options.add("dupe_factor", dupe_factor, "examples of the same text, masked differently").between(1, most);
    options.add("random_seed", random_seed, "of the random numbers").at_least(0);
    options.group("Work");
    options.add("threads", threads, "threads; 0: as many as there are processors").between(0, 1024);
    options
        .add("memory_mb", memory_mb,
             "MiB for text and examples at a time: longer text is made in parts, each shuffled by itself")
        .between(16, 1 << 24);
  }

  void finish() {
    check(!input_file.empty(), "--input_file is missing");
    check(output_file.empty() != output_dir.empty(),
          "expected one of --output_file and --output_dir, found {}", output_dir.empty() ? "none" : "both");
    threads = thread_count(threads);
  }

  PretrainingOptions pretraining() const { return masking.examples(max_seq_length, dupe_factor); }
};

// Text that is gone through as one, and where its examples go.
struct Job {
  std::vector<std::string> inputs, outputs;
};

// "AA/wiki_00" -> "AA_wiki_00", "a.txt.gz" -> "a".
std::string record_name(std::string name, const std::string& format) {
  for (const std::string_view ending : {".gz", ".txt"}) {
    if (name.size() > ending.size() && name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  std::replace(name.begin(), name.end(), '/', '_');
  return name + "." + format;
}

std::vector<Job> find_jobs(const Settings& settings) {
  const std::vector<TextFile> inputs = find_text_files(comma_paths(settings.input_file), "--input_file");
  std::vector<Job> jobs;
  if (settings.output_dir.empty()) {
    jobs.push_back({{}, comma_parts(settings.output_file)});
    for (const TextFile& input : inputs) jobs[0].inputs.push_back(input.path);
  }
  for (size_t i = 0; jobs.size() < inputs.size() && !settings.output_dir.empty(); ++i)
    jobs.push_back(
        {{inputs[i].path},
         {(fs::path(settings.output_dir) / record_name(inputs[i].name, settings.dataset_format)).string()}});
  std::vector<std::string> outputs;
  for (const Job& job : jobs) {
    for (const std::string& output : job.outputs) outputs.push_back(fs::weakly_canonical(output).string());
  }
  std::sort(outputs.begin(), outputs.end());
  const auto twice = std::adjacent_find(outputs.begin(), outputs.end());
  check(twice == outputs.end(), "{} would be written twice", twice == outputs.end() ? "" : *twice);
  return jobs;
}

// Leaves out what is there already. Of files that share examples either all are, or they are made again.
void drop_kept(std::vector<Job>& jobs, const Settings& settings) {
  const DatasetFormat format = parse_dataset_format(settings.dataset_format);
  std::erase_if(jobs, [&](const Job& job) {
    const bool all = std::all_of(job.outputs.begin(), job.outputs.end(),
                                 [&](const std::string& path) { return is_whole_dataset(path, format); });
    if (settings.overwrite || !all) return false;
    print_log(stdout, "{} is there already: kept (--overwrite true makes it anew)\n",
              joined(job.outputs, ", "));
    return true;
  });
}

struct Counts {
  int64_t documents = 0, sentences = 0, tokens = 0, examples = 0, random_next = 0, masked = 0, parts = 0;

  std::string str() const {
    std::string text =
        fmt::format("{}, {}, {}: {}, {} with a random second text, {}", counted(documents, "document"),
                    counted(sentences, "sentence"), counted(tokens, "token"), counted(examples, "example"),
                    random_next, counted(masked, "masked token"));
    if (parts > 1) text += fmt::format(", made in {} parts", parts);
    return text;
  }
};

// Shared by the threads: who reports how far all of them are.
class Report {
 public:
  explicit Report(size_t jobs) : jobs_(jobs), progress_("examples", 0, 100'000) {}

  void add(int64_t tokens) {
    const std::lock_guard lock(guard_);
    progress_.update(++examples_, std::nan(""), tokens);
  }
  void finish(const Job& job, const Counts& counts) {
    const std::lock_guard lock(guard_);
    const std::string number = jobs_ > 1 ? fmt::format(" ({} of {} files)", ++done_, jobs_) : "";
    progress_.print(fmt::format("{}: {}{}", joined(job.outputs, ", "), counts.str(), number));
  }
  int64_t examples() const { return examples_; }
  void warn(const std::string& text) {
    const std::lock_guard lock(guard_);
    progress_.print("warning: " + text);
  }

 private:
  std::mutex guard_;
  size_t jobs_, done_ = 0;
  int64_t examples_ = 0;
  Progress progress_;
};

void run_job(const Job& job, const Settings& settings, const Tokenizer& tokenizer, int64_t threads,
             int64_t most_tokens, Report& report) {
  const PretrainingOptions options = settings.pretraining();
  const DatasetFormat format = parse_dataset_format(settings.dataset_format);
  PretrainingText text(job.inputs, settings.masking.form(), tokenizer, threads);
  PythonRandom random(static_cast<uint64_t>(settings.random_seed));
  std::vector<OutputLock> locks;
  for (const std::string& path : job.outputs) locks.emplace_back(path);
  std::vector<std::unique_ptr<DatasetWriter>> writers;
  for (const std::string& path : job.outputs)
    writers.push_back(DatasetWriter::create(path, format, pretraining_record_columns()));
  Counts counts;
  DatasetRow row;
  for (PretrainingDocuments part; text.next(part, most_tokens);) {
    const PretrainingInstances instances(part, tokenizer.vocab(), options, random);
    for (int64_t i = 0; i < instances.size(); ++i) {
      const PretrainingInstance instance = instances[i];
      make_pretraining_record(instance, options, row);
      writers[static_cast<size_t>(counts.examples++) % writers.size()]->write(row);
      counts.random_next += instance.is_random_next ? 1 : 0;
      report.add(static_cast<int64_t>(instance.tokens.size()));
    }
    ++counts.parts;
    counts.documents += part.size();
    counts.sentences += part.sentence_count();
    counts.tokens += static_cast<int64_t>(part.tokens.size());
    counts.masked += instances.masked_count();
  }
  if (counts.examples == 0) {
    report.warn(fmt::format("{}: no sentence in it, so that {} is not made", joined(job.inputs, ", "),
                            joined(job.outputs, ", ")));
    return;
  }
  commit_records(writers, settings.overwrite);
  if (text.cut_documents() > 0)
    report.warn(fmt::format("{}: {}: --memory_mb {}", joined(job.inputs, ", "),
                            counted(text.cut_documents(), "document longer than memory for it was cut",
                                    "documents longer than memory for them were cut"),
                            settings.memory_mb));
  if (text.empty_sentences() > 0)
    report.warn(fmt::format("{}: {}", joined(job.inputs, ", "),
                            counted(text.empty_sentences(), "sentence without a word piece is left out",
                                    "sentences without a word piece are left out")));
  report.finish(job, counts);
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("generate_pretraining_records", purpose, example);
  settings.declare(options);
  if (!options.parse(argc, argv)) return 0;
  settings.finish();
  options.print_effective(stdout);

  std::vector<Job> jobs = find_jobs(settings);
  if (!settings.output_dir.empty()) make_folder(settings.output_dir);
  drop_kept(jobs, settings);
  if (jobs.empty()) return 0;
  const StoredTokenizer stored = settings.tokenizer.load(stdout);
  const Tokenizer tokenizer = settings.tokenizer.make(stored);
  const int64_t at_once = std::min(settings.threads, static_cast<int64_t>(jobs.size()));
  const int64_t most_tokens =
      (settings.memory_mb << 20) / at_once / PretrainingInstances::bytes_per_token(settings.pretraining());
  check(most_tokens >= 100 * settings.max_seq_length,
        "--memory_mb {} with --dupe_factor {} and {} files at a time is room for {} tokens of text: expected "
        "{} or more",
        settings.memory_mb, settings.dupe_factor, at_once, most_tokens, 100 * settings.max_seq_length);
  Report report(jobs.size());
  run_parallel(jobs.size(), at_once, [&](size_t i) {
    run_job(jobs[i], settings, tokenizer, settings.threads / at_once, most_tokens, report);
  });
  check(report.examples() > 0, "--input_file {}: no sentence in it", settings.input_file);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
