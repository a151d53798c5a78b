// A loss scale that follows the gradients, as users of run_pretrain see it, and kinds of clipping. The gradients are made to
// overflow: a model whose embeddings are tiny has huge ones.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "tests/files.h"
#include "tests/json.h"
#include "tests/tasks/tiny_classifier.h"
#include "tests/tasks/tiny_ner.h"
#include "tests/tasks/tiny_pretraining.h"
#include "tests/tasks/tiny_squad.h"

using namespace gradus;

namespace {

// 2^126, from which divisions lead to 2^123, 2^120 and 2^117: the first gradients, of a norm of about 600, fit there.
const Words high_scale{"--enable_lossscale", "--loss_scale_value=8.507059173023462e37",
                       "--max_loss_scale=8.507059173023462e37", "--scale_factor=8"};
constexpr int skipped = 3;

class Overflowing : public TinyPretraining {
 public:
  Overflowing() {
    print(training_on("train.tfrecord", {"--max_steps=1", "--save_checkpoint_path=" + path("model")}));
    for (const std::string table : {"word", "position", "token_type"})
      edit_tensor(path("model/checkpoint-1"), fmt::format("bert.embeddings.{}_embeddings.weight", table),
                  [](std::vector<float>& values) {
                    for (float& value : values) value *= 0x1p-14F;
                  });
  }

  // Every step has all examples, so that a run that skips steps sees what one without them does.
  std::string train(const std::string& save, const Words& more) const { return print(flags(save, more)); }
  Words flags(const std::string& save, const Words& more) const {
    return joined(
        {"--do_train", "--threads=1", "--seq_length=24", "--dataset_format=tfrecord",
         "--data_dir=" + path("train.tfrecord"), "--load_checkpoint_path=" + path("model/checkpoint-1"),
         "--batch_size=100", "--train_steps=12", "--do_shuffle=false", "--dropout=0", "--learning_rate=5e-3",
         "--warmup_steps=3", "--max_grad_norm=10", "--keep_checkpoints=100", "--log_steps=100",
         "--metrics_file=" + path("metrics.json"), "--save_checkpoint_path=" + path(save)},
        more);
  }
  std::string file(const std::string& save, int step, const std::string& name) const {
    return file_content(path(fmt::format("{}/checkpoint-{}/{}", save, step, name)));
  }
  Json state(const std::string& save, int step) const {
    return json_of(file(save, step, "trainer_state.json"));
  }
};

const Words each_step{"--save_checkpoint_steps=1"};
const Words parts{"model.safetensors", "optimizer.safetensors"};

}  // namespace

TEST_CASE(
    "steps that overflow change nothing but the scale: what comes after has the bits of a run without them") {
  const Overflowing tiny;
  for (const std::string optimizer : {"adamw", "Lamb"}) {
    CAPTURE(optimizer);
    const Words kind{"--optimizer=" + optimizer, "--schedule=polynomial"};
    tiny.train("plain_" + optimizer, joined(each_step, kind));
    const Words scaled = joined(high_scale, kind);
    const std::string save = "scaled_" + optimizer;
    const std::string out =
        tiny.train(save, joined(scaled, {"--save_checkpoint_steps=1", "--report=" + tiny.path("report.html"),
                                         "--log_dir=" + tiny.path("events")}));
    CHECK(contains(
        out,
        "step 1: skipped, its gradients are not finite with a loss scale of 8.507059173e+37: the next "
        "one has 1.063382397e+37\n"));
    CHECK(contains(out, "step 3: skipped, "));
    CHECK(!contains(out, "step 4: skipped, "));
    CHECK(contains(out, "trained 12 steps, 3 of them skipped, in "));
    CHECK(tiny.score("skipped_steps") == skipped);
    for (int step = skipped + 1; step <= 12; ++step) {
      CAPTURE(step);
      for (const std::string& part : parts)
        CHECK(tiny.file(save, step, part) == tiny.file("plain_" + optimizer, step - skipped, part));
    }
    // Where the host is a step behind, which it is not where each one is saved or ends an epoch.
    tiny.train("behind_" + optimizer, joined(scaled, {"--save_checkpoint_steps=12", "--eval_steps=12"}));
    for (const std::string part : {"model.safetensors", "optimizer.safetensors", "trainer_state.json"})
      CHECK(tiny.file("behind_" + optimizer, 12, part) == tiny.file(save, 12, part));
    const std::string page = file_content(tiny.path("report.html"));
    for (const char* text :
         {"<h2>Loss scale</h2>", "<h2>Gradient norm</h2>", "<h2>Learning rate</h2>",
          "3, whose gradients overflowed", "Not drawn, because not finite: 3 of 12 points of gradient norm"})
      CHECK_MESSAGE(contains(page, text), text);
    std::string events;
    for (const auto& entry : std::filesystem::directory_iterator(tiny.path("events")))
      events += file_content(entry.path());
    CHECK(contains(events, "train/loss_scale"));
  }
}

TEST_CASE("a run that is stopped between skipped steps goes on to the same bits, its loss scale with it") {
  const Overflowing tiny;
  const Words settings = joined(joined(high_scale, each_step), {"--scale_window=4"});
  tiny.train("whole", settings);
  for (const int stop : {2, 3, 5}) {
    CAPTURE(stop);
    const std::string save = fmt::format("resumed_{}", stop), name = fmt::format("/checkpoint-{}", stop);
    std::filesystem::create_directory(tiny.path(save));
    std::filesystem::copy(tiny.path("whole" + name), tiny.path(save + name),
                          std::filesystem::copy_options::recursive);
    CHECK(contains(tiny.train(save, joined(settings, {"--resume"})), fmt::format("at step {}\n", stop)));
    for (int step = stop + 1; step <= 12; ++step) {
      for (const std::string part : {"model.safetensors", "optimizer.safetensors", "trainer_state.json"})
        CHECK(tiny.file(save, step, part) == tiny.file("whole", step, part));
    }
  }
  const Json early = tiny.state("whole", 2);
  CHECK(early.at("optimizer_steps") == 0);
  CHECK(early.at("loss_scale") == Json{{"value", 0x1p120}, {"good_steps", 0}, {"skipped_in_a_row", 2}});
  const Json late = tiny.state("whole", 8);  // it has grown after four good steps
  CHECK(late.at("optimizer_steps") == 5);
  CHECK(late.at("loss_scale") == Json{{"value", 0x1p120}, {"good_steps", 1}, {"skipped_in_a_row", 0}});
}

TEST_CASE("a run whose steps overflow whatever the loss scale is ends, and says where") {
  const Overflowing tiny;
  const Outcome few =
      tiny.run(tiny.flags("few", joined(high_scale, {"--max_skipped_steps=2", "--eval_steps=12"})));
  CHECK(few.status == 2);
  CHECK(contains(few.err, "\nerror: step 2: "));
  CHECK(contains(few.err,
                 " values of the gradient of bert.embeddings.word_embeddings.weight are infinite or not a "
                 "number; the loss scale "
                 "is 1.063382397e+37, and 2 steps in a row were skipped, as many as --max_skipped_steps\n"));
  overload(tiny.path("model/checkpoint-1"), "bert.encoder.layer.0.intermediate.dense.weight");
  const Outcome outcome = tiny.run(tiny.flags("none", {"--enable_lossscale", "--train_steps=40"}));
  CHECK(outcome.status == 2);
  CHECK(contains(outcome.err, "error: step 17: the loss is not finite; the first op at fault: "));
  CHECK(contains(outcome.err, "; the loss scale is 1 and can't be lowered\n"));
  CHECK(contains(
      outcome.out,
      "step 1: skipped, its loss is not finite with a loss scale of 65536: the next one has 32768\n"));
  CHECK(contains(
      outcome.out,
      "step 10: skipped, its loss is not finite with a loss scale of 128: the next one has 64 (10 steps "
      "were skipped so far; every 100th is told)\n"));
  CHECK(!contains(outcome.out, "step 11: skipped"));
  tiny.refuse(tiny.flags("without", {}), "step 1: the loss is not finite; the first op at fault: ");
}

TEST_CASE("a run goes on with another loss scale, with one for the first time, and without it") {
  const Overflowing tiny;
  const Words start{"--train_steps=2", "--save_checkpoint_steps=1"}, on{"--train_steps=4", "--resume"};
  tiny.train("save", joined(start, {"--enable_lossscale", "--loss_scale_value=4", "--scale_window=2"}));
  CHECK(tiny.state("save", 2).at("loss_scale").at("value") == 8);
  const auto go_on = [&](const Words& more) {
    const std::string to = "on";
    std::filesystem::remove_all(tiny.path(to));
    std::filesystem::create_directory(tiny.path(to));
    std::filesystem::copy(tiny.path("save/checkpoint-2"), tiny.path("on/checkpoint-2"),
                          std::filesystem::copy_options::recursive);
    return tiny.train(to, joined(on, more));
  };
  const auto was = [](const std::string& name, const std::string& before, const std::string& now) {
    return fmt::format("note: {} was {} when the checkpoint was made, now it is {}\n", name, before, now);
  };
  const Words other{"--enable_lossscale", "--loss_scale_value=16", "--scale_window=1", "--max_loss_scale=16"};
  const std::string changed = go_on(other);
  CHECK(contains(changed, was("loss_scale_value", "4", "16")));
  CHECK(contains(changed, was("scale_window", "2", "1")));
  CHECK(contains(changed, was("max_loss_scale", "4294967296", "16")));
  CHECK(tiny.state("on", 4).at("loss_scale").at("value") == 16);
  CHECK(contains(go_on({}), was("enable_lossscale", "true", "false")));
  CHECK(!tiny.state("on", 4).contains("loss_scale"));

  // One of before there was such a thing.
  const std::string path = tiny.path("save/checkpoint-2/trainer_state.json");
  const Json state = json_of(file_content(path));
  Json old = state;
  old.erase("loss_scale");
  for (const char* name : {"learning_rates", "gradient_norms", "loss_scales", "rest_numbers"})
    old["history"].erase(name);
  write_file(path, json_text(old));
  go_on({"--enable_lossscale", "--report=" + tiny.path("report.html")});
  CHECK(tiny.state("on", 4).at("loss_scale").at("value") == 65536);
  CHECK(tiny.state("on", 4).at("optimizer_steps") == 4);
  CHECK(contains(file_content(tiny.path("report.html")), "not finite: 2 of 4 points of learning rate"));

  const auto refused_with = [&](const char* name, const Json& value, const std::string& text) {
    Json damaged = state;
    damaged["loss_scale"][name] = value;
    write_file(path, json_text(damaged));
    tiny.refuse(tiny.flags("save", {"--train_steps=4", "--resume", "--enable_lossscale"}),
                path + ": 'loss_scale." + text);
  };
  refused_with("value", 0.5, "value' is 0.5, expected a number of 1 or more");
  refused_with("value", 1e300, "value' is 1e+300, expected a number of 1 or more");
  refused_with("good_steps", -1, "good_steps' is -1, expected a whole number from 0 to 2147483647");
  refused_with("skipped_in_a_row", "none", "skipped_in_a_row' is \"none\", expected a whole number");
}

TEST_CASE("every program takes a loss scale, and a power of two changes no bit") {
  const auto check_same = [](const TinyTask& tiny, const Words& flags) {
    std::string plain;
    for (const Words& scaling : {Words{}, {"--enable_lossscale", "--scale_window=2"}}) {
      std::filesystem::remove_all(tiny.path("save"));
      tiny.print(tiny.training(joined(joined(flags, {"--max_steps=6", "--dropout=0.1"}), scaling)));
      const std::string model = file_content(tiny.path("save/checkpoint-6/model.safetensors"));
      if (plain.empty()) plain = model;
      CHECK(model == plain);
    }
  };
  check_same(TinyNer(), {"--use_crf", "--with_lstm"});
  check_same(TinyClassifier(), {"--optimizer=Lamb"});
  check_same(TinySquad(), {"--max_query_length=8"});
}

TEST_CASE("gradients are clipped as asked for, whatever the optimizer does by custom") {
  const TinyPretraining tiny;
  const auto model = [&](const Words& more) {
    std::filesystem::remove_all(tiny.path("save"));
    tiny.print(tiny.training_on("train.tfrecord", joined({"--max_steps=3", "--max_grad_norm=0.2"}, more)));
    return file_content(tiny.path("save/checkpoint-3/model.safetensors"));
  };
  for (const std::string optimizer : {"adamw", "Momentum"}) {
    const std::string name = "--optimizer=" + optimizer, usual = model({name});
    const std::string global = model({name, "--clip_type=global_norm"}),
                      tensor = model({name, "--clip_type=tensor"});
    CHECK(global != tensor);
    CHECK(usual == (optimizer == "adamw" ? global : tensor));
    CHECK(model({name, "--enable_global_norm"}) == global);
  }
  const auto refused = [&](const Words& flags, const std::string& text) {
    tiny.refuse(tiny.training_on("train.tfrecord", flags), text);
  };
  refused({"--clip_type=value"},
          "--clip_type: found 'value': clipping each number is not supported, expected one of auto, global, "
          "tensor");
  refused({"--clip_type=tensor", "--enable_global_norm"},
          "--enable_global_norm and --clip_type tensor: expected");
  refused({"--optimizer=Thor"}, "--optimizer: found 'Thor', expected one of adamw, ");
  refused({"--loss_scale_value=0.5"}, "--loss_scale_value: found '0.5', expected a number from 1 to ");
  refused({"--scale_factor=1"}, "--scale_factor: found '1', expected a number from 1.01 to 65536");
  refused({"--scale_window=0"}, "--scale_window: found '0', expected a whole number from 1 to ");
  refused({"--max_skipped_steps=0"}, "--max_skipped_steps: found '0', expected a whole number from 1 to ");
  refused({"--enable_lossscale", "--max_loss_scale=1024"},
          "--loss_scale_value 65536 is above --max_loss_scale 1024");
  refused({"--enable_lossscale=yes"}, "--enable_lossscale");
}
