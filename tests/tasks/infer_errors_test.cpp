// What infer says to files and flags that it can't work with: status 2, one line that names the file, what was found and what is allowed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// A tagger, and what infer leaves of twelve sentences in batches of five.
struct Files {
  TinyNer tiny;
  Words flags;

  explicit Files(const Words& head) {
    tiny.print(tiny.training(joined(head, {"--max_steps=1"})));
    flags = {"--task=" + std::string(head.empty() ? "ner" : "ner_crf"),
             "--load_finetune_checkpoint_path=" + tiny.path("save"), "--threads=1",
             "--work_dir=" + tiny.path("out")};
    const Outcome outcome =
        run_program("infer", joined(flags, {"--eval_data_file_path=" + tiny.path("train.txt"),
                                            "--seq_length=12", "--eval_batch_size=5"}));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    fs::copy(tiny.path("out"), tiny.path("whole"), fs::copy_options::recursive);
  }

  void refuse(const Words& more, const std::string& text) const {
    const Outcome outcome = run_program("infer", joined(flags, more));
    CHECK(outcome.status == 2);
    CHECK(outcome.err.starts_with("error: "));
    CHECK(std::ranges::count(outcome.err, '\n') == 1);
    CHECK_MESSAGE(contains(outcome.err, text), outcome.err << "expected: " << text);
  }
  // The same after a change of the files.
  void refuse_after(const std::function<void(const fs::path& out)>& change, const std::string& stage,
                    const std::string& text, const Words& more = {}) const {
    fs::remove_all(tiny.path("out"));
    fs::copy(tiny.path("whole"), tiny.path("out"), fs::copy_options::recursive);
    change(tiny.path("out"));
    refuse(joined({"--stage=" + stage}, more), text);
  }
};

void edit(const fs::path& path, const std::function<void(std::string& bytes)>& change) {
  std::string bytes = file_content(path);
  change(bytes);
  write_file(path, bytes);
}

template <typename T>
void set(const fs::path& path, size_t place, T value) {
  edit(path, [&](std::string& bytes) { std::memcpy(bytes.data() + place * sizeof(T), &value, sizeof(T)); });
}

}  // namespace

TEST_CASE(
    "infer names the file of inputs that is missing, odd, or of another size, and says what is allowed") {
  const Files files({});
  const fs::path in = "preprocess_Result";
  struct Case {
    std::function<void(const fs::path& out)> change;
    std::string text;
  };
  const auto input = [&](const fs::path& out, const char* name) { return out / in / name; };
  const std::vector<Case> cases{
      {[&](const fs::path& out) { fs::remove_all(out / in); },
       "preprocess_Result/00_data' is not there: expected a folder with files ner_bsB_I.bin"},
      {[&](const fs::path& out) { fs::remove_all(input(out, "02_data")); }, "02_data' is not there"},
      {[&](const fs::path& out) {
         for (const auto& entry : fs::directory_iterator(input(out, "00_data"))) fs::remove(entry);
       },
       "00_data': no file ner_bsB_I.bin"},
      {[&](const fs::path& out) { fs::remove(input(out, "00_data/ner_bs5_1.bin")); },
       "00_data/ner_bs5_1.bin' is missing: there are files up to ner_bs5_2.bin"},
      {[&](const fs::path& out) { fs::remove(input(out, "01_data/ner_bs5_2.bin")); },
       "01_data' has 2 files, '"},
      {[&](const fs::path& out) { write_file(input(out, "03_data/notes.txt"), ""); },
       "03_data/notes.txt': expected files ner_bsB_I.bin alone"},
      {[&](const fs::path& out) { write_file(input(out, "00_data/ner_bs0_0.bin"), ""); },
       "00_data/ner_bs0_0.bin': expected files ner_bsB_I.bin alone"},
      {[&](const fs::path& out) {
         fs::rename(input(out, "00_data/ner_bs5_0.bin"), input(out, "00_data/ner_bs4_0.bin"));
       },
       "00_data/ner_bs5_1.bin' is of batches of 5 rows, others are of 4"},
      {[&](const fs::path& out) {
         fs::rename(input(out, "01_data/ner_bs5_0.bin"), input(out, "01_data/squad_bs5_0.bin"));
       },
       "01_data/squad_bs5_0.bin' is of the task squad, expected ner"},
      {[&](const fs::path& out) {
         edit(input(out, "00_data/ner_bs5_0.bin"), [](std::string& bytes) { bytes.pop_back(); });
       },
       "00_data/ner_bs5_0.bin' has 239 bytes, expected 5 rows of int32: a multiple of 20"},
      {[&](const fs::path& out) { write_file(input(out, "00_data/ner_bs5_0.bin"), ""); },
       "has 0 bytes, expected 5 rows of int32"},
      {[&](const fs::path& out) {
         edit(input(out, "02_data/ner_bs5_1.bin"), [](std::string& bytes) { bytes += "1234"; });
       },
       "02_data/ner_bs5_1.bin' has 244 bytes, expected 240: 5 rows of 12 numbers of 4 bytes, as in '"},
      {[&](const fs::path& out) { write_file(input(out, "03_data/ner_bs5_1.bin"), std::string(20, '\0')); },
       "03_data/ner_bs5_1.bin' has 20 bytes, expected 240"},
      {[&](const fs::path& out) { set<int32_t>(input(out, "00_data/ner_bs5_1.bin"), 15, 999); },
       "00_data/ner_bs5_1.bin: row 1: input_ids[3] is 999: the vocabulary has 34 pieces"},
      {[&](const fs::path& out) { set<int32_t>(input(out, "01_data/ner_bs5_1.bin"), 1, 7); },
       "row 0: input_mask[1] is 7: expected ones, then zeros"},
      {[&](const fs::path& out) {
         edit(input(out, "01_data/ner_bs5_1.bin"),
              [](std::string& bytes) { std::fill(bytes.end() - 48, bytes.end(), '\0'); });
       },
       "01_data/ner_bs5_1.bin': row 4 has no token"},
      {[&](const fs::path& out) {
         edit(input(out, "01_data/ner_bs5_2.bin"),
              [](std::string& bytes) { std::ranges::fill(bytes, '\0'); });
       },
       "01_data/ner_bs5_2.bin': no row has a token"},
      {[&](const fs::path& out) { set<int32_t>(input(out, "02_data/ner_bs5_0.bin"), 2, 1); },
       "row 0: segment_ids[2] is 1: expected 0"},
      {[&](const fs::path& out) { set<int32_t>(input(out, "03_data/ner_bs5_0.bin"), 13, 5); },
       "row 1: label_ids[1] is 5, of 'Bo': the list has 5 labels"},
      {[&](const fs::path& out) {
         fs::remove(input(out, "00_data/ner_bs5_0.bin"));
         fs::create_directory(input(out, "00_data/ner_bs5_0.bin"));
       },
       "00_data/ner_bs5_0.bin"},
  };
  for (const Case& c : cases) files.refuse_after(c.change, "infer", c.text);
}

TEST_CASE("infer names the file of results that is missing, odd, of another size, or no number") {
  const Files files({});
  const auto result = [](const fs::path& out, const char* name) { return out / "result_Files" / name; };
  struct Case {
    std::function<void(const fs::path& out)> change;
    std::string text;
  };
  const std::vector<Case> cases{
      {[&](const fs::path& out) { fs::remove_all(out / "result_Files"); },
       "result_Files' is not there: expected a folder with the results, files ner_bs5_0_N.bin"},
      {[&](const fs::path& out) {
         fs::remove_all(out / "result_Files");
         fs::create_directory(out / "result_Files");
       },
       "result_Files': no file ner_bs5_0_N.bin"},
      {[&](const fs::path& out) { fs::remove(result(out, "ner_bs5_1_0.bin")); },
       "result_Files/ner_bs5_1_0.bin' is missing: there are 3 batches of inputs"},
      {[&](const fs::path& out) { fs::copy(result(out, "ner_bs5_1_0.bin"), result(out, "ner_bs5_1_1.bin")); },
       "result_Files/ner_bs5_0_1.bin' is missing"},
      {[&](const fs::path& out) { fs::copy(result(out, "ner_bs5_1_0.bin"), result(out, "ner_bs5_3_0.bin")); },
       "ner_bs5_3_0.bin' is of no batch of the inputs, which are ner_bs5_0 to ner_bs5_2"},
      {[&](const fs::path& out) { fs::copy(result(out, "ner_bs5_1_0.bin"), result(out, "ner_bs1_0_0.bin")); },
       "ner_bs1_0_0.bin' is of no batch of the inputs"},
      {[&](const fs::path& out) { fs::copy(result(out, "ner_bs5_1_0.bin"), result(out, "a\xC2\xA0.bin")); },
       "a<U+00A0>.bin': expected files ner_bs5_0_N.bin alone"},
      // Of a model of other tags, or of rows of another length.
      {[&](const fs::path& out) {
         edit(result(out, "ner_bs5_2_0.bin"), [](std::string& bytes) { bytes.resize(5 * 12 * 4 * 4); });
       },
       "ner_bs5_2_0.bin' has 960 bytes, expected 1200: 5 rows of 12 tokens of 5 tags, float32"},
      {[&](const fs::path& out) {
         set(result(out, "ner_bs5_1_0.bin"), 5 * 13 + 2, std::numeric_limits<float>::quiet_NaN());
       },
       "ner_bs5_1_0.bin': row 1, token 1: found nan, expected finite numbers"},
      {[&](const fs::path& out) {
         set(result(out, "ner_bs5_1_0.bin"), 5, std::numeric_limits<float>::infinity());
       },
       "row 0, token 1: found inf"},
      {[&](const fs::path& out) { fs::remove_all(out / "preprocess_Result/03_data"); },
       "03_data' is not there: the labels to score by"},
  };
  for (const Case& c : cases) files.refuse_after(c.change, "postprocess", c.text);
  // Numbers at places that count for nothing may be any.
  files.refuse_after(
      [&](const fs::path& out) {
        set(result(out, "ner_bs5_1_0.bin"), 0, std::numeric_limits<float>::quiet_NaN());
      },
      "x", "--stage: found 'x'");
  const Outcome outcome = run_program("infer", joined(files.flags, {"--stage=postprocess"}));
  CHECK_MESSAGE(outcome.status == 0, outcome.err);

  // The data by which results are scored have to be those that they are of.
  const std::string other = files.tiny.write("other.txt", replaced(ner_sentences, "met O", "left O"));
  const auto nothing = [](const fs::path&) {};
  files.refuse_after(nothing, "postprocess", "row 3 is not what " + other + " makes",
                     {"--eval_data_file_path=" + other, "--seq_length=12"});
  const std::string fewer =
      files.tiny.write("fewer.txt", ner_sentences.substr(0, ner_sentences.find("Anna B-PER\nleft")));
  files.refuse_after(nothing, "postprocess", "ner_bs5_2.bin: row 1 is not what " + fewer + " makes",
                     {"--eval_data_file_path=" + fewer, "--seq_length=12"});
  const std::string more = files.tiny.write("more.txt", ner_sentences + "\nAnna B-PER\n");
  files.refuse_after(nothing, "postprocess", "has 12 rows, " + more + " makes 13: ner_bs5_2 is the last file",
                     {"--eval_data_file_path=" + more, "--seq_length=12"});
  files.refuse_after(nothing, "postprocess", "--seq_length 24: the rows in '",
                     {"--eval_data_file_path=" + files.tiny.path("train.txt"), "--seq_length=24"});
}

TEST_CASE("infer says which pointer of a CRF leads nowhere, and takes its edges for no name") {
  const Files files({"--use_crf"});
  const auto result = [](const fs::path& out, const char* name) { return out / "result_Files" / name; };
  files.refuse_after(
      [&](const fs::path& out) {
        fs::remove(result(out, "ner_crf_bs5_0_12.bin"));
        fs::remove(result(out, "ner_crf_bs5_1_12.bin"));
        fs::remove(result(out, "ner_crf_bs5_2_12.bin"));
      },
      "postprocess", "12 outputs of a batch, expected 13: where each of 12 tokens points, and the last tag");
  files.refuse_after([&](const fs::path& out) { set<int32_t>(result(out, "ner_crf_bs5_1_12.bin"), 2, 7); },
                     "postprocess", "ner_crf_bs5_1_12.bin': row 2 has 7, expected a tag, 0 to 6");
  files.refuse_after(
      [&](const fs::path& out) {
        edit(result(out, "ner_crf_bs5_1_3.bin"),
             [](std::string& bytes) { std::ranges::fill(bytes, '\xFF'); });
      },
      "postprocess", "ner_crf_bs5_1_3.bin': row 0 has -1");
  files.refuse_after(
      [&](const fs::path& out) {
        edit(result(out, "ner_crf_bs5_1_3.bin"), [](std::string& bytes) { bytes.resize(5 * 5 * 4); });
      },
      "postprocess",
      "ner_crf_bs5_1_3.bin' has 100 bytes, expected 140: 5 rows of 7 tags, start and end among them, int32");
  files.refuse_after(
      [&](const fs::path& out) {
        for (size_t i = 0; i < 35; ++i) set<int32_t>(result(out, "ner_crf_bs5_0_2.bin"), i, 6);
      },
      "x", "--stage: found 'x'");
  const Outcome outcome = run_program("infer", joined(files.flags, {"--stage=postprocess"}));
  CHECK_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.out, "warning: 5 tags are the CRF's start or end: taken as O\n"));
}

TEST_CASE("infer says which row a model gives no numbers for") {
  const Files files({});
  overload(files.tiny.path("save/best"), "bert.embeddings.LayerNorm.weight");
  const Outcome outcome = run_program("infer", joined(files.flags, {"--stage=infer"}));
  CHECK(outcome.status == 2);
  CHECK_MESSAGE(contains(outcome.err, "error: ner_bs5_0 row "), outcome.err);
  CHECK_MESSAGE(contains(outcome.err, ": the model gives an infinite number, or none"), outcome.err);
}

TEST_CASE("infer refuses flags that contradict each other, or the model") {
  const Files files({});
  const Outcome none = run_program("infer", {});
  CHECK(none.status == 2);
  CHECK(none.err == "error: --task is missing: expected ner, ner_crf, classifier or squad\n");
  const std::string data = "--eval_data_file_path=" + files.tiny.path("train.txt");
  files.refuse({}, "--stage all needs --eval_data_file_path: the data to score on");
  files.refuse({"--stage=preprocess"}, "--stage preprocess needs --eval_data_file_path");
  files.refuse({"--task=pos"}, "--task: found 'pos'");
  files.refuse({"--stage=infer", "--task=ner_crf"}, "has no CRF: expected ner");
  files.refuse({"--stage=infer", "--engine=onnx"}, "--engine onnx needs --exported_file");
  files.refuse({"--stage=infer", "--calibrate=dev.txt"},
               "--calibrate dev.txt: it is of the task's own program, which chooses for infer, too");
  files.refuse({"--stage=infer", "--engine=openvino"}, "--engine openvino needs --exported_file");
  files.refuse({"--stage=infer", "--engine=openvino", "--onnx_runtime=onnxruntime", "--exported_file=x.onnx"},
               "--engine openvino and --onnx_runtime onnxruntime: leave one of them out");
  files.refuse({"--stage=infer", "--engine=gradus", "--exported_file=x.onnx"},
               "--engine gradus runs the trained model: leave out --exported_file x.onnx");
  files.refuse({data, "--do_train"},
               "--do_train, --do_predict, --distribute, --report and --seeds are of the task's own program");
  files.refuse({data, "--do_eval=false"}, "--do_eval false");
  files.refuse({data, "--seq_length=33"}, "--seq_length 33 is above the model's max_position_embeddings 32");
  files.refuse({data, "--task=classifier"}, "config.json");
  files.refuse({data, "--work_dir=" + files.tiny.path("vocab.txt")}, "vocab.txt");
}
