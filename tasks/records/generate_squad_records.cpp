// generate_squad_records: makes records of token ids of questions about text.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <span>

#include "core/error.h"
#include "core/io/files.h"
#include "core/run_parallel.h"
#include "data/python_random.h"
#include "data/squad_records.h"
#include "tasks/log/progress.h"
#include "tasks/main.h"
#include "tasks/options/options.h"
#include "tasks/options/tokenizer_settings.h"
#include "tasks/output_lock.h"
#include "tasks/records/record_generator.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    R"(Makes records of token ids, for run_squad and for MindSpore and TensorFlow, of questions about text: JSON of SQuAD 1.1
and 2.0, JSON rows or CSV. A context that is too long becomes several records.)";
constexpr const char* example =
    R"(generate_squad_records --train_file train-v1.1.json --predict_file dev-v1.1.json --vocab_file vocab.txt \
                         --output_dir records/)";

struct Settings {
  std::string train_file, predict_file;
  bool do_train = true, do_predict = true;
  std::string version_2_with_negative = "auto";
  TokenizerSettings tokenizer;
  std::string output_dir = "./outputs";
  std::string dataset_format = "mindrecord";
  bool overwrite = false;
  int64_t max_seq_length = 384, doc_stride = 128, max_query_length = 64;
  bool do_shuffle = true;
  int64_t random_seed = 12345;
  int64_t threads = 0, memory_mb = 2048;

  void declare(Options& options) {
    options.group("Input");
    options
        .add("train_file", train_file,
             "questions to train on, JSON or CSV, of whose answers the first counts; plain or gzip")
        .path();
    options.add("predict_file", predict_file, "questions to answer").file();
    options.add("do_train", do_train, "make the records of train_file");
    options.add("do_predict", do_predict, "make the records of predict_file");
    options
        .add("version_2_with_negative", version_2_with_negative,
             "whether questions may have no answer; auto: when the file says of some that they have none or "
             "not")
        .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
    tokenizer.declare(options);
    options.group("Records");
    options.add("output_dir", output_dir, "folder to write to, made when it is not there").folder();
    options.add("dataset_format", dataset_format, "what to write").choices(choices_of(record_formats()));
    options.add("overwrite", overwrite, "make files anew that are there already; otherwise they are kept");
    options.add("max_seq_length", max_seq_length, "tokens of a record").between(5, 1 << 20);
    options.add("doc_stride", doc_stride, "tokens from one part of a long context to the next")
        .between(1, 1 << 20);
    options.add("max_query_length", max_query_length, "tokens of a question; further ones are cut off")
        .between(1, 1 << 20);
    options.add("do_shuffle", do_shuffle, "mix the questions to train on");
    options.add("random_seed", random_seed, "of the mixing").at_least(0);
    options.add("threads", threads, "threads; 0: as many as there are processors").between(0, 1024);
    options
        .add("memory_mb", memory_mb,
             "MiB for text and what is made of it at a time: a longer file is made in parts, each mixed by "
             "itself")
        .between(16, 1 << 24);
  }

  void finish() {
    do_train = do_train && !train_file.empty();
    do_predict = do_predict && !predict_file.empty();
    check(do_train || do_predict, "nothing to do: expected --train_file or --predict_file");
    threads = thread_count(threads);
  }

  SquadOptions squad() const {
    return {static_cast<int32_t>(max_seq_length), static_cast<int32_t>(doc_stride),
            static_cast<int32_t>(max_query_length),
            tokenizer.tokenizer == "google" ? AnswerSearch::words : AnswerSearch::characters};
  }

  DatasetFormat format() const { return parse_dataset_format(dataset_format); }

  fs::path output(SquadUse use) const {
    return fs::path(output_dir) /
           fmt::format("{}{}", use == SquadUse::training ? "train" : "eval", record_format(format()).ending);
  }
};

// Makes the records of one file.
class Generator {
 public:
  Generator(const Settings& settings, const Tokenizer& tokenizer, const std::string& path, SquadUse use)
      : settings_(settings),
        tokenizer_(tokenizer),
        path_(path),
        use_(use),
        writer_(DatasetWriter::create(settings.output(use).string(), settings.format(),
                                      squad_record_columns(use))),
        random_(static_cast<uint64_t>(settings.random_seed)) {}

  void run() {
    const std::vector<std::string> notes = read_squad(path_, (settings_.memory_mb << 20) / bytes_per_byte,
                                                      [this](SquadData& part) { add(part); });
    for (const std::string& note : notes) progress_.print(fmt::format("{}: {}", path_, note));
    check(unique_id_ > first_unique_id, "{}: no record: the contexts are empty, or don't have the answers",
          path_);
    commit_records({&writer_, 1}, settings_.overwrite);
    progress_.finish();
    const std::string parts = parts_ > 1 ? fmt::format(", made in {} parts", parts_) : "";
    print_log(stdout, "{}: {}{}\nTotal instances is:  {}\n", settings_.output(use_).string(), counts_.str(),
              parts, unique_id_ - first_unique_id);
  }

 private:
  // Memory for a byte of text with all that is made of it.
  static constexpr int64_t bytes_per_byte = 10;
  // Questions at a time: all threads have work, and memory stays small.
  static constexpr size_t block = 512;

  void add(SquadData& part) {
    const std::string log = part.log();
    if (++parts_ == 1) progress_.print(std::string_view(log).substr(0, log.size() - 1));  // it ends the line
    if (settings_.version_2_with_negative == "false") {
      for (SquadQuestion& question : part.questions) question.is_impossible = false;
    }
    SquadFeaturizer featurizer(part, tokenizer_, settings_.squad(), use_, settings_.threads);
    std::vector<size_t> order = featurizer.questions();
    for (const std::string& question : featurizer.left_out())
      progress_.print(fmt::format("left out: {}: question {}", path_, question));
    if (use_ == SquadUse::training && settings_.do_shuffle) random_.shuffle(order);
    for (size_t begin = 0; begin < order.size(); begin += block) {
      const size_t end = std::min(begin + block, order.size());
      write(featurizer.run(std::span(order).subspan(begin, end - begin)), part, end - begin);
    }
    counts_ += featurizer.counts();
  }

  void write(const std::vector<SquadFeature>& features, const SquadData& part, size_t questions) {
    int64_t tokens = 0;
    for (const SquadFeature& feature : features) {
      make_squad_record(feature.window, unique_id_++, part.questions[feature.question].is_impossible,
                        static_cast<int32_t>(settings_.max_seq_length), use_, row_);
      writer_->write(row_);
      tokens += static_cast<int64_t>(feature.window.input_ids.size());
    }
    questions_ += static_cast<int64_t>(questions);
    progress_.update(questions_, std::nan(""), tokens);
  }

  const Settings& settings_;
  const Tokenizer& tokenizer_;
  const std::string& path_;
  SquadUse use_;
  std::unique_ptr<DatasetWriter> writer_;
  PythonRandom random_;
  Progress progress_{"questions", 0, 10'000};
  SquadCounts counts_;
  DatasetRow row_;
  int32_t unique_id_ = first_unique_id;
  int64_t questions_ = 0, parts_ = 0;
};

void generate(const Settings& settings, const Tokenizer& tokenizer, const std::string& path, SquadUse use) {
  const std::string output = settings.output(use).string();
  const OutputLock lock(output);
  if (is_whole_dataset(output, settings.format()) && !settings.overwrite) {
    print_log(stdout, "{} is there already: kept (--overwrite true makes it anew)\n", output);
    return;
  }
  Generator(settings, tokenizer, path, use).run();
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("generate_squad_records", purpose, example);
  settings.declare(options);
  if (!options.parse(argc, argv)) return 0;
  settings.finish();
  options.print_effective(stdout);

  const StoredTokenizer stored = settings.tokenizer.load(stdout);
  const Tokenizer tokenizer = settings.tokenizer.make(stored);
  make_folder(settings.output_dir);
  if (settings.do_train) generate(settings, tokenizer, settings.train_file, SquadUse::training);
  if (settings.do_predict) generate(settings, tokenizer, settings.predict_file, SquadUse::evaluation);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
