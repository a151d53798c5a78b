#include "tasks/options/train_options.h"

#include <algorithm>
#include <limits>
#include <map>

#include "core/backend.h"
#include "core/error.h"
#include "core/joined.h"
#include "core/processors.h"
#include "nn/bert_config.h"
#include "nn/optimizer.h"

namespace gradus {
namespace {

constexpr double largest_loss_scale = 0x1p126;  // what takes it away again is a normal number

// What there is to say of a table's rows.
template <typename Row>
std::string about(const std::vector<Row>& table) {
  std::vector<std::string> texts;
  for (const Row& row : table) texts.push_back(fmt::format("{} {}", row.name, row.about));
  return joined(texts, "; ").str();
}

// The names of the optimizers that clip gradients so.
std::string optimizers_with(Clip clip) {
  std::vector<std::string_view> names;
  for (const OptimizerRow& row : optimizer_table())
    if (row.clip == clip) names.push_back(row.name);
  return joined(names, ", ").str();
}

// The defaults of eps that differ from that of the option.
std::string other_eps(double usual) {
  std::map<float, std::vector<std::string_view>> others;
  for (const OptimizerRow& row : optimizer_table())
    if (row.eps != static_cast<float>(usual)) others[row.eps].push_back(row.name);
  std::string text;
  for (const auto& [eps, names] : others) text += fmt::format("; {}: {}", joined(names, ", "), eps);
  return text;
}

// What the options of an optimizer are where nothing else says so.
void preset_for(const OptimizerRow& row, Options& options) {
  const std::string reason(row.name);
  options.preset("adam_beta1", fmt::format("{}", row.beta1), reason);
  options.preset("adam_beta2", fmt::format("{}", row.beta2), reason);
  options.preset("adam_eps", fmt::format("{}", row.eps), reason);
  options.preset("weight_decay", fmt::format("{}", row.weight_decay), reason);
  options.preset("schedule", std::string(row.schedule), reason);
}

}  // namespace

DType compute_dtype(std::string_view compute_type) {
  if (compute_type == "int8") return DType::int8;
  if (compute_type == "fp16") return DType::float16;
  return compute_type == "bf16" ? DType::bfloat16 : DType::float32;
}

std::vector<Choice> float_types() {
  return {{"fp32", {"float32", "mstype.float32"}},
          {"bf16", {"bfloat16", "mstype.bfloat16"}},
          {"fp16", {"float16", "mstype.float16"}}};
}

std::vector<Choice> compute_types() {
  std::vector<Choice> types = float_types();
  types.push_back({"int8"});
  return types;
}

void DeviceOptions::declare_device(Options& options) {
  options.group("Device");
  options.add("device_target", device_target, "where to compute")
      .choices(choices_of(backend_names()))
      .leave("Ascend", "no such device is known here");
  options.add("device_id", device_id, "which of several devices, by its number; the CPU is one").at_least(0);
  options.add("threads", threads, "threads to compute with; 0: one per core").between(0, 4096);
  options.add("compute_type", compute_type, "number type of activations and products; fp16 on GPUs alone")
      .choices(compute_types());
}

void DeviceOptions::declare(Options& options) {
  declare_device(options);
  options.add(
      "tf32", tf32,
      "with fp32: products of numbers rounded to 10 bits of mantissa, on GPUs, several times as fast");
  options.add("seed", seed, "start of all random numbers: same seed, same bits").at_least(0);
}

void ModelOptions::declare(Options& options, const char* from_scratch) {
  options.group(
      fmt::format("Model (0 and auto: as the checkpoint says; training from scratch: {})", from_scratch));
  options
      .add(
          "bert_config_file", bert_config_file,
          "bert_config.json or config.json that has the following: for a model from scratch, and for weights "
          "with none beside them")
      .file();
  options.add("hidden_size", hidden_size, "width of the encoder").at_least(0);
  options.add("num_hidden_layers", num_hidden_layers, "layers of the encoder").at_least(0);
  options.add("num_attention_heads", num_attention_heads, "attention heads, a divisor of hidden_size")
      .at_least(0);
  options.add("intermediate_size", intermediate_size, "width inside the feed-forward blocks").at_least(0);
  options.add("max_position_embeddings", max_position_embeddings, "rows of the position table").at_least(0);
  options
      .add("relative_positions", relative_positions,
           "vectors for the distance of words in place of their positions (NEZHA): a table that each layer "
           "trains, or fixed sinusoids")
      .choices({"auto", {"none", {"false"}}, {"trained", {"true"}}, "sinusoid"});
  options
      .add("max_relative_position", max_relative_position,
           "distance from which on all are alike; 0: as the checkpoint says, from scratch 16 of a trained "
           "table, 64 of sinusoids")
      .between(0, 65536);
  options.add("hidden_act", hidden_act, "activation of the feed-forward blocks")
      .choices({"auto",
                {"gelu", {"gelu_erf"}},
                {"gelu_tanh", {"gelu_new", "gelu_pytorch_tanh"}},
                {"fast_gelu", {"quick_gelu"}},
                "relu",
                "tanh"});
  options.add("layer_norm_eps", layer_norm_eps, "added to the variance in layer norm").between(0, 1);
  options.add("dropout", dropout, "probability of dropping, in training").between(0, 0.99);
}

void ModelOptions::adopt(Options& options, const std::string& section) {
  if (!bert_config_file.empty()) {
    const BertConfig config = read_bert_config(bert_config_file);
    const auto take = [&](const char* name, const auto& value) {
      options.preset(name, fmt::format("{}", value), bert_config_file);
    };
    take("hidden_size", config.hidden_size);
    take("num_hidden_layers", config.num_hidden_layers);
    take("num_attention_heads", config.num_attention_heads);
    take("intermediate_size", config.intermediate_size);
    take("max_position_embeddings", config.max_position_embeddings);
    take("hidden_act", name_of(config.hidden_act));
    take("relative_positions", name_of(config.relative_positions));
    if (config.relative_positions != RelativePositions::none)
      take("max_relative_position", config.max_relative_position);
    take("dropout", config.hidden_dropout_prob);
  }
  for (const char* name : {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                           "max_position_embeddings"}) {
    options.adopt(name, fmt::format("{}.{}", section, name));
  }
  const bool had_act = !options.is_default("hidden_act");
  options.adopt("hidden_act", section + ".hidden_act");
  // MindSpore's gelu is the tanh form.
  if (!had_act && hidden_act == "gelu")
    options.option("hidden_act").set("gelu_tanh", section, options.option("hidden_act").origin());
  options.adopt("relative_positions", section + ".use_relative_positions");
  options.adopt("dropout", section + ".hidden_dropout_prob");
}

void ModelOptions::finish(Options& options, bool from_scratch) {
  if (from_scratch) {
    const std::string reason = "from scratch";
    options.preset("hidden_size", "128", reason);
    options.preset("num_hidden_layers", "2", reason);
    options.preset("num_attention_heads", "2", reason);
    options.preset("intermediate_size", fmt::format("{}", 4 * hidden_size), reason);
    options.preset("max_position_embeddings", "512", reason);
    options.preset("relative_positions", "none", reason);
    const RelativePositions relative = parse_relative_positions(relative_positions, "--relative_positions");
    options.preset("max_relative_position", fmt::format("{}", usual_max_relative_position(relative)), reason);
    options.preset("hidden_act", "gelu", reason);
    options.preset("layer_norm_eps", "1e-12", reason);
    check(hidden_size > 0 && num_hidden_layers > 0 && num_attention_heads > 0 && intermediate_size > 0 &&
              max_position_embeddings > 0 && hidden_act != "auto" && layer_norm_eps > 0,
          "training from scratch takes nothing from a checkpoint: every model option needs a value above 0");
  }
  check(max_relative_position == 0 || relative_positions != "none",
        "--max_relative_position {} is about relative positions, --relative_positions is none",
        max_relative_position);
  check(hidden_size == 0 || num_attention_heads == 0 || hidden_size % num_attention_heads == 0,
        "--hidden_size {} is not a multiple of --num_attention_heads {}", hidden_size, num_attention_heads);
}

void TrainOptions::declare(Options& options, const std::string& save_path, bool predicts) {
  save_finetune_checkpoint_path = save_path;
  options.group("What to do");
  options.add("do_train", do_train, "train on the training data");
  options.add("do_eval", do_eval, "score on the evaluation data");
  if (predicts) options.add("do_predict", do_predict, "predict for new text");

  options.group("Batches");
  options.add("epoch_num", epoch_num, "passes over the training data")
      .alias("num_train_epochs")
      .between(1, 1000000)
      .advise("--max_steps ends a run within a pass");
  options.add("max_steps", max_steps, "stop after so many updates; 0: after epoch_num epochs").at_least(0);
  options.add("train_data_shuffle", train_data_shuffle, "a new order of the training data every epoch");
  options.add("eval_data_shuffle", eval_data_shuffle,
              "accepted for the sake of other systems' settings: no score depends on the order");
  options.add("train_batch_size", train_batch_size, "examples per update and micro-step")
      .alias("per_device_train_batch_size")
      .at_least(1);
  options.add("eval_batch_size", eval_batch_size, "examples per batch in evaluation")
      .alias("per_device_eval_batch_size")
      .at_least(1);
  options
      .add("train_batch_tokens", train_batch_tokens,
           "tokens per batch, in place of train_batch_size; 0: count examples")
      .at_least(0);
  options.add("gradient_accumulation_steps", gradient_accumulation_steps, "batches added up to one update")
      .between(1, 1000000);

  options.add("stream", stream,
              "read records while training on them, and keep examples of text in a file, not in memory");
  options
      .add("memory_mb", memory_mb,
           "training data that would take more MiB are held so without --stream; 0: a quarter of the memory")
      .between(0, 1 << 24);

  options
      .add("recompute", recompute,
           "keep only what goes into each encoder layer and compute the rest again: less memory, more time")
      .alias("gradient_checkpointing");

  options.add("max_memory", max_memory,
              "bytes that training may take, or 500M, 4G: batches are made smaller, and more of them add up "
              "to the same step, "
              "and recompute is set, as far as it takes");

  declare_optimizer(options);
  declare_loss_scale(options);

  options.group("Checkpoints");
  options
      .add("save_finetune_checkpoint_path", save_finetune_checkpoint_path,
           "folder to save to, which one run at a time has to itself")
      .folder();
  options.add("keep_checkpoints", keep_checkpoints, "checkpoints to keep, beside the best").at_least(1);
  options.add("save_checkpoint_steps", save_checkpoint_steps, "updates between saves; 0: every epoch")
      .alias("save_checkpoints_steps")
      .alias("save_steps")
      .at_least(0);
  options
      .add("average_checkpoints", average_checkpoints,
           "at the end try the mean of the weights of so many last checkpoints, which are kept: it is the "
           "best "
           "where it scores higher, or where nothing is scored; 0: don't")
      .between(0, 1000);
  options.add("eval_steps", eval_steps, "updates between evaluations; 0: every epoch").at_least(0);
  options
      .add("early_stopping_patience", early_stopping_patience,
           "stop after so many evaluations without a better score; 0: train to the end")
      .at_least(0);
  options
      .add("resume", resume,
           "go on from the newest checkpoint in the folder, to the same bits; begin where there is none")
      .also_true("auto");
  options.add("overwrite_output_dir", overwrite_output_dir,
              "remove the checkpoints of an earlier run in the folder, and nothing else, as training begins");

  options.group("Several processes (mpirun -n 4 PROGRAM --distribute ...)");
  options.add("distribute", distribute,
              "train one model on all processes that mpirun or srun has started, each with batches of its "
              "own: as one "
              "process that accumulates over so many; the first one scores, saves and tells");
  options.add("allreduce_post_accumulation", allreduce_post_accumulation,
              "add up the processes' gradients once an update; false: after every batch, which is slower");
  options
      .add("timeout_s", timeout_s,
           "seconds after which a process that gives no sign of life is taken for lost, and all end")
      .between(2, 86400);

  options.group("Reports");
  options.add("log_dir", log_dir, "folder for TensorBoard event files").folder().alias("logging_dir");
  options.add("log_steps", log_steps, "updates between lines of the log").alias("logging_steps").at_least(1);
  options.add("metrics_file", metrics_file, "JSON file for what the run measured").file();
  options.add("report", report, "HTML page of the run: settings, curves, tables, the worst errors").file();
  options
      .add("trace", trace,
           "JSON file for a timeline of the training (ui.perfetto.dev shows it); of process N of several: "
           "FILE.N.json; on GPUs it is the host's time")
      .file();
  options.add("json", json, "write results to standard output as JSON, one object a line");
}

void TrainOptions::declare_optimizer(Options& options) {
  options.group("Optimizer");
  options.add("optimizer", optimizer, about(optimizer_table())).choices(choices_of(optimizer_table()));
  options.add("schedule", schedule, fmt::format("decay of the learning rate: {}", about(schedule_table())))
      .alias("lr_scheduler_type")
      .choices(choices_of(schedule_table()));
  options.add("learning_rate", learning_rate, "highest learning rate, reached after warm-up").at_least(0);
  options.add("end_learning_rate", end_learning_rate, "learning rate at the last step").at_least(0);
  options.add("power", power, "of the polynomial decay; 1: linear").at_least(0);
  options.add("warmup_proportion", warmup_proportion, "part of the steps with rising learning rate")
      .alias("warmup_ratio")
      .between(0, 1);
  options
      .add("warmup_steps", warmup_steps,
           "steps with rising learning rate, in place of warmup_proportion; 0: that counts")
      .at_least(0)
      .advise("--warmup_proportion is a part of the steps");
  options.add("freeze", freeze,
              "parts of the model to leave as they are, with commas between: embeddings, "
              "encoder.layer.0-5, pooler; an encoder's layers count from 0");
  options
      .add("layer_decay", layer_decay,
           "each layer's learning rate as a part of that of the layer above it, the embeddings' of the "
           "lowest layer's; 1: all alike")
      .between(1e-3, 1);
  options.add("weight_decay", weight_decay, "decay of all but biases and layer norms").at_least(0);
  options.add("adam_beta1", adam_beta1, "how much of the first moment stays; of Momentum, the momentum")
      .between(0, 0.999999);
  options.add("adam_beta2", adam_beta2, "how much of the second moment stays").between(0, 0.9999999);
  options.add("adam_eps", adam_eps, "added to the root of the second moment" + other_eps(adam_eps))
      .alias("adam_epsilon")
      .between(1e-30, 1);
  options
      .add("max_grad_norm", max_grad_norm,
           fmt::format("clip gradients to this norm, by custom of all together with {}, of each tensor with "
                       "{}; 0: don't",
                       optimizers_with(Clip::global), optimizers_with(Clip::per_tensor)))
      .at_least(0);
  Option& clip = options.add(
      "clip_type", clip_type,
      "what is clipped to max_grad_norm: all gradients together, or those of each tensor; auto: as "
      "the optimizer does by custom");
  clip.choices({"auto", {"global", {"global_norm"}}, {"tensor", {"per_tensor"}}});
  for (const char* name : {"value", "element", "clamp"})
    clip.refuse(name, "clipping each number is not supported, expected one of auto, global, tensor");
  options.add("enable_global_norm", enable_global_norm, "the same as --clip_type global");
}

void TrainOptions::declare_label_smoothing(Options& options) {
  options
      .add("label_smoothing", label_smoothing,
           "part of each example's weight in the loss that all classes share, so that none is learned as "
           "certain")
      .alias("label_smoothing_factor")
      .between(0, 0.99);
}

void TrainOptions::declare_loss_scale(Options& options) {
  options.group("Loss scale (keeps small gradients from vanishing)");
  options.add(
      "enable_lossscale", enable_lossscale,
      "multiply the loss by a factor that follows the gradients: a step whose gradients overflow is "
      "skipped and the factor lowered. It counts as a step of the run (max_steps, checkpoints, dropout "
      "masks), the learning rate stays where it was");
  options
      .add("loss_scale_value", loss_scale_value,
           "the factor at the start; powers of two change no bit of a gradient that fits")
      .between(1, largest_loss_scale);
  options
      .add("scale_factor", scale_factor,
           "what the factor is divided by after a skipped step, down to 1, and multiplied by after "
           "scale_window others")
      .between(1.01, 65536);
  options.add("scale_window", scale_window, "steps without overflow after which the factor grows")
      .between(1, std::numeric_limits<int32_t>::max());
  options.add("max_loss_scale", max_loss_scale, "what the factor never grows beyond")
      .between(1, largest_loss_scale);
  options
      .add("max_skipped_steps", max_skipped_steps,
           "skipped steps in a row that end the run; one that is skipped with a factor of 1 does so too")
      .between(1, 1000000);
}

// Those of one optimizer, from a section of the configuration file.
void TrainOptions::adopt_optimizer(Options& options, const std::string& section, bool has_momentum) {
  for (const char* name : {"learning_rate", "end_learning_rate", "power", "weight_decay"})
    options.adopt(name, fmt::format("{}.{}", section, name));
  // There 0 steps are none; here they leave it to --warmup_proportion.
  const std::string warmup = section + ".warmup_steps";
  options.adopt("warmup_steps", warmup);
  if (options.in_file(warmup) && warmup_steps == 0)
    options.preset("warmup_proportion", "0", options.option("warmup_steps").origin());
  options.adopt("adam_eps", section + ".eps");
  options.adopt("adam_beta1", section + (has_momentum ? ".momentum" : ".beta1"));
  options.adopt("adam_beta2", section + ".beta2");
  if (const auto names = options.list(section + ".decay_filter")) no_decay = *names;
}

int64_t TrainOptions::max_memory_bytes() const {
  return max_memory.empty() ? 0 : parse_bytes(max_memory, "--max_memory");
}

int64_t TrainOptions::memory_bytes() const { return memory_mb > 0 ? memory_mb << 20 : usable_memory() / 4; }

void TrainOptions::finish(Options& options) {
  if (do_train) {
    options.adopt("optimizer", "optimizer_cfg.optimizer");
    const OptimizerRow& row = find_optimizer(optimizer);
    // Files of other systems have a section for each optimizer; adamw is our name for one that theirs is near to.
    const std::string section(row.name == "adamw" ? "AdamWeightDecay" : row.name);
    adopt_optimizer(options, "optimizer_cfg." + section, row.rule == UpdateRule::momentum);
    adopt_optimizer(options, section, row.rule == UpdateRule::momentum);
    if (row.name != "adamw") preset_for(row, options);  // whose numbers the options have
  }
  check(max_memory.empty() || max_memory_bytes() > 0, "--max_memory 0: expected at least 1 byte");
  check(!stream || do_train, "--stream is about training data: add --do_train");
  check(trace.empty() || do_train, "--trace is a timeline of training: add --do_train");
  check(!resume || do_train, "--resume goes on with a training run: add --do_train");
  check(early_stopping_patience == 0 || do_train,
        "--early_stopping_patience ends a training run: add --do_train");
  check(!overwrite_output_dir || do_train, "--overwrite_output_dir is about a training run: add --do_train");
  check(!overwrite_output_dir || !resume,
        "--overwrite_output_dir and --resume: the one removes what the other goes on from");
  check(freeze.empty() || do_train, "--freeze {}: it is about training: add --do_train", freeze);
  check(label_smoothing == 0 || do_train, "--label_smoothing {}: it is about training: add --do_train",
        label_smoothing);
  if (average_checkpoints > 1) {
    check(do_train, "--average_checkpoints {}: it is about training: add --do_train", average_checkpoints);
    check(!save_finetune_checkpoint_path.empty(),
          "--average_checkpoints {}: no checkpoints are saved: give --save_finetune_checkpoint_path",
          average_checkpoints);
    options.preset("keep_checkpoints", fmt::format("{}", average_checkpoints), "--average_checkpoints");
    check(keep_checkpoints >= average_checkpoints,
          "--average_checkpoints {}: --keep_checkpoints {} keeps fewer", average_checkpoints,
          keep_checkpoints);
  }
  if (enable_global_norm) options.preset("clip_type", "global", "--enable_global_norm");
  check(!enable_global_norm || clip_type == "global",
        "--enable_global_norm and --clip_type {}: expected --clip_type global, or one of them alone",
        clip_type);
  check(!do_train || learning_rate >= end_learning_rate,
        "--end_learning_rate {} is above --learning_rate {}: the rate falls from one to the other",
        end_learning_rate, learning_rate);
}

}  // namespace gradus
