// run_pretrain and run_pretrain_eval as their users run them.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "data/pretraining_instances.h"
#include "tests/files.h"
#include "tests/json.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_pretraining.h"

using namespace gradus;

namespace {

const Words learning{"--hidden_size=32", "--intermediate_size=64", "--epoch_num=60", "--learning_rate=1e-2",
                     "--dropout=0",      "--eval_steps=1000"};

std::string weights(const TinyPretraining& tiny, const std::string& checkpoint) {
  return file_content(tiny.path(checkpoint + "/model.safetensors"));
}

// Writes records of examples that are not filled up.
std::string write_records(const TinyPretraining& tiny, const std::vector<PretrainingInstance>& instances) {
  const std::string path = tiny.path("made.tfrecord");
  const auto writer = DatasetWriter::create(path, DatasetFormat::tfrecord, pretraining_record_columns());
  PretrainingOptions options;
  options.max_seq_length = 8;
  options.max_predictions_per_seq = 3;
  DatasetRow row;
  for (const PretrainingInstance& instance : instances) {
    make_pretraining_record(instance, options, row);
    writer->write(row);
  }
  writer->finish();
  return path;
}

}  // namespace

TEST_CASE("run_pretrain learns what goes together, and run_pretrain_eval scores what it saved alike") {
  const TinyPretraining tiny;
  const std::string out = tiny.print(tiny.training_on("train.mindrecord", joined(learning, {"--do_eval"})));
  CHECK(contains(out, "masked_lm_accuracy"));
  // Of 19 words; names and places tell each other, and the verbs can't be known.
  CHECK(tiny.score("masked_lm_accuracy") > 60);
  CHECK(tiny.score("next_sentence_accuracy") > 80);
  CHECK(tiny.score("perplexity") < 4);
  const std::string results = file_content(tiny.path("save/eval_results.txt"));
  CHECK(contains(out, results));
  for (const char* name : {"global_step = ", "loss = ", "masked_lm_accuracy = ", "masked_lm_loss = ",
                           "next_sentence_accuracy = ", "next_sentence_loss = ", "perplexity = "})
    CHECK(contains(results, name));

  // The save folder, and the checkpoint in it by its name.
  for (const std::string model : {"save", "save/best"}) {
    const Words scoring{"--eval_ckpt=" + tiny.path(model), "--eval_data_dir=" + tiny.path("train.tfrecord"),
                        "--dataset_format=tfrecord", "--threads=1", "--output_dir=" + tiny.path("scores")};
    const Outcome scored = run_program("run_pretrain_eval", scoring);
    REQUIRE_MESSAGE(scored.status == 0, scored.err);
    CHECK(file_content(tiny.path("scores/eval_results.txt")) == results);
    CHECK(contains(scored.out, "\nAccuracy is:  "));
  }
  const Json config = json_of(file_content(tiny.path("save/best/config.json")));
  CHECK(config.at("architectures") == Json::array({"BertForPreTraining"}));
  CHECK(config.at("vocab_size") == 19);
}

TEST_CASE("what run_pretrain saves is what taggers begin with") {
  const TinyPretraining tiny;
  tiny.print(tiny.training_on("train.mindrecord", {"--max_steps=1"}));
  const TinyNer tagger;
  const std::string out = tagger.print(
      tagger.training({"--max_steps=1", "--load_pretrain_checkpoint_path=" + tiny.path("save"),
                       "--hidden_size=0", "--num_hidden_layers=0", "--num_attention_heads=0",
                       "--intermediate_size=0", "--max_position_embeddings=0", "--vocab_file_path="}));
  CHECK(contains(out, "new in this model: classifier.weight, classifier.bias\n"));
  CHECK(contains(out, "unused in " + tiny.path("save/best") + ": "));
  CHECK(contains(out, "cls.predictions.bias"));
}

TEST_CASE("run_pretrain gives the same bits from both formats, in memory and streamed") {
  const TinyPretraining tiny;
  const Words settings{"--dropout=0.1", "--train_batch_size=3", "--gradient_accumulation_steps=2"};
  std::string first;
  for (const std::string records : {"train.mindrecord", "train.tfrecord"}) {
    for (const bool streams : {false, true}) {
      CAPTURE(records);
      CAPTURE(streams);
      const std::string save = fmt::format("{}_{}", records, streams);
      Words flags = joined(settings, {"--save_checkpoint_path=" + tiny.path(save)});
      if (streams) flags.emplace_back("--stream");
      const std::string out = tiny.print(tiny.training_on(records, flags));
      CHECK(contains(out, "read as they are trained on") == streams);
      if (first.empty()) first = weights(tiny, save + "/best");
      CHECK(weights(tiny, save + "/best") == first);
    }
  }
}

TEST_CASE("run_pretrain trains NEZHA, from scratch and on, and others fine-tune it") {
  const TinyPretraining tiny;
  for (const std::string kind : {"trained", "sinusoid"}) {
    CAPTURE(kind);
    const std::string save = tiny.path(kind);
    const Words flags{"--do_eval", "--relative_positions=" + kind, "--max_relative_position=3",
                      "--save_checkpoint_path=" + save};
    tiny.print(tiny.training_on("train.mindrecord", flags));
    const std::string results = file_content(save + "/eval_results.txt");
    const Outcome scored =
        run_program("run_pretrain_eval", {"--eval_ckpt=" + save + "/checkpoint-8",
                                          "--eval_data_dir=" + tiny.path("train.mindrecord"), "--threads=1",
                                          "--output_dir=" + tiny.path("scores")});
    REQUIRE_MESSAGE(scored.status == 0, scored.err);
    CHECK(file_content(tiny.path("scores/eval_results.txt")) == results);
    const std::string out = tiny.print({"--data_dir=" + tiny.path("train.mindrecord"), "--train_steps=1",
                                        "--load_checkpoint_path=" + save, "--threads=1", "--seq_length=24",
                                        "--save_checkpoint_path=" + tiny.path(kind + "_on")});
    CHECK(!contains(out, "new in this model"));
    CHECK(!contains(out, "unused in"));
    const Json config = json_of(file_content(save + "/best/config.json"));
    const char* architecture = kind == "sinusoid" ? "NezhaForPreTraining" : "BertForPreTraining";
    CHECK(config.at("architectures") == Json::array({architecture}));
  }
}

TEST_CASE("run_pretrain gives the same bits on any number of threads") {
  const TinyPretraining tiny;
  tiny.check_threads(tiny.training_on("train.mindrecord"));
}

TEST_CASE(
    "run_pretrain learns from text, masked anew every epoch, and goes on after a stop to the same bits") {
  const TinyPretraining tiny;
  const Words text{"--input_file=" + tiny.path("train.txt"), "--eval_input_file=" + tiny.path("train.txt"),
                   "--train_data_file_path=", "--eval_data_file_path=", "--max_predictions_per_seq=4"};
  const std::string out = tiny.print(tiny.training(joined(joined(learning, text), {"--do_eval"})));
  CHECK(contains(out, "training data: 4 documents, 16 sentences, 68 tokens, masked anew every epoch\n"));
  CHECK(contains(out, "evaluation data: "));
  CHECK(tiny.score("masked_lm_accuracy") > 40);  // a full stop each time gives 25
  const std::string results = file_content(tiny.path("save/eval_results.txt"));
  const Outcome scored = run_program(
      "run_pretrain_eval",
      {"--eval_ckpt=" + tiny.path("save"), "--eval_input_file=" + tiny.path("train.txt"), "--seq_length=24",
       "--max_predictions_per_seq=4", "--threads=1", "--output_dir=" + tiny.path("scores")});
  REQUIRE_MESSAGE(scored.status == 0, scored.err);
  CHECK(file_content(tiny.path("scores/eval_results.txt")) == results);

  const auto to = [&](const std::string& save, const Words& more) {
    return tiny.training(
        joined(joined(text, {"--epoch_num=5", "--train_batch_size=2", "--save_checkpoint_steps=1",
                             "--keep_checkpoints=100", "--save_checkpoint_path=" + tiny.path(save)}),
               more));
  };
  tiny.print(to("whole", {}));
  std::filesystem::create_directory(tiny.path("resumed"));
  std::filesystem::copy(tiny.path("whole/checkpoint-4"), tiny.path("resumed/checkpoint-4"),
                        std::filesystem::copy_options::recursive);
  CHECK(contains(tiny.print(to("resumed", {"--resume"})), "at step 4\n"));
  int last = 5;
  for (; std::filesystem::exists(tiny.path(fmt::format("whole/checkpoint-{}", last))); ++last) {
    const std::string name = fmt::format("/checkpoint-{}", last);
    CHECK(weights(tiny, "resumed" + name) == weights(tiny, "whole" + name));
  }
  CHECK(last > 8);
  // Examples made otherwise are other data.
  tiny.refuse(to("resumed", {"--resume", "--masked_lm_prob=0.2"}), "was made with other training data");
}

TEST_CASE("run_pretrain goes on after a stop to the same bits, and says what is left out") {
  const TinyPretraining tiny;
  const Words often{"--epoch_num=4", "--save_checkpoint_steps=1", "--keep_checkpoints=100", "--dropout=0.1"};
  const auto to = [&](const std::string& save, const Words& more) {
    return tiny.training_on("train.tfrecord",
                            joined(joined(often, {"--save_checkpoint_path=" + tiny.path(save)}), more));
  };
  tiny.print(to("whole", {"--stream"}));
  std::filesystem::create_directory(tiny.path("resumed"));
  std::filesystem::copy(tiny.path("whole/checkpoint-3"), tiny.path("resumed/checkpoint-3"),
                        std::filesystem::copy_options::recursive);
  CHECK(contains(tiny.print(to("resumed", {"--stream", "--resume", "--recompute"})), "at step 3\n"));
  for (int step = 4; std::filesystem::exists(tiny.path(fmt::format("whole/checkpoint-{}", step))); ++step) {
    const std::string name = fmt::format("/checkpoint-{}", step);
    CHECK(weights(tiny, "resumed" + name) == weights(tiny, "whole" + name));
  }
}

TEST_CASE(
    "run_pretrain takes examples with nothing masked, with one text, and with their first token masked") {
  const TinyPretraining tiny;
  const std::vector<int32_t> ids{2, 11, 6, 15, 3}, none, first{0, 2}, words{2, 6};
  for (const std::vector<PretrainingInstance>& instances :
       {std::vector<PretrainingInstance>{{ids, 5, false, none, none}, {ids, 5, true, none, none}},
        std::vector<PretrainingInstance>{{ids, 3, false, first, words}, {ids, 5, true, none, none}}}) {
    write_records(tiny, instances);
    std::filesystem::remove_all(tiny.path("save"));
    const std::string out =
        tiny.print(tiny.training_on("made.tfrecord", {"--do_eval", "--train_batch_size=1"}));
    CHECK(contains(out, "masked_lm_accuracy") == !instances[0].masked_ids.empty());
    CHECK(contains(out, "next_sentence_accuracy"));
  }
}

TEST_CASE("run_pretrain takes the names and the settings of the reference programs") {
  const TinyPretraining tiny;
  tiny.write(
      "pretrain_config.yaml",
      "epoch_size: 40\ntrain_steps: -1\nbatch_size: 3\naccumulation_steps: 2\nsave_checkpoint_num: 2\n"
      "do_shuffle: 'false'\nnum_samples: None\nbucket_list: [128, 256]\nenable_data_sink: "
      "'true'\ndata_sink_steps: "
      "100\nenable_lossscale: 'true'\nloss_scale_value: 1024\nscale_factor: 4\nscale_window: 10\n"
      "enable_global_norm: True\noptimizer_cfg:\n  optimizer: Lamb\n  Lamb:\n    learning_rate: 0.0003\n"
      "    end_learning_rate: 0.0\n    power: 2.0\n    warmup_steps: 7\n    weight_decay: 0.01\n"
      "    decay_filter: ['layernorm', 'bias']\n    eps: 0.00000001\n");
  const std::string out = tiny.print(
      {"--config_path=" + tiny.path("pretrain_config.yaml"), "--data_dir=" + tiny.path("train.mindrecord"),
       "--vocab_file_path=" + tiny.path("vocab.txt"), "--save_checkpoint_path=" + tiny.path("save"),
       "--epoch_size=1", "--bert_network=small", "--threads=1", "--max_position_embeddings=64",
       "--seq_length=24"});
  for (const char* line :
       {"epoch_num                     = 1 (command line)", "train_batch_size              = 3 (",
        "optimizer                     = Lamb (", "warmup_steps                  = 7 (",
        "learning_rate                 = 0.0003 (", "keep_checkpoints              = 2 (",
        "hidden_size                   = 256 (--bert_network small)",
        "relative_positions            = none (--bert_network small)",
        "enable_lossscale              = true (", "loss_scale_value              = 1024 (",
        "scale_factor                  = 4 (", "scale_window                  = 10 (",
        "clip_type                     = global (--enable_global_norm)",
        "do_train                      = true (run_pretrain)", "bucket_list                   = 128,256 ("})
    CHECK_MESSAGE(contains(out, line), line);
  CHECK(!std::filesystem::exists(tiny.path("save/best")));  // nothing was scored
  // num_samples counts records, read before or while they are trained on.
  for (const char* held : {"--stream=false", "--stream"}) {
    const std::string few = tiny.print(tiny.training_on(
        "train.mindrecord", {"--num_samples=5", "--save_finetune_checkpoint_path=", "--max_steps=2",
                             "--epoch_num=2", "--train_batch_size=5", held}));
    CHECK_MESSAGE((contains(few, "training data: 5 examples") || contains(few, ": 5 records, read as")), few);
    CHECK(contains(few, "trained 2 steps"));
  }
}

TEST_CASE("run_pretrain says what is wrong with its input") {
  const TinyPretraining tiny;
  const std::string train = tiny.path("train.mindrecord");
  const Words none;
  tiny.refuse({}, "--do_train needs --train_data_file_path");
  tiny.refuse({"--data_dir=" + train}, "--do_train from scratch needs --vocab_file_path");
  tiny.refuse({"--do_eval", "--eval_data_dir=" + train},
              "--do_eval needs a model: give --load_pretrain_checkpoint_path, or add --do_train");
  tiny.refuse(tiny.training_on("train.mindrecord", {"--train_with_eval", "--eval_data_file_path="}),
              "--train_with_eval needs --eval_data_file_path");
  tiny.refuse(tiny.training_on("train.mindrecord", {"--enable_save_ckpt=false", "--resume"}),
              "--resume needs checkpoints: --enable_save_ckpt is false");
  tiny.refuse({"--do_predict"}, "unknown option '--do_predict'");
  tiny.refuse(tiny.training_on("train.mindrecord", {"--dataset_format=text"}), "--dataset_format");
  tiny.refuse(tiny.training_on("train.mindrecord",
                               {"--max_position_embeddings=24",
                                "--vocab_file_path=" +
                                    tiny.write("short.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n")}),
              "the vocabulary has 6 pieces");
  const Words text{"--save_checkpoint_path=" + tiny.path("save"),
                   "--vocab_file_path=" + tiny.path("vocab.txt"), "--input_file=" + tiny.path("train.txt")};
  tiny.refuse(joined(text, {"--data_dir=" + train}), "expected records or text, not both");
  tiny.refuse(joined(text, {"--num_samples=5"}),
              "--num_samples 5: of the text of --input_file all is trained on");
  for (const char* number : {"0", "-1", "5 records", "1e3"})
    tiny.refuse(tiny.training_on("train.mindrecord", {fmt::format("--num_samples={}", number)}),
                fmt::format("--num_samples '{}': expected a number of records, at least 1, or None", number));
  tiny.refuse(joined(text, {"--stream"}), "the text of --input_file lies in memory");
  tiny.refuse(joined(text, {"--do_shuffle=false"}), "are drawn anew every epoch");
  tiny.refuse(joined(text, {"--train_batch_tokens=500"}), "come in batches of --train_batch_size");
  tiny.refuse(joined(text, {"--input_file=" + tiny.path("none*")}), "--input_file: no file '");
  std::string much;
  for (int i = 0; i < 40'000; ++i) much += "anna knows alden .\n";
  tiny.refuse(joined(text, {"--input_file=" + tiny.write("much.txt", much), "--memory_mb=1"}),
              "which is what --memory_mb leaves room for");
  // A model without the heads can be trained on, not scored.
  const TinyNer tagger;
  tagger.print(tagger.training({"--max_steps=1"}));
  const Outcome outcome = run_program(
      "run_pretrain_eval", {"--eval_ckpt=" + tagger.path("save/best"), "--eval_data_dir=" + train});
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err, "tensor 'bert.pooler.dense.weight' of shape [16, 16] is missing"));
}

TEST_CASE("--max_memory cuts a step into batches that fit, with the same losses") {
  const TinyPretraining tiny;
  const auto flags = [&](const std::string& save, const Words& more) {
    return tiny.training_on("train.mindrecord",
                            joined({"--hidden_size=256", "--intermediate_size=1024", "--num_hidden_layers=3",
                                    "--dropout=0", "--train_batch_size=12", "--max_steps=3", "--epoch_num=10",
                                    "--save_finetune_checkpoint_path=" + tiny.path(save),
                                    "--metrics_file=" + tiny.path("metrics.json")},
                                   more));
  };
  // The first number of MiB behind a text in a log.
  const auto mebibytes = [](const std::string& log, const std::string& text) {
    const std::string part = part_from(log, text);
    REQUIRE_MESSAGE(!part.empty(), log);
    return std::stod(part.substr(text.size()));
  };
  const std::string whole = tiny.print(flags("whole", {}));
  const double loss = tiny.train_loss();
  const double activations = mebibytes(whole, ", activations ");
  const std::string refused = tiny.run(flags("none", {"--max_memory=1K"})).err;
  CHECK(contains(refused, "error: --max_memory 1024: training takes "));
  const double least = mebibytes(refused, "training takes ");

  CHECK(contains(tiny.print(flags("all", {"--max_memory=100G"})), ": 1 batch of 12 examples a step\n"));
  CHECK(tiny.train_loss() == loss);
  // What a program takes beside the plan differs by a MiB or two from run to run.
  const std::string cut =
      tiny.print(flags("cut", {fmt::format("--max_memory={}M", static_cast<int>(least) + 3)}));
  CHECK_MESSAGE(contains(part_from(cut, "memory of "), " examples a step"), cut);
  CHECK(std::abs(tiny.train_loss() - loss) < 1e-5 * loss);
  CHECK(mebibytes(cut, ", activations ") < activations);
  tiny.refuse(flags("wrong", {"--max_memory=many"}),
              "--max_memory 'many': expected a number of bytes, 1000000 or 500M or 4G");

  // Sixteen examples computed twice come before batches of less than eight computed once.
  const auto deep = [&](const std::string& save, const Words& more) {
    return flags(save, joined({"--hidden_size=128", "--intermediate_size=512", "--num_hidden_layers=24",
                               "--max_steps=1"},
                              more));
  };
  const auto in_all = [&](const Words& more) {
    return mebibytes(tiny.print(deep("planned", joined({"--save_finetune_checkpoint_path="}, more))),
                     " MiB: ");
  };
  const double twice = in_all({"--train_batch_size=16", "--recompute"}),
               once = in_all({"--train_batch_size=8"});
  REQUIRE(twice + 6 < once);
  const double own =
      mebibytes(tiny.run(deep("none", {"--train_batch_size=16", "--max_memory=1K"})).err, "computed twice; ");
  const std::string recomputed = tiny.print(
      deep("twice", {"--train_batch_size=16",
                     fmt::format("--max_memory={}M", static_cast<int>(own + (twice + once) / 2))}));
  CHECK_MESSAGE(contains(recomputed,
                         ": 1 batch of 16 examples a step, layers are computed again in the backward pass\n"),
                recomputed);
}
