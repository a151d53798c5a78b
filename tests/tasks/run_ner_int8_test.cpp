// Taggers used in int8, and calibrated for it. Other programs have a case in their own tests.
#include <doctest/doctest.h>

#include <filesystem>

#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

std::string scores(const std::string& log) { return part_from(log, "processed "); }

Json settings_of(const std::string& folder) {
  return json_of(file_content(folder + "/config.json")).at("gradus_ner");
}

const std::string first_weight = "bert.encoder.layer.0.attention.self.query.weight";

}  // namespace

TEST_CASE("a tagger in int8 scores and tags as in float32 where it has learned its task") {
  if (!has_int8()) return;
  for (const Words& head : {Words{}, Words{"--use_crf", "--with_lstm"}}) {
    const TinyNer tiny;
    tiny.print(tiny.training(joined({"--epoch_num=40", "--learning_rate=1e-2"}, head)));
    const std::string model = tiny.path("save/best");
    const std::string exact = scores(tiny.print(tiny.scoring(model)));
    CHECK(exact.find("FB1: 100.00") != std::string::npos);
    const std::string out = tiny.print(tiny.scoring(model, {"--compute_type=int8"}));
    CHECK(scores(out) == exact);
    CHECK(
        out.find(
            "int8: 4 of 4 weights of products in 8 bits; whether that costs anything, --calibrate tells\n") !=
        std::string::npos);
    // Whatever the batches and the threads.
    for (const char* flag : {"--eval_pad=given", "--eval_batch_size=3", "--threads=1"})
      CHECK(scores(tiny.print(tiny.scoring(model, {"--compute_type=int8", flag}))) == exact);
    const std::string text = "anna lives in port mill .\n";
    CHECK(tiny.print(tiny.predicting(model, {"--compute_type=int8"}), text) ==
          tiny.print(tiny.predicting(model), text));
  }
}

TEST_CASE("--calibrate tells what int8 costs and stores what stays in float32 with the model") {
  if (!has_int8()) return;
  const TinyNer tiny;
  tiny.print(tiny.training({"--epoch_num=40", "--learning_rate=1e-2"}));
  const std::string model = tiny.path("save/best"), data = tiny.path("train.txt");
  const Json before = json_of(file_content(model + "/config.json"));
  const Words flags{"--calibrate=" + data, "--load_finetune_checkpoint_path=" + model, "--seq_length=32"};
  const std::string out = tiny.print(flags);
  CHECK(out.find("calibrate: fp32: span_f1 100.00, ") != std::string::npos);
  CHECK(out.find("calibrate: int8, all 4 weights of products in 8 bits: span_f1 100.00, ") !=
        std::string::npos);
  CHECK(out.find("calibrate: chosen: 0.00 points lost, ") != std::string::npos);
  CHECK(out.find("in float32 stay: none\n") != std::string::npos);
  CHECK(scores(out) == scores(tiny.print(tiny.scoring(model))));
  // The choice is all that is new in the file.
  Json after = json_of(file_content(model + "/config.json"));
  CHECK(after.at("gradus_ner").at("int8_keeps") == Json::array());
  after["gradus_ner"].erase("int8_keeps");
  CHECK(json_text(after) == json_text(before));
  CHECK(tiny.print(tiny.scoring(model, {"--compute_type=int8"}))
            .find("int8: 4 of 4 weights of products in 8 bits\n") != std::string::npos);

  // What another choice would be, as a calibration of a model that loses more would store it.
  Json settings = settings_of(model);
  settings["int8_keeps"] = Json::array({first_weight});
  edit_config(model, "gradus_ner", settings);
  CHECK(tiny.print(tiny.scoring(model, {"--compute_type=int8"}))
            .find("int8: 3 of 4 weights of products in 8 bits\n") != std::string::npos);
  // A calibration begins anew.
  CHECK(tiny.print(flags).find("all 4 weights") != std::string::npos);
  CHECK(settings_of(model).at("int8_keeps") == Json::array());
  // Training goes on from such a model, and what was chosen for its weights is not for the new ones.
  tiny.print(tiny.training({"--load_finetune_checkpoint_path=" + model, "--max_steps=2",
                            "--save_finetune_checkpoint_path=" + tiny.path("more")}));
  CHECK_FALSE(settings_of(tiny.path("more/best")).contains("int8_keeps"));
  CHECK(settings_of(model).contains("int8_keeps"));
}

TEST_CASE("a run that is resumed does not mind that its checkpoint was calibrated") {
  if (!has_int8()) return;
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=3"}));
  tiny.print({"--calibrate=" + tiny.path("train.txt"),
              "--load_finetune_checkpoint_path=" + tiny.path("save/checkpoint-3"), "--seq_length=32"});
  CHECK(tiny.print(tiny.training({"--max_steps=5", "--resume"}))
            .find("resuming from " + tiny.path("save/checkpoint-3") + " at step 3\n") != std::string::npos);
}

TEST_CASE("int8 is refused for what it is not for, and so is a choice that fits no model") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const std::string model = tiny.path("save/best"), data = tiny.path("train.txt");
  tiny.refuse(tiny.training({"--compute_type=int8"}),
              "--compute_type int8 is for --do_eval and --do_predict: train in fp32 or bf16");
  tiny.refuse(tiny.training({"--calibrate=" + data}), "--calibrate " + data + ": it is for a trained model");
  tiny.refuse({"--calibrate=" + data, "--do_eval"},
              "--calibrate needs a trained model: give --load_finetune_checkpoint_path");
  tiny.refuse(tiny.scoring(model, {"--calibrate=other.txt"}),
              "--calibrate other.txt and --eval_data_file_path " + data + ": these are evaluation data both");
  tiny.refuse(tiny.scoring(model, {"--calibrate=" + data, "--compute_type=fp32"}),
              "--calibrate is for --compute_type int8, not fp32");
  if (!has_int8()) return;
  Json settings = settings_of(model);
  settings["int8_keeps"] = Json::array({"bert.encoder.layer.7.output.dense.weight"});
  edit_config(model, "gradus_ner", settings);
  tiny.refuse(tiny.scoring(model, {"--compute_type=int8"}),
              model +
                  "/config.json: 'int8_keeps' of \"gradus_ner\": [parameters] int8 can't keep "
                  "bert.encoder.layer.7.output.dense.weight in float32");
  settings["int8_keeps"] = 3;
  edit_config(model, "gradus_ner", settings);
  tiny.refuse(tiny.scoring(model), "'int8_keeps' is 3, expected a list");
}

TEST_CASE("a processor without the instructions refuses int8 and says what it takes") {
  const TinyNer tiny;
  tiny.print(tiny.training({"--max_steps=1"}));
  const Words command = command_of("run_ner", tiny.scoring(tiny.path("save/best"), {"--compute_type=int8"}));
  const Outcome outcome = run_in_shell(command, "", "ONEDNN_MAX_CPU_ISA=AVX2 exec");
  CHECK(outcome.status == 2);
  CHECK(outcome.err.find("error: --compute_type int8: ") != std::string::npos);
  CHECK(
      outcome.err.find("cannot compute in int8: it takes avx512_vnni or avx_vnni; use --compute_type fp32") !=
      std::string::npos);
}
