// generate_squad_records: makes records of token ids of questions about text.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <span>
#include <thread>

#include "core/error.h"
#include "data/python_random.h"
#include "data/squad_records.h"
#include "tasks/config.h"
#include "tasks/main.h"
#include "tasks/progress.h"
#include "tasks/tokenizer_settings.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

constexpr const char* purpose =
    R"(Makes records of token ids, for run_squad and for MindSpore and TensorFlow, of questions about text in the JSON form of
SQuAD 1.1 and 2.0. A context that is too long becomes several records.)";
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
  int64_t threads = 0;

  void declare(Options& options) {
    options.group("Input");
    options.add("train_file", train_file,
                "questions to train on, each with one answer or none; plain or gzip");
    options.add("predict_file", predict_file, "questions to answer");
    options.add("do_train", do_train, "make the records of train_file");
    options.add("do_predict", do_predict, "make the records of predict_file");
    options
        .add("version_2_with_negative", version_2_with_negative,
             "whether questions may have no answer; auto: when the file says of some that they have none or "
             "not")
        .choices({"auto", {"true", {"1"}}, {"false", {"0"}}});
    tokenizer.declare(options);
    options.group("Records");
    options.add("output_dir", output_dir, "folder to write to, made when it is not there");
    options.add("dataset_format", dataset_format, "what to write").choices({"mindrecord", "tfrecord"});
    options.add("overwrite", overwrite, "make files anew that are there already; otherwise they are kept");
    options.add("max_seq_length", max_seq_length, "tokens of a record").between(5, 1 << 20);
    options.add("doc_stride", doc_stride, "tokens from one part of a long context to the next")
        .between(1, 1 << 20);
    options.add("max_query_length", max_query_length, "tokens of a question; further ones are cut off")
        .between(1, 1 << 20);
    options.add("do_shuffle", do_shuffle, "mix the questions to train on");
    options.add("random_seed", random_seed, "of the mixing").at_least(0);
    options.add("threads", threads, "threads; 0: as many as there are processors").between(0, 1024);
  }

  void finish() {
    do_train = do_train && !train_file.empty();
    do_predict = do_predict && !predict_file.empty();
    check(do_train || do_predict, "nothing to do: expected --train_file or --predict_file");
    if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  }

  SquadOptions squad() const {
    return {static_cast<int32_t>(max_seq_length), static_cast<int32_t>(doc_stride),
            static_cast<int32_t>(max_query_length),
            tokenizer.tokenizer == "google" ? AnswerSearch::words : AnswerSearch::characters};
  }

  fs::path output(SquadUse use) const {
    return fs::path(output_dir) / fmt::format("{}.{}", use == SquadUse::training ? "train" : "eval",
                                              dataset_format == "tfrecord" ? "tf_record" : "mindrecord");
  }
};

SquadData read_data(const Settings& settings, const std::string& path) {
  SquadData data = read_squad(path);
  const bool may_be_impossible = settings.version_2_with_negative == "auto"
                                     ? data.has_impossible
                                     : settings.version_2_with_negative == "true";
  if (!may_be_impossible) {
    for (SquadQuestion& question : data.questions) question.is_impossible = false;
  }
  return data;
}

void generate(const Settings& settings, const Tokenizer& tokenizer, const std::string& path, SquadUse use) {
  const fs::path output = settings.output(use);
  if (fs::exists(output) && !settings.overwrite) {
    fmt::print("{} is there already: kept (--overwrite true makes it anew)\n", output.string());
    return;
  }
  const SquadData data = read_data(settings, path);
  SquadFeaturizer featurizer(data, tokenizer, settings.squad(), use, settings.threads);
  std::vector<size_t> order = featurizer.questions();
  for (const std::string& question : featurizer.left_out())
    fmt::print("left out: {}: question {}\n", path, question);
  check(!order.empty(), "{}: no question is left", path);
  if (use == SquadUse::training && settings.do_shuffle)
    PythonRandom(static_cast<uint64_t>(settings.random_seed)).shuffle(order);

  const auto writer = DatasetWriter::create(output.string(), parse_dataset_format(settings.dataset_format),
                                            squad_record_columns(use));
  Progress progress("questions", static_cast<int64_t>(order.size()), 10'000);
  DatasetRow row;
  int32_t unique_id = first_unique_id;
  // So many at a time that all threads have work, and memory stays small.
  constexpr size_t block = 512;
  for (size_t begin = 0; begin < order.size(); begin += block) {
    const size_t end = std::min(begin + block, order.size());
    int64_t tokens = 0;
    for (const SquadFeature& feature : featurizer.run(std::span(order).subspan(begin, end - begin))) {
      make_squad_record(feature.window, unique_id++, data.questions[feature.question].is_impossible,
                        static_cast<int32_t>(settings.max_seq_length), use, row);
      writer->write(row);
      tokens += static_cast<int64_t>(feature.window.input_ids.size());
    }
    progress.update(static_cast<int64_t>(end), std::nan(""), tokens);
  }
  check(unique_id > first_unique_id, "{}: no record: every context is empty", path);
  writer->finish();
  progress.finish();
  fmt::print("{}: {}\nTotal instances is:  {}\n", output.string(), featurizer.counts().str(),
             unique_id - first_unique_id);
}

int run(int argc, char** argv) {
  Settings settings;
  Options options("generate_squad_records", purpose, example);
  settings.declare(options);
  if (!options.parse(argc, argv)) return 0;
  settings.finish();
  options.print_effective(stdout);

  const Vocab vocab = Vocab::load(settings.tokenizer.vocab_file);
  const Tokenizer tokenizer = settings.tokenizer.make(vocab);
  fs::create_directories(settings.output_dir);
  if (settings.do_train) generate(settings, tokenizer, settings.train_file, SquadUse::training);
  if (settings.do_predict) generate(settings, tokenizer, settings.predict_file, SquadUse::evaluation);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, run); }
