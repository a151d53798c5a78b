// infer: what stands in its files, and that models score by way of these what they score in their own programs.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <regex>

#include "core/onnx_session.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

template <typename T>
std::vector<T> numbers_in(const fs::path& path) {
  const std::string bytes = file_content(path);
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

template <typename T>
void write_numbers(const fs::path& path, const std::vector<T>& numbers) {
  write_file(path, std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)));
}

// With four decimals: other batches give other last bits.
std::string rounded(const std::string& text) {
  static const std::regex number(R"(-?\d+\.\d+)");
  std::string result;
  auto at = text.cbegin();
  for (std::sregex_iterator found(text.begin(), text.end(), number); found != std::sregex_iterator();
       ++found) {
    result.append(at, text.cbegin() + found->position());
    result += fmt::format("{:.4f}", std::stod(found->str()));
    at = text.cbegin() + found->position() + found->length();
  }
  return result.append(at, text.cend());
}

// A folder for what infer leaves, and the flags of one task that are the same for all stages.
struct InferRun {
  TemporaryFolder out;
  Words flags;

  InferRun(const std::string& task, const std::string& model, const Words& more = {})
      : flags(joined({"--task=" + task, "--load_finetune_checkpoint_path=" + model, "--threads=1",
                      "--work_dir=" + out.path().string()},
                     more)) {}

  Outcome run(const Words& more = {}) const { return run_program("infer", joined(flags, more)); }
  std::string print(const Words& more = {}) const {
    const Outcome outcome = run(more);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return outcome.out;
  }
  // Prints and leaves the score.
  std::string score(const Words& more = {}) const {
    const std::string printed = print(more), score = file_content(out / "acc.log");
    CHECK_MESSAGE(printed.ends_with(score), printed);
    CHECK(!score.empty());
    return score;
  }
  void refuse(const Words& more, const std::string& text) const {
    const Outcome outcome = run(more);
    CHECK(outcome.status == 2);
    CHECK(outcome.err.starts_with("error: "));
    CHECK(std::ranges::count(outcome.err, '\n') == 1);
    CHECK_MESSAGE(contains(outcome.err, text), outcome.err << "expected: " << text);
  }
  fs::path inputs(const std::string& name) const { return out / ("preprocess_Result/" + name); }
  fs::path results(const std::string& name) const { return out / ("result_Files/" + name); }
  // The same score where the stages run by themselves, and the data are the files of inputs alone.
  void check_stages(const Words& data, const std::string& expected, const Words& for_scoring = {}) const {
    for (const char* folder : {"preprocess_Result", "result_Files", "time_Result"})
      fs::remove_all(out / folder);
    fs::remove(out / "acc.log");
    print(joined(data, {"--stage=preprocess"}));
    print({"--stage=infer"});
    CHECK(rounded(score(joined(for_scoring, {"--stage=postprocess"}))) == rounded(expected));
  }
};

Words data_of(const TinyTask& tiny, const Words& more = {}) {
  return joined({"--eval_data_file_path=" + tiny.path("train.txt"), "--seq_length=24"}, more);
}

std::string tagger_of(const TinyNer& tiny, const Words& head) {
  std::string save = tiny.path("save");
  for (const std::string& word : head) save += word;
  tiny.print(tiny.training(
      joined(head, {"--epoch_num=10", "--learning_rate=1e-2", "--save_finetune_checkpoint_path=" + save})));
  return save;
}

// A tagger's score by its own program is that by files, by every method, in text that is cut and text that is not.
void check_tagger(const TinyNer& tiny, const std::string& model, const std::string& task, const Words& data) {
  for (const char* method : {"span", "BF1", "MF1", "accuracy", "clue_benchmark"}) {
    CAPTURE(method);
    const std::string by = std::string("--assessment_method=") + method;
    for (const char* length : {"--seq_length=24", "--seq_length=7"}) {
      const Words flags = joined(data, {by, length, "--eval_batch_size=5"});
      const InferRun infer(task, model);
      CHECK(contains(tiny.print(joined(tiny.scoring(model), flags)), infer.score(flags)));
    }
  }
}

// A task's records as both frameworks have them: the value of --dataset_format, how the generators' files end.
struct RecordForm {
  const char *format, *ending;
};
constexpr RecordForm record_forms[] = {{"mindrecord", ".mindrecord"}, {"tfrecord", ".tf_record"}};

std::string records_of(const TinyNer& tiny, const RecordForm& form, const Words& more = {}) {
  const Outcome outcome = run_program(
      "generate_ner_records",
      joined({"--dataset_name=conll2003", "--data_dir=" + tiny.path(""), "--train_file=train.txt",
              "--do_eval=false", "--do_predict=false", "--vocab_file=" + tiny.path("vocab.txt"),
              "--do_lower_case=false", "--max_seq_length=16", "--output_dir=" + tiny.path(form.format),
              std::string("--dataset_format=") + form.format},
             more));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return tiny.path(form.format) + "/train" + form.ending;
}

}  // namespace

TEST_CASE("infer scores a tagger as run_ner does, and its files are those of MindSpore's BERT") {
  const TinyNer tiny;
  const std::string model = tagger_of(tiny, {});
  const Words data = data_of(tiny);
  check_tagger(tiny, model, "ner", data);

  const InferRun infer("ner", model);
  const std::string score = infer.score(joined(data, {"--eval_batch_size=5"}));
  CHECK(contains(score, "processed 64 tokens with 18 phrases"));
  CHECK(names_in(infer.out.path()) ==
        Words{"acc.log", "infer.log", "preprocess_Result", "result_Files", "time_Result"});
  for (const char* folder : {"00_data", "01_data", "02_data", "03_data"}) {
    CHECK(names_in(infer.inputs(folder)) == Words{"ner_bs5_0.bin", "ner_bs5_1.bin", "ner_bs5_2.bin"});
    CHECK(file_content(infer.inputs(folder) / "ner_bs5_2.bin").size() == 5 * 24 * 4);
  }
  CHECK(names_in(infer.results("")) == Words{"ner_bs5_0_0.bin", "ner_bs5_1_0.bin", "ner_bs5_2_0.bin"});
  // Of the last batch two rows are data.
  const auto mask = numbers_in<int32_t>(infer.inputs("01_data/ner_bs5_2.bin"));
  CHECK(std::ranges::count(mask, 1) == 14);
  CHECK(std::all_of(mask.begin() + 2 * 24, mask.end(), [](int32_t x) { return x == 0; }));
  // "Anna lives in Alden .", of which Alden is two pieces and the labels stand at words.
  const auto ids = numbers_in<int32_t>(infer.inputs("00_data/ner_bs5_0.bin"));
  CHECK(std::vector(ids.begin(), ids.begin() + 9) == std::vector<int32_t>{2, 5, 11, 12, 13, 14, 26, 3, 0});
  const auto labels = numbers_in<int32_t>(infer.inputs("03_data/ner_bs5_0.bin"));
  CHECK(std::vector(labels.begin(), labels.begin() + 9) ==
        std::vector<int32_t>{-100, 2, 0, 0, 1, -100, 0, -100, -100});
  // Five tags: probabilities of what is tagged, and outside for the rest.
  const auto scores = numbers_in<float>(infer.results("ner_bs5_0_0.bin"));
  REQUIRE(scores.size() == 5 * 24 * 5);
  for (size_t token = 0; token < 5 * 24; ++token) {
    double sum = 0;
    for (size_t k = 0; k < 5; ++k) sum += std::exp(static_cast<double>(scores[5 * token + k]));
    CHECK(std::abs(sum - 1) < 1e-5);
    if (labels[token] < 0) CHECK(scores[5 * token] == 0);
  }
  const std::string times = file_content(infer.out / "time_Result/test_perform_static.txt");
  CHECK(times.starts_with("NN inference cost average time: "));
  CHECK(times.ends_with(" ms of infer_count 3\n"));
  CHECK(contains(file_content(infer.out / "infer.log"), "ner_bs5_2: 2 rows, "));

  infer.check_stages(joined(data, {"--eval_batch_size=4"}), score);
  // Fewer files than before leave none of those.
  infer.print(joined(data, {"--eval_batch_size=12"}));
  CHECK(names_in(infer.inputs("03_data")) == Words{"ner_bs12_0.bin"});
  CHECK(names_in(infer.results("")) == Words{"ner_bs12_0_0.bin"});
  // Labels may lie elsewhere.
  fs::rename(infer.inputs("03_data"), infer.out / "gold");
  CHECK(infer.score({"--stage=postprocess", "--label_dir=" + (infer.out / "gold").string()}) == score);
  fs::rename(infer.out / "gold", infer.inputs("03_data"));
  // Results of other inputs can't be told by their sizes, but by their age.
  fs::last_write_time(infer.results("ner_bs12_0_0.bin"),
                      fs::last_write_time(infer.inputs("00_data/ner_bs12_0.bin")) - std::chrono::seconds(1));
  CHECK(contains(infer.print({"--stage=postprocess"}), "ner_bs12_0_0.bin' is older than '" +
                                                           infer.inputs("00_data/ner_bs12_0.bin").string() +
                                                           "': are these its inputs?\n"));
  // Rows without labels are tagged the same.
  const std::string results = file_content(infer.results("ner_bs12_0_0.bin"));
  fs::remove_all(infer.inputs("03_data"));
  infer.print({"--stage=infer"});
  CHECK(file_content(infer.results("ner_bs12_0_0.bin")) == results);
  infer.refuse({"--stage=postprocess"}, "03_data' is not there: the labels to score by");
}

TEST_CASE("infer scores taggers with a CRF by pointers that lead back along the best path") {
  const TinyNer tiny;
  for (const Words& head : {Words{"--use_crf", "--crf_constraints"}, Words{"--use_crf", "--with_lstm"}}) {
    const std::string model = tagger_of(tiny, head);
    check_tagger(tiny, model, "ner_crf", data_of(tiny));
    const InferRun infer("ner_crf", model, {"--assessment_method=BF1"});
    const std::string score = infer.score(data_of(tiny, {"--eval_batch_size=5"}));
    infer.check_stages(data_of(tiny), score);
    infer.print(data_of(tiny, {"--eval_batch_size=5"}));
    CHECK(names_in(infer.results("")).size() == 3 * 25);
    // As MindSpore's program reads them: from the last tag, 24 steps back.
    int64_t both = 0, found = 0, gold = 0;
    for (int batch = 0; batch < 3; ++batch) {
      const auto name = [&](int output) { return fmt::format("ner_crf_bs5_{}_{}.bin", batch, output); };
      std::vector<int32_t> tags = numbers_in<int32_t>(infer.results(name(24)));
      const auto labels = numbers_in<int32_t>(infer.inputs(fmt::format("03_data/ner_crf_bs5_{}.bin", batch)));
      REQUIRE(tags.size() == 5);
      for (int token = 23; token >= 0; --token) {
        const auto before = numbers_in<int32_t>(infer.results(name(token)));
        REQUIRE(before.size() == 5 * 7);  // five tags, start and end
        for (size_t row = 0; row < 5; ++row) {
          const int32_t label = labels[row * 24 + static_cast<size_t>(token)];
          both += tags[row] > 0 && label > 0 ? 1 : 0;
          found += tags[row] > 0 ? 1 : 0;
          gold += label > 0 ? 1 : 0;
          tags[row] = before[row * 7 + static_cast<size_t>(tags[row])];
        }
      }
      CHECK(tags == std::vector<int32_t>(5, 5));  // the start
    }
    CHECK(score == fmt::format("{0}\nPrecision {1:.6f} \nRecall {2:.6f} \nF1 {3:.6f} \n{0}\n",
                               std::string(62, '='),
                               static_cast<double>(both) / static_cast<double>(std::max<int64_t>(found, 1)),
                               static_cast<double>(both) / static_cast<double>(gold),
                               2 * static_cast<double>(both) / static_cast<double>(found + gold)));
  }
}

TEST_CASE("infer scores taggers of every protocol, and records as well as text") {
  const TinyNer tiny;
  for (const char* protocol : {"first_piece", "x_pieces", "x_pieces_no_sep", "all_pieces"}) {
    CAPTURE(protocol);
    const std::string by = std::string("--label_protocol=") + protocol;
    const std::string model = tagger_of(tiny, {by, "--use_crf"});
    check_tagger(tiny, model, "ner_crf", data_of(tiny));
    const bool of_pieces = std::string(protocol) == "all_pieces";
    const std::string of_words = of_pieces ? tagger_of(tiny, {}) : "";
    for (const RecordForm& form : record_forms) {
      CAPTURE(form.format);
      const std::string records = records_of(tiny, form, {by, "--overwrite"});
      const Words flags{std::string("--dataset_format=") + form.format, "--eval_data_file_path=" + records,
                        "--eval_batch_size=5", "--seq_length=24"};
      const InferRun infer("ner_crf", model);
      const std::string score = infer.score(flags);
      CHECK(contains(tiny.print(joined(tiny.scoring(model), flags)), score));
      infer.check_stages(flags, score);
      // A tagger of words takes records of all pieces, of which it sees the words.
      if (of_pieces)
        CHECK(contains(tiny.print(joined(tiny.scoring(of_words), flags)),
                       InferRun("ner", of_words).score(flags)));
    }
  }
}

TEST_CASE("infer scores classifiers, of pairs, any number of labels and scores too, as run_classifier does") {
  const TinyClassifier tiny;
  const std::string pairs = tiny.write("pairs.tsv", classified_pairs),
                    labelled = tiny.write("labels.tsv", labelled_texts),
                    scored = tiny.write("scores.tsv", scored_texts);
  struct Case {
    std::string data;
    Words training, methods, of_texts = {};
    bool records = true;
  };
  for (const Case& c : {Case{tiny.path("train.txt"), {}, {"accuracy", "f1", "macro_f1", "mcc"}},
                        Case{pairs, {}, {"accuracy"}},
                        Case{labelled,
                             {"--tune_thresholds"},
                             {"micro_f1", "macro_f1", "micro_average_precision", "macro_average_precision",
                              "subset_accuracy"},
                             several_labels},
                        Case{scored,
                             {"--assessment_method=spearman"},
                             {"spearman_correlation", "pearson_correlation"},
                             {},
                             false}}) {
    const Words files{"--train_data_file_path=" + c.data, "--eval_data_file_path=" + c.data};
    fs::remove_all(tiny.path("save"));
    tiny.print(tiny.training(joined(joined(files, joined(c.of_texts, c.training)), {"--epoch_num=6"})));
    for (const std::string& method : c.methods) {
      CAPTURE(method);
      const Words flags{"--eval_data_file_path=" + c.data, "--seq_length=24", "--eval_batch_size=5",
                        "--assessment_method=" + method};
      const InferRun infer("classifier", tiny.path("save"), {"--assessment_method=" + method});
      const std::string score = infer.score(flags);
      CHECK(contains(rounded(tiny.print(joined(tiny.scoring(tiny.path("save")), flags))), rounded(score)));
      infer.check_stages(flags, score);
    }
    if (!c.records) continue;
    for (const RecordForm& form : record_forms) {
      CAPTURE(form.format);
      const std::string format = std::string("--dataset_format=") + form.format,
                        folder = tiny.path(form.format) + std::to_string(c.methods.size());
      const Outcome made =
          run_program("generate_classifier_records",
                      joined(c.of_texts, {"--task_name=tsv", "--train_file=" + c.data, "--do_eval=false",
                                          "--do_predict=false", "--vocab_file=" + tiny.path("vocab.txt"),
                                          "--max_seq_length=24", format, "--output_dir=" + folder}));
      REQUIRE_MESSAGE(made.status == 0, made.err);
      const Words flags{format, "--eval_data_file_path=" + folder + "/train" + form.ending, "--seq_length=24",
                        "--eval_batch_size=5"};
      const InferRun infer("classifier", tiny.path("save"));
      const std::string score = infer.score(flags);
      CHECK(contains(rounded(tiny.print(joined(tiny.scoring(tiny.path("save")), flags))), rounded(score)));
      infer.check_stages(flags, score);
    }
    if (c.of_texts.empty()) continue;
    // Any number of labels: a number for each, 1 for those that hold, in the order of their ids; outputs alike.
    const InferRun infer("classifier", tiny.path("save"));
    infer.print({"--eval_data_file_path=" + c.data, "--seq_length=24", "--eval_batch_size=12"});
    const auto held = numbers_in<int32_t>(infer.inputs("03_data/classifier_bs12_0.bin"));
    REQUIRE(held.size() == 12 * 4);  // bad, book, film and good
    CHECK(std::vector<int32_t>(held.begin(), held.begin() + 8) ==
          std::vector<int32_t>{0, 0, 1, 1, 1, 1, 0, 0});
    CHECK(numbers_in<float>(infer.results("classifier_bs12_0_0.bin")).size() == 12 * 4);
  }
  // The labels of scores are numbers with a fraction.
  const InferRun infer("classifier", tiny.path("save"));
  infer.print({"--eval_data_file_path=" + scored, "--seq_length=24", "--eval_batch_size=12"});
  CHECK(numbers_in<float>(infer.inputs("03_data/classifier_bs12_0.bin")) ==
        std::vector<float>{2, 1, 0, -1, -2, 0, 1, -1, 2, -2, 1, 0});
  CHECK(numbers_in<float>(infer.results("classifier_bs12_0_0.bin")).size() == 12);
}

TEST_CASE("infer scores what another engine says of the inputs") {
  const TinyClassifier tiny;
  const std::string model = tiny.train_best();
  const InferRun infer("classifier", model);
  infer.print(data_of(tiny, {"--eval_batch_size=5"}));
  // Logits that are right for all but one, and nothing for the rows that fill up.
  int wrong = 1;
  for (int batch = 0; batch < 3; ++batch) {
    const auto labels =
        numbers_in<int32_t>(infer.inputs(fmt::format("03_data/classifier_bs5_{}.bin", batch)));
    std::vector<float> logits(10, std::numeric_limits<float>::quiet_NaN());
    for (size_t row = 0; row < (batch == 2 ? 2U : 5U); ++row) {
      const auto best = static_cast<size_t>(labels[row] ^ (wrong-- > 0 ? 1 : 0));
      logits[2 * row + best] = 700;
      logits[2 * row + 1 - best] = -3;
    }
    write_numbers(infer.results(fmt::format("classifier_bs5_{}_0.bin", batch)), logits);
  }
  CHECK(infer.score({"--stage=postprocess"}) ==
        fmt::format("{0}\nacc_num 11 , total_num 12, accuracy 0.916667\n{0}\n", std::string(62, '=')));
  CHECK(infer.print({"--stage=postprocess", "--json"}).find("91.6666") != std::string::npos);
}

TEST_CASE("infer scores answers as run_squad does, whichever way the two scores come") {
  const TinySquad tiny;
  tiny.write("rows.csv",
             "context,question,answer\nanna lives in alden,where does anna live ?,alden\n"
             "boris is in brom,where is boris ?,brom\n");
  for (const std::string data : {"train.txt", "v2.json", "rows.csv"}) {
    fs::remove_all(tiny.path("save"));
    tiny.print(tiny.learning(data, 20));
    const Words flags{"--eval_data_file_path=" + tiny.path(data), "--seq_length=14", "--max_query_length=8",
                      "--doc_stride=4", "--eval_batch_size=3"};
    const InferRun infer("squad", tiny.path("save"),
                         {"--seq_length=14", "--max_query_length=8", "--doc_stride=4"});
    const std::string score = infer.score(flags);
    CHECK(score.starts_with("{"));
    CHECK(contains(rounded(tiny.print(joined(tiny.scoring(tiny.path("save")), flags))), rounded(score)));
    infer.check_stages(joined(flags, {"--eval_batch_size=64"}), score,
                       {"--eval_json_path=" + tiny.path(data)});
    CHECK(numbers_in<int32_t>(infer.inputs("03_data/squad_bs64_0.bin"))[1] == 1000000001);
    infer.refuse({"--stage=postprocess"}, "--stage postprocess needs --eval_json_path");

    const Words judging{"--stage=postprocess", "--eval_json_path=" + tiny.path(data)};
    const auto start = numbers_in<float>(infer.results("squad_bs64_0_1.bin")),
               end = numbers_in<float>(infer.results("squad_bs64_0_2.bin"));
    fs::remove(infer.results("squad_bs64_0_2.bin"));
    write_numbers(infer.results("squad_bs64_0_0.bin"), start);
    write_numbers(infer.results("squad_bs64_0_1.bin"), end);
    CHECK(rounded(infer.score(judging)) == rounded(score));
    std::vector<float> both;
    for (size_t i = 0; i < start.size(); ++i) both.insert(both.end(), {start[i], end[i]});
    fs::remove(infer.results("squad_bs64_0_1.bin"));
    write_numbers(infer.results("squad_bs64_0_0.bin"), both);
    CHECK(rounded(infer.score(judging)) == rounded(score));
  }
  const std::string json = tiny.path("train.txt");
  const Words windows{"--seq_length=14", "--max_query_length=8", "--doc_stride=4"};
  const InferRun infer("sqaud", tiny.path("save"), windows);
  for (const RecordForm& form : record_forms) {
    const std::string format = std::string("--dataset_format=") + form.format;
    const Outcome made = run_program("generate_squad_records",
                                     {"--predict_file=" + json, "--vocab_file=" + tiny.path("vocab.txt"),
                                      "--do_train=false", "--max_seq_length=14", "--max_query_length=8",
                                      "--doc_stride=4", format, "--output_dir=" + tiny.path(form.format)});
    REQUIRE_MESSAGE(made.status == 0, made.err);
    const Words flags{format, "--eval_data_file_path=" + tiny.path(form.format) + "/eval" + form.ending,
                      "--eval_json_path=" + json};
    CHECK(contains(tiny.print(joined(tiny.scoring(tiny.path("save")), joined(flags, windows))),
                   infer.score(flags)));
  }
  infer.refuse({"--stage=postprocess", "--eval_json_path=" + json, "--doc_stride=5"},
               "were they made with other --seq_length");
}

namespace {

// The score by files of an exported model is the one that its task's program gives it, in each library that this was built with.
void check_exported(const TinyTask& tiny, const std::string& task, const Words& flags, const Words& form) {
  const std::string file = tiny.path("exported" + task + std::to_string(form.size()) + "/model.onnx");
  const Outcome exported = run_program(
      "export",
      joined({"--load_finetune_checkpoint_path=" + tiny.path("save"), "--export_file_name=" + file}, form));
  REQUIRE_MESSAGE(exported.status == 0, exported.err);
  for (const OnnxRuntime& runtime : built_onnx_runtimes()) {
    const TemporaryFolder out;
    const std::string name(runtime.name);
    const Words words = joined(flags, {"--exported_file=" + file, "--threads=1"});
    const Words by_files{"--task=" + task, "--work_dir=" + out.path().string()};
    const Outcome outcome = run_program("infer", joined(words, joined(by_files, {"--engine=" + name})));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    CHECK(contains(file_content(out / "infer.log"), " in " + std::string(runtime.title) + " "));
    const Outcome scored = run_program("run_eval_onnx", joined(words, {"--onnx_runtime=" + name}));
    REQUIRE_MESSAGE(scored.status == 0, scored.err);
    CHECK(contains(scored.out, file_content(out / "acc.log")));
    // By files alone, too, and by the folder of the exported model, which has no weights.
    const std::string score = file_content(out / "acc.log");
    const Outcome again = run_program("infer", joined(by_files, {"--exported_file=" + file, "--stage=infer",
                                                                 "--threads=1", "--onnx_runtime=" + name}));
    REQUIRE_MESSAGE(again.status == 0, again.err);
    REQUIRE(run_program("infer", joined(words, joined(by_files, {"--stage=postprocess"}))).status == 0);
    CHECK(file_content(out / "acc.log") == score);
  }
}

}  // namespace

TEST_CASE("infer runs exported models") {
  if (built_onnx_runtimes().empty()) {
    MESSAGE("skipped: this was built without a runtime for exported models");
    return;
  }
  const TinyNer ner;
  const Words data{"--eval_data_file_path=" + ner.path("train.txt"), "--seq_length=12",
                   "--eval_batch_size=5"};
  for (const Words& head : {Words{}, Words{"--use_crf", "--with_lstm"}}) {
    fs::remove_all(ner.path("save"));
    ner.print(ner.training(joined(head, {"--epoch_num=10", "--learning_rate=1e-2"})));
    const std::string task = head.empty() ? "ner" : "ner_crf";
    check_exported(ner, task, data, {});
    check_exported(ner, task, data, {"--export_batch_size=2", "--seq_length=12"});
    if (!head.empty()) check_exported(ner, task, data, {"--viterbi"});
  }
  const TinyClassifier classes;
  classes.print(classes.training({"--epoch_num=6"}));
  check_exported(classes, "classifier",
                 {"--eval_data_file_path=" + classes.path("train.txt"), "--seq_length=12"}, {});
  const TinySquad questions;
  questions.print(questions.learning("train.txt", 20));
  check_exported(questions, "squad",
                 {"--eval_data_file_path=" + questions.path("train.txt"), "--seq_length=14",
                  "--max_query_length=8", "--doc_stride=4"},
                 {});
}
