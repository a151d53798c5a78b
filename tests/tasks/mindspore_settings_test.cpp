// The settings files of MindSpore's BERT, with all the keys that they have, given to the programs as they are.
#include <doctest/doctest.h>

#include "tests/json.h"
#include "tests/tasks/mindspore_settings.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_pretraining.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;
namespace fs = std::filesystem;

namespace {

// The line of the printed configuration.
std::string setting(const std::string& out, const std::string& name) {
  for (const std::string& line : lines_of(out))
    if (line.starts_with("  " + name + " ")) return line.substr(line.find(" = ") + 3);
  return "";
}

constexpr const char* left_lines =
    "left: enable_profiling: of MindSpore's runtime; --trace makes a timeline\n"
    "left: data_url, train_url, checkpoint_url, data_path, output_path, load_path: of ModelArts, whose "
    "stores "
    "nothing here copies from or to\n"
    "left: description: the program's own name says what it does\n";

}  // namespace

TEST_CASE("MindSpore's settings of run_ner work as they are, and all that is not used is named") {
  const TinyNer tiny;
  const std::string file = tiny.write(
      "task_ner_config.yaml",
      fine_tuning_settings("ner",
                           "vocab_file_path: \"\"\nassessment_method: \"BF1\"\nuse_crf: \"false\"\n"
                           "with_lstm: \"false\"\nlabel_file_path: \"\"\n"));
  const Words flags{"--config_path=" + file,
                    "--do_train=true",
                    "--do_eval=true",
                    "--dataset_format=text",
                    "--threads=1",
                    "--train_data_file_path=" + tiny.path("train.txt"),
                    "--eval_data_file_path=" + tiny.path("train.txt"),
                    "--save_finetune_checkpoint_path=" + tiny.path("save")};
  const std::string out = tiny.print(joined(flags, {"--vocab_file_path=" + tiny.path("vocab.txt")}));
  CHECK(setting(out, "optimizer") == "Lamb (" + file + ":36)");
  CHECK(setting(out, "learning_rate").starts_with("3e-05 ("));
  CHECK(setting(out, "hidden_act").starts_with("gelu_tanh ("));
  CHECK(setting(out, "device_target") ==
        "CPU (default; " + file + ":8: found 'Ascend': no such device is known here)");
  CHECK_MESSAGE(contains(out, left_lines), out);
  CHECK(
      contains(out, "not used by this program, from " + file +
                        ": export_batch_size, export_ckpt_file, export_file_name, file_format, "
                        "optimizer_cfg.AdamWeightDecay.*, optimizer_cfg.Momentum.*, bert_net_cfg.vocab_size, "
                        "bert_net_cfg.attention_probs_dropout_prob, bert_net_cfg.type_vocab_size, "
                        "bert_net_cfg.initializer_range, bert_net_cfg.dtype, bert_net_cfg.compute_type\n"));
  CHECK(contains(out, "help texts and choices (documents 2 to 3)"));
  CHECK(contains(out, "\nPrecision "));
  CHECK(json_of(file_content(tiny.path("save/best/config.json"))).at("hidden_act").text() == "gelu_new");

  // The checkpoints of that system have no configuration beside them: it is the file's.
  const std::string alone = tiny.path("alone/bert.ckpt");
  fs::create_directory(tiny.path("alone"));
  const Outcome made = run_program("convert_checkpoint",
                                   {"--to", "mindspore", tiny.path("save/best/model.safetensors"), alone});
  REQUIRE_MESSAGE(made.status == 0, made.err);
  const std::string on = tiny.print(joined(
      flags, {"--load_pretrain_checkpoint_path=" + alone, "--vocab_file_path=" + tiny.path("vocab.txt"),
              "--save_finetune_checkpoint_path=" + tiny.path("on")}));
  CHECK(contains(on, "trained 3 steps"));
  const Json config = json_of(file_content(tiny.path("on/best/config.json")));
  CHECK(config.at("layer_norm_eps").number() == 1e-7);
  CHECK(config.at("vocab_size").number() ==
        static_cast<double>(lines_of(file_content(tiny.path("vocab.txt"))).size()));
  tiny.refuse(joined(flags, {"--load_pretrain_checkpoint_path=" + alone,
                             "--vocab_file_path=" + tiny.path("vocab.txt"), "--config_path="}),
              "alone/config.json");

  write_file(file, replaced(file_content(file), "enable_modelarts: False", "enable_modelarts: True"));
  tiny.refuse(flags, "--enable_modelarts true: nothing here copies from data_url");
}

TEST_CASE("MindSpore's settings of run_pretrain: the section of the network and of the optimizer count") {
  const TinyPretraining tiny;
  const std::string file = tiny.write(
      "pretrain_config.yaml",
      pretraining_settings("bert_network: 'base'\ndata_dir: ''\neval_data_dir: \"\"\neval_ckpt: \"\"\n"));
  // Where no folder is named, the save folder is one below the working folder.
  const auto printed = [&](const std::string& program, const Words& more) {
    const Outcome outcome = run_in_shell(
        joined(command_of(program, {"--config_path=" + file, "--vocab_file_path=" + tiny.path("vocab.txt"),
                                    "--threads=1"}),
               more),
        "", "cd '" + tiny.path("") + "' && exec");
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return outcome.out;
  };
  const std::string records = "--data_dir=" + tiny.path("train.mindrecord");
  std::string out = printed("run_pretrain", {records, "--train_steps=1"});
  CHECK(setting(out, "train_batch_size").starts_with("6 ("));
  CHECK(setting(out, "hidden_size").starts_with("16 ("));
  CHECK(setting(out, "dropout").starts_with("0 ("));
  CHECK(setting(out, "learning_rate").starts_with("0.00035 ("));
  CHECK(setting(out, "power").starts_with("1.2 ("));
  CHECK(setting(out, "weight_decay").starts_with("0.0166629 ("));
  CHECK(setting(out, "adam_beta1").starts_with("0.86 ("));
  CHECK(setting(out, "adam_beta2").starts_with("0.98 ("));
  CHECK(setting(out, "warmup_proportion").starts_with("0 ("));  // no steps are none
  CHECK(setting(out, "relative_positions").starts_with("none ("));
  CHECK(setting(out, "save_finetune_checkpoint_path") ==
        "./pretrain/ckpt/ (" + file + ":22 names none, and enable_save_ckpt is true)");
  CHECK(contains(out, "left: device_num: mpirun says how many processes there are\n"));
  CHECK(contains(out, "AdamWeightDecay.*, Momentum.*, Thor.*, base_net_cfg.vocab_size, "));
  CHECK(contains(out, "nezha_batch_size, nezha_net_cfg.*"));
  CHECK(fs::exists(tiny.path("pretrain/ckpt/latest")));

  out = printed("run_pretrain", {records, "--train_steps=1", "--batch_size=3", "--bert_network=nezha",
                                 "--save_checkpoint_path=", "--learning_rate=1e-3"});
  CHECK(setting(out, "train_batch_size") == "3 (command line)");
  CHECK(setting(out, "learning_rate") == "0.001 (command line)");
  CHECK(setting(out, "relative_positions").starts_with("trained ("));
  CHECK(setting(out, "save_finetune_checkpoint_path") == "'' (command line)");

  // Both keys of the model are in the file, and the one for training is empty.
  write_file(file, replaced(replaced(file_content(file), "eval_ckpt: \"\"", "eval_ckpt: pretrain/ckpt"),
                            "eval_data_dir: \"\"", "eval_data_dir: train.mindrecord"));
  CHECK(contains(printed("run_pretrain_eval", {}), "masked_lm_accuracy"));
}

TEST_CASE("MindSpore's settings of run_squad and export") {
  const TinySquad tiny;
  const std::string file = tiny.write(
      "task_squad_config.yaml",
      fine_tuning_settings(
          "squad", "vocab_file_path: \"\"\nuse_pynative_mode: False\nnum_class: 2\neval_json_path: \"\"\n"));
  const Words flags{"--config_path=" + file,
                    "--do_train=true",
                    "--do_eval=true",
                    "--dataset_format=text",
                    "--threads=1",
                    "--max_query_length=10",
                    "--train_data_file_path=" + tiny.path("train.txt"),
                    "--eval_json_path=" + tiny.path("train.txt"),
                    "--vocab_file_path=" + tiny.path("vocab.txt"),
                    "--save_finetune_checkpoint_path=" + tiny.path("save")};
  // One of the two names of the evaluation data is empty in the file.
  const std::string out = tiny.print(joined(flags, {"--num_class=2"}));
  CHECK(contains(out, "left: enable_profiling, use_pynative_mode: of MindSpore's runtime"));
  CHECK(contains(out, "exact_match"));
  tiny.refuse(joined(flags, {"--num_class=3"}),
              "--num_class: found '3', expected a whole number from 2 to 2");

  const Outcome written = run_program(
      "export", {"--config_path=" + file, "--export_ckpt_file=" + tiny.path("save"), "--file_format=ONNX",
                 "--export_file_name=" + tiny.path("onnx/bert"), "--num_class=2", "--use_crf", "false"});
  REQUIRE_MESSAGE(written.status == 0, written.err);
  CHECK(contains(written.out,
                 "left: --num_class, --use_crf, device_target, device_id, num_class: the model's own "
                 "config.json says so"));
  CHECK(fs::exists(tiny.path("onnx/bert.onnx")));
}

TEST_CASE("--bert_config_file gives the shape of a model from scratch") {
  const TinyNer tiny;
  const std::string config =
      tiny.write("bert_config.json",
                 R"({"vocab_size": 100, "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 3,
    "intermediate_size": 40, "hidden_act": "gelu", "hidden_dropout_prob": 0.2, "max_position_embeddings": 48})");
  Words flags{"--do_train",
              "--train_data_file_path=" + tiny.path("train.txt"),
              "--vocab_file=" + tiny.path("vocab.txt"),
              "--max_seq_length=48",
              "--num_train_epochs=1.0",
              "--threads=1",
              "--save_finetune_checkpoint_path=" + tiny.path("save"),
              "--bert_config_file=" + config};
  const std::string out = tiny.print(flags);
  CHECK(setting(out, "hidden_size") == "24 (" + config + ")");
  CHECK(setting(out, "hidden_act") ==
        "gelu_tanh (" + config + ")");  // what that name means in Google's files
  CHECK(setting(out, "dropout") == "0.2 (" + config + ")");
  CHECK(setting(out, "epoch_num") == "1 (command line)");
  const Json saved =
      json_of(file_content(tiny.path("save/" + names_in(tiny.path("save")).front() + "/config.json")));
  CHECK(saved.at("intermediate_size").number() == 40);
  // Of a checkpoint that has one of its own, they have to agree.
  tiny.refuse({"--do_train", "--train_data_file_path=" + tiny.path("train.txt"),
               "--init_checkpoint=" + tiny.path("save"), "--bert_config_file=" + config, "--hidden_size=32",
               "--max_seq_length=48", "--num_attention_heads=4",
               "--save_finetune_checkpoint_path=" + tiny.path("other")},
              "--hidden_size 32: the model in");
  tiny.refuse(joined(flags, {"--bert_config_file=" + tiny.write("bert_config.json", "{}")}), "vocab_size");
}
