// The libraries that run exported files, each that was there when this was built: that they give what the network gives, and what they and we
// say of files, inputs and libraries that are not as they should be.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/onnx_session.h"
#include "tests/files.h"
#include "tests/places.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;

namespace {

// False, with a word, where there is none.
bool has_runtime() {
  if (!built_onnx_runtimes().empty()) return true;
  MESSAGE("skipped: this was built without a runtime for exported models");
  return false;
}

// A tagger that has learned a little, and its file.
class Exported {
 public:
  explicit Exported(const Words& more = {}) {
    tiny.print(tiny.training({"--max_steps=2"}));
    file = exported("names", more);
  }
  std::string exported(const std::string& name, const Words& more) const {
    std::string path = tiny.path("out/" + name + ".onnx");
    const Outcome outcome =
        run_program("export", joined({"--load_finetune_checkpoint_path=" + tiny.path("save"),
                                      "--export_file_name=" + path, "--overwrite"},
                                     more));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return path;
  }

  TinyNer tiny;
  std::string file;
};

std::map<std::string, OnnxTensor> inputs_of(int64_t texts, int64_t tokens) {
  const auto filled = [&](int64_t value) {
    return OnnxTensor{{texts, tokens}, std::vector<int64_t>(static_cast<size_t>(texts * tokens), value)};
  };
  return {{"input_ids", filled(5)}, {"attention_mask", filled(1)}, {"token_type_ids", filled(0)}};
}

}  // namespace

TEST_CASE(
    "each runtime scores what the network scores: from one file, with weights beside, with fixed sizes") {
  if (!has_runtime()) return;
  const Exported names;
  const TinyNer& tiny = names.tiny;
  const Words data{"--seq_length=12", "--eval_batch_size=5", "--json"};
  const std::string expected = tiny.print(tiny.scoring(tiny.path("save"), data));
  for (const Words& form :
       {Words{}, Words{"--external_data"}, Words{"--export_batch_size=2", "--seq_length=12"}}) {
    const std::string file = names.exported("form" + std::to_string(form.size()), form);
    for (const OnnxRuntime& runtime : built_onnx_runtimes()) {
      for (const char* threads : {"--threads=1", "--threads=3", "--threads=0"}) {
        const Outcome outcome =
            run_program("run_eval_onnx", joined(data, {"--export_file_name=" + file, threads,
                                                       "--onnx_runtime=" + std::string(runtime.name),
                                                       "--eval_data_file_path=" + tiny.path("train.txt")}));
        CHECK_MESSAGE(outcome.status == 0, outcome.err);
        CHECK(outcome.out == expected);
        CHECK_MESSAGE(contains(outcome.err, file + " in " + std::string(runtime.title) + " "), outcome.err);
      }
    }
  }
}

TEST_CASE(
    "the first runtime that was built is taken where none is named; one that was not is missed by name") {
  const Exported names;
  const auto evaluate = [&](const std::string& runtime) {
    return run_program("run_eval_onnx",
                       {"--export_file_name=" + names.file, "--onnx_runtime=" + runtime, "--seq_length=12",
                        "--eval_data_file_path=" + names.tiny.path("train.txt")});
  };
  const std::vector<OnnxRuntime> built = built_onnx_runtimes();
  const Outcome any = evaluate("auto");
  if (built.empty()) {
    CHECK(any.status == 2);
    CHECK_MESSAGE(contains(any.err, "error: " + names.file +
                                        ": this program was built without a runtime for such files"),
                  any.err);
  } else {
    CHECK_MESSAGE(any.status == 0, any.err);
    CHECK(contains(any.out, names.file + " in " + std::string(built.front().title) + " "));
  }
  for (const OnnxRuntime& runtime : known_onnx_runtimes) {
    if (built.empty() || std::ranges::find(built, runtime.name, &OnnxRuntime::name) != built.end()) continue;
    const Outcome outcome = evaluate(std::string(runtime.name));
    CHECK(outcome.status == 2);
    CHECK_MESSAGE(contains(outcome.err, "error: " + names.file + ": this program was built without " +
                                            std::string(runtime.title) + ", but with " +
                                            std::string(built.front().title)),
                  outcome.err);
  }
  CHECK(contains(evaluate("torch").err, "--onnx_runtime: found 'torch'"));
  CHECK(contains(error_of([&] { open_onnx(names.file, 1, "torch"); }), "unknown runtime 'torch'"));
  names.tiny.refuse(names.tiny.scoring(names.tiny.path("save"), {"--onnx_runtime=openvino"}),
                    "--onnx_runtime openvino is for --exported_file");
}

TEST_CASE("a runtime's errors name the file, and the input or output") {
  if (!has_runtime()) return;
  const Exported names({"--export_batch_size=2", "--seq_length=6"});
  const std::string split = names.exported("split", {"--external_data"});
  std::filesystem::remove(split + ".data");
  const std::string text = names.tiny.write("text.onnx", "no model at all\n");
  for (const OnnxRuntime& runtime : built_onnx_runtimes()) {
    const std::string begin = "[" + std::string(runtime.title) + "] ";
    const auto refuse = [&](const std::string& error, const std::string& what) {
      CHECK_MESSAGE(error.starts_with(begin + what), error);
      CHECK(!contains(error, "\n"));
      CHECK(error.size() > (begin + what).size() + 10);
    };
    for (const std::string& file : {names.tiny.path("none.onnx"), text, split})
      refuse(error_of([&] { open_onnx(file, 1, runtime.name); }), file + ": ");

    const std::unique_ptr<OnnxSession> session = open_onnx(names.file, 1, runtime.name);
    CHECK(session->description().starts_with(std::string(runtime.title) + " "));
    const auto run = [&](const std::map<std::string, OnnxTensor>& inputs, const std::string& output) {
      return error_of([&] { session->run(inputs, {output}); });
    };
    CHECK(run(inputs_of(2, 6), "logits").empty());
    refuse(run(inputs_of(2, 7), "logits"), names.file + ": ");
    refuse(run(inputs_of(2, 6), "scores"), names.file + ": ");
    auto inputs = inputs_of(2, 6);
    inputs["word_ids"] = inputs["input_ids"];
    refuse(run(inputs, "logits"), names.file + ": ");
    inputs = inputs_of(2, 6);
    inputs["attention_mask"] = {{2, 6}, {}, std::vector<float>(12, 1)};
    refuse(run(inputs, "logits"), names.file + ": ");
    // None of that has harmed it.
    CHECK(run(inputs_of(2, 6), "logits").empty());
  }
}

TEST_CASE("a library of ONNX Runtime that is older than its header is refused by its version") {
  const std::string old = place("GRADUS_OLD_ONNXRUNTIME").string();
  if (old.empty()) {
    MESSAGE("skipped: this was built without ONNX Runtime");
    return;
  }
  const Exported names;
  Words command{"/usr/bin/env", "LD_PRELOAD=" + old};
  const Words evaluation = command_of(
      "run_eval_onnx", {"--export_file_name=" + names.file, "--onnx_runtime=onnxruntime", "--seq_length=12",
                        "--eval_data_file_path=" + names.tiny.path("train.txt")});
  const Outcome outcome = Process(joined(command, evaluation), "").wait();
  CHECK(outcome.status == 2);
  CHECK_MESSAGE(contains(outcome.err, "error: [ONNX Runtime] " + names.file +
                                          ": the library that was found is of version 0.9.0, and this was "
                                          "built with the header of version 1."),
                outcome.err);
}
